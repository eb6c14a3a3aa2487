"""OCI IAM's policy language, understood: parsed, printed, compared, filled in, evaluated and linted. Pure, usable alone.

Reading and sameness are at hand at once; what shows differences and what decides is imported when it is first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .compiled import Named, compiled_ids, find_names, named_kinds
from .errors import PolicySyntaxError, PolicyValueError, UnresolvedName
from .meaning import same
from .parse import parse, parse_matching_rule, parse_matching_rules, parse_once, parse_statements
from .refusals import Refusal, find_refusals
from .resolve import Directory, find_unresolved, resolve, resolve_where_known
from .template import Hole, Template
from .tree import (
    VERBS,
    Association,
    Call,
    Comparison,
    Condition,
    Definition,
    Grant,
    Group,
    Location,
    Name,
    Ocid,
    Pattern,
    Presence,
    Statement,
    Subject,
    Text,
    Variable,
    Word,
)
from .write import unparse, unparse_condition

if TYPE_CHECKING:
    from .decisions import evaluate
    from .differences import StatementChange, TokenChange, compare
    from .permissions import members_of, operations_of, permissions_given, permissions_of
    from .request import Decision, Principal, Request, Rule
    from .rules import RuleSet, compile_rules
    from .truth import holds

_LATER = {
    "decisions": ("evaluate",),
    "differences": ("StatementChange", "TokenChange", "compare"),
    "permissions": ("members_of", "operations_of", "permissions_given", "permissions_of"),
    "request": ("Decision", "Principal", "Request", "Rule"),
    "rules": ("RuleSet", "compile_rules"),
    "truth": ("holds",),
}
_HOMES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


__all__ = [
    "VERBS",
    "Association",
    "Call",
    "Comparison",
    "Condition",
    "Decision",
    "Definition",
    "Directory",
    "Grant",
    "Group",
    "Hole",
    "Location",
    "Name",
    "Named",
    "Ocid",
    "Pattern",
    "PolicySyntaxError",
    "PolicyValueError",
    "Presence",
    "Principal",
    "Refusal",
    "Request",
    "Rule",
    "RuleSet",
    "Statement",
    "StatementChange",
    "Subject",
    "Template",
    "Text",
    "TokenChange",
    "UnresolvedName",
    "Variable",
    "Word",
    "compare",
    "compile_rules",
    "compiled_ids",
    "evaluate",
    "find_names",
    "find_refusals",
    "find_unresolved",
    "holds",
    "members_of",
    "named_kinds",
    "operations_of",
    "parse",
    "parse_matching_rule",
    "parse_matching_rules",
    "parse_once",
    "parse_statements",
    "permissions_given",
    "permissions_of",
    "resolve",
    "resolve_where_known",
    "same",
    "unparse",
    "unparse_condition",
]
