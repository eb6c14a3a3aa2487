"""The errors of the policy language: a statement that cannot be read, a name that nothing has, a value that does not fit its placeholder.

Each error is a ValueError, carries its column (1-based, counted in characters of the text) and says what to type next.
"""


class PolicySyntaxError(ValueError):
    """A statement is not in OCI's policy language.

    ``column`` is where reading stopped, ``expected`` what would have been welcome there, ``hint`` the likely fix or None.

    Args:
        message: what was found and what was expected.
        text: the statement.
        column: 1-based.
    """

    def __init__(
        self, message: str, *, text: str, column: int, expected: tuple[str, ...] = (), hint: str | None = None
    ) -> None:
        self.message = message
        self.text = text
        self.column = column
        self.expected = expected
        self.hint = hint
        super().__init__(f"column {column}: {message}" + (f"; {hint}" if hint else ""))


class UnresolvedName(ValueError):
    """A statement names something that is not there: ``kind`` is compartment, group, dynamic-group or subtree.

    ``subtree`` means that the compartment exists but the policy's own compartment does not contain it.

    OCI refuses such a policy with 400.
    """

    def __init__(self, kind: str, name: str, column: int, message: str) -> None:
        self.kind = kind
        self.name = name
        self.column = column
        self.message = message
        super().__init__(f"column {column}: {message}")


class PolicyValueError(ValueError):
    """A value does not fit the placeholder it was given for, so no statement is built. ``reason`` is the message without the value.

    Raised before a statement is built: a value can never change what a statement means.
    """

    def __init__(self, placeholder: str, value: str, message: str, column: int, reason: str = "") -> None:
        self.placeholder = placeholder
        self.reason = reason
        self.value = value
        self.message = message
        self.column = column
        super().__init__(f"column {column}: {message}")
