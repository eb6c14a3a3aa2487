"""Is a document what its kind's schema says? Fast when it is; exact words and places when it is not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from genai_iac.errors import Problem
from genai_iac.model import Path, Source
from genai_iac.schema.accept import Test, compile_acceptor
from genai_iac.schema.documents import document_schema

MAX_PROBLEMS = 50  # a document with more has one mistake, not fifty


def check_document(
    kind: str, data: Mapping[str, Any], place: Callable[..., Source], unread: Collection[Path] = ()
) -> Iterator[Problem]:
    """What is wrong with a whole document of that kind (`apiVersion`, `kind`, `metadata`, `spec`), after interpolation.

    `place(*path)` says where a part was written. What lies at or below the `unread` paths was told to be wrong already and is passed over.
    Raises KeyError for a kind that is none.
    """
    if _acceptor(kind)(data):
        return
    from genai_iac.schema.explain import explain

    faults = (fault for error in _judge(kind).iter_errors(data) for fault in explain(error))
    for fault in islice(faults, MAX_PROBLEMS):
        if not any(fault.path[: len(path)] == path for path in unread):
            yield Problem(place(*fault.path), fault.message, fault.hint)


@cache
def _acceptor(kind: str) -> Test:
    return compile_acceptor(document_schema(kind))


@cache
def _judge(kind: str) -> Any:
    from genai_iac.schema.judge import make_judge

    return make_judge(document_schema(kind))
