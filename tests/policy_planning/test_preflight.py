"""What the service would refuse is an error of the plan with position and hint, and nothing is written."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy

from .stacks import api_key, compartment, make_compartment, make_group, policy, stack

READ = "allow group Administrators to read buckets in compartment %s"
NAMES = [
    (
        stack(["allow group Administrators, opps to read buckets in tenancy"]),
        "Policy/p: group opps does not exist; correct the name, or make the group first",
    ),
    (
        stack(["allow group 'Default'/'opps' to read buckets in tenancy"]),
        "Policy/p: group Default/opps does not exist; correct the name, or make the group first",
    ),
    (
        stack(["allow dynamic-group robots to read buckets in tenancy"]),
        "Policy/p: dynamic-group robots does not exist; correct the name, or make the dynamic-group first",
    ),
    (
        stack([READ % "platfrom"]),
        "Policy/p: compartment platfrom does not exist in the policy's compartment; did you mean platform?",
    ),
    (
        stack([READ % "zzz"], compartment="/platform"),
        "Policy/p: compartment zzz does not exist in the policy's compartment; names are resolved from where the policy is "
        "attached, /platform: correct the name, or declare the compartment",
    ),
    (
        stack([READ % "platform:app"]),
        "Policy/p: compartment platform:app does not exist in the policy's compartment",
    ),
    (
        stack([READ % "id ${Compartment/chat.id}"], compartment("chat"), compartment="/platform"),
        "compartment Compartment/chat is not the policy's compartment nor below it; attach the policy to a "
        "compartment above both, such as the tenancy",
    ),
    (
        stack((), compartment("chat"), api_key("k", "chat"), compartment="/platform", grants=[{"apiKey": "k"}]),
        "is not the policy's compartment nor below it",
    ),
]


@pytest.mark.parametrize(("manifest", "said"), NAMES)
def test_a_name_that_is_nobodys_is_reported_before_the_first_write(
    project: Project, tenancy: Tenancy, manifest: str, said: str
) -> None:
    make_compartment(tenancy, "platform")
    refused_with(project, tenancy, manifest, said)


def test_every_mistake_is_reported_at_its_place(project: Project, tenancy: Tenancy) -> None:
    manifest = stack([READ % "a", "allow group b to read buckets in compartment c"])
    reported = refused_with(project, tenancy, manifest, "compartment a does not exist")
    lines = [line for line in manifest.splitlines() if line.startswith("  - ")]
    numbers = [1 + manifest.splitlines().index(line) for line in lines]
    assert f"stack.yaml:{numbers[0]}:5: Policy/p: compartment a" in reported
    assert f"stack.yaml:{numbers[1]}:5: Policy/p: group b" in reported
    assert f"stack.yaml:{numbers[1]}:5: Policy/p: compartment c" in reported


def test_a_grant_out_of_reach_is_reported_at_the_grant(project: Project, tenancy: Tenancy) -> None:
    manifest = stack(
        [READ % "chat"],
        compartment("chat"),
        compartment("other"),
        api_key("k", "other"),
        policy("q", compartment="chat", grants=[{"apiKey": "k"}]),
    )
    reported = refused_with(project, tenancy, manifest, "Policy/q: compartment Compartment/other is not")
    line = 1 + next(number for number, text in enumerate(manifest.splitlines()) if "apiKey: k" in text)
    assert f"stack.yaml:{line}:" in reported


def test_what_is_made_in_the_same_apply_counts(project: Project, tenancy: Tenancy) -> None:
    manifest = stack(
        [READ % "chat", READ % "chat:inner", READ % "${Compartment/inner.path}", READ % "id ${Compartment/inner.id}"],
        compartment("chat"),
        compartment("inner", parent="chat"),
    )
    project.write(manifest)
    project.run("apply", "--auto-approve")
    assert "No changes" in project.run("plan").out


def test_groups_of_another_domain_cannot_be_asked_about(project: Project, tenancy: Tenancy) -> None:
    tenancy.control("POST", "principals", {"name": "ann", "groups": ["Corp/ops"]})
    project.write(stack(["allow group 'Corp'/'ops' to read buckets in tenancy"]))
    reported = " ".join(project.run("plan").out.split())
    assert "groups of the domain Corp are not checked" in reported
    project.run("apply", "--auto-approve")


@pytest.mark.parametrize(
    ("statements", "limit", "said"),
    [
        (51, "", "51 statements in one policy; 50 fit; move the rest to another Policy"),
        (4, "GENAI_IAC_LIMIT_STATEMENTS_PER_POLICY", "4 statements in one policy; 3 fit"),
        (4, "GENAI_IAC_LIMIT_STATEMENTS_PER_PATH", "4 statements along the compartments of /; 3 fit"),
    ],
)
def test_a_statement_too_many(project: Project, tenancy: Tenancy, statements: int, limit: str, said: str) -> None:
    if limit:
        project.environ[limit] = "3"
    grants = [{"apiKey": f"k{number}"} for number in range(statements - 1)]
    keys = [api_key(f"k{number}", "tenancy") for number in range(statements - 1)]
    manifest = stack(["allow group Administrators to read buckets in tenancy"], *keys, grants=grants)
    refused_with(project, tenancy, manifest, said)


def test_the_501st_statement_along_a_path(project: Project, tenancy: Tenancy) -> None:
    """500 fit: those of the tenancy, of the compartments on the way, and those of others."""
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = "500"
    make_compartment(tenancy, "beside")
    texts = [
        f"allow group Administrators to read buckets in compartment a where target.bucket.name = 'b{n}'"
        for n in range(50)
    ]
    policies = [policy(f"p{number}", statements=texts) for number in range(9)]
    full = [
        *policies,
        policy("deep", compartment="b", statements=[text.replace("compartment a", "compartment b") for text in texts]),
    ]
    places = [compartment("a"), compartment("b", parent="a"), compartment("c", parent="a")]
    elsewhere = policy("elsewhere", compartment="c", statements=[READ % "c"])
    project.write(stack((), *places, *full))
    assert "Plan: 13 to add" in project.run("plan").out
    said = "501 statements along the compartments of /a/b; 500 fit"
    refused_with(project, tenancy, stack([READ % "a"], *places, *full), said)
    refused_with(project, tenancy, stack([READ % "a"], *places, *full, elsewhere), said)
    project.write(stack((), *places, *full, elsewhere))
    project.run("apply", "--auto-approve")
    refused_with(project, tenancy, stack([READ % "a"], *places, *full, elsewhere), said)


def test_a_tenancy_that_holds_more_already_has_another_limit(project: Project, tenancy: Tenancy) -> None:
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = "9"
    project.write(stack([READ % "a"], compartment("a")))
    project.run("apply", "--auto-approve")
    project.environ["GENAI_IAC_LIMIT_STATEMENTS_PER_PATH"] = "0"
    project.write(stack([READ % "a", READ % "a where target.bucket.name = 'b'"], compartment("a")))
    project.run("apply", "--auto-approve")


def test_a_compartment_too_deep(project: Project, tenancy: Tenancy) -> None:
    names = [f"c{number}" for number in range(7)]
    documents = [
        compartment(name, **({"parent": above} if above else {}))
        for name, above in zip(names, ["", *names[:-1]], strict=True)
    ]
    refused_with(project, tenancy, stack((), *documents), "Compartment/c6 would be 7 levels below the tenancy; 6 are")
    project.write(stack((), *documents[:6]))
    assert "Plan: 6 to add" in project.run("plan").out


def test_many_policies_are_a_notice(project: Project, tenancy: Tenancy) -> None:
    project.environ["GENAI_IAC_LIMIT_POLICIES"] = "1"
    project.write(stack([READ % "a"], compartment("a"), policy("q", statements=[READ % "a"])))
    reported = " ".join(project.run("plan").out.split())
    assert "a tenancy holds 1 policies unless its limit was raised; there will be 2" in reported


def test_a_limit_that_is_no_number_is_refused(project: Project) -> None:
    project.environ["GENAI_IAC_LIMIT_POLICIES"] = "many"
    project.write(stack([READ % "a"], compartment("a")))
    assert "GENAI_IAC_LIMIT_POLICIES is 'many', not a whole number" in project.run("plan", code=1).err


def test_what_is_not_written_is_not_looked_at(project: Project, tenancy: Tenancy) -> None:
    """A group that goes away stops nobody from changing something else."""
    group = make_group(tenancy, "ops")
    project.write(stack(["allow group ops to read buckets in tenancy"]))
    project.run("apply", "--auto-approve")
    tenancy.client("identity").delete_group(group)
    project.write(stack(["allow group ops to read buckets in tenancy"], compartment("a")))
    reported = " ".join(project.run("plan").out.split())
    assert "group ops is not there: what names it grants nothing" in reported
    project.run("apply", "--auto-approve")


def refused_with(project: Project, tenancy: Tenancy, manifest: str, said: str) -> str:
    """Plan and apply both refuse with those words, and nothing is written. Answers what was said."""
    project.write(manifest)
    tenancy.forget_calls()
    reported = [
        " ".join(project.run(*verb, code=1).err.replace("|", " ").replace("next: ", "; ").split()).replace(" ; ", "; ")
        for verb in (["plan"], ["apply", "--auto-approve"])
    ]
    assert said in reported[0], reported[0]
    assert reported[0] == reported[1]
    assert tenancy.writes() == []
    return reported[0]
