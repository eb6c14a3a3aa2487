"""OCI IAM's policy language, understood: parsed, printed, compared, filled in, evaluated and linted. Pure, usable alone."""

from .errors import PolicySyntaxError, PolicyValueError, UnresolvedName
from .parse import parse, parse_matching_rule, parse_statements
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
