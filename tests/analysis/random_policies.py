"""Random statements about what API keys call: every subject, verb, resource type, permission and sort of condition that decides."""

from __future__ import annotations

from random import Random

INFERENCE = ("generative-ai-chat", "generative-ai-response", "generative-ai-conversation")
TYPES = (*INFERENCE, "generative-ai-family", "all-resources", "all-resources")
_CALLS = ("GENERATIVE_AI_CHAT", "GENERATIVE_AI_RESPONSE_CREATE")
PERMISSIONS = (*_CALLS, "GENERATIVE_AI_RESPONSE_READ", "GENERATIVE_AI_TEXT_EMBED")
MODELS = ("xai.grok-4", "xai.grok-3", "openai.gpt-oss-20b")
_NAMED = ("'xai.grok-4'", "'XAI.Grok-4'", "'xai.grok-3'")
_MASKS = ("/xai.*/", "/*-4/", "/*gpt*/", "'*'", "/*/")
# `{chat}` and its like stand for OCIDs
VALUES: dict[str, tuple[str, ...]] = {
    "request.principal.type": ("'generativeaiapikey'", "'GenerativeAiApiKey'", "'user'", "/generative*/", "'*'"),
    "request.principal.id": ("'{app}'", "'{other}'", "/ocid1.generativeaiapikey.*/", "'{APP}'"),
    "request.principal.compartment.id": ("'{chat}'", "'{top}'", "target.compartment.id"),
    "target.compartment.id": ("'{chat}'", "'{top}'", "'{root}'", "request.principal.compartment.id"),
    "target.compartment.name": ("'chat'", "'CHAT'", "'top'", "/ch*/", "/*/"),
    "target.model.id": (*_NAMED, *_MASKS, "request.operation"),
    "request.region": ("'ord'", "'ORD'", "'fra'", "/o*/"),
    "request.operation": ("'ChatCompletions'", "'CreateResponse'", "'createresponse'", "/*Response/"),
    "request.permission": ("'GENERATIVE_AI_CHAT'", "/*_CREATE/", "'GENERATIVE_AI_RESPONSE_CREATE'"),
    "request.user.name": ("'ann'", "/*/"),
    "request.user.id": ("'ocid1.user.oc1..a'",),
    "request.groups.id": ("'ocid1.group.oc1..a'", "/*/"),
    "request.groups.name": ("'Administrators'",),
    "request.service.name": ("'x'",),
    "request.utc-timestamp": ("'2020-01-01T00:00:00Z'", "'2090-01-01T00:00:00Z'", "'2026-02-30T00:00:00Z'"),
    "request.utc-timestamp.time-of-day": ("'00:00:00Z'", "'23:59:59Z'", "'12:00Z'"),
    "request.utc-timestamp.day-of-week": ("'monday'", "'sunday'"),
    "request.utc-timestamp.month-of-year": ("'1'", "'12'", "'13'"),
    "request.networksource.name": ("'office'",),
    "request.principal.compartment.tag.team.name": ("'red'",),
    "target.resource.compartment.tag.team.name": ("'red'", "/r*/"),
    "target.resource.tag.team.name": ("'red'",),
    "target.user.name": ("'ann'",),
    "target.policy.name": ("'p'",),
    "target.apikey.id": ("'{app}'",),
    "request.principal.name": ("'app'",),
}
OFTEN = ("target.model.id", "request.principal.type", "request.principal.id", "request.operation", "request.permission")
VERBS = ("inspect", "read", "use", *("manage",) * 6)
SUBJECTS = ("any-user",) * 12 + ("any-group", "group Administrators", "group 'Default'/'Administrators'")
_IDS = ("compartment id {chat}", "compartment id {top}")
PLACES = {
    "root": ("tenancy", "tenancy", "tenancy", "compartment top", "compartment top:chat", "compartment aside", *_IDS),
    "top": ("compartment top", "compartment chat", "compartment id {chat}", "compartment top:chat"),
    "chat": ("compartment chat", "compartment id {chat}"),
}


def statement(chance: Random, attached: str) -> str:
    """One statement of a policy in that compartment."""
    effect = "deny" if chance.random() < 0.15 else "allow"
    if chance.random() < 0.15:
        action = f"{{{', '.join(chance.sample(PERMISSIONS, chance.randint(1, 3)))}}}"
    else:
        action = f"{chance.choice(VERBS)} {chance.choice(TYPES)}"
    where = "" if chance.random() < 0.1 else f" where {condition(chance)}"
    return f"{effect} {chance.choice(SUBJECTS)} to {action} in {chance.choice(PLACES[attached])}{where}"


def condition(chance: Random, depth: int = 0) -> str:
    """A condition, with groups in groups."""
    if depth > 2 or chance.random() < 0.4:
        return _part(chance)
    parts = ", ".join(condition(chance, depth + 1) for _ in range(chance.randint(1, 3)))
    return f"{chance.choice(('all', 'any'))} {{{parts}}}"


def _part(chance: Random) -> str:
    name = _variable(chance)
    values = VALUES[name]
    roll = chance.random()
    if name.startswith("request.utc-timestamp") and roll < 0.7:
        one = chance.choice(("before", "after", "between"))
        last = f" and {chance.choice(values)}" if one == "between" else ""
        return f"{name} {one} {chance.choice(values)}{last}"
    if roll < 0.6:
        return f"{name} {'=' if roll < 0.45 else '!='} {chance.choice(values)}"
    if roll < 0.75:
        few = chance.sample(values, chance.randint(1, min(3, len(values))))
        return f"{name} {chance.choice(('in', 'not in'))} ({', '.join(few)})"
    if roll < 0.83:
        return f"{chance.choice(('', 'not '))}{name}"
    if roll < 0.95:
        listed = ", ".join((chance.choice(values[:1]), *([_variable(chance)] if roll < 0.9 else [])))
        return f"{chance.choice(('sets-intersect', 'sets-equal'))}(({listed}), {name})"
    return f"{name} = {_variable(chance)}"


def _variable(chance: Random) -> str:
    return chance.choice(OFTEN) if chance.random() < 0.6 else chance.choice([*VALUES])
