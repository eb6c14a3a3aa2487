"""The merged report as metrics: the text exposition format of Prometheus, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from genai_iac.render.common.phrases import NAME_LIMIT
from genai_iac.render.common.sanitize import escape_control
from genai_iac.repository.stack_results import MergedReport, ReportedSecret, ReportedStack

Sample = tuple[Mapping[str, str], float | None]  # labels and value; None: no sample


def render_report_prometheus(report: MergedReport) -> str:
    """HELP, TYPE and samples; the secrets' metrics have the names that `expiry --format prometheus` gives them."""
    return "".join(f"{line}\n" for line in _lines(report))


def _lines(report: MergedReport) -> Iterator[str]:
    secrets, stacks = report.secrets, report.stacks
    ended = ("REVOKED", "DELETED")
    yield from _metric(
        "genai_iac_secret_expiry_timestamp_seconds",
        "When the secret expires, in seconds since 1970. For an alert, keep to state ACTIVE.",
        ((_of_secret(one), None if one.state in ended else _moment(one.expires)) for one in secrets),
    )
    yield from _metric(
        "genai_iac_secret_last_used_timestamp_seconds",
        "When a call last used the secret, in seconds since 1970. No sample: never.",
        ((_of_secret(one), _moment(one.last_used)) for one in secrets),
    )
    yield from _metric(
        "genai_iac_secret_sinks",
        "How many places hold the secret, as far as they can be read.",
        ((_of_secret(one), float(len(one.sinks))) for one in secrets),
    )
    yield from _metric(
        "genai_iac_stack_drift_resources",
        "Resources that differ from their manifests. No sample: not known.",
        ((_of_stack(one), None if one.drift is None else float(len(one.drift))) for one in stacks),
    )
    yield from _metric(
        "genai_iac_stack_last_apply_timestamp_seconds",
        "When the last apply of the stack ended, in seconds since 1970.",
        ((_of_stack(one), _moment(one.last_apply)) for one in stacks),
    )
    yield from _metric(
        "genai_iac_stack_exit_code",
        "How the verb ended for the stack.",
        (({**_of_stack(one), "verb": verb}, float(code)) for one in stacks for verb, code in one.codes.items()),
    )
    yield from _metric(
        "genai_iac_read_timestamp_seconds",
        "When this was read, by the tenancy's clock.",
        ((_of_stack(one), _moment(one.read)) for one in stacks),
    )


def _metric(name: str, help_text: str, samples: Iterator[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        if value is not None:
            told = ",".join(f'{label}="{_escape(text)}"' for label, text in labels.items())
            yield f"{name}{{{told}}} {value:.3f}".removesuffix(".000")


def _of_secret(one: ReportedSecret) -> Mapping[str, str]:
    return {
        "stack": one.owner,
        "path": one.path,
        "address": one.address,
        "id": one.id,
        "secret": one.secret,
        "state": one.state,
        "role": one.role or "",
    }


def _of_stack(one: ReportedStack) -> Mapping[str, str]:
    return {"stack": one.owner, "path": one.path}


def _moment(text: str | None) -> float | None:
    return datetime.fromisoformat(text).timestamp() if text else None


def _escape(text: str) -> str:
    return escape_control(text, NAME_LIMIT).replace("\\", "\\\\").replace('"', '\\"')
