"""The grammar of conditions, which dynamic groups share: comparisons, lists, times, presence, set functions, all and any."""

import re

from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.grammar.tokens import PATTERN, PLACEHOLDERS, QUOTED, WORD, TokenStream, unquote
from genai_iac.iam_policy.syntax_tree import (
    Comparison,
    Condition,
    ConditionGroup,
    ConditionVariable,
    FunctionCall,
    Operand,
    Operator,
    Pattern,
    Presence,
    QuotedValue,
)

DEPTH = 64  # deeper nesting than anybody writes, and far from Python's own limit

_SINGLE: dict[str, Operator] = {"=": "=", "before": "before", "after": "after"}
_FUNCTION = re.compile(r"sets?-[a-z-]+")
_UNDOTTED_PLACEHOLDER = re.compile(rf".*[{PLACEHOLDERS}]")


def read_condition(cursor: TokenStream, depth: int = 0) -> Condition:
    """Read one condition. Raises PolicySyntaxError also when groups nest deeper than DEPTH.

    Args:
        cursor: behind `where`, or inside a group.
        depth: of groups around it.
    """
    token = cursor.token
    word = token.folded
    if word == "all" or word == "any":
        return _read_group(cursor, depth)
    # `not VARIABLE` tests absence. The only negated comparisons are `!=` and `not in`.
    if word == "not":
        cursor.take()
        return Presence(_read_variable(cursor), negated=True)
    if token.kind == WORD and _FUNCTION.fullmatch(word):
        return _read_call(cursor)
    return _read_comparison(cursor, _read_variable(cursor))


def _read_group(cursor: TokenStream, depth: int) -> ConditionGroup:
    token = cursor.take()
    if depth >= DEPTH:
        message = f"conditions nest deeper than {DEPTH}"
        raise PolicySyntaxError(message, text=cursor.text, column=token.start + 1, hint="flatten the groups")
    cursor.open("{")
    items = [read_condition(cursor, depth + 1)]
    while cursor.accept(","):
        items.append(read_condition(cursor, depth + 1))
    cursor.close("}", "`,`")
    return ConditionGroup("all" if token.folded == "all" else "any", tuple(items), token.start + 1)


def _read_variable(cursor: TokenStream) -> ConditionVariable:
    token = cursor.token
    if token.kind != WORD or not _is_variable(token.text):
        raise cursor.error("a condition", "a variable", "`all`", "`any`")
    cursor.take()
    return ConditionVariable(token.text, token.start + 1)


def _is_variable(text: str) -> bool:
    """Whether the word can be a variable: dots between parts, or a placeholder in it."""
    return ("." in text and ".." not in text and text[-1] != ".") or _UNDOTTED_PLACEHOLDER.match(text) is not None


def _read_comparison(cursor: TokenStream, left: ConditionVariable) -> Comparison | Presence:
    word = cursor.token.folded
    if word in _SINGLE:
        cursor.take()
        return Comparison(left, _SINGLE[word], (_read_operand(cursor),))
    if word[:1] == "!":
        cursor.take()
        return Comparison(left, "!=", (_read_operand(cursor),))
    if word == "in":
        cursor.take()
        return Comparison(left, "in", _read_list(cursor))
    if word == "not":
        cursor.take()
        cursor.expect("in")
        return Comparison(left, "not in", _read_list(cursor))
    if word == "between":
        cursor.take()
        first = _read_operand(cursor)
        cursor.expect("and")
        return Comparison(left, "between", (first, _read_operand(cursor)))
    # A variable without operator tests presence, as in rules of dynamic groups:
    # `tag.ns.key.value`.
    if word == "," or word == "}" or cursor.at_end or cursor.starts_statement():
        return Presence(left)
    raise cursor.error("an operator", "`=`", "`!=`", "`in`", "`not in`", "`before`", "`after`", "`between`")


def _read_operand(cursor: TokenStream) -> Operand:
    """A quoted value, a /pattern/ or a variable. A bare OCID is a value, as published policies write it."""
    token = cursor.token
    column = token.start + 1
    if token.kind == QUOTED and len(token.text) > 2:
        cursor.take()
        return QuotedValue(unquote(token.text), column)
    if token.kind == PATTERN:
        cursor.take()
        return Pattern(token.text[1:-1], column)
    if token.kind == WORD and "." in token.text:
        cursor.take()
        return (
            QuotedValue(token.text, column)
            if token.folded.startswith("ocid1.")
            else ConditionVariable(token.text, column)
        )
    if token.kind == WORD and _UNDOTTED_PLACEHOLDER.match(token.text):
        cursor.take()
        return QuotedValue(token.text, column)  # a bare placeholder is a value, quoted when it is filled
    raise cursor.error("a quoted value", "a /pattern/", "a variable")


def _read_list(cursor: TokenStream) -> tuple[Operand, ...]:
    cursor.open("(")
    operands = [_read_operand(cursor)]
    while cursor.accept(","):
        operands.append(_read_operand(cursor))
    cursor.close(")", "`,`")
    return tuple(operands)


def _read_call(cursor: TokenStream) -> FunctionCall:
    token = cursor.take()
    cursor.open("(")
    arguments = [_read_argument(cursor)]
    while cursor.accept(","):
        arguments.append(_read_argument(cursor))
    cursor.close(")", "`,`")
    return FunctionCall(token.folded, tuple(arguments), token.start + 1)


def _read_argument(cursor: TokenStream) -> Operand | tuple[Operand, ...]:
    return _read_list(cursor) if cursor.token.folded == "(" else _read_operand(cursor)
