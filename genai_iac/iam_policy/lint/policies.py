"""Rules on a policy as a whole: repetitions, statements that others cover, limits, names that resolve to nothing."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from genai_iac.iam_policy.equivalence import canonical
from genai_iac.iam_policy.errors import UnresolvedName
from genai_iac.iam_policy.lint.finding import PolicyDocument, PolicyRule, RuleNote
from genai_iac.iam_policy.name_resolution import Directory, find_unresolved
from genai_iac.iam_policy.permissions import members_of
from genai_iac.iam_policy.printer import unparse
from genai_iac.iam_policy.syntax_tree import VERBS, Definition, Grant, Location


def _duplicates(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """Statements that mean the same, however they are written."""
    seen: dict[str, int] = {}
    for index, tree in enumerate(document.trees):
        if tree is None:
            continue
        first = seen.setdefault(unparse(canonical(tree, document.directory, document.attached)), index)
        if first != index:
            yield index, RuleNote(1, f"this says the same as statement {first + 1}", "delete it")


def _shadowed(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """A statement whose every permission another one grants to the same principals in the same place.

    Conditions are compared for equality, not for inclusion, so not everything that is
    redundant is found.
    """
    known = [(index, _known(grant, document)) for index, grant in document.grants() if grant.effect == "allow"]
    for index, narrow in known:
        for other, wide in known:
            if index != other and narrow != wide and _covers(wide, narrow, document.directory):
                yield index, RuleNote(1, f"statement {other + 1} already grants this", "delete it")
                break


def find_overlaps(documents: Sequence[PolicyDocument]) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Statements that a statement of another policy already grants, each once.

    Args:
        documents: the policies, with what they are attached to; a place is compared across policies only where its OCID is known.

    Yields:
        The numbers of policy and statement: of the one that adds nothing, and of the one that grants it. Of two that mean the
            same, the later adds nothing.
    """
    known = [
        ((number, index), _known(grant, document), document.directory)
        for number, document in enumerate(documents)
        for index, grant in document.grants()
        if grant.effect == "allow"
    ]
    # By what the wider one has to share: the subject, or any user, and the condition, or none. Among all statements of a subject
    # the search grew with the square.
    found: dict[object, list[tuple[tuple[int, int], Grant]]] = {}
    for place, grant, _ in known:
        for member in grant.subject.members or (None,):
            found.setdefault((grant.subject.kind, member, grant.condition), []).append((place, grant))
    for place, narrow, directory in known:
        subject = (narrow.subject.kind, next(iter(narrow.subject.members), None))
        conditions = dict.fromkeys((narrow.condition, None))
        for whose in dict.fromkeys((subject, ("any-user", None))):
            several = [one for condition in conditions for one in found.get((*whose, condition), ())]
            other = _find_wider(place, narrow, sorted(several, key=itemgetter(0)), directory)
            if other is not None:
                yield place, other
                break


def _find_wider(
    place: tuple[int, int],
    narrow: Grant,
    several: Sequence[tuple[tuple[int, int], Grant]],
    directory: Directory | None,
) -> tuple[int, int] | None:
    """The first of these statements, of another policy, that grants everything that this one grants."""
    for other, wide in several:
        later = wide != narrow or other < place
        if other[0] != place[0] and later and _same_places(wide, narrow) and _covers(wide, narrow, directory):
            return other
    return None


def _same_places(wide: Grant, narrow: Grant) -> bool:
    """Whether the locations can be compared: a path that resolves to nothing known means another place in each policy."""
    return wide.location.scope == "tenancy" or not (wide.location.path or narrow.location.path)


def _known(grant: Grant, document: PolicyDocument) -> Grant:
    tree = canonical(grant, document.directory, document.attached)
    assert isinstance(tree, Grant)
    return tree


def _covers(wide: Grant, narrow: Grant, directory: Directory | None) -> bool:
    """Whether everything that ``narrow`` grants ``wide`` grants too; both canonical."""
    if wide.condition is not None and wide.condition != narrow.condition:
        return False
    if wide.association is not None or narrow.association is not None:
        return False
    return (
        _covers_subject(wide, narrow)
        and _covers_place(wide.location, narrow.location, directory)
        and _covers_action(wide, narrow)
    )


def _covers_subject(wide: Grant, narrow: Grant) -> bool:
    if wide.subject.kind == "any-user":
        return True
    return wide.subject.kind == narrow.subject.kind and set(narrow.subject.members) <= set(wide.subject.members)


def _covers_place(wide: Location, narrow: Location, directory: Directory | None) -> bool:
    if wide == narrow or wide.scope == "tenancy":
        return True
    if directory is not None and wide.id is not None and narrow.id is not None:
        return directory.contains(wide.id, narrow.id)
    return bool(wide.path) and wide.path == narrow.path[: len(wide.path)]


def _covers_action(wide: Grant, narrow: Grant) -> bool:
    """Whether the verb and resource types of `wide` include those of `narrow`."""
    if narrow.permissions or wide.permissions:
        return not narrow.verb and not wide.verb and set(narrow.permissions) <= set(wide.permissions)
    if wide.verb not in VERBS or narrow.verb not in VERBS or VERBS.index(wide.verb) < VERBS.index(narrow.verb):
        return False
    covered = {member for resource in wide.resources for member in (resource.text, *members_of(resource.text))}
    return "all-resources" in covered or all(resource.text in covered for resource in narrow.resources)


def _too_many(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """More statements than the service stores in one policy."""
    limit = document.limits.per_policy
    if len(document.texts) > limit:
        message = f"{len(document.texts)} statements in one policy; {limit} fit"
        yield limit, RuleNote(1, message, "move the rest to another policy")


def _path_full(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """More statements along a path of compartments than the service evaluates."""
    limit = document.limits.per_path
    for path, count in document.counts.items():
        if count > limit:
            message = f"{count} statements along the compartments of {path}; {limit} fit"
            yield 0, RuleNote(1, message, "join statements, or attach policies to compartments deeper down")


def _unresolved(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """A name that nothing has. The service refuses the policy."""
    for index, error in _misses(document):
        if error.kind != "subtree":
            yield index, RuleNote(error.column, error.message)


def _outside(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """A location that the policy's compartment does not contain. The service refuses the policy."""
    for index, error in _misses(document):
        if error.kind == "subtree":
            fix = "attach the policy to a compartment above both, or to the tenancy"
            yield index, RuleNote(error.column, error.message, fix)


def _misses(document: PolicyDocument) -> Iterator[tuple[int, UnresolvedName]]:
    if document.directory is None:
        return
    for index, grant in document.grants():
        yield from ((index, miss) for miss in find_unresolved(grant, document.directory, document.attached))


def _undefined(document: PolicyDocument) -> Iterator[tuple[int, RuleNote]]:
    """A foreign tenancy without a `define` in the same policy."""
    defined = {(tree.symbol, tree.name.text.lower()) for tree in document.trees if isinstance(tree, Definition)}
    for index, grant in document.grants():
        for location in (grant.source, grant.location):
            name = None if location is None else location.tenancy
            if location is not None and name is not None and ("tenancy", name.lower()) not in defined:
                fix = f"add `define tenancy {name} as ocid1.tenancy…` to this policy"
                yield index, RuleNote(location.column, f"tenancy {name} is not defined in this policy", fix)


POLICY_RULES = (
    PolicyRule("duplicate", "warning", "two statements say the same", _duplicates),
    PolicyRule("shadowed", "info", "another statement already grants this", _shadowed),
    PolicyRule("too-many-statements", "error", "more statements than a policy holds", _too_many),
    PolicyRule("path-full", "error", "more statements than fit along a path of compartments", _path_full),
    PolicyRule("unresolved-name", "error", "a group or compartment that is not there", _unresolved),
    PolicyRule("outside-subtree", "error", "a place outside the policy's compartment", _outside),
    PolicyRule("undefined-tenancy", "warning", "a foreign tenancy that the policy does not define", _undefined),
)
