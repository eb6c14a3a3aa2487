"""Files that mean harm: each becomes a problem with a place, without much memory and without an end that never comes."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from counting import PATIENCE, count_calls

from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load

BYTES = {
    "second-mark": (b"\xef\xbb\xbf\xef\xbb\xbfa: 1\n", "1:1: the invisible character U+FEFF may not stand here"),
    "utf-16-le": ("a: 1\n".encode("utf-16"), "1:1: the file is UTF-16 or UTF-32"),
    "utf-16-be": (b"\xfe\xff" + "a: 1\n".encode("utf-16-be"), "1:1: the file is UTF-16"),
    "utf-16-without-mark": ("a: 1\n".encode("utf-16-le"), "1:2: the invisible character U+0000 may not stand here"),
    "nul": (b"a: 1\nb: x\0y\n", "2:5: the invisible character U+0000 may not stand here"),
    "latin-1": ("a: 1\nb: caf\u00e9\n".encode("latin-1"), "2:7: this is not UTF-8"),
    "overlong": (b"a: \xc0\xaf\n", "1:4: this is not UTF-8"),
    "surrogate": (b"a: \xed\xa0\x80\n", "1:4: this is not UTF-8"),
    "cut-off": ("a: \u20ac".encode()[:-1], "1:4: this is not UTF-8"),
    "escape": (b"a: 1 # \x1b[2J\n", "1:8: the invisible character U+001B may not stand here"),
    "delete": (b"a: \x7f\n", "1:4: the invisible character U+007F may not stand here"),
    "c1": ("a: \u009b31m\n".encode(), "1:4: the invisible character U+009B may not stand here"),
    "bidi": ("a: x\u202e# \n".encode(), "1:5: the invisible character U+202E may not stand here"),
    "isolate": ("a: x\u2066\n".encode(), "1:5: the invisible character U+2066 may not stand here"),
    "line-separator": ("a: x\u2028b: y\n".encode(), "1:5: the invisible character U+2028 may not stand here"),
    "next-line": ("a: x\u0085b: y\n".encode(), "1:5: the invisible character U+0085 may not stand here"),
    "lone-return": (b"a: x\rb: y\n", "1:5: the invisible character U+000D may not stand here"),
    "inner-mark": ("a: x\ufeff\n".encode(), "1:5: the invisible character U+FEFF may not stand here"),
    "too-large": (b"# " + b"x" * 32 * 1024 * 1024, "1:1: standard input is larger than 32 MiB"),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_text(name: str) -> None:
    data, expected = BYTES[name]
    with pytest.raises(ManifestError) as caught:
        load("-", stdin=BytesIO(data))
    assert [str(problem).split("; ")[0] for problem in caught.value.problems] == [f"-:{expected}"]


HEAD = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: a}\nspec:\n  region: us-chicago-1\n"
COMPARTMENT = "---\napiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {name: c%d}\nspec: %s\n"
KEY = "---\napiVersion: genai-iac/v1\nkind: ApiKey\nmetadata: {name: k}\nspec: {compartment: tenancy, secrets: ["
LARGE = {
    "aliases": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "merge-doubling": "a0: &a0 {x: 1}\n"
    + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 22)),
    "deep-flow": "[" * 200_000,
    "deep-flow-lines": "[\n" * 200_000,
    "deep-flow-maps": "{a: " * 200_000,
    "deep-block": "".join(" " * depth + "-\n" for depth in range(1000)),
    "deep-block-one-line": "- " * 200_000,
    "deep-keys": "? " * 200_000,
    "brackets-closed": "[" * 30 + "]" * 900_000,
    "many-nodes": "[" + "x," * 300_000 + "]",
    "many-keys": "{" + ",".join(f"k{n}: 1" for n in range(60_000)) + "}",
    "one-key-very-often": "a: 1\n" * 180_000,
    "long-scalar": "a: " + "x" * 1_000_000,
    "long-key": "x" * 1_000_000 + ": 1",
    "long-quoted": 'a: "' + "\\x41" * 250_000 + '"',
    "long-line-of-quotes": "a: " + "'" * 1_000_000,
    "many-documents": "---\na: 1\n" * 100_000,
    "many-empty-documents": "---\n" * 250_000,
    "many-broken-documents": "---\na: b: c\n" * 80_000,
    "anchors": "".join(f"- &a{n} x\n" for n in range(80_000)),
    "tags": "- !!x y\n" * 120_000,
    "tabs": "\t" * 1_000_000,
    "comment-of-tabs": "a: 1 #" + "\t" * 1_000_000,
    "quoted-tabs": 'a: ["' + '","'.join(["\t"] * 100_000) + '"]',
    "indentation": " " * 1_000_000 + "a: 1",
    "line-breaks": "a: 1" + "\n" * 1_000_000,
    "huge-number": "a: " + "9" * 60_000,
    "many-huge-numbers": "[" + ("9" * 400 + ",") * 2_000 + "]",
    "placeholders": HEAD + COMPARTMENT % (1, "{description: '" + "${x}" * 16_000 + "'}"),
    "open-placeholders": HEAD + COMPARTMENT % (1, "{description: '" + "${" * 32_000 + "'}"),
    "placeholders-without-end": HEAD + COMPARTMENT % (1, "{description: '" + "$$" * 32_000 + "'}"),
    "many-resources": HEAD + "".join(COMPARTMENT % (n, "{}") for n in range(9_000)),
    "many-unknown-keys": HEAD + COMPARTMENT % (1, "{" + ",".join(f"k{n}: 1" for n in range(40_000)) + "}"),
    "many-wrong-types": HEAD + "".join(COMPARTMENT % (n, "{name: 1}") for n in range(7_000)),
    "many-dangling": HEAD + "".join(COMPARTMENT % (n, f"{{parent: d{n}}}") for n in range(7_000)),
    "many-tags": HEAD + "  tags: {" + ",".join(f"k{n}: v" for n in range(40_000)) + "}\n",
    "many-variables": HEAD + "  variables: {" + ",".join(f"k{n}: {{}}" for n in range(40_000)) + "}\n",
    "long-chain": HEAD
    + "".join(COMPARTMENT % (n, f"{{parent: c{n + 1}}}") for n in range(5_000))
    + COMPARTMENT % (5_000, "{}"),
    "long-cycle": HEAD + "".join(COMPARTMENT % (n, f"{{parent: c{(n + 1) % 5_000}}}") for n in range(5_000)),
    "many-cycles": HEAD + "".join(COMPARTMENT % (n, f"{{parent: c{n ^ 1}}}") for n in range(5_000)),
    "variable-pattern": HEAD + "  variables: {a: {default: '" + "a" * 120 + "!', pattern: '^a*a*a*$'}}\n",
    "nested-pattern": HEAD + "  variables: {a: {default: '" + "a" * 120 + "!', pattern: '^(a+)+$'}}\n",
    "long-path": HEAD + KEY + "{name: a}], deliverTo: [{file: {path: '" + "a/../" * 12_000 + "'}}]}\n",
    "many-secrets": HEAD + KEY + "{name: a}," * 30_000 + "]}\n",
    "long-statement": HEAD
    + "---\napiVersion: genai-iac/v1\nkind: Policy\nmetadata: {name: p}\nspec: {statements: ['allow group "
    + "a, group " * 7_000
    + "']}\n",
}
RUN = """
import pathlib, resource, sys
from genai_iac.core.errors import ManifestError
from genai_iac.manifest import load

def most_memory():  # not getrusage: that counts what the parent had before exec
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))

resource.setrlimit(resource.RLIMIT_CPU, (40, 40))  # a guard against hanging: most of these take less than one
try:
    load(sys.argv[1])
    told = "fine"
except ManifestError as error:
    told = str(len(error.problems))
print(told, most_memory())
"""
FINE = {"long-chain", "many-resources"}


@pytest.mark.parametrize("name", LARGE)
def test_it_ends_within_200_mib(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(LARGE[name])
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "a.yaml"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    printed, mebibytes = ran.stdout.split()
    assert int(mebibytes) < 200, ran.stdout
    assert (printed == "fine") == (name in FINE), ran.stdout


CANARY = "sk-canary-4711"
ENVELOPE = "apiVersion: genai-iac/v1\nkind: Stack\n"


@pytest.mark.parametrize(
    "text",
    [
        f"a: {CANARY}: b",
        f'a: "{CANARY}',
        f"a: [{CANARY}\nb: c",
        f"a: !{CANARY} x",
        f"a: &{CANARY} x",
        f"a: *{CANARY}",
        f"{CANARY}\nb: c",
        f"a: @{CANARY}",
        f"%{CANARY}\n---\n",
        f"a: |{CANARY}\n x",
        f'a: "\\{CANARY}"',
        f"{ENVELOPE}metadata: {{name: {CANARY}_}}\nspec: {{region: {CANARY}, tenancy: {CANARY}, tags: [{CANARY}]}}",
        f"{ENVELOPE}metadata: {{name: a}}\nspec: {{region: us-chicago-1, tags: {{a: '${{{CANARY}}}'}}}}",
        f"- {CANARY}",
    ],
)
def test_values_are_never_quoted(text: str) -> None:
    with pytest.raises(ManifestError) as caught:
        load("-", stdin=BytesIO(text.encode()))
    assert CANARY not in str(caught.value)


def test_twice_the_documents_are_twice_the_work(tmp_path: Path) -> None:
    key = (
        "---\napiVersion: genai-iac/v1\nkind: ApiKey\nmetadata: {name: key-%d}\nspec:\n  displayName: key_%d\n  compartment: /chat\n"
        "  description: Chat workload number %d\n  tags: {team: ml-platform, stage: '${Stack.name}'}\n  secrets:\n"
        "    - {name: key-one, state: active, expires: 2027-06-30T00:00:00Z}\n    - {name: key-two, state: inactive, expires: 90d}\n"
        "  deliverTo:\n    - file: {path: secrets/key-%d.env}\n"
    )
    work = []
    for documents in (100, 250, 500):  # the first fills the caches
        (tmp_path / "a.yaml").write_text(HEAD + "".join(key % ((number,) * 4) for number in range(documents)))
        work.append(count_calls(lambda: load(str(tmp_path))))
        assert len(load(str(tmp_path)).resources) == documents
    assert work[2] < 2.1 * work[1]


def test_standard_input_may_be_as_large_as_all_files_together() -> None:
    """A large `kustomize build` cannot be split: more than 1 MiB, and more than 100,000 values."""
    text = HEAD + "".join(COMPARTMENT % (number, "{description: '" + "x" * 60 + "'}") for number in range(12_000))
    assert len(text) > 1024 * 1024
    assert len(load("-", stdin=BytesIO(text.encode())).resources) == 12_000


def test_a_file_of_more_than_1_mib_is_still_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"apiVersion: genai-iac/v1\nkind: Stack\n# " + b"x" * 1024 * 1024)
    with pytest.raises(ManifestError, match="the file is larger than 1 MiB"):
        load(str(tmp_path))


def test_all_files_together_are_limited(tmp_path: Path) -> None:
    """No more of them is kept than the limit and one file more; 150 files of 1 MiB once took 320 MiB."""
    for number in range(150):
        (tmp_path / f"{number:03}.yaml").write_bytes(b"#" + b" " * 1024 * 1000)
    ran = subprocess.run(
        [sys.executable, "-c", RUN, "."], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    printed, mebibytes = ran.stdout.split()
    assert (printed, int(mebibytes) < 200) == ("1", True), ran.stdout
    with pytest.raises(ManifestError, match="larger than 32 MiB together"):
        load(str(tmp_path))
