"""What stands beside the values and is none (the endpoint, the project) is not covered in later output; whatever may be one is."""

from __future__ import annotations

import pytest
from conftest import Project

from genai_iac.core import Secret
from genai_iac.core.redactor import COVER, redact
from genai_iac.delivery.sinks._dotenv import read_dotenv
from genai_iac.delivery.sinks._json_format import read_json

VALUE = "sk-" + "Q7" * 24


@pytest.mark.parametrize("form", ["dotenv", "json", "raw"])
@pytest.mark.parametrize("env", ["", ", env: {key: CHAT_KEY, baseUrl: CHAT_URL}"])
def test_the_region_is_reported_after_a_delivery(offline: Project, form: str, env: str) -> None:
    if form == "raw" and env:
        pytest.skip("a raw file has no names")
    offline.write(
        "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: app}\nspec: {region: us-chicago-1}\n---\n"
        "apiVersion: genai-iac/v1\nkind: ApiKey\nmetadata: {name: app}\n"
        "spec: {compartment: /, secrets: [{name: one, expires: 30d}], "
        f"deliverTo: [{{file: {{path: secrets/app, format: {form}{env}}}}}]}}\n"
    )
    offline.run("--local", "apply", "--auto-approve")
    for verb in (("plan", "-v"), ("status",), ("drift",), ("doctor",)):
        ran = offline.run("--local", *verb, code=None)
        assert COVER not in ran.out + ran.err, (verb, ran)
    assert "us-chicago-1" in offline.run("--local", "plan").out


LINES = ("OPENAI_BASE_URL", "OPENAI_PROJECT_ID", "OTHER", "export OPENAI_BASE_URL")
FOREIGN = (
    VALUE,
    f"https://user:{VALUE}@example.com/v1",
    f"https://example.com/{VALUE}",
    f"https://{VALUE}.example.com/",
)
HEADS = {
    "none": "",
    "format 1": '# genai-iac: {"format": 1, "address": "ApiKey/a", "id": "ocid1.x", "owner": "s"}\n',
    "format 2": '# genai-iac: {"format": 2, "address": "ApiKey/a", "id": "ocid1.x", "owner": "s", "base_url": "https://a.example/v1"}\n',
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("name", LINES)
@pytest.mark.parametrize("text", FOREIGN)
def test_a_value_in_the_place_of_an_address_is_covered(head: str, name: str, text: str) -> None:
    read_dotenv(Secret.document(f"{head}{name}={text}\n"))
    assert VALUE not in redact(f"refused: {VALUE} was quoted")


@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OPENAI_PROJECT_ID", "OTHER"])
@pytest.mark.parametrize("text", FOREIGN)
def test_a_value_in_the_place_of_an_address_of_json_is_covered(name: str, text: str) -> None:
    read_json(Secret.document(f'{{"{name}": "{text}", "genai-iac": {{"format": 2, "base_url": "https://a.example"}}}}'))
    assert VALUE not in redact(f"refused: {VALUE} was quoted")
