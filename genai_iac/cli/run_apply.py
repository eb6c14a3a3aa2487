"""Approval, progress and the way an apply ends; saved plans are checked here before the first write."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

import click
from msgspec import Struct
from msgspec.structs import replace

from genai_iac.analysis.access import KeyPermission
from genai_iac.cli.approval import read_regular_file
from genai_iac.cli.audit import WriteLog
from genai_iac.cli.command_hints import complete_outcome, path_words, remember_saved, repeated_words
from genai_iac.cli.console import Console, OutputError, ProgressNotice
from genai_iac.cli.local_emulator import LOCAL_DB, program
from genai_iac.cli.lock import apply_lock
from genai_iac.cli.options import GlobalOptions, read_addresses
from genai_iac.cli.planning import PlannedRun, PlanOptions, make_draft
from genai_iac.cli.session import Session, open_session
from genai_iac.cli.signals import SignalHandler
from genai_iac.core import Address, Change, Outcome
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError, StalePlanError, UsageError
from genai_iac.delivery import with_destinations
from genai_iac.delivery.sinks import Names
from genai_iac.execute.executor import ApplyRequest, apply_plan
from genai_iac.planning.plan_file import check_inputs, check_same_plan
from genai_iac.render.common.phrases import count
from genai_iac.render.plan.json import fingerprint, plan_document, read_saved_plan
from genai_iac.render.plan.progress import (
    closing_text,
    outcome_line,
    outcome_text,
    start_line,
    summary_line,
    version_line,
    waiting_line,
)
from genai_iac.render.plan.text import render_text

_MODEL = "openai.gpt-oss-120b"  # shown in the example call when the policies admit it


def next_step_lines(workspace: Session, made: Iterable[Address], allowed: Collection[KeyPermission]) -> str:
    """Lines for the first of these keys that went to a dotenv file and may chat with some model; empty when none did."""
    chats: dict[Address, list[KeyPermission]] = {}
    for permission in allowed:
        if permission.api == "chat":
            chats.setdefault(permission.address, []).append(permission)
    for address in made:
        models = [model for one in chats.get(address, ()) for model in _models(one)]
        if not models:
            continue
        model = _MODEL if _MODEL in models else models[0]
        resource = workspace.manifest.resources.get(address)
        for entry in resource.settings.get("deliverTo", ()) if resource else ():
            if "file" in entry and entry["file"].get("format", "dotenv") == "dotenv":
                path = _shown_path(workspace, str(entry["file"]["path"]))
                named = bool(resource and resource.settings.get("project"))
                return _lines(workspace, address, model, path, Names.of(entry["file"].get("env")), named)
    return ""


def _models(one: KeyPermission) -> list[str]:
    """A model that it names, or ours where it names none and does not exclude that; a pattern names no model."""
    if one.admits(_MODEL):
        return [_MODEL]
    return [one.model] if one.model is not None and one.admits(one.model) else []


def _lines(workspace: Session, address: Address, model: str, path: str, names: Names, project: bool) -> str:
    serve = ""
    header = f'    -H "OpenAI-Project: ${names.project}" \\\n' if project else ""
    if workspace.flags.local:
        serve = f"  {shlex.quote(program())} local serve &   # the local emulator of {LOCAL_DB}, which has this key\n"
    return (
        f"\nCall a model with {address}:\n{serve}"
        f"  set -a; . {shlex.quote(path)}; set +a\n"
        f'  curl "${names.base_url}/chat/completions" -H "Authorization: Bearer ${names.key}" \\\n'
        f"{header}    -H 'Content-Type: application/json' \\\n"
        f"    -d {shlex.quote(json.dumps({'model': model, 'messages': [{'role': 'user', 'content': 'Hello'}]}))}\n"
    )


def _shown_path(workspace: Session, path: str) -> str:
    full = Path(workspace.manifest.stack.root) / path
    try:
        shown = str(full.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(full)
    return f"./{shown}"


# Exit codes: some changes failed; ended by a signal (128 + SIGINT, as shells report
# it).
_PARTIAL, _INTERRUPTED = 4, 130


class Approval(Struct, frozen=True):
    """How the change is agreed to, and in which form it is reported."""

    given: bool  # `--auto-approve`, a fingerprint or a saved plan
    as_json: bool = False  # events for programs: nobody can be asked
    verb: str = "apply"  # word in questions and messages
    about: tuple[str, ...] = ()  # what stands behind the verb when it is typed again

    def check(self, output: Console) -> None:
        """Raises UsageError at once when nobody could be asked."""
        if self.given:
            return
        if self.as_json or not output.interactive:
            raise UsageError(
                f"{self.verb} needs a terminal to ask for confirmation",
                hint="add --auto-approve, or " + ("unset CI" if os.environ.get("CI") else "run it in a terminal"),
            )

    def ask(self) -> bool:
        """Whether the person types yes."""
        if self.given:
            return True
        answer = click.prompt(f"\nType yes to {self.verb}", default="", show_default=False, prompt_suffix=": ")
        # The whole word: `y` and Enter are typed without reading.
        return bool(answer == "yes")


def is_saved_plan(path: str) -> bool:
    """Whether that path is a file that cannot be a manifest but may be a saved plan."""
    file = Path(path)
    if not file.is_file() or file.suffix in (".yaml", ".yml"):
        return False
    with file.open("rb") as stream:
        # A saved plan is a JSON object. Manifests are named `.yaml`, so a JSON manifest in
        # another file is no case.
        return stream.read(1) == b"{"


def apply_saved(
    flags: GlobalOptions, path: str, asked: PlanOptions, consent: Approval, output: Console, writes: WriteLog
) -> int:
    """Carry out a saved plan: it was approved when it was made. Raises StalePlanError or GuardError before the first write."""
    remember_saved(".", flags.env)  # until it is read: no command plans that file
    saved = read_saved_plan(read_regular_file(Path(path), "saved plan"), path)
    inputs: dict[str, Any] = saved.get("inputs") or {}
    if not inputs:
        raise StalePlanError(f"{path} is a rendering, not a saved plan", hint="make one: genai-iac plan --out FILE")
    asked, place = _as_planned(asked, inputs), str(inputs["path"])
    flags = replace(flags, env=flags.env or inputs.get("environment"))
    remember_saved(place, flags.env)
    with open_session(flags, place, writes) as workspace, apply_lock(workspace.deliveries.root, output):
        draft = make_draft(workspace, asked)
        try:
            # Both checks: the inputs may be the same while the tenancy changed, and the plan may be
            # the same by chance.
            check_inputs(inputs, draft.inputs)
            check_same_plan(saved, plan_document(draft.plan))
        except StalePlanError as error:
            again = shlex.join(("genai-iac", "plan", *asked.shaping_words, "--out", path))
            raise StalePlanError(error.message, hint=f"plan again: {again}") from error
        return apply_draft(draft, Approval(True, consent.as_json, about=path_words(place)), output)


def _as_planned(asked: PlanOptions, inputs: dict[str, Any]) -> PlanOptions:
    """What was asked of the plan when it was made; how it is carried out, and what may be overridden, is asked now."""
    return replace(
        asked,
        targets=read_addresses("--target", inputs.get("targets", ())),
        moved=read_addresses("--delete-moved", inputs.get("moved", ())),
        full_scan=bool(inputs.get("full_scan")),
        claims=bool(inputs.get("claims")),
    )


def apply_draft(draft: PlannedRun, consent: Approval, output: Console) -> int:
    """Show the plan, ask, apply it, print the result. Raises GuardError when a guard refuses."""
    if not consent.as_json:
        output.say(render_text(draft.shown, draft.around, output.terminal))
    if draft.refusal is not None:
        raise draft.refusal
    if not draft.plan:
        draft.workspace.deliveries.tidy(draft.workspace.manifest.resources.values())
        if consent.as_json:
            output.say(version_line(draft.plan) + summary_line([]))
        return _PARTIAL if draft.outdated else 0
    if not consent.ask():
        raise IacError(f"{consent.verb} was not agreed to; nothing was changed")
    return _carry_out(draft, consent, output)


def carry_out(
    draft: PlannedRun,
    stop: CancelToken,
    waiting: ProgressNotice | None = None,
    starting: Callable[[Change], None] | None = None,
) -> Iterator[Outcome]:
    """Make the changes of a plan that was agreed to; the command line and the Python API both go this way.

    `waiting` is called with what is running, `starting` with each change that begins. Raises StalePlanError before the first write.
    """
    draft.workspace.deliveries.tidy(draft.workspace.manifest.resources.values())
    _check_programs(draft)
    writes = draft.workspace.writes
    if writes.is_kept:  # nothing else asks for the fingerprint, which is computed from the whole plan
        writes.approved = writes.approved or fingerprint(draft.plan)
    request = _apply_request(draft, stop, waiting)
    if starting is not None:
        request.starting = starting
    yield from apply_plan(draft.plan, request)


def _carry_out(draft: PlannedRun, consent: Approval, output: Console) -> int:
    """Make the changes that were agreed to, printing each outcome."""
    writes = draft.workspace.writes
    outcomes: list[Outcome] = []
    report = _Report(output)
    # From here on a signal ends the run between changes, never within one: an answer that
    # shows a secret once must be stored.
    with SignalHandler.of_run().finishing_first() as stop:
        if consent.as_json:
            report.say(version_line(draft.plan))
            draft.workspace.provider.waiting = lambda call: report.say(waiting_line(call))
        start = (lambda change: report.say(start_line(change))) if consent.as_json else None
        for ended in carry_out(draft, stop, ProgressNotice(output.note), start):
            outcome = complete_outcome(ended, draft.workspace.flags, draft.workspace.path)
            outcomes.append(outcome)
            sent = writes.requests.get(outcome.change.address, ())
            report.say(outcome_line(outcome, sent) if consent.as_json else outcome_text(outcome, output.terminal))
        if consent.as_json:
            report.say(summary_line(outcomes))
        else:
            again = _command(draft, consent)
            notices, verb = draft.shown.notices, "Destroy" if consent.verb == "destroy" else "Apply"
            report.say("\n" + closing_text(outcomes, output.terminal, notices=notices, again=again, verb=verb))
            report.say(_how_to_call(draft, outcomes))
    # A report that could not be printed is an error of its own, after all changes have
    # ended.
    code = report.end(len(outcomes))
    if stop.is_set():
        return _INTERRUPTED
    return code if all(outcomes) and not draft.outdated else _PARTIAL


class _Report:
    """What an apply says about its changes. That it cannot be written stops no change: it is said when all have ended."""

    def __init__(self, output: Console) -> None:
        self._output = output
        self._lost: OutputError | None = None

    def say(self, text: str) -> None:
        if self._lost is None and text:
            try:
                self._output.say(text)
            except OutputError as error:
                self._lost = error

    def end(self, changes: int) -> int:
        """The exit code: 1 when a part of the report is lost."""
        if self._lost is None:
            return 0
        return self._output.fail(
            IacError(
                f"{self._lost.message}; {count(changes, 'change')} {'was' if changes == 1 else 'were'} carried out, and "
                "not all that was to be said of that could be written",
                hint="see what is left to do: genai-iac plan",
            )
        )


def _check_programs(draft: PlannedRun) -> None:
    """The programs that get values are still those of the plan that was agreed to. Raises StalePlanError."""
    now = with_destinations(draft.plan, draft.workspace.deliveries, draft.workspace.manifest.resources)
    for before, after in zip(draft.plan.changes, now.changes, strict=True):
        if before.sinks != after.sinks:
            raise StalePlanError(
                f"a program that gets the values of {before.address} was edited since the plan was shown; nothing was changed",
                hint="plan again",
            )


def _command(draft: PlannedRun, consent: Approval) -> str:
    """What to type to go on: for the same tenancy and environment, about the same thing."""
    asked, one_key = draft.asked, consent.verb == "rotate"  # which has its own options in `about`
    more = () if one_key else (*asked.shaping_words, *asked.guard_words)
    return shlex.join(("genai-iac", *repeated_words(draft.workspace.flags), consent.verb, *consent.about, *more))


def _apply_request(draft: PlannedRun, stop: CancelToken, waiting: ProgressNotice | None) -> ApplyRequest:
    workspace = draft.workspace
    return ApplyRequest(
        workspace.provider,
        workspace.owner,
        workspace.manifest.resources,
        draft.live,
        workspace.deliveries,
        workspace.directory(draft.live),
        draft.asked.parallelism,
        stop,
        waiting or (lambda _: None),
    )


def _how_to_call(draft: PlannedRun, outcomes: list[Outcome]) -> str:
    """For a key that was just created, delivered to a file and allowed by a live policy: the lines that call a model with it."""
    from genai_iac.cli.reports import planned_access

    applied = [outcome.change for outcome in outcomes if outcome]
    made = [change.address for change in applied if "create" in change.actions and change.address.kind == "ApiKey"]
    if not made:
        return ""
    access = planned_access(draft.workspace, draft.live, replace(draft.plan, changes=tuple(applied)))
    return next_step_lines(draft.workspace, made, access.after) or ""
