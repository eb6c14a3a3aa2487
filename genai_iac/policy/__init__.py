"""OCI IAM's policy language, understood: parsed, printed, compared, filled in, evaluated and linted. Pure, usable alone."""

from .compare import StatementChange, TokenChange, compare
from .errors import PolicySyntaxError, PolicyValueError, UnresolvedName
from .evaluate import evaluate
from .holds import holds
from .meaning import same
from .parse import parse, parse_matching_rule, parse_matching_rules, parse_statements
from .permissions import members_of, operations_of, permissions_given, permissions_of
from .request import Decision, Principal, Request, Rule
from .resolve import Directory, resolve
from .rules import RuleSet, compile_rules
from .template import Hole, Template
from .tree import (
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

__all__ = [
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
    "Ocid",
    "Pattern",
    "PolicySyntaxError",
    "PolicyValueError",
    "Presence",
    "Principal",
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
    "evaluate",
    "holds",
    "members_of",
    "operations_of",
    "parse",
    "parse_matching_rule",
    "parse_matching_rules",
    "parse_statements",
    "permissions_given",
    "permissions_of",
    "resolve",
    "same",
    "unparse",
    "unparse_condition",
]
