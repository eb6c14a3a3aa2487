"""Rules on what is granted: unknown resource types, verbs that grant nothing, what Generative AI's family leaves out."""

from collections.abc import Iterator

from msgspec.structs import replace

from genai_iac.iam_policy.conditions import is_for_keys
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.lint.finding import GrantRule, RuleNote
from genai_iac.iam_policy.permissions import members_of, permissions_given
from genai_iac.iam_policy.printer import unparse
from genai_iac.iam_policy.syntax_tree import VERBS, Grant, Word
from genai_iac.iam_policy.unknown_words import RESOURCE_TYPES


def _unknown_type(grant: Grant) -> Iterator[RuleNote]:
    """A resource type that is on no list: misspelt, or newer than the lists."""
    for resource in grant.resources:
        if resource.text in RESOURCE_TYPES:
            continue
        guess = close_match(resource.text.replace("_", "-"), _SORTED)
        fix = f"did you mean {guess}?" if guess else None
        yield RuleNote(
            resource.column, f"{resource.text} is no resource type we know", fix, _with_type(grant, resource, guess)
        )


_SORTED = tuple(sorted(RESOURCE_TYPES))


def _with_type(grant: Grant, wrong: Word, right: str | None) -> str | None:
    if right is None:
        return None
    resources = tuple(Word(right) if resource is wrong else resource for resource in grant.resources)
    return unparse(replace(grant, resources=resources))


def _gives_nothing(grant: Grant) -> Iterator[RuleNote]:
    """A verb without any permission on the resource type, such as `use` where only `manage` has one."""
    if grant.effect.startswith("deny") or grant.verb not in VERBS:
        return
    for resource in grant.resources:
        if permissions_given("manage", resource.text) and not permissions_given(grant.verb, resource.text):
            enough = next(verb for verb in VERBS if permissions_given(verb, resource.text))
            message = f"{grant.verb} gives nothing on {resource.text}"
            replacement = unparse(replace(grant, verb=enough)) if len(grant.resources) == 1 else None
            yield RuleNote(grant.action_column, message, f"write {enough}", replacement)


def _responses(grant: Grant) -> Iterator[RuleNote]:
    """Creating a response needs `manage generative-ai-response`; with less a key
    cannot create one."""
    if grant.effect != "allow" or grant.verb not in ("inspect", "read", "use"):
        return
    for resource in grant.resources:
        if resource.text == "generative-ai-response" and is_for_keys(grant.condition):
            message = f"{grant.verb} does not let a key create responses"
            yield RuleNote(grant.action_column, message, "write manage", unparse(replace(grant, verb="manage")))


def _family(grant: Grant) -> Iterator[RuleNote]:
    """The family does not contain responses and conversations, so a key that is granted the family cannot use them."""
    if grant.effect != "allow" or not is_for_keys(grant.condition):
        return
    for resource in grant.resources:
        if resource.text == "generative-ai-family":
            message = "generative-ai-family holds neither generative-ai-response nor generative-ai-conversation"
            fix = "for the Responses API add a statement with manage generative-ai-response"
            yield RuleNote(resource.column, message, fix)


def _wide_family(grant: Grant) -> Iterator[RuleNote]:
    """An API key cannot manage keys, so `manage` of a family that contains them is more than it can use."""
    if grant.verb != "manage" or grant.effect != "allow" or not is_for_keys(grant.condition):
        return
    for resource in grant.resources:
        if "generative-ai-apikey" in members_of(resource.text):
            message = (
                f"manage {resource.text} is more than a key can use: calling models takes less, managing keys a user"
            )
            yield RuleNote(
                grant.action_column, message, "write use generative-ai-chat, and manage generative-ai-response"
            )


def _several_types(grant: Grant) -> Iterator[RuleNote]:
    """Several resource types in one statement. The service accepts it, Oracle does not document it."""
    if len(grant.resources) > 1:
        message = "Oracle documents one resource type a statement"
        yield RuleNote(grant.resources[1].column, message, "write a statement for each")


ACTION_RULES = (
    GrantRule("unknown-type", "warning", "an unknown resource type", _unknown_type),
    GrantRule("gives-nothing", "warning", "a verb that gives no permission on its resource type", _gives_nothing),
    GrantRule("responses-verb", "warning", "creating a response takes manage", _responses),
    GrantRule("family-gap", "info", "the family does not hold responses and conversations", _family),
    GrantRule("key-manages", "warning", "an API key is given more than inference", _wide_family),
    GrantRule("several-types", "warning", "one resource type a statement", _several_types),
)
