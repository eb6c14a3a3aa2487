"""Consent, progress and the way an apply ends; saved plans are checked here before the first write."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from genai_iac.apply import Site, apply_plan
from genai_iac.cli.choices import read_addresses
from genai_iac.cli.flags import Flags
from genai_iac.cli.interrupts import Interrupts
from genai_iac.cli.output import Output
from genai_iac.cli.planning import Asked, Draft, make_draft
from genai_iac.cli.turnstile import one_at_a_time
from genai_iac.cli.waiting import Waiting
from genai_iac.cli.workspace import open_workspace
from genai_iac.errors import IacError, StalePlanError, UsageError
from genai_iac.model import Outcome
from genai_iac.render.json_plan import plan_document
from genai_iac.render.outcome_stream import outcome_line, summary_line
from genai_iac.render.progress import closing_text, outcome_text
from genai_iac.render.saved_plan import read_saved_plan
from genai_iac.render.text import render_text
from genai_iac.saved import check_inputs, check_same_plan
from genai_iac.stop import Stop

_PARTIAL, _INTERRUPTED = 4, 130


@dataclass(frozen=True)
class Consent:
    """How the change is agreed to, and in which form it is told."""

    given: bool
    as_json: bool = False
    verb: str = "apply"
    about: tuple[str, ...] = ()  # what stands behind the verb when it is typed again

    def check(self, output: Output) -> None:
        """Raises UsageError at once when nobody could be asked."""
        if self.given:
            return
        if self.as_json or not output.interactive:
            raise UsageError(
                f"{self.verb} has nobody to ask for yes", hint="add --auto-approve, or run it in a terminal"
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


def apply_saved(flags: Flags, path: str, asked: Asked, consent: Consent, output: Output) -> int:
    """Carry out a saved plan: it was approved when it was made. Raises StalePlanError or GuardError before the first write."""
    try:
        saved = read_saved_plan(Path(path).read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    inputs: dict[str, Any] = saved.get("inputs") or {}
    if not inputs:
        raise StalePlanError(f"{path} is a rendering, not a saved plan", hint="make one: genai-iac plan --out FILE")
    asked = _as_planned(asked, inputs)
    flags = Flags(**{**flags.__dict__, "env": flags.env or inputs.get("environment")})
    with open_workspace(flags, str(inputs["path"])) as workspace, one_at_a_time(workspace.desk.root, output):
        draft = make_draft(workspace, asked)
        check_inputs(inputs, draft.inputs)
        check_same_plan(saved, plan_document(draft.plan))
        return apply_draft(draft, Consent(True, consent.as_json, about=path_words(str(inputs["path"]))), output)


def _as_planned(asked: Asked, inputs: dict[str, Any]) -> Asked:
    """What was asked of the plan when it was made; how it is carried out, and what may be overridden, is asked now."""
    return replace(
        asked,
        targets=read_addresses("--target", inputs.get("targets", ())),
        moved=read_addresses("--delete-moved", inputs.get("moved", ())),
        full_scan=bool(inputs.get("full_scan")),
    )


def apply_draft(draft: Draft, consent: Consent, output: Output) -> int:
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
    with Interrupts.of_run().finishing_first() as stop:
        for outcome in apply_plan(draft.plan, _site(draft, stop, Waiting(output.note))):
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


def _command(flags: Flags, consent: Consent) -> str:
    """What to type to go on: for the same tenancy and environment, about the same thing."""
    where = (*(["--local"] if flags.local else []), *(["--env", flags.env] if flags.env else []))
    return shlex.join(("genai-iac", *where, consent.verb, *consent.about))


def _site(draft: Draft, stop: Stop, waiting: Waiting) -> Site:
    workspace = draft.workspace
    return Site(
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


def _say_how_to_call(draft: Draft, outcomes: list[Outcome], output: Output) -> None:
    """For each key that was just made and delivered to a file: the line that calls the endpoint with it."""
    from genai_iac.cli.calling import calling_lines

    made = [outcome.change.address for outcome in outcomes if outcome and "create" in outcome.change.actions]
    text = calling_lines(draft.workspace, made)
    if text:
        output.say(text)
