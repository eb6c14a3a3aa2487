"""How fast the local emulator is: its start, its memory, and signed requests beside its own unsigned health route.

    python benchmarks/local_tenancy.py [--policies 1000] [--requests 1500] [--resources 0]

Rates are requests a second of the *server's* CPU time, so the client's share and the machine's other work do not count;
ratios to the health route carry over from one machine to another. Linux only (it reads /proc)."""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import urlsplit

import oci
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SERVE = """
import sys
from pathlib import Path
from genai_iac.emulator import serve
serve(Path(sys.argv[1]), 0, control_token="of-the-benchmark", on_ready=lambda url: print(url, flush=True))
"""
STATEMENT = (
    "allow any-user to use generative-ai-family in compartment chat where ALL "
    "{request.principal.type='generativeaiapikey', request.principal.id='%s'}"
)
MODEL = "xai.grok-4"
_TOKEN = {"authorization": "Bearer of-the-benchmark"}
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policies", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=1500)
    parser.add_argument("--resources", type=int, default=0, help="groups to make, to see what they take in memory")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory, _served(Path(directory)) as (process, url, config):
        print(f"start: {_cpu(process):.2f} s of CPU")
        bench = Bench(process, url, config)
        bench.fill(options.policies, options.resources)
        rows = bench.measure(options.requests)
        base = rows["health, unsigned"]
        for name, rate in rows.items():
            print(f"{name:34} {rate:8.0f}/s  {rate / base:5.2f} of health")
        print(f"memory: {_memory(process):.0f} MB with {options.policies} policies and {options.resources} groups")


class Bench:
    """One server, filled and asked."""

    def __init__(self, process: int, url: str, config: Path) -> None:
        self._process = process
        self._url = url
        self._config = config
        self._admin = oci.identity.IdentityClient(oci.config.from_file(str(config)), service_endpoint=url)
        self._root = oci.config.from_file(str(config))["tenancy"]

    def fill(self, policies: int, resources: int) -> None:
        """Make a compartment, a reader, a key, and as many one-statement policies as asked for."""
        limits = {"policyCount": 10_000, "statementsPerPath": 10_000}
        self._control("settings", {"limits": limits})
        self._control("principals", {"name": "reader", "groups": ["readers"]})
        details = {"compartmentId": self._root, "name": "chat", "description": "-"}
        self._chat = self._admin.create_compartment(details).data.id
        ai = oci.generative_ai.GenerativeAiClient(oci.config.from_file(str(self._config)), service_endpoint=self._url)
        self._key = ai.create_api_key(
            {"displayName": "k", "compartmentId": self._chat, "keyDetails": [{"keyName": "one"}]}
        ).data
        with ThreadPoolExecutor(4) as pool:
            self._policies = list(pool.map(self._make_policy, range(policies)))
            list(pool.map(self._make_group, range(resources)))
        allow = ["allow group readers to manage all-resources in tenancy"]
        last = {"compartmentId": self._root, "name": "last", "description": "-", "statements": allow}
        self._admin.create_policy(last)

    def measure(self, requests: int) -> dict[str, float]:
        """Requests a second of server CPU, by kind."""
        policy = f"/20160918/policies/{self._policies[0]}"
        listing = f"/20160918/policies?compartmentId={self._chat}&limit=100"
        keys = f"/20231130/apikeys?compartmentId={self._chat}"
        return {
            "health, unsigned": self._rate(requests, "/_local/health", None),
            "GetPolicy, administrator": self._rate(requests, policy, "DEFAULT"),
            "GetPolicy, decided by policies": self._rate(requests, policy, "reader"),
            "ListApiKeys, administrator": self._rate(requests, keys, "DEFAULT"),
            "ListApiKeys, decided by policies": self._rate(requests, keys, "reader"),
            "ChatCompletions, with a key": self._rate(requests, "/openai/v1/chat/completions", None, self._question()),
            "ListPolicies, a page of 100": self._rate(requests // 3, listing, "DEFAULT"),
        }

    def _question(self) -> tuple[dict[str, str], bytes]:
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hello"}]}).encode()
        return {"authorization": f"Bearer {self._key.keys[0].key}", "content-type": "application/json"}, body

    def _rate(
        self, requests: int, target: str, profile: str | None, post: tuple[dict[str, str], bytes] | None = None
    ) -> float:
        headers, body = post or (self._sign(target, profile) if profile else {}, None)
        ask = _asker(self._url, target, headers, body)
        for _ in range(20):
            ask()
        started = _cpu(self._process)
        for _ in range(requests):
            ask()
        return requests / max(_cpu(self._process) - started, 1 / TICKS)

    def _sign(self, target: str, profile: str) -> dict[str, str]:
        config = oci.config.from_file(str(self._config), profile)
        headers = {"date": formatdate(usegmt=True), "host": urlsplit(self._url).netloc}
        text = f"date: {headers['date']}\n(request-target): get {target}\nhost: {headers['host']}"
        key = load_pem_private_key(Path(config["key_file"]).read_bytes(), None)
        assert isinstance(key, RSAPrivateKey)
        signature = base64.b64encode(key.sign(text.encode(), PKCS1v15(), SHA256())).decode()
        identity = f"{config['tenancy']}/{config['user']}/{config['fingerprint']}"
        headers["authorization"] = (
            f'Signature version="1",keyId="{identity}",algorithm="rsa-sha256",'
            f'headers="date (request-target) host",signature="{signature}"'
        )
        return headers

    def _make_policy(self, number: int) -> str:
        details = {
            "compartmentId": self._chat,
            "name": f"p{number}",
            "description": "-",
            "statements": [STATEMENT % (self._key.id if number == 0 else f"ocid1.key.{number}")],
        }
        return str(self._admin.create_policy(details).data.id)

    def _make_group(self, number: int) -> None:
        self._admin.create_group({"compartmentId": self._root, "name": f"g{number}", "description": "-"})

    def _control(self, route: str, body: object) -> None:
        request = urllib.request.Request(f"{self._url}/_local/{route}", json.dumps(body).encode(), _TOKEN)
        urllib.request.urlopen(request).close()


def _asker(url: str, target: str, headers: dict[str, str], body: bytes | None) -> Callable[[], None]:
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port)

    def ask() -> None:
        connection.request("POST" if body else "GET", target, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"{target}: {answer.status}")

    return ask


@contextmanager
def _served(directory: Path) -> Iterator[tuple[int, str, Path]]:
    command = [sys.executable, "-c", SERVE, str(directory / "local.db")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        try:
            url = (child.stdout.readline() if child.stdout else "").strip()
            yield child.pid, url, directory / "oci" / "config"
        finally:
            child.terminate()


def _cpu(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _memory(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    started_at = time.perf_counter()
    main()
    print(f"({time.perf_counter() - started_at:.0f} s)")
