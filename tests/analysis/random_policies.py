"""Random statements about what API keys call: every subject, verb, resource type, permission and sort of condition that decides."""

from __future__ import annotations

from random import Random

TYPES = (
    "generative-ai-chat",
    "generative-ai-response",
    "generative-ai-conversation",
    "generative-ai-family",
    "all-resources",
    "all-resources",
)
PERMISSIONS = (
    "GENERATIVE_AI_CHAT",
    "GENERATIVE_AI_RESPONSE_CREATE",
    "GENERATIVE_AI_RESPONSE_READ",
    "GENERATIVE_AI_TEXT_EMBED",
)
MODELS = ("xai.grok-4", "xai.grok-3", "openai.gpt-oss-20b")
VALUES: dict[str, tuple[str, ...]] = {
    "request.principal.type": ("'generativeaiapikey'", "'GenerativeAiApiKey'", "'user'", "/generative*/", "'*'"),
    "request.principal.id": ("'{app}'", "'{other}'", "/ocid1.generativeaiapikey.*/", "'{APP}'"),
    "request.principal.compartment.id": ("'{chat}'", "'{top}'", "target.compartment.id"),
    "target.compartment.id": ("'{chat}'", "'{top}'", "'{root}'", "request.principal.compartment.id"),
    "target.compartment.name": ("'chat'", "'CHAT'", "'top'", "/ch*/", "/*/"),
    "target.model.id": (
        "'xai.grok-4'",
        "'XAI.Grok-4'",
        "/xai.*/",
        "/*-4/",
        "/*gpt*/",
        "'*'",
        "'xai.grok-3'",
        "/*/",
        "request.operation",
    ),
    "request.region": ("'ord'", "'ORD'", "'fra'", "/o*/"),
    "request.operation": ("'ChatCompletions'", "'CreateResponse'", "'createresponse'", "/*Response/"),
    "request.permission": ("'GENERATIVE_AI_CHAT'", "/*_CREATE/", "'GENERATIVE_AI_RESPONSE_CREATE'"),
    "request.user.name": ("'ann'", "/*/"),
    "request.user.id": ("'ocid1.user.oc1..a'",),
    "request.groups.id": ("'ocid1.group.oc1..a'", "/*/"),
    "request.groups.name": ("'Administrators'",),
    "request.service.name": ("'x'",),
    "request.utc-timestamp": ("'2020-01-01T00:00:00Z'", "'2090-01-01T00:00:00Z'"),
    "request.utc-timestamp.time-of-day": ("'00:00:00Z'", "'23:59:59Z'", "'12:00Z'"),
    "request.utc-timestamp.day-of-week": ("'monday'", "'sunday'"),
    "request.utc-timestamp.month-of-year": ("'1'", "'12'"),
    "request.networksource.name": ("'office'",),
    "request.principal.compartment.tag.team.name": ("'red'",),
    "target.resource.compartment.tag.team.name": ("'red'", "/r*/"),
    "target.resource.tag.team.name": ("'red'",),
    "target.user.name": ("'ann'",),
    "target.policy.name": ("'p'",),
    "target.apikey.id": ("'{app}'",),
    "target.apikey.name": ("'app'",),
    "request.principal.name": ("'app'",),
}
OFTEN = ("target.model.id", "request.principal.type", "request.principal.id", "request.operation", "request.permission")
DATES = ("request.utc-timestamp",)
TIMES = ("request.utc-timestamp.time-of-day", "request.utc-timestamp")


def variable(chance: Random) -> str:
    return chance.choice(OFTEN) if chance.random() < 0.6 else chance.choice([*VALUES])


def leaf(chance: Random) -> str:
    name = variable(chance)
    values = VALUES[name]
    roll = chance.random()
    if name.startswith("request.utc-timestamp") and roll < 0.7:
        one = chance.choice(("before", "after", "between"))
        if one == "between":
            return f"{name} between {chance.choice(values)} and {chance.choice(values)}"
        return f"{name} {one} {chance.choice(values)}"
    if roll < 0.45:
        return f"{name} = {chance.choice(values)}"
    if roll < 0.6:
        return f"{name} != {chance.choice(values)}"
    if roll < 0.75:
        few = chance.sample(values, chance.randint(1, min(3, len(values))))
        return f"{name} {chance.choice(('in', 'not in'))} ({', '.join(few)})"
    if roll < 0.83:
        return f"{chance.choice(('', 'not '))}{name}"
    if roll < 0.9:
        lone = [one for one in values if not one.startswith("/")] or ["'x'"]
        return f"{chance.choice(('sets-intersect', 'sets-equal'))}({name}, ({', '.join(chance.sample(lone, chance.randint(1, len(lone))))}))"
    if roll < 0.95:
        return f"{chance.choice(('sets-intersect', 'sets-equal'))}(({chance.choice(values[:1])}, {variable(chance)}), {name})"
    return f"{name} = {variable(chance)}"


def condition(chance: Random, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.4:
        return leaf(chance)
    parts = ", ".join(condition(chance, depth + 1) for _ in range(chance.randint(1, 3)))
    return f"{chance.choice(('all', 'any'))} {{{parts}}}"


VERBS = ("inspect", "read", "use", *("manage",) * 6)
SUBJECTS = ("any-user",) * 12 + ("any-group", "group Administrators", "group 'Default'/'Administrators'")
PLACES = {
    "root": (
        "tenancy",
        "compartment top",
        "compartment top:chat",
        "compartment id {chat}",
        "compartment id {top}",
        "compartment aside",
        "tenancy",
        "tenancy",
        "compartment top",
    ),
    "top": ("compartment top", "compartment chat", "compartment id {chat}", "compartment top:chat"),
    "chat": ("compartment chat", "compartment id {chat}"),
    "aside": ("compartment aside",),
}


def statement(chance: Random, attached: str) -> str:
    effect = "deny" if chance.random() < 0.15 else "allow"
    if chance.random() < 0.15:
        action = f"{{{', '.join(chance.sample(PERMISSIONS, chance.randint(1, 3)))}}}"
    else:
        action = f"{chance.choice(VERBS)} {chance.choice(TYPES)}"
    where = "" if chance.random() < 0.1 else f" where {condition(chance)}"
    return f"{effect} {chance.choice(SUBJECTS)} to {action} in {chance.choice(PLACES[attached])}{where}"
