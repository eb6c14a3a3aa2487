"""A plaintext that can travel from the response that showed it to the sink that keeps it, and nowhere else."""

from __future__ import annotations

import hmac
from typing import NoReturn

_REFUSAL = "a secret value can only be opened by a sink (Secret.reveal)"


class Secret:
    """One plaintext value. It cannot be printed, formatted, pickled, copied or JSON-encoded; two are compared in constant time.

    `repr` gives a constant so that debuggers and tracebacks stay usable; everything else that would make text of it raises TypeError.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The plaintext itself. Called by sinks and by the verification call, nowhere else (a test holds this)."""
        return self.__value

    def __repr__(self) -> str:
        return "Secret(****)"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self.__value.encode(), other.__value.encode())

    def __hash__(self) -> int:
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
