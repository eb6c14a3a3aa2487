"""Signing keys and profiles as people have them: paths, labels, line ends, percent signs, wrong files.

Reports: oracle/oci-cli 19, 903 and pull request 993.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Project, Tenancy
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: app}\nspec: {region: us-chicago-1}\n"


@pytest.fixture
def project_with_key(tmp_path: Path, tenancy: Tenancy) -> Project:
    """A working folder with the config file `c` and the key `k.pem` in it, and a home."""
    config = tenancy.config_file.read_text()
    key = next(line.partition("=")[2].strip() for line in config.splitlines() if line.startswith("key_file"))
    project = Project(tmp_path / "work", {"HOME": str(tmp_path / "home")})
    project.environ |= {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": "c"}
    project.write(STACK)
    project.write(Path(key).read_text(), "k.pem")
    (tmp_path / "home").mkdir()
    (project.path / "c").write_text(config.replace(key, "k.pem"))
    return project


def change(user: Project, name: str, how: Callable[[str], str]) -> None:
    (user.path / name).write_text(how((user.path / name).read_text()), newline="")


def to_home(user: Project) -> None:
    folder = Path(user.environ["HOME"]) / "keys of mine"
    folder.mkdir()
    (user.path / "k.pem").rename(folder / "k.pem")
    change(user, "c", lambda text: text.replace("k.pem", "~/keys of mine/k.pem"))


def pkcs1(text: str) -> str:
    key = serialization.load_pem_private_key(text.encode(), None)
    form = serialization.PrivateFormat.TraditionalOpenSSL
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


TAKEN: dict[str, Callable[[Project], None]] = {
    "relative": lambda user: None,
    "tilde": to_home,
    "label": lambda user: change(user, "k.pem", lambda text: f"{text}OCI_API_KEY\n"),
    "label without a line end": lambda user: change(user, "k.pem", lambda text: f"{text.strip()}\nOCI_API_KEY"),
    "blank lines around": lambda user: change(user, "k.pem", lambda text: f"\n\n{text}\n\n"),
    "CRLF key": lambda user: change(user, "k.pem", lambda text: text.replace("\n", "\r\n")),
    "byte order mark before the key": lambda user: change(user, "k.pem", lambda text: f"\ufeff{text}"),
    "PKCS 1": lambda user: change(user, "k.pem", pkcs1),
    "CRLF config": lambda user: change(user, "c", lambda text: text.replace("\n", "\r\n")),
    "percent": lambda user: change(user, "c", lambda text: f"{text}\npass_phrase=50%off\n"),
    "percent and brackets": lambda user: change(user, "c", lambda text: f"{text}\npass_phrase=%(home)s%\n"),
    "colons and spaces": lambda user: change(user, "c", lambda text: text.replace("=", " : ")),
    "a comment of its own": lambda user: change(user, "c", lambda text: f"# mine\n; too\n{text}"),
    "capitals": lambda user: change(user, "c", lambda text: text.replace("key_file", "KEY_FILE")),
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_the_sdk_takes_is_taken(project_with_key: Project, name: str) -> None:
    TAKEN[name](project_with_key)
    assert "No changes" in project_with_key.run("plan").out
    assert "ok identity" in project_with_key.run("doctor").out


def ec_key(text: str) -> str:
    del text
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()


def public(text: str) -> str:
    key = serialization.load_pem_private_key(text.encode(), None).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def replace_key(user: Project, make: Callable[[Path], object]) -> None:
    (user.path / "k.pem").unlink()
    make(user.path / "k.pem")


REFUSED: dict[str, tuple[Callable[[Project], object], str]] = {
    "not there": (lambda user: (user.path / "k.pem").unlink(), "c:4: key_file = k.pem: No such file or directory"),
    "a directory": (lambda user: replace_key(user, Path.mkdir), "c:4: key_file = k.pem: this is not a regular file"),
    "a pipe": (lambda user: replace_key(user, os.mkfifo), "c:4: key_file = k.pem: this is not a regular file"),
    "a loop": (lambda user: replace_key(user, lambda path: path.symlink_to("k.pem")), "symbolic links"),
    "empty": (lambda user: change(user, "k.pem", lambda text: ""), "c:4: key_file = k.pem: the file is empty"),
    "bytes": (lambda user: (user.path / "k.pem").write_bytes(b"\xff\xfe\0"), "c:4: key_file = k.pem: this is not text"),
    "a public key": (lambda user: change(user, "k.pem", public), "the private key of c:4 cannot be read"),
    "half a key": (
        lambda user: change(user, "k.pem", lambda text: text[:900]),
        "the private key of c:4 cannot be read",
    ),
    "a variable in the path": (
        lambda user: change(user, "c", lambda text: text.replace("k.pem", "$HOME/k.pem")),
        "c:4: key_file = $HOME/k.pem: No such file or directory (looked for at",
    ),
    "quotes": (lambda user: change(user, "c", lambda text: text.replace("k.pem", '"k.pem"')), 'key_file = "k.pem": No'),
    "elliptic": (lambda user: change(user, "k.pem", ec_key), "the private key of c:4 is no RSA key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_does_not_take_is_named_with_file_line_and_value(project_with_key: Project, name: str) -> None:
    spoil, said = REFUSED[name]
    spoil(project_with_key)
    for verb in ("plan", "status", "doctor"):
        ran = project_with_key.run(verb, code=1)
        assert said in ran.out + ran.err, (verb, ran)
        assert "defect" not in ran.err and "PRIVATE KEY" not in ran.out + ran.err


def test_no_piece_of_a_key_is_in_an_error(project_with_key: Project) -> None:
    body = "".join((project_with_key.path / "k.pem").read_text().splitlines()[1:-1])
    change(project_with_key, "k.pem", lambda text: text.replace("-----BEGIN", "----BEGIN"))
    ran = project_with_key.run("plan", "-vv", code=1)
    assert not any(body[at : at + 24] in ran.err for at in range(0, len(body) - 24, 8))
