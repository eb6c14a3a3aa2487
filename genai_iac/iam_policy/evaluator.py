"""May this principal do this? Every permission must be granted by a statement in force, and none denied: deny overrides allow."""

from collections.abc import Iterable, Iterator, Mapping

from genai_iac.iam_policy.condition_eval import Unknown, Values, clock_variables, fold_variables
from genai_iac.iam_policy.request import AccessRequest, Decision, Principal, StatementInForce
from genai_iac.iam_policy.residual import Assessment, Remainder, join_conditions, residual
from genai_iac.iam_policy.rules import MODEL, PRINCIPAL, Compiled, RuleSet, StatementIndex, compile_rules
from genai_iac.iam_policy.syntax_tree import Condition, Location

_KEY = "generativeaiapikey"


def evaluate(request: AccessRequest, rules: Iterable[StatementInForce] | RuleSet) -> Decision:
    """Decide one request.

    ``rules`` are resolved statements; pass a RuleSet (``compile_rules``) to ask many times. A rule counts when its
    policy is attached to the target's compartment or above it, its location holds the target, its subject the principal,
    and its condition is true. Across tenancies an endorse of the principal's side and an admit of the target's are both
    needed. A request that needs no permission is allowed.

    Args:
        request: principal, permissions, target and variables.

    Returns:
        Truthy when every permission is allowed and none denied.
    """
    compiled = rules if isinstance(rules, RuleSet) else compile_rules(rules)
    asked = _Asked(request, compiled)
    denied = [rule for permission in request.permissions for rule in asked.denials(permission)]
    if denied:
        return Decision(False, _once(denied))
    allowed: list[StatementInForce] = []
    for permission in request.permissions:
        found = asked.grants(permission)
        if not found:
            return Decision(False)
        allowed.extend(found)
    return Decision(True, _once(allowed))


def assess(request: AccessRequest, rules: RuleSet, is_unknown: Unknown) -> Assessment:
    """Decide one request as far as it is known: yes, no, or depending on the parts of conditions that ``is_unknown``."""
    return _assess(_Asked(request, rules, is_unknown), request)


def assess_models(
    request: AccessRequest, models: Iterable[str], rules: RuleSet, is_unknown: Unknown
) -> Iterator[Assessment]:
    """The same request once for each model, in their order; the request has to name some model."""
    asked = _Asked(request, rules, is_unknown)
    for model in models:
        yield _assess(asked.about_model(model), request)


def _assess(asked: "_Asked", request: AccessRequest) -> Assessment:
    found = [asked.assess(permission) for permission in request.permissions]
    values = [one.allowed for one in found]
    allowed = False if False in values else None if None in values else True
    return Assessment(
        allowed,
        _once([rule for one in found for rule in one.by]),
        _once([rule for one in found for rule in one.denied_by]),
        tuple(remainder for one in found for remainder in one.remainders),
    )


def _once(rules: list[StatementInForce]) -> tuple[StatementInForce, ...]:
    return tuple({id(rule): rule for rule in rules}.values())


class _Asked:
    """One request against one set of rules."""

    def __init__(self, request: AccessRequest, rules: RuleSet, is_unknown: Unknown | None = None) -> None:
        self.rules = rules
        self.is_unknown = is_unknown or (lambda _: False)
        self.principal = request.principal
        self.missing = request.missing
        self.path = tuple(ocid.lower() for ocid in request.path)
        self.tenancy = self.path[-1] if self.path else ""
        self.home = request.principal.tenancy.lower() or self.tenancy
        self.groups = _folded(request.principal.groups)
        self.dynamic_groups = _folded(request.principal.dynamic_groups)
        self.variables = _variables(request)

    def about_model(self, model: str) -> "_Asked":
        """The same request for that model."""
        other = object.__new__(_Asked)  # `copy` takes ten times as long, and this is done for each key, API and model
        vars(other).update(vars(self))
        other.variables = {**self.variables, MODEL: (model,)}
        return other

    def denials(self, permission: str) -> list[StatementInForce]:
        """The rules that take the permission."""
        denying = self._find(self.rules.denying, permission)
        return [found.rule for found in denying if self._truth(found, permission)]

    def grants(self, permission: str) -> list[StatementInForce]:
        """The rules that give the permission; empty if half of what crossing tenancies needs is missing."""
        allowing = self._find(self.rules.allowing, permission)
        found = [found for found in allowing if self._truth(found, permission)]
        # Across tenancies both sides must agree: an endorse at home and an admit at the target.
        if self.home != self.tenancy and {rule.grant.effect for rule in found} != {"admit", "endorse"}:
            return []
        return [rule.rule for rule in found]

    def assess(self, permission: str) -> Assessment:
        """Whether one permission is given, within one tenancy."""
        denying, allowing = (
            [(found, self._rest(found, permission)) for found in self._find(index, permission)]
            for index in (self.rules.denying, self.rules.allowing)
        )
        denied = tuple(found.rule for found, rest in denying if rest is True)
        sure = tuple(found.rule for found, rest in allowing if rest is True)
        perhaps = [(found.rule, rest) for found, rest in allowing if not isinstance(rest, bool)]
        unless = [(found.rule, rest) for found, rest in denying if not isinstance(rest, bool)]
        if denied or not (sure or perhaps):
            return Assessment(False, sure, denied)
        given = None if sure else join_conditions("any", [rest for _, rest in perhaps])
        remainder = Remainder(given, join_conditions("any", [rest for _, rest in unless]))
        by = sure or tuple(rule for rule, _ in perhaps)
        known = given is None and not unless
        return Assessment(True if known else None, by, tuple(rule for rule, _ in unless), (remainder,))

    def _find(self, rules: Mapping[str, StatementIndex], permission: str) -> list[Compiled]:
        """The rules on the permission that can count for this request: of thousands for other keys none is looked at."""
        index = rules.get(permission)
        if index is None:
            return []
        if self.missing is not None:  # every condition is to say which variables it misses
            return index.every
        principals, models = (self.variables.get(name, ()) for name in (PRINCIPAL, MODEL))
        return index.find([one.lower() for one in principals], self.path, [one.lower() for one in models])

    def _truth(self, found: Compiled, permission: str) -> bool:
        """Whether one statement applies: subject, place and condition."""
        return self._rest(found, permission) is True

    def _rest(self, found: Compiled, permission: str) -> Condition | bool:
        """Whether one statement applies, or the rest of its condition where it depends on unknown parts."""
        if not self._is_subject(found) or not self._is_place(found):
            return False
        condition = found.grant.condition
        if condition is None:
            return True
        own: Values = (permission,)
        return residual(
            condition,
            lambda name: own if name == "request.permission" else self._look_up(name),
            self.is_unknown,
        )

    def _look_up(self, name: str) -> Values | None:
        """The values of a variable. Names that conditions ask for in vain are collected for the emulator's hints."""
        values = self.variables.get(name)
        if values is None and self.missing is not None:
            self.missing.add(name)
        return values

    def _is_subject(self, found: Compiled) -> bool:
        """Whether the statement's subject includes the principal."""
        kind = found.grant.subject.kind
        if kind == "any-user":
            return True
        # Only `any-user` with a condition reaches an API key; see docs/policy-language.md.
        if self.principal.type.lower() == _KEY and kind != "dynamic-group" and not self.principal.key_in_groups:
            return False  # a key is in no group, whatever its creator is in
        if kind == "any-group":
            return bool(self.groups or self.dynamic_groups)
        if kind == "group":
            return not self.groups.isdisjoint(found.subjects)
        if kind == "dynamic-group":
            return not self.dynamic_groups.isdisjoint(found.subjects)
        return kind == self.principal.type.lower() and self.principal.id.lower() in found.subjects

    def _is_place(self, found: Compiled) -> bool:
        """Whether the statement's location holds the target, within one tenancy or across two."""
        effect = found.grant.effect.removeprefix("deny ")
        if effect == "endorse":
            return self.home != self.tenancy and self._endorses(found)
        if effect == "admit":
            return self.home != self.tenancy and self._admits(found) and self._is_here(found)
        return self.home == self.tenancy and self._is_here(found)

    def _is_here(self, found: Compiled) -> bool:
        """Whether the policy is attached at or above the target and its location is between the two."""
        attached = found.rule.attached.lower()
        if attached not in self.path:
            return False
        location = found.grant.location
        if location.scope == "tenancy":
            return attached == self.tenancy
        if location.id is None or location.id.lower() not in self.path:
            return False
        return self.path.index(location.id.lower()) <= self.path.index(attached)

    def _endorses(self, found: Compiled) -> bool:
        """Whether an endorse of the principal's tenancy names the target's tenancy and compartment."""
        if found.rule.attached.lower() != self.home:
            return False
        location = found.grant.location
        if not self._is_tenancy(found, location, self.tenancy):
            return False
        if location.scope != "compartment":
            return True
        wanted = location.id or self._defined(found, "compartment", ":".join(location.path)) or ""
        return wanted.lower() in self.path

    def _admits(self, found: Compiled) -> bool:
        """Whether an admit of the target's tenancy names the principal's tenancy, or any."""
        source = found.grant.source
        return source is None or self._is_tenancy(found, source, self.home)

    def _is_tenancy(self, found: Compiled, location: Location, tenancy: str) -> bool:
        if location.tenancy is None:
            return location.scope == "any-tenancy"
        return (self._defined(found, "tenancy", location.tenancy) or location.tenancy.lower()) == tenancy

    def _defined(self, found: Compiled, symbol: str, name: str) -> str | None:
        """The OCID that a `define` of the same policy gives the name; None without one."""
        return self.rules.definitions.get((found.rule.source, symbol, name.lower()))


def _folded(ocids: Iterable[str]) -> frozenset[str]:
    return frozenset(ocid.lower() for ocid in ocids)


def _variables(request: AccessRequest) -> dict[str, Values]:
    """What the condition may ask for; what the caller gives goes before what is derived."""
    principal: Principal = request.principal
    derived: dict[str, Values] = {
        "request.principal.type": (principal.type,),
        "request.principal.id": (principal.id,),
        **clock_variables(request.now),
    }
    if request.path:
        derived["target.compartment.id"] = (request.path[0],)
    if principal.type == "user":
        derived["request.user.id"] = (principal.id,)
    if principal.groups:
        derived["request.groups.id"] = tuple(principal.groups)
    return derived | fold_variables(principal.variables) | fold_variables(request.variables)
