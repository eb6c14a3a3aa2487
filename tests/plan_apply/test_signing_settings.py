"""The user's own signing settings, as the OCI CLI reads them; each mistake in them is said with its file and line."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from conftest import Project, Tenancy

STACK = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: chat}\nspec: {region: us-chicago-1}\n"
BROKEN = {
    "option twice": (lambda text: text + "region = us-ashburn-1\n", "config:7: region is there twice in [DEFAULT]"),
    "section twice": (lambda text: text + "[X]\na=b\n[X]\na=c\n", "config:9: the profile [X] is there twice"),
    "no section": (lambda text: text.replace("[DEFAULT]\n", ""), "config:1: a value stands before"),
    "byte order mark": (lambda text: "\ufeff" + text, "config:1: the file begins with a byte order mark"),
    "stray line": (lambda text: text + "a stray line\n", "config:7: this is neither"),
    "encoding": (lambda text: text + "# caf\udce9\n", "config:7: this is not UTF-8"),
    "no such profile": (lambda text: text.replace("DEFAULT", "OTHER"), "has no profile [DEFAULT]"),
    "no user": (lambda text: text.replace("user =", "usr ="), "lacks user"),
    "malformed tenancy": (lambda text: text.replace("ocid1.tenancy", "tenancy"), "config:5: tenancy is malformed"),
    "key not there": (lambda text: text.replace(".pem", ".gone"), "config:4: key_file ="),
}


@pytest.fixture
def project_with_config(tmp_path: Path, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A home with the tenancy's config file, and nothing of signing in the environment."""
    folder = tmp_path / "home/.oci"
    folder.mkdir(parents=True)
    text = tenancy.config_file.read_text().strip() + "\n"
    (folder / "config").write_text(text)
    for name in ("OCI_CLI_CONFIG_FILE", "OCI_CLI_PROFILE", "OCI_CLI_AUTH", "OCI_CLI_REGION", "OCI_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    environ = {"HOME": str(tmp_path / "home"), "GENAI_IAC_ENDPOINT": tenancy.url}
    project = Project(tmp_path / "work", environ)
    project.write(STACK)
    return project


def config_of(user: Project) -> Path:
    return Path(user.environ["HOME"]) / ".oci/config"


def values(user: Project) -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(config_of(user))
    return dict(parser["DEFAULT"])


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_config_file_is_said_with_its_line(project_with_config: Project, name: str) -> None:
    change, said = BROKEN[name]
    config = config_of(project_with_config)
    config.write_text(change(config.read_text()), encoding="utf-8", errors="surrogateescape")
    for verb in ("plan", "status", "drift", "doctor"):
        ran = project_with_config.run(verb, code=1)
        assert said in ran.out + ran.err and "defect" not in ran.err


@pytest.mark.parametrize("key", ["key_file", "key_content"])
def test_the_environment_alone_is_enough(project_with_config: Project, key: str) -> None:
    given = values(project_with_config)
    given["key_content"] = Path(given["key_file"]).read_text()
    config_of(project_with_config).unlink()
    for name in ("user", "tenancy", "fingerprint", "region", key):
        project_with_config.environ[f"OCI_CLI_{name.upper()}"] = given[name]
    assert "No changes." in project_with_config.run("plan").out


@pytest.mark.parametrize("name", ["user", "tenancy", "fingerprint", "key_file"])
def test_the_environment_fills_and_overrides_a_profile(project_with_config: Project, name: str) -> None:
    text, right = config_of(project_with_config).read_text(), values(project_with_config)[name]
    project_with_config.environ[f"OCI_CLI_{name.upper()}"] = right
    for changed in (
        "\n".join(line for line in text.splitlines() if not line.startswith(name)),
        text.replace(right, "x"),
    ):
        config_of(project_with_config).write_text(changed)
        project_with_config.run("plan")


def test_profiles_inherit_from_default(project_with_config: Project) -> None:
    config_of(project_with_config).write_text(
        config_of(project_with_config).read_text() + "[CI]\nregion = us-ashburn-1\n"
    )
    project_with_config.run("--profile", "CI", "plan")


@pytest.mark.parametrize(
    ("phrase", "said"), [(None, "has a passphrase"), ("wrong", "cannot be decrypted"), ("é", "cannot be")]
)
def test_a_key_with_a_passphrase(project_with_config: Project, phrase: str | None, said: str) -> None:
    key = Path(values(project_with_config)["key_file"])
    locked = project_with_config.path / "locked.pem"
    command = ["openssl", "rsa", "-aes256", "-passout", "pass:50%off", "-in", str(key), "-out", str(locked)]
    subprocess.run(command, check=True, capture_output=True)
    config_of(project_with_config).write_text(config_of(project_with_config).read_text().replace(str(key), str(locked)))
    if phrase:
        project_with_config.environ["OCI_CLI_PASSPHRASE"] = phrase
    assert said in project_with_config.run("plan", code=1).err
    project_with_config.environ["OCI_CLI_PASSPHRASE"] = "50%off"
    project_with_config.run("plan")
    project_with_config.environ["OCI_CLI_PASSPHRASE"] = ""
    config_of(project_with_config).write_text(config_of(project_with_config).read_text() + "pass_phrase = 50%off\n")
    project_with_config.run("plan")


def test_the_key_in_a_profile_works_and_is_noted(project_with_config: Project) -> None:
    key = Path(values(project_with_config)["key_file"]).read_text().strip().replace("\n", "\n  ")
    lines = [
        line for line in config_of(project_with_config).read_text().splitlines() if not line.startswith("key_file")
    ]
    config_of(project_with_config).write_text("\n".join([*lines, f"key_content = {key}"]) + "\n")
    assert "key_content in a profile" in project_with_config.run("plan").err


def test_variables_that_are_not_read_are_named(project_with_config: Project) -> None:
    project_with_config.environ["OCI_CLI_FEDERATION_ENDPOINT"] = "x"
    assert "OCI_CLI_FEDERATION_ENDPOINT set, but not read" in project_with_config.run("plan").err
    assert "OCI_CLI_FEDERATION_ENDPOINT is set" in project_with_config.run("doctor", code=None).out


@pytest.mark.parametrize("verb", ["plan", "doctor"])
@pytest.mark.parametrize(
    "auth", ["instance_principal", "instance_obo_user", "resource_principal", "oke_workload_identity", "security_token"]
)
def test_ways_to_sign_in_that_cannot_work_here_say_so(project_with_config: Project, auth: str, verb: str) -> None:
    project_with_config.environ["OCI_METADATA_BASE_URL"] = "http://127.0.0.1:9/opc/v2"
    ran = project_with_config.run("--auth", auth, verb, code=1)
    assert "cannot sign in with" in ran.out + ran.err and "Traceback" not in ran.err and "defect" not in ran.err


TOKEN = "eyJ-CANARY-delegation-token"


@pytest.mark.parametrize("where", ["profile", "variable"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (TOKEN, "http://127.0.0.1:9/opc/v2/instance/region"),
        ("", "the file is empty"),
        (None, "No such file or directory"),
    ],
)
def test_a_delegation_token_is_read_where_oci_cli_reads_it(
    project_with_config: Project, where: str, content: str | None, said: str
) -> None:
    """Before the instance is asked to sign; the token is nowhere in the output."""
    file = project_with_config.path / "delegation_token"
    if content is not None:
        file.write_text(content)
    if where == "variable":
        project_with_config.environ["OCI_CLI_DELEGATION_TOKEN_FILE"] = str(file)
    else:
        config = config_of(project_with_config)
        config.write_text(f"{config.read_text().rstrip()}\ndelegation_token_file = {file}\n")
    project_with_config.environ |= {"OCI_METADATA_BASE_URL": "http://127.0.0.1:9/opc/v2"}
    ran = project_with_config.run("-vv", "--auth", "instance_obo_user", "plan", code=1)
    assert said in ran.err and TOKEN not in ran.out + ran.err


def test_every_way_to_sign_in_has_a_function() -> None:
    from genai_iac.core.auth import Auth
    from genai_iac.oci_client.auth import _READERS

    assert set(_READERS) == set(get_args(Auth))


def test_without_a_delegation_token_the_setting_is_named(project_with_config: Project) -> None:
    ran = project_with_config.run("--auth", "instance_obo_user", "plan", code=1)
    assert "lacks delegation_token_file" in ran.err and "OCI_CLI_DELEGATION_TOKEN_FILE" in ran.err
