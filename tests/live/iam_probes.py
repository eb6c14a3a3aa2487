"""Assumptions about policies, and about what a key may call."""

from __future__ import annotations

from .lab import Lab
from .ledger import probe


def _harmless(lab: Lab) -> str:
    return (
        f"allow any-user to inspect policies in compartment id {lab.place.compartment} where request.user.id = 'none'"
    )


@probe("B1", "the name of a policy is taken once", "409 PolicyAlreadyExists")
def policy_names(lab: Lab) -> str:
    name = lab.name()
    lab.policy(_harmless(lab), name=name)
    return lab.outcome(lambda: lab.policy(_harmless(lab), name=name))


@probe("B2", "a policy that names a group that is not there is refused", "400 InvalidParameter", handled=("done",))
def unknown_groups(lab: Lab) -> str:
    statement = f"allow group genai-iac-live-{lab.run} to inspect policies in compartment id {lab.place.compartment}"
    return lab.outcome(lambda: lab.policy(statement))


@probe("B3", "statements come back as text that means the same", "the same meaning")
def statements_are_kept(lab: Lab) -> str:
    from genai_iac.iam_policy import is_equivalent

    sent = [_harmless(lab)]
    made = lab.policy(*sent).data
    read = lab.call(lab.identity.get_policy, made.id).data.statements
    return "the same meaning" if is_equivalent(sent, list(read), None, lab.place.compartment) else "another meaning"


@probe("B4", "`request.principal.type = 'generativeaiapikey'` may be asked for", "done")
def key_principals(lab: Lab) -> str:
    statement = (
        f"allow any-user to use generative-ai-chat in compartment id {lab.place.compartment} "
        "where all {request.principal.type = 'generativeaiapikey', request.principal.id = 'none'}"
    )
    return lab.outcome(lambda: lab.policy(statement))


@probe("B5", "a write of a policy with an etag of an earlier version is refused", "412 NoEtagMatch")
def policy_etags(lab: Lab) -> str:
    made = lab.policy(_harmless(lab))
    lab.call(lab.identity.update_policy, made.data.id, {"description": "another"})
    return lab.outcome(lab.identity.update_policy, made.data.id, {"description": "b"}, if_match=made.headers["etag"])


@probe("B6", "a list of policies shows statements and tags", "it does")
def policy_lists(lab: Lab) -> str:
    made = lab.policy(_harmless(lab)).data
    rows = lab.call(lab.identity.list_policies, lab.place.compartment, name=made.name).data
    shown = [(one.id, one.statements, one.freeform_tags) for one in rows]
    return "it does" if shown == [(made.id, made.statements, made.freeform_tags)] else "otherwise"


@probe("C1", "a key that no policy allows is answered 401", "401", handled=("404", "403"))
def no_policy(lab: Lab) -> str:
    value = lab.key().data.keys[0].key
    return str(lab.infer(value))


@probe(
    "C2", "a statement for any-user with the key's OCID lets it call chat, and its use is dated", "allowed and dated"
)
def allowed(lab: Lab) -> str:
    key = lab.key().data
    _allow(lab, key.id)
    if not lab.until(lambda: lab.infer(key.keys[0].key) == 200):
        return "refused"
    dated = lab.until(lambda: lab.secret(key.id, "one").time_last_used is not None)
    return "allowed and dated" if dated else "allowed, not dated"


@probe("C3", "a deactivated secret stops, and a renewed one stops its old value", "both stop")
def stopped(lab: Lab) -> str:
    key = lab.key().data
    first, second = (one.key for one in key.keys)
    _allow(lab, key.id)
    if not lab.until(lambda: lab.infer(first) == 200):
        return "never worked"
    lab.renew(key.id, "one")
    lab.set_state(key.id, "two", "INACTIVE")
    ends = [lab.until(lambda value=value: lab.infer(value) == 401) for value in (first, second)]
    return "both stop" if all(ends) else "one goes on"


@probe("C4", "chat below /openai/v1 needs no project", "200", handled=("400",))
def projects(lab: Lab) -> str:
    key = lab.key().data
    _allow(lab, key.id)
    lab.until(lambda: lab.infer(key.keys[0].key) == 200)
    return str(lab.infer(key.keys[0].key, "/openai/v1/chat/completions"))


def _allow(lab: Lab, key: str) -> None:
    lab.policy(
        f"allow any-user to use generative-ai-chat in compartment id {lab.place.compartment} where all "
        f"{{request.principal.type = 'generativeaiapikey', request.principal.id = '{key}'}}"
    )
