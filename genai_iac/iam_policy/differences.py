"""What changed between two lists of statements, for people: added, removed, or edited token by token."""

from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal, NamedTuple

from msgspec import Struct

from genai_iac.iam_policy.equivalence import canonical
from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.name_resolution import Directory
from genai_iac.iam_policy.parser import parse_once
from genai_iac.iam_policy.printer import print_tokens, unparse
from genai_iac.iam_policy.syntax_tree import Grant, Name, Ocid, Statement


class TokenChange(Struct, frozen=True):
    """One token that differs: ``verb``, ``use``, ``manage``. ``before`` or ``after`` is None when there was or is none."""

    role: str  # what the token is in the statement: verb, resource, compartment, value
    before: str | None
    after: str | None

    def __str__(self) -> str:
        if self.before is None:
            return f"{self.role} + {self.after}"
        if self.after is None:
            return f"{self.role} - {self.before}"
        return f"{self.role} {self.before} → {self.after}"


class StatementChange(Struct, frozen=True):
    """One statement that differs, as written on either side; ``tokens`` says how when it was edited."""

    kind: Literal["added", "removed", "edited"]
    before: str | None  # as written; None when it was added
    after: str | None  # as written; None when it was removed
    tokens: tuple[TokenChange, ...] = ()

    def __str__(self) -> str:
        if self.kind == "edited":
            return ", ".join(map(str, self.tokens))
        return f"+ {self.after}" if self.before is None else f"- {self.before}"


def compare(
    left: Sequence[str], right: Sequence[str], directory: Directory | None, attached: str
) -> tuple[StatementChange, ...]:
    """What turns ``left`` into ``right``; empty exactly when they are the same (see ``same``).

    Edits come first, in the order of ``left``, then what was removed and what was added.

    Args:
        left: the statements before.
        right: the statements after.
        directory: None compares names as names.
        attached: OCID of the compartment where the policy is attached.
    """
    before = _read_all(left, directory, attached)
    after = _read_all(right, directory, attached)
    removed = [entry for key, entry in before.items() if key not in after]
    added = [entry for key, entry in after.items() if key not in before]
    pairs = _pair(removed, added)
    edits = [_edit(removed[i], added[j]) for i, j in sorted(pairs.items())]
    gone = [StatementChange("removed", entry.text, None) for i, entry in enumerate(removed) if i not in pairs]
    taken = set(pairs.values())
    come = [StatementChange("added", None, entry.text) for j, entry in enumerate(added) if j not in taken]
    return tuple(edits + gone + come)


class _Token(NamedTuple):
    role: str
    text: str


class _ReadStatement(NamedTuple):
    text: str
    tokens: tuple[_Token, ...]
    names: dict[str, str]  # OCIDs that were written as names, and the names


def _read_all(texts: Sequence[str], directory: Directory | None, attached: str) -> dict[str, _ReadStatement]:
    """Statements by canonical text. One that does not parse stands for itself, as a single token."""
    entries: dict[str, _ReadStatement] = {}
    for text in texts:
        try:
            written = parse_once(text)
        except PolicySyntaxError:
            folded = " ".join(text.split())
            entries.setdefault(folded, _ReadStatement(text, (_Token("text", folded),), {}))
            continue
        tree = canonical(written, directory, attached)
        tokens = tuple(_Token(piece.role, piece.text) for piece in print_tokens(tree))
        # A repetition changes nothing, so only the first one counts.
        entries.setdefault(unparse(tree), _ReadStatement(text, tokens, _names(written, directory, attached)))
    return entries


def _names(written: Statement, directory: Directory | None, attached: str) -> dict[str, str]:
    """Lower-case names and OCIDs of the canonical tree to the names as they were written, for output."""
    if not isinstance(written, Grant):
        return {}
    names = {name.lower(): name for name in _written_names(written) if name != name.lower()}
    if directory is None:
        return names
    places = [written.location] + ([] if written.association is None else [written.association.location])
    for place in places:
        found = directory.compartment(place.path, attached) if place.path and not place.foreign else None
        if found is not None:
            names[found.lower()] = ":".join(place.path)
    find = {"group": directory.group, "dynamic-group": directory.dynamic_group}.get(written.subject.kind)
    for member in written.subject.members if find is not None else ():
        found = find(member.text, member.domain) if find is not None and isinstance(member, Name) else None
        if found is not None and not isinstance(member, Ocid):
            names[found.lower()] = member.text
    return names


def _written_names(written: Grant) -> Iterator[str]:
    """Names as they were written: the canonical tree, which is compared, has them in lower case."""
    yield from written.location.path
    if written.association is not None:
        yield from written.association.location.path
    yield from (member.text for member in written.subject.members if isinstance(member, Name))


_ALIKE = 0.5  # statements that share fewer of their tokens are another statement, not an edited one


def _pair(removed: Sequence[_ReadStatement], added: Sequence[_ReadStatement]) -> dict[int, int]:
    """Which removed statement became which added one: the most alike first."""
    pairs = dict(_pairs_in_order(removed, added)) if len(removed) * len(added) > _MANY else {}
    taken = set(pairs.values())
    rest = [i for i in range(len(removed)) if i not in pairs]
    free = [j for j in range(len(added)) if j not in taken]
    if len(rest) * len(free) > _TOO_MANY:
        return pairs
    found = _likenesses([removed[i] for i in rest], [added[j] for j in free])
    ranked = sorted(((alike, rest[i], free[j]) for alike, i, j in found), key=lambda one: (-one[0], one[1], one[2]))
    for _, i, j in ranked:
        if i not in pairs and j not in taken:
            pairs[i] = j
            taken.add(j)
    return pairs


_MANY = 2_500  # pairs: above it those that stand in the same order are tried first
_TOO_MANY = 40_000  # pairs of what is left: above it they are shown as removed and added
_SURE = 0.75  # share of tokens in common that is enough at the same position


def _pairs_in_order(removed: Sequence[_ReadStatement], added: Sequence[_ReadStatement]) -> Iterator[tuple[int, int]]:
    """Statements that stand at the same place of both lists and are much alike: an edit seldom changes the order."""
    for i, (before, after) in enumerate(zip(removed, added, strict=False)):
        shared = (Counter(before.tokens) & Counter(after.tokens)).total()
        if 2 * shared >= _SURE * (len(before.tokens) + len(after.tokens)):
            yield i, i


def _likenesses(removed: Sequence[_ReadStatement], added: Sequence[_ReadStatement]) -> Iterator[tuple[float, int, int]]:
    """Pairs that share at least half of their tokens, with the share. Quadratic, hence the limits above."""
    counted = [(j, Counter(entry.tokens), len(entry.tokens)) for j, entry in enumerate(added)]
    for i, entry in enumerate(removed):
        mine = Counter(entry.tokens)
        for j, theirs, size in counted:
            alike = 2 * (mine & theirs).total() / (len(entry.tokens) + size)
            if alike >= _ALIKE:
                yield alike, i, j


def _edit(before: _ReadStatement, after: _ReadStatement) -> StatementChange:
    names = before.names | after.names
    changes = tuple(
        TokenChange(role, None if old is None else names.get(old, old), None if new is None else names.get(new, new))
        for role, old, new in _changes(before.tokens, after.tokens)
    )
    if not changes:  # only the bracketing differs
        changes = (TokenChange("statement", before.text, after.text),)
    return StatementChange("edited", before.text, after.text, changes)


def _changes(before: Sequence[_Token], after: Sequence[_Token]) -> Iterator[tuple[str, str | None, str | None]]:
    """Token by token what differs: role, before, after. Punctuation and keywords are left out."""
    before, after = _without_ends(before, after)
    if len(before) * len(after) > _LONG:
        common = Counter(before) & Counter(after)
        before, after = _without(before, common), _without(after, common)
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        old = [token for token in before[i:i_end] if token.role not in _SILENT]
        new = [token for token in after[j:j_end] if token.role not in _SILENT]
        for mine, theirs in zip_longest(old, new):
            if mine is not None and theirs is not None and mine.role == theirs.role:
                yield mine.role, mine.text, theirs.text
            else:
                yield from ((mine.role, mine.text, None),) if mine is not None else ()
                yield from ((theirs.role, None, theirs.text),) if theirs is not None else ()


_LONG = 250_000  # pairs of tokens: above it what both have is left out first, wherever it stands


def _without_ends(before: Sequence[_Token], after: Sequence[_Token]) -> tuple[Sequence[_Token], Sequence[_Token]]:
    """Both without what they begin and end with alike."""
    most = min(len(before), len(after))
    head = next((at for at in range(most) if before[at] != after[at]), most)
    tail = next((at for at in range(most - head) if before[-1 - at] != after[-1 - at]), most - head)
    return before[head : len(before) - tail], after[head : len(after) - tail]


def _without(tokens: Sequence[_Token], common: Counter[_Token]) -> list[_Token]:
    left, kept = Counter(common), []
    for token in tokens:
        if left[token] > 0:
            left[token] -= 1
        else:
            kept.append(token)
    return kept


_SILENT = frozenset({"mark", "keyword"})  # roles that carry no meaning of their own
