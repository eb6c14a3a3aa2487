"""`doctor` names each thing that stands in the way once, and exits 1 for what fails."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Project, Tenancy


def failed(project: Project, code: int) -> list[dict[str, Any]]:
    """What failed. The same is told as text, without a traceback."""
    text = project.run("doctor", code=code)
    assert "Traceback" not in text.out + text.err
    checks = project.run("doctor", "--format", "json", code=code).json["checks"]
    assert all(check["name"] in text.out for check in checks)
    return [check for check in checks if check["verdict"] == "failed"]


def test_nothing_is_wrong(applied: Project) -> None:
    assert failed(applied, 0) == []


def test_without_a_configuration(applied: Project) -> None:
    applied.environ["GENAI_IAC_CONFIG_FILE"] = "nowhere/config"
    (check,) = failed(applied, 1)
    assert check["name"] == "identity" and "nowhere/config" in check["text"]


def test_without_the_file_of_the_key(applied: Project, tenancy: Tenancy) -> None:
    lines = tenancy.config_file.read_text().splitlines()
    text = "\n".join("key_file=/nowhere/key.pem" if line.startswith("key_file") else line for line in lines)
    applied.environ["GENAI_IAC_CONFIG_FILE"] = str(applied.write(text, "config"))
    (check,) = failed(applied, 1)
    assert check["name"] == "identity" and "/nowhere/key.pem" in check["text"]


@pytest.mark.parametrize(("length", "seconds"), [("10m", 600), ("30d", 2_592_000)])
def test_a_clock_that_is_off(applied: Project, tenancy: Tenancy, length: str, seconds: int) -> None:
    tenancy.advance(length)
    (said,) = [check["text"] for check in failed(applied, 1) if check["name"] == "clock"]
    off = int(said.split("this machine is ")[1].split(" s off")[0])
    assert abs(off - seconds) < 60


def test_an_endpoint_that_nobody_serves(applied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genai_iac.oci_client.retry._ATTEMPTS_UNREACHED", 1)  # else it waits
    applied.environ["GENAI_IAC_ENDPOINT"] = "http://127.0.0.1:9"
    (check,) = failed(applied, 1)
    assert "127.0.0.1:9" in check["text"]
