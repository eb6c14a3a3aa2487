"""Words that the service does not know are refused before anything is written, with what was probably meant."""

from __future__ import annotations

import pytest
from conftest import Project, Tenancy
from policy_planning.stacks import stack

from genai_iac.iam_policy import parse
from genai_iac.iam_policy.unknown_words import find_unknown_words

from .corpora import statements

WRONG = {
    "allow group Administrators to use generative-ai-chats in tenancy": "generative-ai-chat",
    "allow group Administrators to {GENERATIVE_AI_CHATS} in tenancy": "GENERATIVE_AI_CHAT",
    "allow group Administrators to use buckets in tenancy where request.user.nam = 'x'": "request.user.name",
    "allow group Administrators to use buckets in tenancy where target.models.id = 'x'": "target.model.id",
}


@pytest.mark.parametrize(("text", "guess"), WRONG.items())
def test_a_slip_is_refused_with_what_was_meant(project: Project, tenancy: Tenancy, text: str, guess: str) -> None:
    import oci

    project.write(stack([text]))
    reported = project.run("validate", code=1).err
    assert f"did you mean {guess}?" in " ".join(reported.split())
    details = oci.identity.models.CreatePolicyDetails(
        compartment_id=tenancy.tenancy, name="p", description="-", statements=[text]
    )
    with pytest.raises(oci.exceptions.ServiceError) as refused:
        tenancy.client("identity").create_policy(details)
    assert refused.value.status == 400
    assert guess in refused.value.message
    tenancy.settings(unknownWords="accept")
    tenancy.client("identity").create_policy(details)


def test_a_keyword_is_no_service() -> None:
    (word,) = find_unknown_words(parse("allow service any-user to use buckets in tenancy"))
    assert (word.kind, word.certain) == ("service", True)


def test_strict_refuses_what_is_on_no_list(tenancy: Tenancy) -> None:
    import oci

    def write(text: str) -> None:
        details = oci.identity.models.CreatePolicyDetails(
            compartment_id=tenancy.tenancy, name="p", description="-", statements=[text]
        )
        tenancy.client("identity").create_policy(details)

    tenancy.settings(unknownWords="strict")
    for text in (
        "allow group Administrators to use zebras in tenancy",
        "allow group id ocid1.group.oc1..nobody to use buckets in tenancy",
    ):
        with pytest.raises(oci.exceptions.ServiceError):
            write(text)


def test_published_statements_are_not_refused() -> None:
    for text in statements("policies.tsv"):
        certain = [word for word in find_unknown_words(parse(text)) if word.certain]
        assert not certain or "any-user" in text.lower(), (text, certain)
