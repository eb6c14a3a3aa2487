"""What people and programs type, and what comes back: consent, streams, exit codes, environment, speed of the offline verbs."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from conftest import Project, Ran, Tenancy

from .manifests import compartment, document, key, policy, stack
from .sdk_helpers import APPROVED, assert_settled, compartments, ended, keys, only, plan, words

HOME = compartment("home", description="${var.about}")
SMALL = stack(HOME, variables={"about": {"default": "Home"}})
QUICK = ("--version", "version", "validate", "schema", "graph", "--help", "plan --help", "fmt --check")
REPORT_OCI = """
import atexit, sys
atexit.register(lambda: print("oci imported:", "oci" in sys.modules, file=sys.stderr))
from genai_iac.cli import main
main(sys.argv[1:])
"""


# How much is said


def test_verbose_runs_name_requests_on_standard_error_and_nothing_else(project: Project, tenancy: Tenancy) -> None:
    project.write(SMALL)
    plain = project.run("plan")
    assert plain.err == ""
    fault = {"operation": "ListCompartments", "effect": {"status": 503, "code": "ServiceUnavailable"}}
    tenancy.control("POST", "faults", fault)
    once = project.run("plan", "-v")
    tenancy.control("POST", "faults", fault)
    tenancy.forget_calls()
    twice = project.run("-vv", "plan")
    assert plain.out == once.out == twice.out
    calling, *failed = once.err.splitlines()
    assert calling.startswith(f"Calling {tenancy.url} in ") and "profile DEFAULT" in calling
    (line,) = failed
    assert line.startswith("ListCompartments in us-ashburn-1: 503, ") and line.endswith(" ms")
    lines = [line.partition(" ")[0] for line in twice.err.splitlines()[1:]]
    assert sorted(lines) == sorted(call["operation"] for call in tenancy.calls())


# Consent


@pytest.mark.parametrize("verb", ["apply", "destroy"])
@pytest.mark.parametrize("more", [[], ["--json"]])
def test_without_a_person_the_flag_is_named_before_anything_is_called(
    project: Project, tenancy: Tenancy, verb: str, more: list[str]
) -> None:
    project.write(SMALL)
    tenancy.forget_calls()
    ran = project.run(verb, *more, code=1)
    assert "--auto-approve" in ran.err and tenancy.calls() == []


@pytest.mark.parametrize(("typed", "code"), [("yes", 0), ("y", 1), ("", 1)])
def test_a_person_is_asked_for_yes(project: Project, tenancy: Tenancy, typed: str, code: int) -> None:
    project.write(SMALL)
    ran = at_a_terminal(project, "apply", typed=typed)
    assert "Plan: 1 to add, 0 to change, 0 to destroy." in ran.out and "yes" in ran.out
    assert ran.code == code
    assert len(compartments(tenancy)) == (1 if code == 0 else 0)


def test_nobody_is_asked_when_there_is_nothing_to_do(project: Project) -> None:
    project.write(stack())
    assert at_a_terminal(project, "apply", typed="no").code == 0


def at_a_terminal(project: Project, *arguments: str, typed: str = "", **environ: str) -> Ran:
    """Run the tool with a terminal for all its streams, and type one line."""
    ours, theirs = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name not in ("CI", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "genai_iac", *arguments],
        cwd=project.path,
        env={**inherited, **project.environ, "TERM": "xterm-256color", **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.write(ours, f"{typed}\n".encode())
    said = b"".join(reading(ours))
    return Ran(process.wait(timeout=300), said.decode(), "")


def reading(descriptor: int) -> Iterator[bytes]:
    """What comes out of a terminal until nobody holds its other side."""
    try:
        while data := os.read(descriptor, 65536):
            yield data
    except OSError:  # how Linux says that the other side is closed
        pass
    finally:
        os.close(descriptor)


# Colours


@pytest.mark.parametrize(
    ("arguments", "environ", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        (("--no-color",), {}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    project: Project, arguments: tuple[str, ...], environ: dict[str, str], coloured: bool
) -> None:
    project.write(SMALL)
    ran = at_a_terminal(project, "plan", *arguments, **environ)
    assert ran.code == 0 and ("\x1b[" in ran.out) is coloured


def test_a_pipe_gets_no_colours(project: Project) -> None:
    project.write(SMALL)
    assert "\x1b" not in ended(project.spawn("plan", FORCE_COLOR="")).out


# Exit codes and streams


def test_plan_reports_changes_by_its_exit_code_when_asked(project: Project) -> None:
    project.write(SMALL)
    project.run("plan")
    project.run("plan", "--detailed-exitcode", code=2)
    project.run(*APPROVED)
    project.run("plan", "--detailed-exitcode", code=0)


def test_the_last_line_of_a_plan_counts(project: Project) -> None:
    project.write(
        stack(compartment("home"), key("app", secrets=[{"name": "key-one", "expires": "2035-01-01T00:00:00Z"}]))
    )
    assert project.run("plan").out.splitlines()[-1] == "Plan: 2 to add, 0 to change, 0 to destroy."
    project.run(*APPROVED)
    assert project.run("plan").out.splitlines()[-1] == "No changes."
    renewed = key("app", description="x", secrets=[{"name": "key-one", "expires": "2036-01-01T00:00:00Z"}])
    project.write(stack(compartment("home", description="x"), renewed))
    assert project.run("plan").out.splitlines()[-1] == "Plan: 0 to add, 2 to change, 0 to destroy, 1 to rotate."


def test_the_answer_is_on_standard_output_and_the_rest_is_not(project: Project) -> None:
    project.write(SMALL)
    assert plan(project)["summary"]["create"] == 1
    ran = project.run("plan", "nowhere", code=1)
    assert ran.out == "" and "nowhere" in ran.err


def test_an_apply_reports_each_change_as_it_finishes(project: Project, tenancy: Tenancy) -> None:
    slow = {"operation": "CreateCompartment", "nth": 2, "effect": {"delay": "3s"}}
    tenancy.control("POST", "faults", [slow])
    project.write(stack(compartment("first"), compartment("second", parent="first")))
    process = project.spawn(*APPROVED, "--json")
    assert process.stdout is not None
    version, start, first = (json.loads(process.stdout.readline()) for _ in range(3))
    assert [version["type"], start["type"], first["type"]] == ["version", "change_start", "change_complete"]
    assert start["address"] == first["address"] == "Compartment/first" and process.poll() is None
    rest = process.stdout.read()  # not of communicate: it loses what the lines above were read together with
    assert ended(process).code == 0
    assert [json.loads(line)["type"] for line in rest.splitlines()] == ["change_start", "change_complete", "summary"]


@pytest.mark.parametrize(
    "arguments", [["plam"], ["plan", "--formatt", "json"], ["plan", "--format", "xml"], ["apply", "a", "b"]]
)
def test_a_slip_of_the_fingers_is_exit_1_without_a_traceback(offline: Project, arguments: list[str]) -> None:
    ran = offline.run(*arguments, code=1)
    assert ran.err and "Traceback" not in ran.err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["Policy/access"], "Policy/access is no ApiKey and has no secrets"),
        (["Compartment/home", "--leaked", "key-one"], "Compartment/home is no ApiKey and has no secrets"),
        (["Stack/loop"], "the manifests declare no Stack/loop"),
        # the last of two flags would be answered, and the other secret go on working
        (
            ["ApiKey/k", "--leaked", "key-one", "--leaked", "key-two"],
            "--leaked takes one secret, not key-one and key-two",
        ),
    ],
)
def test_what_cannot_be_rotated_is_named(project: Project, tenancy: Tenancy, arguments: list[str], said: str) -> None:
    project.write(stack(HOME, key("k", secrets=2), policy("access"), variables={"about": {"default": "Home"}}))
    assert words(said) in words(project.run("rotate", *arguments, "--auto-approve", code=1).err)
    assert all(call["method"] == "GET" for call in tenancy.calls())


def test_a_verb_that_nearly_is_one_is_suggested(offline: Project) -> None:
    assert "plan" in offline.run("plam", code=1).err


# Streams of manifests


def test_manifests_may_come_on_standard_input(project: Project, tenancy: Tenancy) -> None:
    assert piped(project, SMALL, *APPROVED, "-").returncode == 0
    assert len(compartments(tenancy)) == 1
    assert piped(project, SMALL, "plan", "-").stdout.endswith("No changes.\n")
    broken = piped(project, SMALL + "---\nkind: Nothing\n", "validate", "-")
    assert broken.returncode == 1 and ":" in broken.stderr and "Traceback" not in broken.stderr


def piped(project: Project, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "genai_iac", *arguments],
        cwd=project.path,
        env={**os.environ, **project.environ},
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


# Flags and their environment


def test_global_flags_stand_before_or_after_the_verb(project: Project, tenancy: Tenancy) -> None:
    project.write(SMALL)
    for arguments in (["--var", "about=a", "plan"], ["plan", "--var", "about=a"], ["plan", ".", "--var=about=a"]):
        document = project.run(*arguments, "--format", "json").json
        assert document["changes"][0]["after"]["description"] == "a"
    project.environ.clear()
    connection = ("--endpoint", tenancy.url, "--config-file", str(tenancy.config_file))
    project.run(*connection, "plan")
    project.run("plan", *connection)


def test_one_emulator_is_meant(project: Project, tenancy: Tenancy) -> None:
    """`--local` beside an exported endpoint went to the exported one, silently."""
    project.write(SMALL)
    where = {"local": ("--local",), "endpoint": ("--endpoint", tenancy.url, "--config-file", str(tenancy.config_file))}
    exported = {"local": {"GENAI_IAC_LOCAL": "1"}, "endpoint": {"GENAI_IAC_ENDPOINT": tenancy.url}}
    for typed, other in (("local", "endpoint"), ("endpoint", "local")):
        project.environ = exported[other]
        tenancy.forget_calls()
        project.run("plan", *where[typed])
        assert bool(tenancy.calls()) == (typed == "endpoint")
    for environ, typed in (({}, (*where["local"], *where["endpoint"])), (exported["local"] | exported["endpoint"], ())):
        project.environ = environ
        assert f"--local and --endpoint {tenancy.url} name two emulators" in project.run("plan", *typed, code=1).err


def test_the_stack_without_environment_names_those_that_there_are(project: Project) -> None:
    """`destroy` without --env found nothing, and said nothing of what environments own."""
    project.write(stack(HOME, variables={"about": {"default": "Home"}}))
    for number in range(7):
        project.write(json.dumps(document("Environment", f"e{number}", {})), f"environments/e{number}.yaml")
    project.run("apply", "--auto-approve", "--env", "e1")
    for verb in (("plan",), ("status",), ("drift",), ("destroy", "--auto-approve")):
        said = project.run(*verb, code=None).err
        assert "without an environment; --env chooses one: e0, e1, e2, e3, e4 and 2 more" in said, verb
    assert "without an environment" not in project.run("status", "--env", "e1").err


def test_the_later_of_two_values_wins_and_lists_add_up(project: Project) -> None:
    project.write(stack(HOME, variables={"about": {"default": "Home"}, "more": {"default": "x"}}))
    document = project.run("--var", "about=a", "plan", "--var", "about=b", "--var", "more=c", "--format", "json").json
    assert document["changes"][0]["after"]["description"] == "b"


@pytest.mark.parametrize(
    ("environ", "arguments", "expected"),
    [
        ({"GENAI_IAC_VAR_about": "env"}, (), "env"),
        ({"GENAI_IAC_VAR_about": "env"}, ("--var", "about=flag"), "flag"),
        ({"GENAI_IAC_ENV": "prod"}, (), "prod"),
        ({"GENAI_IAC_ENV": "prod"}, ("--env", "dev"), "dev"),
    ],
)
def test_flags_have_their_environment_and_win_over_it(
    project: Project, environ: dict[str, str], arguments: tuple[str, ...], expected: str
) -> None:
    project.write(SMALL)
    for name in ("dev", "prod"):
        project.write(
            json.dumps(document("Environment", name, {"variables": {"about": name}})), f"environments/{name}.yaml"
        )
    project.environ.update(environ)
    assert plan(project, *arguments)["changes"][0]["after"]["description"] == expected


def test_the_flags_of_a_verb_have_theirs(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(HOME, policy("rule"), variables={"about": {"default": "Home"}}))
    project.environ.update(
        GENAI_IAC_FORMAT="json", GENAI_IAC_TARGET="Compartment/home", GENAI_IAC_DETAILED_EXITCODE="1"
    )
    assert [change["address"] for change in project.run("plan", code=2).json["changes"]] == ["Compartment/home"]
    project.environ.update(GENAI_IAC_AUTO_APPROVE="1")
    project.run("apply")
    assert only(compartments(tenancy)).name == "home"


def test_the_environment_of_the_oci_cli_is_understood(project: Project, tenancy: Tenancy) -> None:
    project.write(SMALL)
    config = project.environ.pop("GENAI_IAC_CONFIG_FILE")
    project.environ["OCI_CLI_CONFIG_FILE"] = config
    project.run("plan")
    project.environ["OCI_CLI_PROFILE"] = "NOBODY"
    assert "NOBODY" in project.run("plan", code=1).err


def test_a_target_takes_what_it_needs(project: Project, tenancy: Tenancy) -> None:
    project.write(stack(compartment("home"), key("app"), key("other"), policy("rule")))
    document = plan(project, "--target", "ApiKey/app")
    assert [change["address"] for change in document["changes"]] == ["Compartment/home", "ApiKey/app"]
    project.run(*APPROVED, "--target", "ApiKey/app")
    assert only(keys(tenancy)).display_name == "app"
    assert "ApiKey/nope" in words(project.run("plan", "--target", "ApiKey/nope", code=1).err)
    project.run(*APPROVED)
    assert_settled(project)


# Offline verbs


@pytest.mark.parametrize("arguments", QUICK)
def test_offline_verbs_do_not_import_the_sdk(offline: Project, arguments: str) -> None:
    offline.write(SMALL)
    assert "oci imported: False" in run_probe(offline, *arguments.split())


def test_the_probe_of_imports_sees_an_import(project: Project) -> None:
    project.write(SMALL)
    assert "oci imported: True" in run_probe(project, "plan")


def run_probe(project: Project, *arguments: str) -> str:
    """Run a verb in a fresh interpreter that says at its end whether it has imported the SDK."""
    ran = subprocess.run(
        [sys.executable, "-c", REPORT_OCI, *arguments],
        cwd=project.path,
        env={**os.environ, **project.environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in ran.stderr
    return ran.stderr
