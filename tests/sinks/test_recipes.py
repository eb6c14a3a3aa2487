"""The recipes in docs/sinks.md, run as they stand against stand-ins that store what the real programs would, and note their calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from genai_iac.delivery.sinks import Context, Sink, entry_schema, open_sink

from .samples import ADDRESS, OWNER, VALUES, delivery, item, mask, traces

PAGE = Path(__file__).parents[2] / "docs/sinks.md"
FIRST = delivery(item("key-one", "a", "current"))
SECOND = delivery(item("key-two", "b", "current"))

# Each stand-in gets its arguments in `args`, may read `stdin()`, and stores with `put(name, text)`, `got(name)`.
STAND_INS = {
    "gh": """
if args[:2] == ["secret", "set"] and "--body" not in args: put(args[2], stdin())
elif args[:2] == ["variable", "set"]: put(args[2], option("--body"))
elif args[:2] == ["variable", "list"]: assert option("--json") == "name,value"; print(got("OPENAI_API_KEY_RECORD") or "")
else: sys.exit(1)
""",
    "kubectl": """
if args[:3] == ["create", "secret", "generic"]:
    assert option("--dry-run=client", bare=True) and "--from-file=OPENAI_API_KEY=/dev/stdin" in args
    print(json.dumps({"value": open("/dev/stdin").read()}))
elif args[:4] == ["annotate", "--local", "-f", "-"]:
    print(json.dumps({**json.loads(stdin()), "record": args[-1].partition("=")[2]}))
elif args[:2] == ["apply", "--server-side"]:
    applied = json.loads(stdin()); put("OPENAI_API_KEY", applied["value"]); put("OPENAI_API_KEY_RECORD", applied["record"])
elif args[:2] == ["get", "secret"]: assert "--ignore-not-found" in args; print(got("OPENAI_API_KEY_RECORD") or "")
else: sys.exit(1)
""",
    "vault": """
if args[:2] == ["kv", "put"]:
    assert "OPENAI_API_KEY=-" in args
    put("OPENAI_API_KEY", stdin()); put("OPENAI_API_KEY_RECORD", args[-1].partition("=")[2])
elif args[:2] == ["kv", "get"]: print(got("OPENAI_API_KEY_RECORD")) if got("OPENAI_API_KEY_RECORD") else sys.exit(2)
elif args[:2] == ["token", "capabilities"]: print("create, read, update" if not os.environ.get("DENIED") else "deny")
else: sys.exit(1)
""",
    "sops": """
assert args[0] == "encrypt" and option("--filename-override").startswith("secrets/") and len(args) == 3
put("OPENAI_API_KEY", stdin()); print("{}")
""",
    "glab": """
name = args[2] if len(args) > 2 else ""
if args[:2] == ["variable", "get"]: print(got(name)) if got(name) is not None else sys.exit(1)
elif args[:2] == ["variable", "list"]: sys.exit(1 if os.environ.get("DENIED") else 0)
elif args[:2] in (["variable", "set"], ["variable", "update"]):
    if (got(name) is None) != (args[1] == "set"): sys.exit("exists already, or does not exist")
    put(name, option("--value") if "--value" in args else stdin().strip())
else: sys.exit(1)
""",
}
FRAME = """#!{python} -S
import json, os, pathlib, sys
store = pathlib.Path({store!r})
args = sys.argv[1:]
stdin = sys.stdin.read
def option(name, bare=False): return name in args if bare else args[args.index(name) + 1]
def put(name, text): (store / name).write_text(text)
def got(name): return (store / name).read_text() if (store / name).exists() else None
with (store / "calls").open("a") as calls: print(sys.argv, dict(os.environ), file=calls)
{body}
"""


def recipes() -> dict[str, dict[str, Any]]:
    """The recipes by their heading."""
    parts = re.split(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    blocks = {
        title: re.search(r"```yaml\n(.*?)```", text, re.DOTALL)
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {title: yaml.safe_load(block[1])[0] for title, block in blocks.items() if block}


RECIPES = recipes()
PROGRAMS = {
    "GitHub Actions": "gh",
    "Kubernetes": "kubectl",
    "HashiCorp Vault": "vault",
    "sops": "sops",
    "GitLab CI/CD": "glab",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the stand-ins store; they are found before the real programs."""
    store, programs = tmp_path / "store", tmp_path / "programs"
    store.mkdir()
    programs.mkdir()
    for name, body in STAND_INS.items():
        program = programs / name
        program.write_text(FRAME.format(python=sys.executable, store=str(store), body=body))
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    return store


def opened(root: Path, title: str) -> Sink:
    (root / "secrets").mkdir(exist_ok=True)
    return open_sink(RECIPES[title], Context(root, root / ".genai-iac", ADDRESS, OWNER))


def test_every_example_of_the_page_is_an_entry() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 11
    for block in blocks:
        data = yaml.safe_load(block)
        for entry in data["deliverTo"] if isinstance(data, dict) else data:
            jsonschema.validate(entry, dict(entry_schema()))


def test_every_recipe_is_tried() -> None:
    assert set(RECIPES) == {*PROGRAMS, "age", "Any file, anywhere"}


@pytest.mark.parametrize("title", PROGRAMS)
def test_a_recipe_hands_the_value_over_on_standard_input_only_and_its_check_shows_it(
    tmp_path: Path, store: Path, title: str
) -> None:
    opened(tmp_path, title).prove()
    assert opened(tmp_path, title).read() is None
    for wanted, letter in ((FIRST, "a"), (SECOND, "b"), (FIRST, "a")):
        opened(tmp_path, title).write(wanted)
        assert (store / "OPENAI_API_KEY").read_text() == VALUES[letter]
        holding = opened(tmp_path, title).read()
        assert holding and holding.whole and holding.records == (wanted.items[0].record,)
        assert holding.holds(wanted.items[0].record.secret, mask(letter)) is True
    assert not traces((store / "calls").read_text())
    assert not [
        path for path in tmp_path.rglob("*") if path.is_file() and path.parent != store and traces(path.read_text())
    ]


@pytest.mark.parametrize("title", ["HashiCorp Vault", "GitLab CI/CD"])
def test_a_check_that_may_not_look_does_not_say_that_nothing_is_held(
    tmp_path: Path, store: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DENIED", "1")
    with pytest.raises(Exception, match=r"its check .* ended with status 1"):
        opened(tmp_path, title).read()


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_the_recipe_for_age_keeps_what_only_its_recipient_reads(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    (tmp_path / "key").write_text(made.stdout)
    (tmp_path / "secrets/recipients.txt").write_text(re.findall("age1[a-z0-9]+", made.stdout)[0] + "\n")
    for wanted, letter in ((FIRST, "a"), (SECOND, "b")):
        opened(tmp_path, "age").write(wanted)
        decrypt = ["age", "--decrypt", "-i", str(tmp_path / "key"), str(tmp_path / "secrets/chat-app.age")]
        assert subprocess.run(decrypt, capture_output=True, text=True, check=True).stdout == VALUES[letter]
        holding = opened(tmp_path, "age").read()
        assert holding and holding.records == (wanted.items[0].record,)


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
def test_the_recipe_for_kubernetes_makes_the_secret_that_it_should(tmp_path: Path) -> None:
    """With the real kubectl, as far as it goes without a cluster."""
    script = RECIPES["Kubernetes"]["exec"]["command"][2].rpartition("|")[0]
    environ = {**os.environ, "GENAI_IAC_RECORD": '{"mask": "sk"}', "GENAI_IAC_BASE_URL": "https://x"}
    ran = subprocess.run(["sh", "-euc", script], input="abc", capture_output=True, text=True, check=True, env=environ)
    made = yaml.safe_load(ran.stdout)
    assert made["data"] == {"OPENAI_API_KEY": "YWJj", "OPENAI_BASE_URL": "aHR0cHM6Ly94"}
    assert made["metadata"]["annotations"] == {"genai-iac/record": '{"mask": "sk"}'}
    path = RECIPES["Kubernetes"]["exec"]["check"][-1]
    shown = subprocess.run(
        ["kubectl", "annotate", "--local", "-f", "-", "-o", path, "other=1"],
        input=ran.stdout,
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == '{"mask": "sk"}'


def test_the_recipe_for_any_file_writes_it_privately(tmp_path: Path) -> None:
    *command, _ = RECIPES["Any file, anywhere"]["exec"]["command"]
    target = tmp_path / "openai-api-key"
    entry = {"exec": {"command": [*command, str(target)]}}
    open_sink(entry, Context(tmp_path, tmp_path / ".genai-iac", ADDRESS, OWNER)).write(FIRST)
    assert target.read_text() == VALUES["a"] and target.stat().st_mode & 0o777 == 0o600
