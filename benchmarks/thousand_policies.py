"""One compartment with 1,000 policies: an empty plan and the create, as ratios to a bare SDK script that makes only the necessary calls.

Both run as whole processes against the same `local serve`, in turn, at 0 and at 50 ms of latency, with the same parallelism.

    python benchmarks/thousand_policies.py [--count 1000] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

PARALLELISM = 10
LIMITS = {"statementsPerPath": 100_000, "policyCount": 100_000}  # for any --count
STATEMENT = (
    "allow any-user to use generative-ai-chat in compartment id {compartment} "
    "where all {{request.principal.type = 'generativeaiapikey', target.model.id = 'xai.grok-{number}'}}"
)

BARE = """
import sys, json
from concurrent.futures import ThreadPoolExecutor
import oci
what, config_file, endpoint, count, parallelism, statement = sys.argv[1:7]
config = oci.config.from_file(config_file)
breaker = oci.circuit_breaker.NoCircuitBreakerStrategy()
client = oci.identity.IdentityClient(config, service_endpoint=endpoint, circuit_breaker_strategy=breaker)
compartments = oci.pagination.list_call_get_all_results(
    client.list_compartments, config["tenancy"], compartment_id_in_subtree=True, access_level="ANY", limit=1000).data
home = next((one.id for one in compartments if one.name == "bench" and one.lifecycle_state == "ACTIVE"), None)
if what == "plan":
    policies = oci.pagination.list_call_get_all_results(client.list_policies, home, limit=1000).data
    assert len(policies) == int(count), len(policies)
else:
    if home is None:
        details = {"compartmentId": config["tenancy"], "name": "bench", "description": "benchmark"}
        home = client.create_compartment(details).data.id
    def create(number):
        text = statement.format(compartment=home, number=number)
        client.create_policy({"compartmentId": home, "name": f"p{number}", "description": "benchmark", "statements": [text]})
    with ThreadPoolExecutor(int(parallelism)) as pool:
        list(pool.map(create, range(int(count))))
"""


@dataclass(frozen=True)
class Cost:
    """One process: wall seconds and peak memory in MB."""

    seconds: float
    megabytes: float


def run(command: list[str], **options: Any) -> Cost:
    """Run a process to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **options)
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:6]} ended {process.returncode}: {errors.decode()[-2000:]}")
    return Cost(time.perf_counter() - began, usage.ru_maxrss / 1024)


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """A local emulator as a process of its own; yields its URL."""
    command = [sys.executable, "-m", "genai_iac", "local", "serve", "--port", "0", "--db", str(folder / "local.db")]
    command += ["--control-token", "of-the-benchmark"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split(" at ")[1].split(" ")[0]
    finally:
        process.terminate()
        process.wait()


HEADERS = {"content-type": "application/json", "authorization": "Bearer of-the-benchmark"}


def control(url: str, method: str, path: str, body: Any = None) -> Any:
    """One call of the control API."""
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{url}/_local/{path}", data, HEADERS, method=method)) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def write_manifests(folder: Path, count: int) -> Path:
    """A stack with one compartment and that many policies."""
    documents = [
        "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: bench}\nspec: {region: us-chicago-1}",
        "apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: bench}\nspec: {description: benchmark}",
    ]
    for number in range(count):
        statement = STATEMENT.format(compartment="${Compartment/bench.id}", number=number)
        documents.append(
            f"apiVersion: genai-iac/v1\nkind: Policy\nmetadata: {{name: p{number}}}\nspec:\n  compartment: bench\n"
            f"  description: benchmark\n  statements:\n    - >-\n      {statement}"
        )
    file = folder / "stack.yaml"
    file.write_text("\n---\n".join(documents) + "\n")
    return file


def measure(count: int, rounds: int) -> None:
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # both sides run compiled, as they do when installed
    os.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = str(LIMITS["statementsPerPath"])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifests = write_manifests(folder, count)
        with serve(folder) as url:
            config = next(folder.glob("**/config"))
            control(url, "POST", "settings", {"limits": LIMITS})
            tool = [sys.executable, "-m", "genai_iac", "--endpoint", url, "--config-file", str(config)]
            bare = [sys.executable, "-c", BARE]
            tail = [str(config), url, str(count), str(PARALLELISM), STATEMENT]
            for latency in ("0ms", "50ms"):
                plans, creates = [], []
                for _ in range(rounds):
                    control(url, "POST", "settings", {"latency": latency})
                    control(url, "POST", "reset")
                    control(
                        url,
                        "POST",
                        "settings",
                        {"latency": latency, "limits": LIMITS},
                    )
                    bare_create = run([*bare, "create", *tail])
                    bare_plan = run([*bare, "plan", *tail])
                    control(url, "POST", "reset")
                    control(
                        url,
                        "POST",
                        "settings",
                        {"latency": latency, "limits": LIMITS},
                    )
                    control(url, "DELETE", "calls")
                    create = run([*tool, "apply", "--auto-approve", str(manifests)], cwd=folder)
                    requests = sum(
                        call["operation"] in ("CreatePolicy", "GetPolicy")
                        for call in control(url, "GET", "calls")["calls"]
                    )
                    assert requests == count, f"{requests} requests for {count} creates"
                    plan = run([*tool, "plan", "--detailed-exitcode", str(manifests)], cwd=folder)
                    plans.append((plan, bare_plan))
                    creates.append((create, bare_create))
                report(f"empty plan, {latency}", plans, 1.5)
                report(f"create, {latency}", creates, 1.3)


def report(what: str, pairs: list[tuple[Cost, Cost]], goal: float) -> None:
    """One line: median seconds of both, the median of the pairwise ratios, the tool's peak memory."""
    ours, bare = (statistics.median(pair[side].seconds for pair in pairs) for side in (0, 1))
    ratio = statistics.median(one.seconds / other.seconds for one, other in pairs)
    memory = max(one.megabytes for one, _ in pairs)
    print(
        f"{what:18} genai-iac {ours:6.2f} s   bare SDK {bare:6.2f} s   ratio {ratio:4.2f} (goal {goal})   {memory:4.0f} MB (goal 100)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    measure(arguments.count, arguments.rounds)


if __name__ == "__main__":
    main()
