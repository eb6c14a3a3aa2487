"""What each API key may do, by which statement: now, and once a plan is carried out. Pure; the policy language decides.

A request of a key is distinguished from any-user statements alone: a key is in no group. Conditions on what a request carries
beyond key, compartment, model and time (a tag, the region's three letters) count as not met.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from genai_iac import iam_policy as language
from genai_iac.core import Address, CompartmentTree, Live, LiveResource, Plan
from genai_iac.iam_policy import (
    AccessRequest,
    Grant,
    Principal,
    RuleSet,
    StatementInForce,
    compile_rules,
    evaluate,
    permissions_of,
)
from genai_iac.iam_policy.conditions import mentioned_texts
from genai_iac.planning.planned_state import PlannedState
from genai_iac.planning.policy_staleness import digest_names
from genai_iac.references.resolver import TenancyDirectory
from genai_iac.vocabulary import is_routing_profile

CALLS = {
    "chat": "ChatCompletions",
    "responses": "CreateResponse",
    "conversations": "CreateConversation",
    "embeddings": "Embeddings",
    "reranking": "RerankText",
}
FormattedStatement = Callable[[str], str]  # a statement as people are to read it
_OTHER = "a-model-that-no-statement-names"


@dataclass(frozen=True, slots=True)
class StatementRef:
    """A statement of a policy, counted from 1; policies of nobody's stack go by their names."""

    policy: str
    number: int
    text: str

    def __str__(self) -> str:
        return f"{self.policy} statement {self.number}"


@dataclass(frozen=True, slots=True)
class KeyPermission:
    """One thing that a key may do. `model` None: any but those of `barred`. Two are equal when they allow the same."""

    address: Address
    api: str
    model: str | None
    barred: tuple[str, ...]
    place: str  # the compartment's path
    by: tuple[StatementRef, ...] = field(compare=False)

    def __str__(self) -> str:
        model = self.model or ("any model" + (f" but {', '.join(self.barred)}" if self.barred else ""))
        where = "the tenancy" if self.place == "/" else f"compartment {self.place}"
        return f"{self.address} may call {self.api} with {model} in {where} — {', '.join(map(str, self.by))}"


@dataclass(frozen=True, slots=True)
class Accesses:
    """What keys may do before and after; `keys` are those that were looked at."""

    before: tuple[KeyPermission, ...]
    after: tuple[KeyPermission, ...]
    keys: tuple[Address, ...]

    @property
    def granted(self) -> tuple[KeyPermission, ...]:
        """What the change lets keys do that they might not."""
        return tuple(one for one in self.after if one not in self.before)

    @property
    def taken(self) -> tuple[KeyPermission, ...]:
        """What the change takes from keys."""
        return tuple(one for one in self.before if one not in self.after)

    def of(self, keys: Collection[Address]) -> Accesses:
        """The same for those keys alone."""
        before, after = (tuple(one for one in side if one.address in keys) for side in (self.before, self.after))
        return Accesses(before, after, tuple(key for key in self.keys if key in keys))


@dataclass(frozen=True, slots=True)
class _Key:
    address: Address
    id: str
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Policy:
    name: str
    attached: str
    statements: tuple[str, ...]
    tree: CompartmentTree  # in which its names are compiled
    without_names: bool = False  # its names were compiled to things that are gone


def find_access(plan: Plan, future: PlannedState, live: Live) -> Accesses:
    """What the keys of the stack may do before the plan and after it."""
    changed = {change.address: change.after is not None for change in plan.changes}
    before = _read_access(_live_keys(live), _live_policies(live), live.tree, live.now)
    keys, policies = _foreseen(changed, future, live)
    after = _read_access(keys, policies, future.tree, live.now, future.told)
    looked_at = {key.address for key in (*_live_keys(live), *keys)}
    return Accesses(tuple(before), tuple(after), tuple(sorted(looked_at)))


Reach = Mapping[
    tuple[Address, str, str], tuple[StatementRef, ...]
]  # by key, API and model: the statements that admit it


def find_reach(plan: Plan, future: PlannedState, live: Live, absent: Collection[Address] = ()) -> tuple[Reach, Reach]:
    """What each key may call before and after, both asked about every model that either side names, and about one that none does.

    The policies of `absent` count as not there after the plan.
    """
    changed = {change.address: change.after is not None for change in plan.changes}
    keys, policies = _foreseen({**changed, **dict.fromkeys(absent, False)}, future, live)
    sides = ((list(_live_keys(live)), list(_live_policies(live)), live.tree), (keys, policies, future.tree))
    rules = [dict(_rules(policies, future.told)) for _, policies, _ in sides]
    models = sorted({model for origins in rules for model in _models(origins)})
    before, after = (
        _reach(keys, origins, models, live.now) for (keys, _, _), origins in zip(sides, rules, strict=True)
    )
    return before, after


def _reach(
    keys: Iterable[_Key], origins: Mapping[StatementInForce, StatementRef], models: Sequence[str], now: datetime
) -> Reach:
    rules = compile_rules(origins)
    reach: dict[tuple[Address, str, str], tuple[StatementRef, ...]] = {}
    for key in keys:
        for api, operation in CALLS.items():
            allows = _asking(key, operation, rules, now)
            for model in (_OTHER, *models):
                answer = allows(model.replace("*", ""))
                if answer:
                    reach[key.address, api, "" if model is _OTHER else model] = _by(answer, origins)
    return reach


def _foreseen(changed: Mapping[Address, bool], future: PlannedState, live: Live) -> tuple[list[_Key], list[_Policy]]:
    """The keys and policies there will be: what changes as declared, the rest as live, where its compartment will be."""
    keys = [*_live_keys(live, changed, future.tree), *_future_keys(future, changed)]
    return keys, [*_live_policies(live, without=changed), *_future_policies(future, changed)]


def _live_keys(live: Live, without: Collection[Address] = (), tree: CompartmentTree | None = None) -> Iterator[_Key]:
    for address, group in live.owned.items():
        if address.kind == "ApiKey" and address not in without:
            for one in group:
                yield _Key(address, one.id, tuple((tree or live.tree).lineage(one.compartment)))


def _live_policies(live: Live, without: Collection[Address] = ()) -> Iterator[_Policy]:
    for one in live.found:
        ours = one.mark is not None and (one in live.owned.get(one.mark.address, ()) or one in live.superseded)
        if one.kind == "Policy" and not (ours and one.mark and one.mark.address in without):
            name = str(one.mark.address) if ours and one.mark else f"policy {one.name}"
            statements = tuple(one.attributes["statements"])
            # OCI compiled its names when it was written: a rename since then changes nothing for it
            yield _Policy(name, one.compartment, statements, live.tree, _is_stale(one, live.tree))


def _is_stale(policy: LiveResource, tree: CompartmentTree) -> bool:
    """Whether the OCIDs that its mark remembers are not those that its compartments' names mean now; groups are not asked for."""
    recorded = policy.mark.names if policy.mark else ""
    statements = [text for text in policy.attributes["statements"] if _read(text) is not None]
    if not recorded or any(_names_group(text) for text in statements):
        return False
    return digest_names(statements, _directory(tree), policy.compartment) != recorded


def _names_group(text: str) -> bool:
    tree = _read(text)
    return isinstance(tree, Grant) and tree.subject.kind in ("group", "dynamic-group")


def _future_keys(future: PlannedState, changed: Mapping[Address, bool]) -> Iterator[_Key]:
    for address, stays in changed.items():
        if address.kind == "ApiKey" and stays and address in future.resources:
            path = tuple(future.tree.lineage(future.home(address)))
            yield _Key(address, future.ids[address], path)


def _future_policies(future: PlannedState, changed: Mapping[Address, bool]) -> Iterator[_Policy]:
    for address, stays in changed.items():
        if address.kind == "Policy" and stays and address in future.resources:
            yield _Policy(str(address), future.home(address), future.statements(address), future.tree)


def _read_access(
    keys: Iterable[_Key],
    policies: Iterable[_Policy],
    tree: CompartmentTree,
    now: datetime,
    told: FormattedStatement = str,
) -> Iterator[KeyPermission]:
    origins = dict(_rules(policies, told))
    rules, models = compile_rules(origins), _models(origins)
    for key in sorted(keys, key=lambda one: one.address):
        for api, operation in CALLS.items():
            allows = _asking(key, operation, rules, now)
            yield from _permissions(key, api, allows, models, origins, tree)


def _rules(policies: Iterable[_Policy], told: FormattedStatement) -> Iterator[tuple[StatementInForce, StatementRef]]:
    for number, policy in enumerate(policies):
        directory = _directory(policy.tree)
        for position, text in enumerate(policy.statements, 1):
            tree = _read(text)
            if not isinstance(tree, Grant) or tree.subject.kind != "any-user":
                continue
            if policy.without_names and language.named_kinds(tree):
                continue
            resolved = language.resolve_where_known(tree, directory, policy.attached)
            source = f"{number} {position}"  # so that equal statements of two policies stay two rules
            yield (
                StatementInForce(source, policy.attached, resolved, text),
                StatementRef(policy.name, position, told(text)),
            )


def _read(text: str) -> language.Statement | None:
    try:
        return language.parse_once(text)
    except language.PolicySyntaxError:
        return None  # a newer form than we know: it says nothing that could be told


def _directory(tree: CompartmentTree) -> language.Directory:
    return TenancyDirectory(tree, _nobody, _nobody)


def _nobody(name: str, domain: str | None) -> None:
    """Groups are not asked for: a key is in none."""
    del name, domain


def _models(rules: Iterable[StatementInForce]) -> Sequence[str]:
    conditions = (rule.statement.condition for rule in rules if isinstance(rule.statement, Grant))
    return sorted({text for condition in conditions for text in mentioned_texts(condition, "target.model.id")})


Asking = Callable[[str], language.Decision]


def _asking(key: _Key, operation: str, rules: RuleSet, now: datetime) -> Asking:
    principal = Principal(
        "generativeaiapikey",
        key.id,
        tenancy=key.path[-1],
        variables={"request.principal.compartment.id": key.path[0]},
    )
    around = {"request.operation": operation}

    def ask(model: str) -> language.Decision:
        needed = permissions_of(operation)
        if is_routing_profile(model):  # taken to be in the key's compartment, as nothing tells where it is
            needed = (*needed, *permissions_of("GetRoutingProfile"))
        request = AccessRequest(principal, needed, key.path, {**around, "target.model.id": model}, now)
        return evaluate(request, rules)

    return ask


def _permissions(
    key: _Key,
    api: str,
    ask: Asking,
    models: Sequence[str],
    origins: Mapping[StatementInForce, StatementRef],
    tree: CompartmentTree,
) -> Iterator[KeyPermission]:
    place = tree.path(key.path[0])
    answers = {model: ask(model.replace("*", "")) for model in models}
    general = ask(_OTHER)
    if general:
        barred = tuple(model for model, answer in answers.items() if not answer)
        yield KeyPermission(key.address, api, None, barred, place, _by(general, origins))
    for model, answer in answers.items():
        if answer and not general:
            yield KeyPermission(key.address, api, model, (), place, _by(answer, origins))


def _by(decision: language.Decision, origins: Mapping[StatementInForce, StatementRef]) -> tuple[StatementRef, ...]:
    return tuple(dict.fromkeys(origins[rule] for rule in decision.by))
