"""Regions as people and OCIDs write them: taken as the SDK takes them, or refused as that before the first call."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Project, Tenancy
from plan_apply.manifests import key, stack
from plan_apply.sdk_helpers import words

from genai_iac.core.errors import UsageError
from genai_iac.oci_client.regions import normalize_region, region_of_ocid

TAKEN = {
    "iad": "us-ashburn-1",
    "IAD": "us-ashburn-1",
    "phx": "us-phoenix-1",
    "US-ASHBURN-1": "us-ashburn-1",
    " eu-frankfurt-1 ": "eu-frankfurt-1",
    "Uk-London-1": "uk-london-1",
    "xx-newplace-7": "xx-newplace-7",  # newer than this SDK
}
REFUSED = (
    '"us-ashburn-1"',
    "'iad'",
    "us-ashburn-1 # home",
    "us-ashburn-1;home",
    "us_ashburn_1",
    "us ashburn 1",
    "ashburn",
    "zzz",
    "us-ashburn-1.evil.example",
    "us-ashburn-1/..",
    "https://us-ashburn-1",
    "us-ashburn-1\u200b",
)


@pytest.mark.parametrize("text", TAKEN)
def test_what_the_sdk_takes_is_taken(text: str) -> None:
    assert normalize_region(text, "--region") == TAKEN[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_region_is_refused_with_where_it_was_written(text: str) -> None:
    with pytest.raises(UsageError, match=r"region in profile X: .*is not a region") as error:
        normalize_region(text, "region in profile X")
    assert error.value.hint


@pytest.mark.parametrize(
    ("named", "region"),
    [
        ("us-chicago-1", "us-chicago-1"),
        ("iad", "us-ashburn-1"),
        ("PHX", "us-phoenix-1"),
        ("eu_frankfurt_1", "eu-frankfurt-1"),
        ("UK_LONDON_1", "uk-london-1"),
        ("", None),
    ],
)
def test_the_region_in_an_ocid(named: str, region: str | None) -> None:
    assert region_of_ocid(f"ocid1.vault.oc1.{named}.abc.aaaa") == region


def test_an_ocid_without_a_region_in_it_is_of_none() -> None:
    assert region_of_ocid("ocid1.tenancy.oc1..aaaa") is None
    with pytest.raises(UsageError, match="nowhere"):
        region_of_ocid("ocid1.vault.oc1.nowhere.abc.aaaa")


def config_with(project: Project, tenancy: Tenancy, region: str) -> None:
    text = re.sub("(?m)^region.*$", f"region = {region}", tenancy.config_file.read_text())
    project.environ["GENAI_IAC_CONFIG_FILE"] = str(project.write(text, "config"))


@pytest.mark.regions("eu-frankfurt-1")
@pytest.mark.parametrize("region", ["iad", "US-CHICAGO-1", "Fra", "ORD"])
def test_a_profile_may_name_it_as_the_sdk_lets_it(project: Project, tenancy: Tenancy, region: str) -> None:
    project.write(stack())
    config_with(project, tenancy, region)
    project.run("plan")


@pytest.mark.parametrize("region", ['"us-ashburn-1"', "us-ashburn-1 # home", "ashburn", "us_ashburn_1"])
def test_a_profile_that_names_none_is_refused_before_the_first_call(
    project: Project, tenancy: Tenancy, region: str
) -> None:
    project.write(stack())
    config_with(project, tenancy, region)
    ran = project.run("plan", code=1)
    assert "is not a region" in " ".join(ran.err.split()) and "profile DEFAULT" in " ".join(ran.err.split())
    assert tenancy.calls() == []


@pytest.mark.parametrize("region", ["eu-paris-1", "uk-london-1"])
def test_a_region_that_the_tenancy_has_not_is_said_to_be_that(project: Project, tenancy: Tenancy, region: str) -> None:
    """In the profile and in a manifest: OCI itself answers 401 to both."""
    project.write(stack())
    config_with(project, tenancy, region)
    assert words(f"is not subscribed to region {region}") in words(project.run("plan", code=1).err)
    config_with(project, tenancy, "us-ashburn-1")
    project.write(stack(key("app", compartment="tenancy", region=region)))
    ran = project.run("plan", code=1)
    assert words(f"is not subscribed to region {region}") in words(ran.err) and "fingerprint" not in ran.err


def test_a_region_code_in_a_manifest_is_reported(project: Project) -> None:
    project.write(stack(region="ord"))
    assert "spec.region is not the name of a region" in project.run("validate", code=1).err


@pytest.mark.parametrize("code", ["ord", "ORD", "us_chicago_1"])
def test_a_vault_is_called_in_the_region_of_its_ocid(project: Project, tenancy: Tenancy, code: str) -> None:
    named = tenancy.control("GET", "health")["vaults"]["us-chicago-1"]
    vault, master = (named[name].replace("us-chicago-1", code) for name in ("vault", "key"))
    sink = {"vault": {"vault": vault, "key": master, "compartment": "tenancy", "name": "app"}}
    project.write(stack(key("app", compartment="tenancy", deliverTo=[sink])))
    assert "ListSecrets in us-chicago-1: 200" in project.run("-vv", "plan").err


def test_a_vault_ocid_with_no_region_is_refused_as_that(project: Project) -> None:
    sink = {"vault": {"vault": "ocid1.vault.oc1.moon.a.b", "key": "ocid1.key.oc1.moon.a.b", "compartment": "tenancy"}}
    sink["vault"]["name"] = "app"
    project.write(stack(key("app", compartment="tenancy", deliverTo=[sink])))
    ran = project.run("plan", code=1)
    assert words("'moon' is not a region") in words(ran.err)


REPORTS = ("04-corporate-proxy-local", "11-region-written-oddly", "21-ocid-region-codes")


@pytest.mark.matrix
@pytest.mark.parametrize("name", REPORTS)
def test_a_report_of_the_field_gives_what_it_should(corpus: Path, name: str) -> None:
    """The public reports themselves, by their own commands; their variations are the tests above, which need no files beside."""
    import os
    import subprocess
    import sys

    case = corpus / "reports" / name
    if not case.is_dir():
        pytest.skip(f"{case} is not beside this checkout")
    environ = {**os.environ, "GENAI_IAC_BIN": str(Path(sys.executable).parent)}
    ran = subprocess.run(["bash", str(case / "cmd")], env=environ, capture_output=True, text=True, timeout=600)
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said and "fingerprint" not in said and "ValueError" not in said
    expected = {
        "04-corporate-proxy-local": lambda: (
            "PROXY SAW" not in said and "Bearer" not in said and said.count("Plan: 3") == 5
        ),
        "11-region-written-oddly": lambda: said.count("is not a region") == 2 and said.count("Plan: 3") == 2,
        "21-ocid-region-codes": lambda: (
            said.count("ListSecrets in eu-frankfurt-1: 200") == 2
            and "ListSecrets in us-ashburn-1: 200" in said
            and "ListSecrets in us-phoenix-1: 200" in said
        ),
    }
    assert expected[name](), said
