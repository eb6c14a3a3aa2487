"""Results as JUnit XML, which every CI system reads.

There is no one schema; this has what those of Ant, Jenkins and GitLab have in common, without times: a check has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape, quoteattr

from genai_iac.render.common.sanitize import escape_control

Row = tuple[str, str, Sequence[str]]  # file, test, what differs


def render_junit(rows: Iterable[Row]) -> str:
    """One suite; a test that differs has one failure with every difference in it."""
    rows = tuple(rows)
    failed = sum(bool(differences) for _, _, differences in rows)
    cases = "".join(_case(*row) for row in rows)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites><testsuite name="genai-iac" tests="{len(rows)}" failures="{failed}" errors="0" skipped="0">\n'
        f"{cases}</testsuite></testsuites>\n"
    )


def _case(file: str, name: str, differences: Sequence[str]) -> str:
    head = f"<testcase classname={quoteattr(escape_control(file))} name={quoteattr(escape_control(name))}"
    if not differences:
        return f"{head}/>\n"
    lines = "\n".join(escape_control(line, 4000) for line in differences)
    first = quoteattr(lines.splitlines()[0])
    return f'{head}><failure type="difference" message={first}>{escape(lines)}</failure></testcase>\n'
