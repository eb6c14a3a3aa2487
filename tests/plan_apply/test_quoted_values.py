"""Services that quote values back, in every form and in every place of an answer: none is in anything that the tool prints or writes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from conftest import Project, Tenancy
from crash.secret_search import SearchedValues

from plan_apply.manifests import compartment, document, key, stack

from .quoting_service import Answer, QuotingService, quoting


def refusal(status: int) -> object:
    def answer(text: str) -> Answer:
        body = json.dumps({"code": f"Invalid {text[:60]}", "message": f"the request {text} is refused"}).encode()
        return status, {"content-type": "application/json", "opc-request-id": text[:400]}, body

    return answer


def page(text: str) -> Answer:
    return 502, {"content-type": "text/html"}, f"<html><title>{text}</title>{text}</html>".encode()


def redirect(text: str) -> Answer:
    return 307, {"location": f"http://127.0.0.1:9/?{text[:900]}".replace(" ", "+")}, b""


def odd_success(text: str) -> Answer:
    return 200, {"content-type": "application/json", "etag": text[:300]}, json.dumps([text, {"id": text}]).encode()


def broken_json(text: str) -> Answer:
    return 400, {"content-type": "application/json"}, f'{{"message": "{text}'.encode()


ANSWERS = {
    **{f"{status}": refusal(status) for status in (400, 401, 404, 409, 412, 413)},
    "a page": page,
    "a redirect": redirect,
    "another document": odd_success,
    "broken JSON": broken_json,
}
PLACES = {
    "CreateSecret": ("POST", "/20180608/secrets"),
    "UpdateApiKey": ("PUT", "/apikeys/"),
    "RenewApiKey": ("POST", "/renew"),
    "inference": ("POST", "/chat/completions"),
    "CreatePolicy": ("POST", "/20160918/policies"),
    "ListSecrets": ("GET", "/20180608/secrets"),
}
ROTATING = ("RenewApiKey", "inference")  # calls of a rotation


@pytest.fixture
def service(tenancy: Tenancy) -> Iterator[QuotingService]:
    with quoting(tenancy.url) as made:
        yield made


@pytest.fixture
def rotating_in_all_sinks(project: Project, tenancy: Tenancy, service: QuotingService) -> Project:
    """A key with all kinds of sinks whose rotation is verified, reached through the service."""
    vault = dict(tenancy.control("GET", "health")["vaults"]["us-chicago-1"])
    sinks = [
        {"vault": {**vault, "compartment": "home", "name": "app"}},
        {"file": {"path": "secrets/app.env"}},
        {"exec": {"command": ["sh", "-c", "cat > store"]}},
    ]
    two = [{"name": "one"}, {"name": "two"}]
    rotation = {"every": "30d", "overlap": "2d", "idle": "24h", "verify": {"model": "xai.grok-4"}}
    grant = document("Policy", "access", {"grants": [{"apiKey": "app"}]})
    home = compartment("home", name="vault-home")
    project.write(stack(home, grant, key("app", deliverTo=sinks, rotation=rotation, secrets=two, description="before")))
    project.environ["GENAI_IAC_ENDPOINT"] = service.url
    return project


def check_silent(service: QuotingService, project: Project, *texts: str) -> None:
    assert service.values and service.spoiled, "nothing was quoted"
    searched = SearchedValues(service.values)
    files = [file for file in project.path.rglob("*") if file.is_file() and file.name not in ("app.env", "store")]
    for text in (*texts, *(file.read_bytes().decode("utf-8", "replace") for file in files)):
        assert searched.find(text.encode()) is None, text


SOME = [(list(PLACES)[number % len(PLACES)], kind) for number, kind in enumerate(ANSWERS)]
OTHERS = [(place, kind) for place in PLACES for kind in ANSWERS if (place, kind) not in SOME]


@pytest.mark.parametrize(
    ("place", "kind"), [*SOME, *(pytest.param(*other, marks=pytest.mark.matrix) for other in OTHERS)]
)
def test_no_refusal_makes_a_value_leave(
    rotating_in_all_sinks: Project, service: QuotingService, place: str, kind: str
) -> None:
    method, path = PLACES[place]
    if place in (*ROTATING, "UpdateApiKey"):
        rotating_in_all_sinks.run("apply", "--auto-approve")
        file = rotating_in_all_sinks.path / "stack.yaml"
        file.write_text(file.read_text().replace("description: before", "description: after"))
    service.spoil = lambda verb, asked: verb == method and path in asked
    service.answer = ANSWERS[kind]  # type: ignore[assignment]
    verb = ("rotate", "ApiKey/app") if place in ROTATING else ("apply",)
    runs = [rotating_in_all_sinks.run(*verb, "--auto-approve", "-vv", code=None)]
    if method == "GET":  # a run that has not held a value cannot know it in what a service says
        service.spoil = lambda verb, asked: False
    runs += [rotating_in_all_sinks.run(*verb, "--auto-approve", "--json", "-v", code=None)]
    runs += [
        rotating_in_all_sinks.run("plan", "-vv", "--out", f"{form}=out.{form}", code=None)
        for form in ("json", "markdown")
    ]
    assert all("Traceback" not in ran.err for ran in runs)
    check_silent(service, rotating_in_all_sinks, *(text for ran in runs for text in (ran.out, ran.err)))


def test_a_value_that_is_quoted_would_be_found(rotating_in_all_sinks: Project, service: QuotingService) -> None:
    rotating_in_all_sinks.run("apply", "--auto-approve")
    service.spoiled.append("")
    for form in ("".join(service.values), *(value.encode().hex() for value in service.values)):
        with pytest.raises(AssertionError):
            check_silent(service, rotating_in_all_sinks, f"refused: {form}")
