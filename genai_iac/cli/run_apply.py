"""Approval, progress and the way an apply ends; saved plans are checked here before the first write."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from genai_iac.cli.console import Console, ProgressNotice
from genai_iac.cli.local_emulator import LOCAL_DB, program
from genai_iac.cli.lock import apply_lock
from genai_iac.cli.options import GlobalOptions, read_addresses
from genai_iac.cli.planning import PlannedRun, PlanOptions, make_draft
from genai_iac.cli.session import Session, open_session
from genai_iac.cli.signals import SignalHandler
from genai_iac.core import Address, Outcome
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import IacError, StalePlanError, UsageError
from genai_iac.execute.executor import ApplyRequest, apply_plan
from genai_iac.planning.plan_file import check_inputs, check_same_plan
from genai_iac.render.plan.json import plan_document, read_saved_plan
from genai_iac.render.plan.progress import closing_text, outcome_line, outcome_text, summary_line
from genai_iac.render.plan.text import render_text


def next_step_lines(workspace: Session, made: Iterable[Address]) -> str:
    """Lines for the first of these keys that went to a dotenv file; empty when none did."""
    for address in made:
        resource = workspace.manifest.resources.get(address)
        for entry in resource.settings.get("deliverTo", ()) if resource else ():
            if "file" in entry and entry["file"].get("format", "dotenv") == "dotenv":
                return _lines(workspace, address, _shown_path(workspace, str(entry["file"]["path"])))
    return ""


def _lines(workspace: Session, address: Address, path: str) -> str:
    serve = ""
    if workspace.flags.local:
        serve = f"  {program()} local serve &   # the local tenancy of {LOCAL_DB}, where this key lives\n"
    return (
        f"\nCall a model with {address}:\n{serve}"
        f"  set -a; . {shlex.quote(path)}; set +a\n"
        '  curl "$OPENAI_BASE_URL/chat/completions" -H "Authorization: Bearer $OPENAI_API_KEY" \\\n'
        "    -H 'Content-Type: application/json' \\\n"
        '    -d \'{"model": "openai.gpt-oss-120b", "messages": [{"role": "user", "content": "Hello"}]}\'\n'
    )


def _shown_path(workspace: Session, path: str) -> str:
    full = Path(workspace.manifest.stack.root) / path
    try:
        shown = str(full.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(full)
    return f"./{shown}"


_PARTIAL, _INTERRUPTED = 4, 130


@dataclass(frozen=True)
class Approval:
    """How the change is agreed to, and in which form it is told."""

    given: bool
    as_json: bool = False
    verb: str = "apply"
    about: tuple[str, ...] = ()  # what stands behind the verb when it is typed again

    def check(self, output: Console) -> None:
        """Raises UsageError at once when nobody could be asked."""
        if self.given:
            return
        if self.as_json or not output.interactive:
            raise UsageError(
                f"{self.verb} needs a terminal to ask for confirmation",
                hint="add --auto-approve, or run it in a terminal",
            )

    def ask(self) -> bool:
        """Whether the person types yes."""
        if self.given:
            return True
        answer = click.prompt(f"\nType yes to {self.verb}", default="", show_default=False, prompt_suffix=": ")
        return bool(answer == "yes")


def path_words(path: str) -> tuple[str, ...]:
    """The PATH as it is typed; nothing for the directory one is in."""
    return () if path == "." else (path,)


def is_saved_plan(path: str) -> bool:
    """Whether that path is a file that cannot be a manifest but may be a saved plan."""
    file = Path(path)
    if not file.is_file() or file.suffix in (".yaml", ".yml"):
        return False
    with file.open("rb") as stream:
        return stream.read(1) == b"{"


def apply_saved(flags: GlobalOptions, path: str, asked: PlanOptions, consent: Approval, output: Console) -> int:
    """Carry out a saved plan: it was approved when it was made. Raises StalePlanError or GuardError before the first write."""
    try:
        saved = read_saved_plan(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    inputs: dict[str, Any] = saved.get("inputs") or {}
    if not inputs:
        raise StalePlanError(f"{path} is a rendering, not a saved plan", hint="make one: genai-iac plan --out FILE")
    asked = _as_planned(asked, inputs)
    flags = GlobalOptions(**{**flags.__dict__, "env": flags.env or inputs.get("environment")})
    with open_session(flags, str(inputs["path"])) as workspace, apply_lock(workspace.desk.root, output):
        draft = make_draft(workspace, asked)
        check_inputs(inputs, draft.inputs)
        check_same_plan(saved, plan_document(draft.plan))
        return apply_draft(draft, Approval(True, consent.as_json, about=path_words(str(inputs["path"]))), output)


def _as_planned(asked: PlanOptions, inputs: dict[str, Any]) -> PlanOptions:
    """What was asked of the plan when it was made; how it is carried out, and what may be overridden, is asked now."""
    return replace(
        asked,
        targets=read_addresses("--target", inputs.get("targets", ())),
        moved=read_addresses("--delete-moved", inputs.get("moved", ())),
        full_scan=bool(inputs.get("full_scan")),
    )


def apply_draft(draft: PlannedRun, consent: Approval, output: Console) -> int:
    """Show the plan, ask, carry it out, tell how it went. Raises GuardError when a guard refuses."""
    if not consent.as_json:
        output.say(render_text(draft.plan, draft.around, output.terminal))
    if draft.refusal is not None:
        raise draft.refusal
    draft.workspace.desk.tidy(draft.workspace.manifest.resources.values())
    if not draft.plan:
        if consent.as_json:
            output.say(summary_line([]))
        return 0
    if not consent.ask():
        raise IacError(f"{consent.verb} was not agreed to; nothing was changed")
    outcomes: list[Outcome] = []
    with SignalHandler.of_run().finishing_first() as stop:
        for outcome in apply_plan(draft.plan, _site(draft, stop, ProgressNotice(output.note))):
            outcomes.append(outcome)
            output.say(outcome_line(outcome) if consent.as_json else outcome_text(outcome, output.terminal))
    if consent.as_json:
        output.say(summary_line(outcomes))
    else:
        again = _command(draft.workspace.flags, consent)
        output.say("\n" + closing_text(outcomes, output.terminal, notices=draft.plan.notices, again=again))
        _say_how_to_call(draft, outcomes, output)
    if stop.is_set():
        return _INTERRUPTED
    return 0 if all(outcomes) else _PARTIAL


def _command(flags: GlobalOptions, consent: Approval) -> str:
    """What to type to go on: for the same tenancy and environment, about the same thing."""
    where = (*(["--local"] if flags.local else []), *(["--env", flags.env] if flags.env else []))
    return shlex.join(("genai-iac", *where, consent.verb, *consent.about))


def _site(draft: PlannedRun, stop: CancelToken, waiting: ProgressNotice) -> ApplyRequest:
    workspace = draft.workspace
    return ApplyRequest(
        workspace.provider,
        workspace.owner,
        workspace.manifest.resources,
        draft.live,
        workspace.desk,
        workspace.directory(draft.live),
        draft.asked.parallelism,
        stop,
        waiting,
    )


def _say_how_to_call(draft: PlannedRun, outcomes: list[Outcome], output: Console) -> None:
    """For each key that was just made and delivered to a file: the line that calls the endpoint with it."""

    made = [outcome.change.address for outcome in outcomes if outcome and "create" in outcome.change.actions]
    text = next_step_lines(draft.workspace, made)
    if text:
        output.say(text)
