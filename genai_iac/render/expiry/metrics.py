"""When secrets expire, as metrics: the text exposition format of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from genai_iac.analysis.secret_status import SecretStatus
from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control


@dataclass(frozen=True, slots=True)
class _Metric:
    """One gauge: a sample for each secret that has a value for it."""

    name: str
    help: str
    value: Callable[[SecretStatus], float | None]  # None: no sample for that secret


# Names are an interface: dashboards and alerts use them.
_METRICS = (
    _Metric(
        "genai_iac_secret_expiry_timestamp_seconds",
        "When the secret expires, in seconds since 1970. For an alert, keep to state ACTIVE.",
        lambda entry: (
            entry.expires.timestamp() if entry.expires and entry.state not in ("REVOKED", "DELETED") else None
        ),
    ),
    _Metric(
        "genai_iac_secret_last_used_timestamp_seconds",
        "When a call last used the secret, in seconds since 1970. No sample: never.",
        lambda entry: entry.last_used.timestamp() if entry.last_used else None,
    ),
    _Metric(
        "genai_iac_secret_sinks",
        "How many places hold the secret, as far as they can be read.",
        lambda entry: float(len(entry.sinks)),
    ),
)


def metrics_text(stack: str, entries: tuple[SecretStatus, ...], now: datetime) -> str:
    """HELP, TYPE and one sample a secret and metric; the last metric is the tenancy's clock, to tell a stale file by."""
    return "".join(f"{line}\n" for line in _lines(stack, entries, now))


def _lines(stack: str, entries: Iterable[SecretStatus], now: datetime) -> Iterator[str]:
    entries = tuple(entries)
    for metric in _METRICS:
        yield from _head(metric.name, metric.help)
        for entry in entries:
            value = metric.value(entry)
            if value is not None:
                yield _sample(metric.name, _labels(stack, entry), value)
    yield from _head("genai_iac_read_timestamp_seconds", "When this was read, by the tenancy's clock.")
    yield _sample("genai_iac_read_timestamp_seconds", {"stack": stack}, now.timestamp())


def _head(name: str, help_text: str) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"


def _labels(stack: str, entry: SecretStatus) -> Mapping[str, str]:
    return {
        "stack": stack,
        "address": str(entry.address),
        "id": entry.id,
        "secret": entry.secret,
        "state": entry.state,
        "role": entry.role,
    }


def _sample(name: str, labels: Mapping[str, str], value: float) -> str:
    told = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
    return f"{name}{{{told}}} {value:.3f}".removesuffix(".000")


def _escape(text: str) -> str:
    """A label's value: backslash and quote escaped; there is no line feed left once it is visible."""
    return escape_control(text, NAME_LIMIT).replace("\\", "\\\\").replace('"', '\\"')
