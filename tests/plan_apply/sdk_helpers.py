"""What the tests of this folder do again and again: plan, apply exactly that, look at what lives."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from conftest import Project, Ran, Tenancy
from counting import PATIENCE

APPROVED = ("apply", "--auto-approve")
REGION, ASHBURN = "us-chicago-1", "us-ashburn-1"


def plan(project: Project, *arguments: str) -> dict[str, Any]:
    """The plan as data."""
    document: dict[str, Any] = project.run("plan", "--format", "json", *arguments).json
    return document


def changes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The changes of a plan by address."""
    return {change["address"]: change for change in document["changes"]}


def planned_calls(document: dict[str, Any]) -> Counter[str]:
    """How often the plan lists each operation."""
    return Counter(call for change in document["changes"] for call in change["calls"])


def apply_exactly(project: Project, tenancy: Tenancy, *arguments: str) -> tuple[dict[str, Any], str]:
    """Plan, apply, and hold the apply to the plan: those writes and no others, none refused, nothing left to do.

    Answers the plan as data, and what apply printed.
    """
    tenancy.forget_calls()
    document = plan(project, *arguments)
    assert tenancy.writes() == []
    text = project.run(*APPROVED, *arguments).out
    assert Counter(tenancy.writes()) == planned_calls(document)
    assert refused_writes(tenancy) == []
    assert_settled(project, *arguments)
    return document, text


def assert_settled(project: Project, *arguments: str) -> None:
    """Planning again finds nothing to do."""
    assert plan(project, *arguments)["changes"] == []


def refused_writes(tenancy: Tenancy) -> list[dict[str, Any]]:
    """The writes that the tenancy did not accept."""
    return [call for call in tenancy.calls() if call["method"] != "GET" and call["status"] >= 300]


def outcomes(ran: Ran) -> dict[str, dict[str, Any]]:
    """What `--json` reported of each change, by address."""
    lines = [json.loads(line) for line in ran.out.splitlines()]
    return {line["address"]: line for line in lines if line["type"] == "change_complete"}


def wait_for(tenancy: Tenancy, operation: str, times: int = 1) -> None:
    """Return once the tenancy has seen that call so often."""
    until = time.monotonic() + PATIENCE
    while [call["operation"] for call in tenancy.calls()].count(operation) < times:
        assert time.monotonic() < until, f"{operation} was not called {times} times"
        time.sleep(0.02)


def wait_until_held(tenancy: Tenancy) -> None:
    """Return once the call that the one fault is for has come: it is held up, and the next is let through."""
    until = time.monotonic() + PATIENCE
    while not tenancy.control("GET", "faults")[0]["seen"]:
        assert time.monotonic() < until, "it never came"
        time.sleep(0.005)


def ended(process: subprocess.Popen[str], seconds: float = PATIENCE) -> Ran:
    """How a process ended."""
    out, err = process.communicate(timeout=seconds)
    return Ran(process.returncode, out, err)


def compartments(tenancy: Tenancy) -> dict[str, Any]:
    """Every compartment that is not deleted, by OCID."""
    rows = everything(
        client(tenancy, "identity").list_compartments,
        tenancy.tenancy,
        compartment_id_in_subtree=True,
        access_level="ANY",
    )
    return {row.id: row for row in rows if row.lifecycle_state != "DELETED"}


def policies(tenancy: Tenancy) -> dict[str, Any]:
    """Every policy, by OCID."""
    identity = client(tenancy, "identity")
    places = [tenancy.tenancy, *compartments(tenancy)]
    return {row.id: row for place in places for row in everything(identity.list_policies, place)}


def keys(tenancy: Tenancy, *regions: str) -> dict[str, Any]:
    """Every API key that is not deleted in those regions (without any: the one the tests use), by OCID."""
    found: dict[str, Any] = {}
    for region in regions or (REGION,):
        generative_ai = client(tenancy, "generative_ai", region)
        for place in (tenancy.tenancy, *compartments(tenancy)):
            rows = everything(generative_ai.list_api_keys, place)
            found.update({row.id: row for row in rows if row.lifecycle_state != "DELETED"})
    return found


def projects(tenancy: Tenancy, region: str = REGION) -> dict[str, Any]:
    """Every project that is not deleted in that region, by OCID."""
    service = client(tenancy, "generative_ai", region)
    places = (tenancy.tenancy, *compartments(tenancy))
    rows = [row for place in places for row in everything(service.list_generative_ai_projects, place)]
    return {row.id: row for row in rows if row.lifecycle_state not in ("DELETED", "DELETING")}


def client(tenancy: Tenancy, service: str, region: str | None = None) -> Any:
    """An administrator's client of the real SDK. Kept, because reading a private key takes longer than most calls."""
    return _client(tenancy.url, str(tenancy.config_file), tenancy.tenancy, service, region)


@lru_cache(maxsize=8)
def _client(url: str, config_file: str, id: str, service: str, region: str | None) -> Any:
    return Tenancy(url, Path(config_file), id).client(service, region)


def everything(call: Any, *arguments: Any, **parameters: Any) -> Iterator[Any]:
    """All pages of a list call."""
    while True:
        response = call(*arguments, **parameters)
        yield from getattr(response.data, "items", response.data)
        if not response.has_next_page:
            return
        parameters["page"] = response.next_page


def only(found: dict[str, Any]) -> Any:
    """The one thing there is."""
    (one,) = found.values()
    return one


def named(found: dict[str, Any], name: str) -> Any:
    """The one of that name."""
    return only(
        {id: one for id, one in found.items() if name in (getattr(one, "name", ""), getattr(one, "display_name", ""))}
    )


def words(text: str) -> str:
    """A text without its spaces, so that it does not matter where the terminal's width broke it."""
    return "".join(text.split())
