"""`rotate`: start or continue a key's rotation now, roll it back, or answer a leak."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from genai_iac.cli.audit import WriteLog, audit_flag
from genai_iac.cli.options import complete_address

if TYPE_CHECKING:
    from genai_iac.core import Address, Resource
    from genai_iac.resource_types import RotationRequest


@click.command("rotate")
@click.argument("address", metavar="ADDR", shell_complete=complete_address)
@click.argument("path", default=".")
@click.option(
    "--leaked",
    "leaks",
    multiple=True,  # so that a second one is refused and not taken instead of the first
    metavar="SECRET",
    help="It leaked: make the other one current, then deactivate this one at once and renew it.",
)
@click.option("--revoke", is_flag=True, help="With --leaked: revoke it permanently in place of renewing it.")
@click.option("--abort", is_flag=True, help="Abort the rotation in progress.")
@click.option("--auto-approve", is_flag=True, help="Do not ask for confirmation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per event; needs --auto-approve.")
@click.option("--accept-outage", is_flag=True, help="Allow a secret value in use to stop working.")
@click.option("--allow-file-sinks", is_flag=True, help="In CI, make values that only files of this runner will hold.")
@audit_flag
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    address: str,
    path: str,
    leaks: tuple[str, ...],
    revoke: bool,
    abort: bool,
    auto_approve: bool,
    as_json: bool,
    accept_outage: bool,
    allow_file_sinks: bool,
    audit: Path | None,
) -> int:
    """Start or continue a key's rotation: all steps that are safe now; apply makes the others when they are due."""
    from genai_iac.cli.command_hints import path_words
    from genai_iac.cli.console import Console
    from genai_iac.cli.leak_renewal import apply_and_renew
    from genai_iac.cli.lock import apply_lock
    from genai_iac.cli.options import GlobalOptions, read_addresses
    from genai_iac.cli.planning import PlanOptions, make_draft
    from genai_iac.cli.run_apply import Approval
    from genai_iac.cli.session import open_session
    from genai_iac.planning.guards import Overrides

    request = _read_request(leaked := _one_leak(leaks), revoke=revoke, abort=abort)
    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    wished = ("--leaked", leaked, *(["--revoke"] if revoke else [])) if leaked else ("--abort",) if abort else ()
    wished += (*(["--accept-outage"] if accept_outage else []), *(["--allow-file-sinks"] if allow_file_sinks else []))
    consent = Approval(auto_approve, as_json, verb="rotate", about=(address, *path_words(path), *wished))
    consent.check(output)
    (key,) = targets = read_addresses("ADDR", [address])
    overrides = Overrides(
        accept_outage=targets if accept_outage else frozenset(),
        outage_takes_address=False,  # the command is about one key
        allow_file_sinks=allow_file_sinks,
    )
    with (
        WriteLog(audit, "rotate") as writes,
        open_session(flags, path, writes) as workspace,
        apply_lock(workspace.deliveries.root, output),
    ):
        _check_rotating(workspace.manifest.resources, key, leaked)
        draft = make_draft(workspace, PlanOptions(targets, overrides=overrides, requests={key: request}))
        return apply_and_renew(draft, consent, output, unasked=auto_approve)


def _one_leak(leaks: tuple[str, ...]) -> str | None:
    """The secret of `--leaked`. Raises UsageError for two: the other one is what callers are moved to."""
    from genai_iac.core.errors import UsageError

    if len(set(leaks)) > 1:
        raise UsageError(
            f"--leaked takes one secret, not {' and '.join(leaks)}",
            hint=f"run it for {leaks[0]} first, and for {leaks[1]} when that has ended",
        )
    return leaks[0] if leaks else None


def _read_request(leaked: str | None, *, revoke: bool, abort: bool) -> RotationRequest:
    """What the flags ask of the rotation. Raises UsageError for flags that exclude each other."""
    from genai_iac.core.errors import UsageError
    from genai_iac.resource_types import RotationRequest

    if leaked and abort:
        raise UsageError("--leaked and --abort exclude each other", hint="answer the leak first")
    if revoke and not leaked:
        raise UsageError("--revoke says what becomes of a leaked secret", hint="add --leaked SECRET")
    return RotationRequest("leaked", leaked, revoke) if leaked else RotationRequest("abort" if abort else "begin")


def _check_rotating(resources: Mapping[Address, Resource], key: Address, leaked: str | None) -> None:
    """Raises UsageError for a key that no manifest declares, or that has no rotation and no second secret for a leak."""
    from genai_iac.core.errors import UsageError

    resource = resources.get(key)
    if resource is None or key.kind != "ApiKey":
        keys = [str(address) for address in resources if address.kind == "ApiKey"]
        what = f"the manifests declare no {key}" if resource is None else f"{key} is no ApiKey and has no secrets"
        raise UsageError(what, hint=f"their keys: {', '.join(keys) or 'none'}")
    # A leak can be answered without `rotation`, if another secret can be used meanwhile.
    two = len(resource.attributes["secrets"]) == 2  # type: ignore[arg-type]
    if not resource.settings.get("rotation") and not (leaked and two):
        by_hand = f"declare state: revoked for {leaked} and apply; or " if leaked else ""
        raise UsageError(
            f"{key} has no rotation",
            hint=f"{by_hand}declare rotation: {{every: 60d}} on an ApiKey with two secrets",
        )
