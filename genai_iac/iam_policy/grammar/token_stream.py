"""A place in a list of tokens, and the one way to fail there. Grammar files move it; nothing else does."""

from genai_iac.iam_policy.errors import PolicySyntaxError
from genai_iac.iam_policy.grammar.tokens import END, QUOTED, STARTS, STRAY, WORD, Token


class TokenStream:
    """Reads tokens one by one, never going back.

    Args:
        text: the statement, for messages.
        tokens: with an END or STRAY token at the end.
    """

    __slots__ = ("index", "opened", "text", "token", "tokens")

    def __init__(self, text: str, tokens: list[Token]) -> None:
        self.text = text
        self.tokens = tokens
        self.index = 0
        self.token = tokens[0]
        self.opened: list[int] = []  # offsets of the braces and brackets that are still open

    @property
    def column(self) -> int:
        """The 1-based column of the token to be read next."""
        return self.token.start + 1

    @property
    def at_end(self) -> bool:
        """Whether every token has been read."""
        return self.token.kind == END

    def take(self) -> Token:
        """The token to be read next, which then is read.

        A STRAY token is never passed, so reading always ends there with an error.
        """
        token = self.token
        if token.kind != END and token.kind != STRAY:
            self.index += 1
            self.token = self.tokens[self.index]
        return token

    def accept(self, folded: str) -> bool:
        """Read a keyword or mark if it is the next one.

        Returns:
            Whether it was read.
        """
        if self.token.folded == folded:
            self.take()
            return True
        return False

    def expect(self, folded: str, *also: str) -> Token:
        """Read a keyword or mark, or fail; ``also`` are things that would have been welcome too.

        Raises:
            PolicySyntaxError: something else is next.
        """
        if self.token.folded != folded:
            raise self.error(f"`{folded}`", *also)
        return self.take()

    def open(self, mark: str) -> None:
        """Read an opening brace or bracket and remember it, so that a missing end can name it."""
        start = self.token.start
        self.expect(mark)
        self.opened.append(start)

    def close(self, mark: str, *also: str) -> None:
        """Read the closing brace or bracket of the last one opened."""
        self.expect(mark, *also)
        self.opened.pop()

    def at_name(self) -> bool:
        """Whether a name could be read next: an unquoted word that is no keyword of the head, or a quoted one."""
        token = self.token
        return (token.kind == WORD and token.folded not in _RESERVED) or (token.kind == QUOTED and len(token.text) > 2)

    def starts_statement(self) -> bool:
        """Whether the next token can begin a statement."""
        return self.token.folded in STARTS and self.token.kind == WORD

    def error(self, *expected: str) -> PolicySyntaxError:
        """The error of not finding what was expected in the place of the next token.

        Args:
            expected: in backquotes for keywords, in words for kinds of tokens.
        """
        from genai_iac.iam_policy.grammar.hints import (
            find_hint,  # guessing what was meant takes difflib, which reading does not need
        )

        found = "the end" if self.token.kind == END else f"`{_shown(self.token.text)}`"
        message = f"expected {_listed(expected)}, found {found}"
        return PolicySyntaxError(
            message,
            text=self.text,
            column=self.column,
            expected=expected,
            hint=find_hint(self.text, self.tokens, self.index, expected, self.opened),
        )


_RESERVED = frozenset({"to", "in", "of", "where", "with"})


def _shown(piece: str) -> str:
    return piece if len(piece) <= 40 else piece[:37] + "..."


def _listed(expected: tuple[str, ...]) -> str:
    return expected[0] if len(expected) == 1 else ", ".join(expected[:-1]) + " or " + expected[-1]
