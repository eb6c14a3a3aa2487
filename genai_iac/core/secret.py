"""A plaintext that can travel from the response that showed it to the sink that keeps it, and nowhere else.

Most leaks are accidents: an f-string, a log line, a JSON dump, a traceback. Each of them raises TypeError with this type. The redactor is
the second line: it covers a value that got into text in another way.
"""

from __future__ import annotations

import hmac
import re
from typing import NoReturn

from genai_iac.core.redactor import register_value

# 16 characters and more: shorter words of a document are names and addresses.
_WORD = re.compile(r"[^\s\"'=,;{}\[\]]{16,}")
_REFUSAL = "a secret value can only be opened by a sink (Secret.reveal)"


class Secret:
    """One plaintext value. It cannot be printed, formatted, pickled, copied or JSON-encoded; two are compared in constant time.

    `repr` gives a constant so that debuggers and tracebacks stay usable; everything else that would make text of it raises TypeError.

    Values are not wiped from memory: Python's strings cannot be. A core dump or a debugger
    can read them.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value
        register_value(value)

    @classmethod
    def document(cls, text: str) -> Secret:
        """A text with values and other things in it. The values are `Secret`s of their own, so that the redactor knows them;
        the text as a whole is not given to it: names and addresses would be covered too.

        Args:
            text: for example a rendered dotenv file.
        """
        made = cls("")
        made.__value = text
        return made

    def register_words(self) -> None:
        """Give the redactor every long word of a document in which nobody knows what is a value."""
        for word in _WORD.findall(self.__value):
            register_value(word)

    def reveal(self) -> str:
        """The plaintext itself. Called by sinks and by the verification call, nowhere else (a test holds this).

        tests/core/test_secret.py (test_values_are_opened_in_few_places) lists the modules that
        may call it.
        """
        return self.__value

    def __repr__(self) -> str:
        return "Secret(****)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
        """Refused: a set or dict of values would compare them in variable time."""
        raise TypeError(_REFUSAL)

    def __str__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __bytes__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __iter__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __getstate__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __copy__(self) -> NoReturn:
        raise TypeError(_REFUSAL)

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError(_REFUSAL)
