"""Checks of names before the first write:

- names in statements that nothing has, and places that a policy does not reach;
- models that are retired, will be, or are not served where they are called: warned of, never refused, because the table of models is dated
  and cannot be complete (`vocabulary/`);
- names that the plan would give and that something has already, or will have: what a 409 would say half-way.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from genai_iac import iam_policy as language
from genai_iac.core import Address, Change, Live, LiveResource, Notice, Resource, Source, Value
from genai_iac.core.errors import PlanError
from genai_iac.iam_policy.conditions import mentioned_texts
from genai_iac.planning.planned_state import PlannedState, tree_as_written
from genai_iac.planning.policy_staleness import names_anything
from genai_iac.references.names import describe_clash, name_place, way_out
from genai_iac.vocabulary import model_warning


def find_misnamed(policy: Address, future: PlannedState, known: language.Directory) -> Iterator[PlanError]:
    """Every name of a policy's statements that will mean nothing once the plan is carried out.

    Args:
        policy: a policy that this plan writes.
        known: names as they will be after the plan.

    Yields:
        An error per name. OCI would refuse the statement in the middle of an apply.
    """
    home = future.home(policy)
    for number, (statement, text) in enumerate(future.pairs(policy)):
        if _names_only_ids_within(tree_as_written(statement), text, known, home):
            continue
        for miss in language.find_unresolved(language.parse_once(text), known, home):
            if miss.kind in ("compartment", "subtree") or _is_default(miss.name.partition("/")):
                where = place_of(future, policy, number)
                message = future.with_addresses(miss.message)
                yield PlanError(f"{where}: {policy}: {message}", hint=_way_out(miss, future, home))


def _names_only_ids_within(tree: language.Statement, text: str, known: language.Directory, home: str) -> bool:
    """Whether nothing in a statement can be misnamed, as in those of grants: it names no group, and its place is an OCID.

    Args:
        tree: of the statement as written.
        text: with its values; every OCID of a compartment in it, whatever it stands for, has to be below `home`.
    """
    if not isinstance(tree, language.Grant) or tree.association is not None or language.named_kinds(tree):
        return False
    ids = _COMPARTMENT_IDS.findall(text)
    return tree.location.scope == "compartment" and bool(ids) and all(known.contains(home, id) for id in ids)


def note_unasked_domains(policy: Address, future: PlannedState) -> Iterator[Notice]:
    """The identity domains whose groups nobody can be asked about.

    Args:
        policy: a policy that this plan writes.
    """
    naming = (text for statement, text in future.pairs(policy) if names_anything([statement]))
    found = {domain for text in naming for domain in _domains(language.parse_once(text))}
    for domain in sorted(found):
        text = f"groups of the domain {domain} are not checked: the Identity API lists the Default domain alone"
        yield Notice(text, policy)


def note_denials(policies: Iterable[Address], future: PlannedState, live: Live) -> Iterator[Notice]:
    """Policies with deny statements, where no policy of the tenancy has one yet: whether they are turned on is in no answer.

    An apply that is refused for them ends half-way.

    Args:
        policies: those that this plan writes.
    """
    denying = [policy for policy in policies if any(_denies(one) for one, _ in future.pairs(policy))]
    # The first word is the effect, whether or not the rest of somebody's statement can be read.
    live_texts = (text for one in live.found if one.kind == "Policy" for text in one.attributes["statements"])
    if denying and not any(str(text).lstrip()[:5].casefold() == "deny " for text in live_texts):
        for policy in denying:
            yield Notice(
                "it has deny statements, and no policy that was read has any: OCI refuses them until an administrator turns them on "
                "for the whole tenancy",
                policy,
            )


def _denies(statement: Value) -> bool:
    tree = tree_as_written(statement)
    return isinstance(tree, language.Grant) and tree.effect.startswith("deny")


def place_of(future: PlannedState, policy: Address, number: int) -> Source:
    """Where a statement of a policy, or the grant that it was made from, was written.

    Args:
        number: index of the statement, from 0; an index without a position of its own gives
            the policy's.
    """
    resource = future.resources[policy]
    return resource.places.get(f"statements.{number}", resource.source)


def _is_default(name: tuple[str, str, str]) -> bool:
    domain, slash, _ = name
    return not slash or domain.casefold() == "default"


def _way_out(miss: language.UnresolvedName, future: PlannedState, home: str) -> str:
    if miss.kind == "subtree":
        return "attach the policy to a compartment above both, such as the tenancy"
    if miss.kind != "compartment":
        return f"correct the name, or make the {miss.kind} first"
    from difflib import get_close_matches  # only a mistake needs it

    names = [node.name for node in future.tree.children(home)]
    # Only children of the compartment where the policy is attached: names are resolved from
    # there.
    near = get_close_matches(miss.name.rpartition(":")[2], names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    place = "the tenancy" if home == future.tree.tenancy else future.tree.path(home)
    return (
        f"names are resolved from where the policy is attached, {place}: correct the name, or declare the compartment"
    )


def _domains(statement: language.Statement) -> Iterator[str]:
    if isinstance(statement, language.Grant) and statement.subject.kind in ("group", "dynamic-group"):
        for member in statement.subject.members:
            if isinstance(member, language.Name) and member.domain and member.domain.casefold() != "default":
                yield member.domain


_COMPARTMENT_IDS = re.compile(r"ocid1\.(?:compartment|tenancy)\.[A-Za-z0-9._-]+", re.IGNORECASE)

MAX_REPORTED = 3  # of one resource; a policy can name hundreds


def find_model_warnings(address: Address, future: PlannedState, now: datetime) -> Iterator[tuple[Source, str]]:
    """Where a declared resource names such a model, and what is wrong with it; each model once.

    Args:
        address: of a declared key or policy.
        now: compared with the dates of retirement.

    Yields:
        The position in the manifest and the text of the warning.
    """
    reported: set[str] = set()
    for source, model, region in _named_models(address, future):
        message = model_warning(model, region, now)
        if message and model not in reported:
            reported.add(model)
            yield source, message


def _named_models(address: Address, future: PlannedState) -> Iterator[tuple[Source, str, str | None]]:
    """Models of `rotation.verify` with the key's region, and of conditions in statements, which know no region."""
    resource = future.resources[address]
    verify = (resource.settings.get("rotation") or {}).get("verify") or {}
    if verify:
        place = resource.places.get("rotation.verify.model", resource.source)
        yield place, str(verify["model"]), resource.region
    if "statements" in resource.attributes and future.is_whole(address):
        for number, (statement, text) in enumerate(future.pairs(address)):
            for model in sorted(_models_of(statement, text)):
                yield place_of(future, address, number), model, None


def _models_of(statement: Value, text: str) -> frozenset[str]:
    """The models in the conditions of a statement; it is read with its values only when a model is one of them."""
    found = _mentioned(tree_as_written(statement))
    return found if all(map(str.isascii, found)) else _mentioned(language.parse_once(text))


def _mentioned(tree: language.Statement) -> frozenset[str]:
    return mentioned_texts(tree.condition, "target.model.id") if isinstance(tree, language.Grant) else frozenset()


Name = tuple[str, str, str]  # the kind, the parent's OCID where that matters, the name without case


def find_clashes(changes: Sequence[Change], future: PlannedState, live: Live) -> Iterator[PlanError]:
    """Compartments below one parent, and policies of the tenancy, that would have one name, as OCI compares them.

    Three sources of a clash: two declared resources, a declared one and one that stays
    live, and a compartment moved below a parent of its own name. What other stacks own is
    reported by `conflicts.check_name`.
    """
    declared = dict(_declared(future))
    # The first one declared keeps the name; the error stands at the later one.
    firsts: dict[Name, Address] = {}
    for address, name in declared.items():
        first = firsts.setdefault(name, address)
        if first != address:
            resource, other = future.resources[address], future.resources[first]
            yield _error(resource, describe_clash(resource, other), way_out(resource))
    staying = _staying(changes, live)
    for address in (change.address for change in changes if change.address in declared):
        resource = future.resources[address]
        for one in staying.get(declared[address], ()):
            if one.id != future.ids[address]:
                yield _taken(resource, one)
    yield from _find_like_parents(changes, future)


def _declared(future: PlannedState) -> Iterator[tuple[Address, Name]]:
    for address, resource in future.resources.items():
        if address.kind in ("Compartment", "Policy"):
            name = future.resolver.value(resource.attributes["name"])
            yield address, _name(address.kind, future.home(address), str(name))


def _name(kind: str, parent: str, name: str) -> Name:
    """The key under which OCI compares names: a policy's is unique in the tenancy, a compartment's below its parent."""
    return kind, parent if kind == "Compartment" else "", name.casefold()


def _staying(changes: Iterable[Change], live: Live) -> Mapping[Name, list[LiveResource]]:
    """What no manifest declares and no change of the plan removes. What others own is reported when its turn to be named comes."""
    passed = {change.id for change in changes if "forget" not in change.actions} | {one.id for one in live.others}
    found: dict[Name, list[LiveResource]] = {}
    for one in live.found:
        if one.kind in ("Compartment", "Policy") and one.id not in passed:
            found.setdefault(_name(one.kind, one.compartment, one.name), []).append(one)
    return found


def _taken(resource: Resource, one: LiveResource) -> PlanError:
    message = (
        f"{resource.address}: {one.kind} {one.name} ({one.id}) has that name and stays; OCI compares names without case"
    )
    return _error(resource, message, f"{way_out(resource)}, or adopt it: genai-iac import {resource.address} {one.id}")


def _find_like_parents(changes: Iterable[Change], future: PlannedState) -> Iterator[PlanError]:
    """OCI moves no compartment into one of the same name."""
    for change in changes:
        if any(call.operation == "MoveCompartment" for call in change.calls) and change.address in future.resources:
            own = future.tree.nodes[future.ids[change.address]]
            parent = future.tree.nodes.get(own.parent)
            if parent is not None and parent.name.casefold() == own.name.casefold():
                resource = future.resources[change.address]
                message = f"{change.address}: a compartment cannot be moved into one of the same name, {parent.name}"
                yield _error(resource, message, "rename one of the two in a first apply")


def _error(resource: Resource, message: str, hint: str) -> PlanError:
    return PlanError(f"{name_place(resource)}: {message}", hint=hint)
