"""A finding of lint (rule, severity, position, message, fix), and the comments that silence one: `# genai-iac: ignore=RULE reason`.

A comment at the end of a line is about that line; one on a line of its own about the next line with something on it; one before the
first line of a document about the whole document. What is wrong with such a comment is a finding too.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from genai_iac.core import Address, Source
from genai_iac.manifest.yaml_nodes import ListNode, MapNode, Node, Scalar
from genai_iac.manifest.yaml_reader import read_yaml

Severity = Literal["error", "warning", "info"]


class LintRule(NamedTuple):
    """A rule as people look it up."""

    id: str  # as in ignore comments
    severity: Severity
    summary: str  # one line, for --rules and SARIF


class Finding(Struct, frozen=True):
    """One thing found. `ignored` holds the reason when a comment in the manifest silences it."""

    rule: str  # id
    severity: Severity
    message: str
    source: Source  # of the statement, grant or field
    address: Address | None = None
    fix: str = ""  # what to write instead; empty when it depends
    ignored: str | None = None


BAD_IGNORE = LintRule("bad-ignore", "error", "an ignore comment without a reason, or of a rule that there is not")
IDLE_IGNORE = LintRule("idle-ignore", "warning", "an ignore comment that silences nothing")

# Any comment that begins so is ours, so that a misspelt one is reported and not
# silently without effect.
_COMMENT = re.compile(r"(?:^|(?<=\s))#[ \t]*genai-iac:[ \t]*(.*?)[ \t]*$", re.MULTILINE)
# rules, separated by commas, then a reason
_ORDER = re.compile(r"ignore=([a-z0-9-]+(?:,[a-z0-9-]+)*)(?:[ \t]+(\S.*))?")
_FORM = "write # genai-iac: ignore=RULE and why"


class Ignore(Struct, frozen=True):
    """One comment: the rules it is about, why, where it stands, and the lines it covers."""

    rules: tuple[str, ...]
    reason: str
    source: Source
    first: int  # line, from 1, included
    last: int  # line, included

    def covers(self, finding: Finding) -> bool:
        """Whether it is about that finding.

        Args:
            finding: with the position that lint gave it.
        """
        at = finding.source
        return finding.rule in self.rules and at.file == self.source.file and self.first <= at.line <= self.last


def apply_comments(findings: Iterable[Finding], texts: Mapping[str, str], known: Collection[str]) -> Iterator[Finding]:
    """The findings, those that a comment is about with its reason, and what is wrong with comments.

    Args:
        findings: of all rules.
        texts: by file name; files without such a comment cost nothing.
        known: ids of rules that a comment may name.
    """
    ignores: list[Ignore] = []
    for file, text in texts.items():
        for read in _read_comments(text, file, known):
            if isinstance(read, Ignore):
                ignores.append(read)
            else:
                yield read
    idle = set(ignores)
    for finding in findings:
        cover = next((ignore for ignore in ignores if ignore.covers(finding)), None)
        idle -= {cover}
        yield finding if cover is None else replace(finding, ignored=cover.reason)
    for ignore in idle:
        message = f"there is no {' nor '.join(ignore.rules)} here to ignore"
        yield Finding(IDLE_IGNORE.id, IDLE_IGNORE.severity, message, ignore.source, fix="remove the comment")


def _read_comments(text: str, file: str, known: Collection[str]) -> Iterator[Ignore | Finding]:
    """The comments of one file. One inside a quoted value is text, not a comment."""
    if "genai-iac:" not in text:
        return
    documents = read_yaml(text, file).documents
    values = sorted(span for document in documents for span in _spans(document.root))
    starts = [document.root.line for document in documents]
    for found in _COMMENT.finditer(text):
        if not _is_inside(values, found.start()):
            yield _read_comment(found, _CommentedFile(text, file, starts), known)


class _CommentedFile(Struct, frozen=True):
    """What is needed to know which lines a comment covers."""

    text: str
    file: str
    starts: list[int]  # lines on which documents begin

    def covered(self, offset: int, line: int) -> tuple[int, int]:
        """The lines that a comment at that place is about."""
        lines = self.text.splitlines()
        if self.text[self.text.rfind("\n", 0, offset) + 1 : offset].strip():
            return line, line
        here = next((n for n, other in enumerate(lines[line:], line + 1) if _says_something(other)), line)
        if here not in self.starts:
            return here, here
        later = self.starts[bisect_right(self.starts, here) :]
        return here, later[0] - 1 if later else len(lines)


def _read_comment(found: re.Match[str], page: _CommentedFile, known: Collection[str]) -> Ignore | Finding:
    """A comment as an Ignore, or as a finding about what is wrong with it."""
    line = page.text.count("\n", 0, found.start()) + 1
    source = Source(page.file, line, found.start() - page.text.rfind("\n", 0, found.start()))
    order = _ORDER.fullmatch(found[1])
    if order is None:
        return _bad("this comment is for genai-iac and says nothing it knows", source, _FORM)
    if order[2] is None:
        return _bad("a finding is ignored for a reason, which is missing here", source, _FORM)
    rules = tuple(order[1].split(","))
    for rule in rules:
        if rule not in known:
            return _bad(f"there is no rule {rule}", source, "list them: genai-iac lint --rules")
    return Ignore(rules, order[2], source, *page.covered(found.start(), line))


def _bad(message: str, source: Source, fix: str) -> Finding:
    return Finding(BAD_IGNORE.id, BAD_IGNORE.severity, message, source, fix=fix)


def _says_something(line: str) -> bool:
    text = line.strip()
    return bool(text) and not text.startswith("#") and text != "---"


def _spans(node: Node) -> Iterator[tuple[int, int]]:
    """Offsets of every scalar, in which a `#` is text."""
    if isinstance(node, Scalar):
        yield node.start, node.end
    elif isinstance(node, ListNode):
        for item in node.items:
            yield from _spans(item)
    elif isinstance(node, MapNode):
        for key, value in node.entries.values():
            yield from _spans(key)
            yield from _spans(value)


def _is_inside(spans: list[tuple[int, int]], offset: int) -> bool:
    """Whether an offset is inside a scalar."""
    at = bisect_right(spans, (offset, len(spans) and spans[-1][1] + 1))
    return at > 0 and spans[at - 1][0] <= offset < spans[at - 1][1]
