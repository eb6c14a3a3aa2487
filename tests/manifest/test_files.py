"""Which files a path means, and that nothing outside it is ever read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from genai_iac.core import Address
from genai_iac.core.errors import ManifestError, UsageError
from genai_iac.manifest import Manifest, load

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
OUTSIDE = "outside: sk-canary-4711\n"


def compartment(name: str) -> str:
    return f"apiVersion: genai-iac/v1\nkind: Compartment\nmetadata: {{name: {name}}}\nspec: {{}}\n"


@pytest.fixture
def stack_root(tmp_path: Path) -> Path:
    root = tmp_path / "stack"
    root.mkdir()
    (root / "stack.yaml").write_text(STACK)
    (tmp_path / "outside.yaml").write_text(OUTSIDE)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "more.yaml").write_text(OUTSIDE)
    return root


def names(manifest: Manifest) -> list[str]:
    return [address.name for address in manifest.resources]


def problems(path: Path) -> list[str]:
    with pytest.raises(ManifestError) as caught:
        load(str(path))
    assert "canary" not in str(caught.value)
    return [f"{Path(problem.source.file).name}: {problem.message}" for problem in caught.value.problems]


def test_every_yaml_file_below_is_read(stack_root: Path) -> None:
    for place in ("a.yaml", "b.yml", "deep/er/c.yaml", "deep/environments/d.yaml", "e.yaml.d/f.yaml"):
        file = stack_root / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(compartment(file.stem))
    manifest = load(str(stack_root))
    assert names(manifest) == ["a", "b", "d", "c", "f"]
    assert set(manifest.files) == {
        "stack.yaml",
        "a.yaml",
        "b.yml",
        "deep/er/c.yaml",
        "deep/environments/d.yaml",
        "e.yaml.d/f.yaml",
    }


def test_hidden_files_environments_and_others_are_not(stack_root: Path) -> None:
    for place in (".hidden.yaml", ".github/ci.yml", "environments/prod.yaml", "notes.txt", "a.yaml.bak", "b.json"):
        file = stack_root / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(": not a manifest")
    assert set(load(str(stack_root)).files) == {"stack.yaml"}


def test_one_file(stack_root: Path) -> None:
    (stack_root / "other.yaml").write_text(compartment("other"))
    manifest = load(str(stack_root / "stack.yaml"))
    assert not manifest.resources
    assert manifest.stack.root == str(stack_root.resolve())


def test_names_in_messages_are_those_that_were_typed(stack_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (stack_root / "deep").mkdir()
    (stack_root / "deep" / "a.yaml").write_text("kind: Stak")
    for where, path, expected in (
        (stack_root, ".", "deep/a.yaml:1:7"),
        (stack_root.parent, "stack", "stack/deep/a.yaml:1:7"),
        (stack_root.parent, "stack/", "stack/deep/a.yaml:1:7"),
        (stack_root / "deep", "..", "../deep/a.yaml:1:7"),
        (stack_root, "./deep/a.yaml", "deep/a.yaml:1:7"),
    ):
        monkeypatch.chdir(where)
        with pytest.raises(ManifestError) as caught:
            load(path)
        assert str(caught.value.problems[-1].source) == expected


def test_a_link_inside_the_root_is_followed(stack_root: Path) -> None:
    (stack_root / ".data").mkdir()
    (stack_root / ".data" / "real.yaml").write_text(compartment("linked"))
    (stack_root / "a.yaml").symlink_to(Path(".data") / "real.yaml")
    assert names(load(str(stack_root))) == ["linked"]


def test_the_root_itself_may_be_a_link(stack_root: Path) -> None:
    link = stack_root.parent / "link"
    link.symlink_to(stack_root)
    assert load(str(link)).stack.root == str(stack_root.resolve())


def test_a_directory_with_two_names_is_read_once(stack_root: Path) -> None:
    (stack_root / "real").mkdir()
    (stack_root / "real" / "a.yaml").write_text(compartment("a"))
    (stack_root / "zlink").symlink_to("real")
    (stack_root / "loop").symlink_to(".")
    assert names(load(str(stack_root))) == ["a"]


@pytest.mark.parametrize(
    "target",
    [
        "../outside.yaml",
        "/etc/passwd",
        "/proc/self/environ",
        "/dev/zero",
        "/dev/stdin",
        "./../stack/../outside.yaml",
        "deep/../../outside.yaml",
    ],
)
def test_a_link_that_leaves_the_root_is_not_read(stack_root: Path, target: str) -> None:
    (stack_root / "deep").mkdir()
    (stack_root / "a.yaml").symlink_to(target)
    assert problems(stack_root) == ["a.yaml: this is a link to a place outside the manifests' directory"]


def test_a_chain_of_links_that_leaves_the_root_is_not_read(stack_root: Path) -> None:
    (stack_root / "a.yaml").symlink_to("b.link")
    (stack_root / "b.link").symlink_to("c.link")
    (stack_root / "c.link").symlink_to("../outside.yaml")
    assert problems(stack_root) == ["a.yaml: this is a link to a place outside the manifests' directory"]


@pytest.mark.parametrize("target", ["../elsewhere", "..", "/"])
def test_a_directory_outside_is_not_read(stack_root: Path, target: str) -> None:
    (stack_root / "sub").symlink_to(target)
    assert problems(stack_root) == ["sub: this is a link to a place outside the manifests' directory"]


@pytest.mark.parametrize("target", ["a.yaml", "nowhere.yaml"])
def test_links_to_nothing(stack_root: Path, target: str) -> None:
    (stack_root / "a.yaml").symlink_to(target)
    (problem,) = problems(stack_root)
    assert problem.startswith("a.yaml: this cannot be read: ")


@pytest.mark.parametrize("name, hint", [("/dev/null", "or give - for standard input"), ("a.yaml", "remove the link")])
def test_hints_fit_what_is_there(stack_root: Path, name: str, hint: str) -> None:
    (stack_root / "a.yaml").symlink_to("nowhere.yaml")
    with pytest.raises(ManifestError) as raised:
        load(name if name.startswith("/") else stack_root)
    assert hint in str(raised.value.problems[0].hint)


def test_what_is_no_regular_file(stack_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(stack_root)  # the name of a socket has to be short
    os.mkfifo(stack_root / "fifo.yaml")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind("socket.yaml")
        assert problems(stack_root) == [
            "fifo.yaml: this is not a regular file",
            "socket.yaml: this is not a regular file",
        ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_what_may_not_be_read(stack_root: Path) -> None:
    (stack_root / "a.yaml").write_text(compartment("a"))
    (stack_root / "a.yaml").chmod(0)
    assert problems(stack_root) == ["a.yaml: this cannot be read: permission denied"]


def test_an_empty_directory(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert problem.endswith("no document is of kind Stack")


@pytest.mark.parametrize("path", ["nowhere", "stack.yaml/x", "", "\0", "a" * 5000])
def test_no_such_path(stack_root: Path, path: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be (found|opened)"):
        load(str(stack_root / path) if path else str(stack_root / "none"))


def test_duplicates_in_two_files_name_both(stack_root: Path) -> None:
    (stack_root / "a.yaml").write_text(compartment("same"))
    (stack_root / "b.yaml").write_text("# a comment\n" + compartment("same"))
    with pytest.raises(ManifestError) as caught:
        load(str(stack_root))
    (problem,) = caught.value.problems
    assert str(problem.source).endswith("b.yaml:2:1")
    assert "a.yaml:1:1" in problem.message


def test_an_address_of_a_file_is_kept(stack_root: Path) -> None:
    (stack_root / "a.yaml").write_text(compartment("a"))
    assert load(str(stack_root)).resources[Address("Compartment", "a")].source.file.endswith("stack/a.yaml")
