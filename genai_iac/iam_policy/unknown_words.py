"""Words of a statement that the service does not know and refuses: resource types, permissions, variables, services.

No list of ours is complete. What is `certain` is a slip of the pen beside a word that we know, or a permission of a service
whose permissions we know all; everything else that is on no list may be a word that we have not met.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from genai_iac.iam_policy.condition_variables import VARIABLES, find_variable
from genai_iac.iam_policy.conditions import variables
from genai_iac.iam_policy.grammar.hints import close_match
from genai_iac.iam_policy.permissions import SERVICES
from genai_iac.iam_policy.resource_types import RESOURCE_TYPES
from genai_iac.iam_policy.syntax_tree import VERBS, Grant, Statement

_TYPES = tuple(sorted(RESOURCE_TYPES))
_NAMES = tuple(sorted(variable.name for variable in VARIABLES if not variable.name.endswith("*")))
_PERMISSIONS = {
    permission.lower(): permission
    for service in SERVICES
    for kind in service.types.values()
    for verb in VERBS
    for permission in kind.added_by(verb)
}
_RESERVED_SERVICES = frozenset({"any-user", "any-group", "group", "dynamic-group", "resource", "service"})
_SLIP = 0.9  # so like a known word that another meaning is unlikely


@dataclass(frozen=True, slots=True)
class UnknownWord:
    """A word, what it stands for, its 1-based column, and the known word that it is a slip of."""

    kind: str  # resource type, permission, variable or service
    text: str
    column: int
    guess: str | None  # None when no known word is near

    @property
    def certain(self) -> bool:
        """Whether the service is certain to refuse it."""
        return self.guess is not None or self.kind == "service"

    def __str__(self) -> str:
        return f"{self.text} is no {self.kind} we know"


def find_unknown_words(statement: Statement) -> Iterator[UnknownWord]:
    """The words of a statement that are on none of our lists.

    Yields:
        In the order: services, resource types, permissions, variables. Tag variables are
            never unknown.
    """
    if not isinstance(statement, Grant):
        return
    for member in statement.subject.members if statement.subject.kind == "service" else ():
        if member.text.lower() in _RESERVED_SERVICES:
            yield UnknownWord("service", member.text, member.column, None)
    for resource in statement.resources:
        if resource.text not in RESOURCE_TYPES:
            guess = close_match(resource.text.replace("_", "-"), _TYPES, _SLIP)
            yield UnknownWord("resource type", resource.text, resource.column, guess)
    for permission in statement.permissions:
        folded = permission.text.lower()
        if folded not in _PERMISSIONS:
            found = close_match(folded, tuple(_PERMISSIONS), _SLIP)
            guess = None if found is None else _PERMISSIONS[found]
            yield UnknownWord("permission", permission.text, permission.column, guess)
    for variable in variables(statement.condition):
        name = variable.text.lower()
        if find_variable(name) is None and ".tag." not in name:
            found = close_match(name, _NAMES, _SLIP)
            guess = found if found is not None and found.count(".") == name.count(".") else None
            yield UnknownWord("variable", variable.text, variable.column, guess)
