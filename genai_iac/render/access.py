"""What keys may do, for people and as JSON: as it will be, and what a change grants or takes away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from genai_iac.analysis.access import Accesses, KeyPermission
from genai_iac.analysis.statements_in_force import StatementRef
from genai_iac.core import Address
from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.sanitize import escape_control
from genai_iac.render.common.terminal import Terminal, Tone
from genai_iac.render.plan.context import AccessBeforeAfter


def access_text(found: Accesses, terminal: Terminal) -> str:
    """One line a permission with its statements below it: now, and once everything is applied where that differs.

    Args:
        found: from `analysis.access`.
        terminal: width and colours.
    """
    if not found.keys:
        return terminal.join(["No API keys."])
    if not (found.granted or found.taken):
        return terminal.join([*_section(found, found.after, terminal), *_gap_lines(found, terminal)])
    lines = ["Now:", *_section(found, found.before, terminal)]
    lines += ["", "Once it is applied:", *_section(found, found.after, terminal)]
    # Counts are repeated at the end, because the list is long.
    lines += ["", f"That is once it is applied: {_counts(found)}; see --diff.", *_gap_lines(found, terminal)]
    return terminal.join(lines)


def _section(found: Accesses, permissions: Iterable[KeyPermission], terminal: Terminal) -> Iterator[str]:
    permissions = tuple(permissions)
    for key in found.keys:
        yield from _of_key(key, permissions, found, terminal)


def _gap_lines(found: Accesses, terminal: Terminal) -> Iterator[str]:
    for gap in found.gaps:
        yield from terminal.wrap(f"Not complete: {escape_control(gap)}")


def access_diff_text(found: Accesses, terminal: Terminal) -> str:
    """What the change grants and takes away; then the counts."""
    lines = [*_signed("-", "remove", found.taken, terminal), *_signed("+", "add", found.granted, terminal)]
    gaps = _gap_lines(found, terminal)
    if not lines:
        return terminal.join(["No change in what keys may do.", *gaps])
    return terminal.join([*lines, "", f"Access: {_counts(found)}.", *gaps])


def access_json(found: Accesses) -> str:
    """`{"keys", "before", "after", "granted", "taken", "gaps"}`, one line feed at the end."""
    document = {
        "keys": [str(key) for key in found.keys],
        "before": _rows(found.before),
        "after": _rows(found.after),
        "granted": _rows(found.granted),
        "taken": _rows(found.taken),
        "gaps": list(found.gaps),
    }
    return write_json(document, indent=2) + "\n"


def access_lines(found: Accesses) -> AccessBeforeAfter:
    """The same for a rendering of a plan; what stays is reported in the same words on both sides."""
    now = {one: one for one in found.after}
    return AccessBeforeAfter([str(now.get(one, one)) for one in found.before], [str(one) for one in found.after])


def _of_key(key: Address, permissions: Iterable[KeyPermission], found: Accesses, terminal: Terminal) -> Iterator[str]:
    own = [one for one in permissions if one.address == key]
    for one in own:
        yield from _permission_lines(one, terminal)
        for text in dict.fromkeys(ref.text for ref in (*one.by, *one.denied_by)):
            yield from terminal.wrap(f"  {escape_control(_with_addresses(text, found))}", "", "    ")
    if not own:
        yield from terminal.wrap(f"{key} may call nothing: no statement lets it in")


_OCID = re.compile(r"ocid1\.[A-Za-z0-9._-]*[A-Za-z0-9]")


def _with_addresses(text: str, found: Accesses) -> str:
    """A statement with the addresses of the stack's resources in the place of their OCIDs, which JSON has."""
    return _OCID.sub(lambda ocid: str(found.addresses.get(ocid[0], ocid[0])), text)


def _signed(sign: str, tone: Tone, permissions: Iterable[KeyPermission], terminal: Terminal) -> Iterator[str]:
    for one in permissions:
        first, *rest = _permission_lines(one, terminal)
        yield f"{terminal.paint(sign, tone)} {first}"
        yield from (f"  {line}" for line in rest)


def _permission_lines(permission: KeyPermission, terminal: Terminal) -> Iterator[str]:
    what, _, whence = escape_control(str(permission)).rpartition(" — ")
    return iter(terminal.wrap(f"{what} {terminal.glyph('—', '-')} {whence}", "", "    "))


def _counts(found: Accesses) -> str:
    return f"{len(found.granted)} granted, {len(found.taken)} taken away"


def _rows(permissions: Iterable[KeyPermission]) -> list[dict[str, Any]]:
    return [
        {
            "address": str(one.address),
            "api": one.api,
            "model": one.model,
            "exceptModels": list(one.barred),
            "compartment": one.place,
            "dependsOn": list(one.depends_on),
            "by": _statements(one.by),
            "deniedBy": _statements(one.denied_by),
        }
        for one in permissions
    ]


def _statements(refs: Iterable[StatementRef]) -> list[dict[str, Any]]:
    return [{"policy": one.policy, "statement": one.number, "text": one.text} for one in refs]
