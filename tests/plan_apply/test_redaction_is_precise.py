"""The redactor covers values, not the words around them: regions, names and addresses stay readable after a delivery was read back."""

import pytest
from conftest import Project

STACK = """\
apiVersion: genai-iac/v1
kind: Stack
metadata: {{name: chat}}
spec: {{region: us-chicago-1}}
---
apiVersion: genai-iac/v1
kind: ApiKey
metadata: {{name: chat-app}}
spec:
  compartment: tenancy
  secrets: [{{name: key-one, expires: 90d}}]
  deliverTo:
    - file: {{path: secrets/chat-app.{form}, format: {form}}}
"""


@pytest.mark.parametrize("form", ["dotenv", "json", "raw"])
def test_outputs_after_a_delivery_cover_no_word(project: Project, form: str) -> None:
    project.write(STACK.format(form=form))
    project.run("apply", "--auto-approve")
    value = project.path / f"secrets/chat-app.{form}"
    if form == "dotenv":  # lines of other programs in the same file
        value.write_text(value.read_text() + "REGION=us-chicago-1\nSERVICE_NAME=chat-application\n")
    for verb in ("plan", "status", "drift", "expiry"):
        ran = project.run(verb)
        assert "[secret]" not in ran.out + ran.err, verb
    assert "us-chicago-1" in project.run("plan").out


def test_credentials_of_other_programs_in_the_file_are_known_to_the_redactor(project: Project) -> None:
    from genai_iac.core.redactor import redact

    project.write(STACK.format(form="dotenv"))
    project.run("apply", "--auto-approve")
    file = project.path / "secrets/chat-app.dotenv"
    file.write_text(file.read_text() + "OTHER=ghp_0123456789abcdefABCDEF0123456789\n")
    project.run("plan")
    assert "0123456789abcdef" not in redact("quoted: ghp_0123456789abcdefABCDEF0123456789")
