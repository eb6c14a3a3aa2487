"""The policy language for programs that use it alone: `parse` reads a statement, `unparse` prints it. All else is in `iam_policy`."""

from genai_iac.iam_policy import PolicySyntaxError, parse, unparse

__all__ = ["PolicySyntaxError", "parse", "unparse"]
