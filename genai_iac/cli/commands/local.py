"""`local`: the local OCI emulator: serve it, point other clients at it, reset it."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from pathlib import Path

import click

from genai_iac.cli.console import echo
from genai_iac.cli.local_emulator import LOCAL_DB, LOCAL_PORT, profiles_of, program, reporting_errors
from genai_iac.cli.options import GlobalOptions

_DB = click.option("--db", type=click.Path(dir_okay=False, path_type=Path), default=LOCAL_DB, help="Database file.")
_PORT = click.option("--port", type=click.IntRange(0, 65535), default=LOCAL_PORT, help="Port on this machine.")


@click.group("local")
def COMMAND() -> None:  # noqa: N802
    """The local OCI emulator: a tenancy on this machine for trials, tests and CI."""


@COMMAND.command("serve")
@_PORT
@_DB
@click.option(
    "--control-token", metavar="TOKEN", help="What the control API asks for [a random one, kept beside the database]."
)
@click.option("--allow-kill", is_flag=True, help="Let faults end processes of this machine.")
def serve_local(port: int, db: Path, control_token: str | None, allow_kill: bool) -> int:
    """Run the emulator until Ctrl-C. A status page is at /."""
    # Late: the emulator is large, and no other command needs it.
    from genai_iac.emulator import choose_token, serve

    def say(url: str) -> None:
        echo(f"The local emulator is at {url} (data in {db}); stop it with Ctrl-C.")
        if control_token is None:
            echo(f"Control API: Authorization: Bearer {token}")
            echo(f"Page with buttons: {url}/?token={token}")
        said = shlex.join([program(), "local", "env", *_changed_flags(url, db)])
        echo(f'Point other clients at it: eval "$({said})"')

    with reporting_errors(db):
        token = choose_token(control_token, db)
        serve(db, port, oci_dir=profiles_of(db), on_ready=say, control_token=token, allow_kill=allow_kill)
    return 0


def _changed_flags(url: str, db: Path) -> list[str]:
    """The flags without which `local env` would mean another tenancy."""
    port = url.rpartition(":")[2]
    return [
        *(["--port", port] if port != str(LOCAL_PORT) else []),
        *(["--db", str(db)] if db != Path(LOCAL_DB) else []),
    ]


@COMMAND.command("env")
@_PORT
@_DB
@click.option("--region", metavar="REGION", help="The region that those clients mean [the home region].")
@click.pass_context
def print_environment(ctx: click.Context, port: int, db: Path, region: str | None) -> int:
    """Write an OCI config file and print the shell exports that make other clients use the local emulator."""
    from genai_iac.emulator import Emulator, shell_exports

    region = region or _region_before_the_verb(ctx)
    directory = profiles_of(db)
    with reporting_errors(db), Emulator(db, oci_dir=directory) as tenancy:
        subscribed = tenancy.subscribed_regions
    chosen = _check_region(region, subscribed) if region else None
    for name, value in shell_exports(f"http://127.0.0.1:{port}", (directory / "config").absolute(), chosen).items():
        echo(f"export {name}={shlex.quote(value)}")
    return 0


def _region_before_the_verb(ctx: click.Context) -> str | None:
    """`--region` as a global flag; not OCI_CLI_REGION, which this command exports itself."""
    root = ctx.find_root()
    given = root.get_parameter_source("region") is click.core.ParameterSource.COMMANDLINE
    return GlobalOptions.of(ctx).region if given else None


def _check_region(region: str, subscribed: Collection[str]) -> str:
    """The long name of a region that answers. Raises UsageError for every other."""
    from genai_iac.core.errors import UsageError
    from genai_iac.oci_client.regions import normalize_region

    name = normalize_region(region, "--region")
    if name not in subscribed:
        raise UsageError(
            f"--region: the local emulator is not subscribed to {name}",
            hint=f"choose {', '.join(subscribed)}, or add it to subscribedRegions with POST /_local/settings",
        )
    return name


@COMMAND.command("reset")
@_DB
def reset_local(db: Path) -> int:
    """Forget everything in it; the identities that clients sign with are kept."""
    from genai_iac.emulator import Emulator

    if not db.exists():
        echo(f"There is no local emulator in {db}; nothing to do.")
        return 0
    with reporting_errors(db), Emulator(db, oci_dir=profiles_of(db)) as tenancy:
        tenancy.reset()
    echo(f"The local emulator in {db} is empty again.")
    return 0
