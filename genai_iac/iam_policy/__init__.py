"""OCI's IAM policy language: parse, print, compare, fill in, evaluate, lint. Usable alone.

For: comparing policies by meaning, and deciding what a statement allows. Pure.
In: statement text, and a `Directory` that resolves names to OCIDs. Out: syntax trees, differences, decisions, lint findings.
Must not know: manifests, tenancies, the SDK; the emulator uses it too.
Parsing and comparison are imported at once; differences and evaluation when first used, because most commands need neither.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from genai_iac.iam_policy.compiled import Named, compiled_ids, find_names, named_kinds
from genai_iac.iam_policy.equivalence import is_equivalent
from genai_iac.iam_policy.errors import PolicySyntaxError, PolicyValueError, UnresolvedName
from genai_iac.iam_policy.name_resolution import Directory, find_unresolved, resolve, resolve_where_known
from genai_iac.iam_policy.parser import parse, parse_matching_rule, parse_matching_rules, parse_once, parse_statements
from genai_iac.iam_policy.printer import unparse, unparse_condition
from genai_iac.iam_policy.syntax_tree import (
    VERBS,
    Association,
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    Definition,
    FunctionCall,
    Grant,
    Location,
    Name,
    Ocid,
    Pattern,
    Presence,
    QuotedValue,
    Statement,
    Subject,
    Word,
)
from genai_iac.iam_policy.template import Placeholder, Refusal, Template, find_refusals

if TYPE_CHECKING:
    from genai_iac.iam_policy.condition_eval import condition_holds
    from genai_iac.iam_policy.differences import StatementChange, TokenChange, compare
    from genai_iac.iam_policy.evaluator import evaluate
    from genai_iac.iam_policy.permissions import members_of, operations_of, permissions_given, permissions_of
    from genai_iac.iam_policy.request import AccessRequest, Decision, Principal, StatementInForce
    from genai_iac.iam_policy.rules import RuleSet, compile_rules

_LATER = {
    "evaluator": ("evaluate",),
    "differences": (
        "StatementChange",
        "TokenChange",
        "compare",
    ),
    "permissions": (
        "members_of",
        "operations_of",
        "permissions_given",
        "permissions_of",
    ),
    "request": (
        "Decision",
        "Principal",
        "AccessRequest",
        "StatementInForce",
    ),
    "rules": (
        "RuleSet",
        "compile_rules",
    ),
    "condition_eval": ("condition_holds",),
}
_HOMES = {name: module for module, names in _LATER.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value


__all__ = [
    "VERBS",
    "AccessRequest",
    "Association",
    "Comparison",
    "Condition",
    "ConditionGroup",
    "ConditionVariable",
    "Decision",
    "Definition",
    "Directory",
    "FunctionCall",
    "Grant",
    "Location",
    "Name",
    "Named",
    "Ocid",
    "Pattern",
    "Placeholder",
    "PolicySyntaxError",
    "PolicyValueError",
    "Presence",
    "Principal",
    "QuotedValue",
    "Refusal",
    "RuleSet",
    "Statement",
    "StatementChange",
    "StatementInForce",
    "Subject",
    "Template",
    "TokenChange",
    "UnresolvedName",
    "Word",
    "compare",
    "compile_rules",
    "compiled_ids",
    "condition_holds",
    "evaluate",
    "find_names",
    "find_refusals",
    "find_unresolved",
    "is_equivalent",
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
    "unparse",
    "unparse_condition",
]
