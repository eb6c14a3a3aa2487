"""The table of resource types, permissions and models: well formed, sourced, and as far as the installed SDK goes."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from conftest import ROOT

from genai_iac import vocabulary
from genai_iac.iam_policy.permissions import members_of, permissions_given
from genai_iac.iam_policy.syntax_tree import VERBS

MARCH, JUNE = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def test_every_row_has_a_source_and_is_named_once() -> None:
    rows = [*vocabulary.type_permissions(), *vocabulary.models().values()]
    assert all(row.source for row in rows) and len({row.name for row in rows}) == len(rows)
    lines = (ROOT / "genai_iac/vocabulary/table.tsv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(rows) + 1, "no row is read over another"


def test_permissions_of_the_documented_pages_are_given() -> None:
    managed = permissions_given("manage", "generative-ai-family")
    for name in ("VECTORSTORE_INSPECT", "VECTORSTORE_FILE_CONTENT_READ", "FILE_CONTENT_READ", "MULTIPART_FILE_ADD"):
        assert f"GENERATIVE_AI_{name}" in managed
    for name in ("CONTAINER_FILE_CONTENT_READ", "ROUTING_PROFILE_READ", "PROJECT_MOVE", "TEXT_EMBED"):
        assert f"GENERATIVE_AI_{name}" in managed
    assert "GENERATIVE_AI_FILE_CONTENT_READ" in permissions_given("read", "generative-ai-file")
    assert "GENERATIVE_AI_RESPONSE_CREATE" not in managed


def test_every_verb_of_every_type_is_a_ladder() -> None:
    for name in members_of("generative-ai-family"):
        steps = [permissions_given(verb, name) for verb in VERBS]
        assert all(below <= above for below, above in pairwise(steps)) and steps[-1]


@pytest.mark.parametrize(
    ("model", "when", "warning"),
    [
        ("xai.grok-4", JUNE, "the model xai.grok-4 was retired on 2026-05-15; openai.gpt-oss-120b is current"),
        ("xai.grok-4", MARCH, "the model xai.grok-4 will be retired on 2026-05-15; openai.gpt-oss-120b is current"),
        ("openai.gpt-oss-120b", JUNE, ""),
        ("nobody.knows-1", JUNE, ""),
        ("ocid1.generativeairoutingprofile.oc1.us-chicago-1.x", JUNE, ""),
    ],
)
def test_the_warning_for_a_model(model: str, when: datetime, warning: str) -> None:
    assert vocabulary.model_warning(model, "us-chicago-1", when) == warning


def test_what_is_named_instead_is_current_itself() -> None:
    known = vocabulary.models()
    for model in known.values():
        assert not model.instead or model.instead not in known or known[model.instead].retired is None


def test_the_table_has_what_the_sdk_has() -> None:
    ran = subprocess.run(
        [sys.executable, str(ROOT / "ci/vocabulary"), "--check"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
