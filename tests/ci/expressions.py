"""The `${{ … }}` of a workflow, as far as the shipped ones use them. What is not understood is an error, never an empty text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_PATH = re.compile(r"[\w-]+(\.[\w-]+)*")
_CALL = re.compile(r"(fromJSON|toJSON)\((.*)\)")
_COMPARISON = re.compile(r"(.+?) (==|!=) (.+)")

Context = Mapping[str, Any]


def fill(value: Any, context: Context) -> Any:
    """A value of the workflow with its expressions worked out; one that is nothing but an expression keeps its type."""
    if not isinstance(value, str):
        return value
    whole = _EXPRESSION.fullmatch(value)
    if whole and "${{" not in whole[1]:
        return evaluate(whole[1], context)
    return _EXPRESSION.sub(lambda found: str(evaluate(found[1], context)), value)


def holds(condition: str | None, context: Context, *, succeeded: bool) -> bool:
    """Whether an `if:` lets its job or step run; without a word on failures it does only when what came before succeeded."""
    text = (condition or "").strip()
    text = text.removeprefix("${{").removesuffix("}}").strip()
    if not any(word in text for word in ("cancelled()", "always()")) and not succeeded:
        return False
    return all(evaluate(part, context) for part in text.split(" && ")) if text else True


def evaluate(text: str, context: Context) -> Any:
    """The value of one expression. What a context does not hold is an empty text, as on GitHub."""
    text = text.strip()
    if text == "!cancelled()":
        return True
    if compared := _COMPARISON.fullmatch(text):
        left, right = evaluate(compared[1], context), evaluate(compared[3], context)
        return (left == right) is (compared[2] == "==")
    if text.startswith("'") and text.endswith("'"):
        return text[1:-1]
    if called := _CALL.fullmatch(text):
        argument = evaluate(called[2], context)
        return json.loads(argument) if called[1] == "fromJSON" else json.dumps(argument, indent=2)
    assert _PATH.fullmatch(text), f"an expression that the tests do not know: {text}"
    value: Any = context
    for name in text.split("."):
        value = value.get(name, "") if isinstance(value, Mapping) else ""
    return value
