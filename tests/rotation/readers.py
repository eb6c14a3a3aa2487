"""Strict readers of what `expiry` writes for programs: iCalendar (RFC 5545) and the text exposition format of Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_PROPERTY = re.compile(r"(?P<name>[A-Z][A-Z0-9-]*)(?P<parameters>(;[A-Z-]+=[^;:\",]*)*):(?P<value>.*)")
_UNSAFE = re.compile("[\x00-\x08\x0a-\x1f\x7f]")  # RFC 5545: no control in a value but the tab
_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_SAMPLE = re.compile(rf"(?P<name>{_NAME})\{{(?P<labels>.*)\}} (?P<value>\S+)")
_LABEL = re.compile(r'(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)="(?P<value>(?:[^"\\\n]|\\["\\n])*)"(?:,|$)')


@dataclass
class Component:
    """BEGIN to END: its properties in order, its inner components."""

    name: str
    properties: list[tuple[str, str]] = field(default_factory=list)
    inner: list[Component] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        """The one value of that property."""
        (value,) = (value for each, value in self.properties if each == name)
        return value

    def text(self, name: str) -> str:
        """The one TEXT value of that property, unescaped."""
        return re.sub(r"\\(.)", lambda match: "\n" if match[1] in "nN" else match[1], self[name])


def read_calendar(text: str) -> Component:
    """The one VCALENDAR of the text. AssertionError where it breaks a rule that every component shares."""
    assert text.endswith("\r\n")
    lines = text.split("\r\n")[:-1]
    assert not [line for line in lines if _UNSAFE.search(line) or "\r" in line]
    assert max(len(line.encode("utf-8")) for line in lines) <= 75
    outermost = Component("")
    open_ = [outermost]
    for line in _unfold(lines):
        found = _PROPERTY.fullmatch(line)
        assert found, line
        name, value = found["name"], found["value"]
        if name == "BEGIN":
            open_.append(Component(value))
        elif name == "END":
            ended = open_.pop()
            assert ended.name == value
            open_[-1].inner.append(ended)
        else:
            open_[-1].properties.append((name, value))
    (calendar,) = outermost.inner
    assert open_ == [outermost] and not outermost.properties and calendar.name == "VCALENDAR"
    return calendar


def _unfold(lines: list[str]) -> Iterator[str]:
    whole = lines[0]
    for line in lines[1:]:
        if line.startswith(" "):
            whole += line[1:]
        else:
            yield whole
            whole = line
    yield whole


Samples = dict[str, list[tuple[Mapping[str, str], float]]]


def read_metrics(text: str) -> Samples:
    """The samples by metric. AssertionError unless each metric is one group with HELP and TYPE first, and no series comes twice."""
    assert text.endswith("\n")
    samples: Samples = {}
    helped: list[str] = []
    series: set[tuple[str, tuple[tuple[str, str], ...]]] = set()
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            name, _, said = line.removeprefix("# HELP ").partition(" ")
            assert re.fullmatch(_NAME, name) and said and name not in helped
            helped.append(name)
        elif line.startswith("# TYPE "):
            assert line == f"# TYPE {helped[-1]} gauge" and helped[-1] not in samples
            samples[helped[-1]] = []
        else:
            name, labels, value = _sample(line)
            assert name == helped[-1]
            assert (name, tuple(labels.items())) not in series
            series.add((name, tuple(labels.items())))
            samples[name].append((labels, value))
    assert list(samples) == helped
    return samples


def _sample(line: str) -> tuple[str, dict[str, str], float]:
    found = _SAMPLE.fullmatch(line)
    assert found, line
    labels: dict[str, str] = {}
    position = 0
    while position < len(found["labels"]):
        label = _LABEL.match(found["labels"], position)
        assert label and label["name"] not in labels, line
        labels[label["name"]] = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], label["value"])
        position = label.end()
    return found["name"], labels, float(found["value"])
