"""`rotate`: begin or go on with a key's rotation now, take it back, or answer a leak."""

from __future__ import annotations

import click


@click.command("rotate")
@click.argument("address", metavar="ADDR")
@click.argument("path", default=".")
@click.option("--leaked", metavar="SECRET", help="It leaked: bring up the other one, then revoke this one at once.")
@click.option("--abort", is_flag=True, help="Take the rotation under way back.")
@click.option("--auto-approve", is_flag=True, help="Do not ask for yes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line as things happen; needs --auto-approve.")
@click.option("--accept-outage", is_flag=True, help="Let a value in use stop working.")
@click.pass_context
def COMMAND(  # noqa: N802
    ctx: click.Context,
    address: str,
    path: str,
    leaked: str | None,
    abort: bool,
    auto_approve: bool,
    as_json: bool,
    accept_outage: bool,
) -> int:
    """Rotate a key that has a rotation: as many steps as are safe now; apply takes the rest when their time comes."""
    from genai_iac.cli.applying import Consent, apply_draft, path_words
    from genai_iac.cli.choices import read_addresses
    from genai_iac.cli.flags import Flags
    from genai_iac.cli.output import Output
    from genai_iac.cli.planning import Asked, make_draft
    from genai_iac.cli.turnstile import one_at_a_time
    from genai_iac.cli.workspace import open_workspace
    from genai_iac.errors import UsageError
    from genai_iac.guard import Overrides
    from genai_iac.kinds import Wish

    if leaked and abort:
        raise UsageError("--leaked and --abort exclude each other", hint="answer the leak first")
    flags = Flags.of(ctx)
    output = Output.of_environment(no_color=flags.no_color)
    wished = ("--leaked", leaked) if leaked else ("--abort",) if abort else ()
    consent = Consent(auto_approve, as_json, verb="rotate", about=(address, *path_words(path), *wished))
    consent.check(output)
    (key,) = targets = read_addresses("ADDR", [address])
    wish = Wish("leaked", leaked) if leaked else Wish("abort" if abort else "begin")
    overrides = Overrides(accept_outage=targets if accept_outage else frozenset(), outage_takes_address=False)
    with open_workspace(flags, path) as workspace, one_at_a_time(workspace.desk.root, output):
        resource = workspace.manifest.resources.get(key)
        if resource is None:
            keys = [str(address) for address in workspace.manifest.resources if address.kind == "ApiKey"]
            raise UsageError(f"the manifests declare no {key}", hint=f"their keys: {', '.join(keys) or 'none'}")
        if not resource.settings.get("rotation"):
            by_hand = f"declare state: revoked for {leaked} and apply; or " if leaked else ""
            raise UsageError(
                f"{key} has no rotation",
                hint=f"{by_hand}declare rotation: {{every: 60d}} on an ApiKey with two secrets",
            )
        return apply_draft(
            make_draft(workspace, Asked(targets, overrides=overrides, wishes={key: wish})), consent, output
        )
