"""Random policies: what `access` says of a key is what calls with it are answered, and what it says is taken is what they lose."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import pytest
from conftest import Project, Tenancy
from plan_apply.curl_lines import MESSAGES, read_dotenv
from policy_planning.stacks import api_key, compartment, plan_of, policy, stack

from genai_iac.analysis.model_sets import ModelSet

from .random_policies import MODELS, statement

EXAMPLES = int(os.environ.get("GENAI_IAC_EXAMPLES", "40"))  # each of one or two policies, before and after
AROUND = [compartment("top"), compartment("chat", parent="top"), compartment("aside")]
KEYS = [api_key(name, "chat", deliverTo=[{"file": {"path": f"{name}.env"}}]) for name in ("app", "other")]
CELLS = [(api, model) for api in ("chat", "responses") for model in MODELS]


@pytest.fixture
def held(project: Project, tenancy: Tenancy) -> Iterator[dict[str, str]]:
    """The OCIDs that statements name, with a key that can be called."""
    tenancy.settings(denyStatements=True)
    project.write(stack((), *AROUND, *KEYS))
    project.run("apply", "--auto-approve")
    found = tenancy.client("identity").list_compartments(tenancy.tenancy, compartment_id_in_subtree=True).data
    places = {one.name: one.id for one in found}
    listed = tenancy.client("generative_ai", "us-chicago-1").list_api_keys(places["chat"]).data.items
    keys = {one.display_name: one.id for one in listed}
    yield {"root": tenancy.tenancy, **places, **keys, "APP": keys["app"].upper()}


def test_what_is_said_and_what_is_answered(project: Project, held: dict[str, str]) -> None:
    file = read_dotenv(project.path / "app.env")
    answers: Counter[tuple[str, bool]] = Counter()
    with httpx.Client(headers={"Authorization": f"Bearer {file['OPENAI_API_KEY']}"}) as caller:
        before: dict[tuple[str, str], bool] = dict.fromkeys(CELLS, False)
        for seed in range(EXAMPLES):
            texts = _write(project, Random(seed), held)
            diff = project.run("access", "--diff", "--format", "json").json
            losses = [loss for change in plan_of(project)["changes"] for loss in change["losses"]]
            guarded = {call for loss in losses if loss.get("key") == "ApiKey/app" for call in loss["apis"]}
            project.run("apply", "--auto-approve", "--allow-destroy", "9", "--accept-outage", "ApiKey/app")
            done = {cell: _may(caller, file["OPENAI_BASE_URL"], *cell) for cell in CELLS}
            for cell in CELLS:
                rows = _rows(diff, "after", *cell)
                said = "no" if not rows else "depends" if all(row["dependsOn"] for row in rows) else "yes"
                answers[said, done[cell]] += 1
                assert said == "depends" or done[cell] is (said == "yes"), (seed, cell, texts)
                assert done[cell] or not before[cell] or _rows(diff, "taken", *cell), (seed, cell, texts)
                lost = before[cell] and not done[cell]
                assert not lost or any(call.startswith(f"{cell[0]} with") for call in guarded), (seed, cell, texts)
                assert before[cell] or not done[cell] or _rows(diff, "granted", *cell), (seed, cell, texts)
            before = done
    assert len(answers) >= 3, answers  # both answers came, and conditions that nobody knows beforehand


def _write(project: Project, chance: Random, held: dict[str, str]) -> list[str]:
    """Write one or two policies; answers their statements."""
    documents, texts = [], []
    for name in ("p", "q")[: chance.randint(1, 2)]:
        attached = chance.choice(("root", "root", "top", "chat"))
        some = [statement(chance, attached) for _ in range(chance.randint(1, 3))]
        for short, ocid in held.items():
            some = [text.replace(f"{{{short}}}", ocid) for text in some]
        place = {} if attached == "root" else {"compartment": attached}
        documents.append(policy(name, statements=list(dict.fromkeys(some)), **place))
        texts += some
    project.write(stack((), *AROUND, *KEYS, *documents))
    return texts


def _rows(said: dict[str, Any], side: str, api: str, model: str) -> list[dict[str, Any]]:
    return [
        row
        for row in said[side]
        if row["address"] == "ApiKey/app"
        and row["api"] == api
        and ModelSet(row["model"], tuple(row["exceptModels"])).holds(model)
    ]


def _may(caller: httpx.Client, url: str, api: str, model: str) -> bool:
    path, body = ("chat/completions", {"messages": MESSAGES}) if api == "chat" else ("responses", {"input": "Hello"})
    answer = caller.post(f"{url}/{path}", json={"model": model, **body})
    assert answer.status_code in (200, 401), answer.text
    return answer.status_code == 200
