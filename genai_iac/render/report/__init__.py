"""The merged report of many stacks: JSON, one HTML page, Prometheus text.

The page is static: no script, nothing loaded; on a phone each row of the table becomes a card. The metrics are in the text
exposition format of Prometheus, version 0.0.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from importlib.resources import files

from msgspec.structs import asdict

from genai_iac.render.common.json_text import write_json
from genai_iac.render.common.markup import text
from genai_iac.render.common.phrases import NAME_LIMIT, count
from genai_iac.render.expiry.formats import metric_head, metric_sample
from genai_iac.repository.stack_results import MergedReport, ReportedSecret, ReportedStack

FORMAT_VERSION = "1.0"  # a new minor adds fields; a new major changes what is there


def render_report_json(report: MergedReport) -> str:
    """`{"format_version", "code", "stacks": [{..., "secrets": [...]}]}`, indented."""
    stacks = [{**asdict(stack), "secrets": [asdict(secret) for secret in stack.secrets]} for stack in report.stacks]
    return write_json({"format_version": FORMAT_VERSION, "code": report.code, "stacks": stacks}, indent=2) + "\n"


# The page shows foreign text: should any escape fail, the browser still runs and loads
# nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_FRACTION = re.compile(r"\.\d+(?=Z|[+-]\d\d:)")
_SOON = 14 * 24.0  # hours
_SECRETS = ("Key", "Secret", "State", "Role", "Expires", "Next step", "Last used", "Sinks", "Drift", "Last apply")
_STACKS = ("Stack", "Path", "Results", "Drift", "Last apply", "Read")


def render_report_html(report: MergedReport) -> str:
    """The page. What needs somebody (expired, expiring within 14 days, drift, failures) is marked, and counted at the top."""
    style = (files("genai_iac.render.report") / "page.css").read_text(encoding="utf-8")
    applied = {(one.owner, one.path): one.last_apply for one in report.stacks}
    secrets = [_secret_cells(one, applied[one.owner, one.path]) for one in report.secrets]
    stacks = [_stack_cells(one) for one in report.stacks]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Generative AI API keys</title><style>{style}</style></head><body>"
        f"<h1>Generative AI API keys</h1><p>{_summary(report)}</p>"
        f"<h2>Secrets</h2>{_table(_SECRETS, secrets)}<h2>Stacks</h2>{_table(_STACKS, stacks)}"
        f"{_failures(report.stacks)}</body></html>\n"
    )


def _summary(report: MergedReport) -> str:
    keys = {(one.owner, one.address, one.id) for one in report.secrets}
    soon = sum(_is_urgent(one) for one in report.secrets)
    drifted = sum(bool(one.drift) for one in report.stacks)
    failed = sum(bool(one.messages) for one in report.stacks)
    counts = [
        count(len(report.stacks), "stack"),
        count(len(keys), "key"),
        count(len(report.secrets), "secret"),
        f"{count(soon, 'secret')} expired in use or expiring within 14 days",
        f"{count(drifted, 'stack')} with drift",
        f"{count(failed, 'stack')} with failures",
    ]
    return ", ".join(counts) + "."


def _is_urgent(one: ReportedSecret) -> bool:
    if one.state == "EXPIRED":
        return one.role == "current"
    return one.state == "ACTIVE" and one.hours_left is not None and one.hours_left <= _SOON


def _secret_cells(one: ReportedSecret, applied: str | None) -> Sequence[str]:
    return (
        f"{_t(one.address)}<br><small>{_t(one.owner)}</small>",
        f"{_t(one.secret)}<br><small>{_t(one.mask)}</small>",
        _t(one.state),
        _t(one.role or "-"),
        _marked(_time(one.expires) or "never", _is_urgent(one)),
        _t(one.rotation or "-"),
        _t(_time(one.last_used) or "never"),
        "<br>".join(map(_t, one.sinks)) or _marked("none", one.state == "ACTIVE"),
        _drift_words(one.drift),
        _t(_time(applied) or "-"),
    )


def _stack_cells(one: ReportedStack) -> Sequence[str]:
    results = ", ".join(f"{verb}: exit {code}" for verb, code in one.codes.items())
    return (
        _t(one.owner),
        _t(one.path),
        _marked(results, bool(one.messages)),
        "not known" if one.drift is None else "<br>".join(_marked(address, True) for address in one.drift) or "none",
        _t(f"{_time(one.last_apply)} (exit {one.last_apply_code})" if one.last_apply else "-"),
        _t(_time(one.read) or "-"),
    )


def _failures(stacks: Iterable[ReportedStack]) -> str:
    rows = [
        f"<h3>{_t(one.owner)}: {_t(verb)}</h3><pre>{text(message)}</pre>"
        for one in stacks
        for verb, message in one.messages.items()
    ]
    return f"<h2>Failures</h2>{''.join(rows)}" if rows else ""


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{title}</th>" for title in titles)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-label="{title}">{cell}</td>' for title, cell in zip(titles, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _drift_words(drift: bool | None) -> str:
    return "not known" if drift is None else _marked("yes", True) if drift else "no"


def _marked(foreign: str, urgent: bool) -> str:
    return f'<strong class="urgent">{_t(foreign)}</strong>' if urgent else _t(foreign)


def _time(moment: str | None) -> str:
    """RFC 3339 without fractions of a second, which a page has no use for."""
    return _FRACTION.sub("", moment or "")


def _t(foreign: str) -> str:
    return text(foreign, NAME_LIMIT)


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
    yield from metric_head(name, help_text)
    for labels, value in samples:
        if value is not None:
            yield metric_sample(name, labels, value)


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
