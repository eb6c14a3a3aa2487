"""The global flags, their environment variables, and the flags that shape a plan. Global flags may stand before the verb or after it.

Shell completion of environments, addresses and profiles is here too: it never fails and never prints.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click
from msgspec import Struct, field

from genai_iac.core import Address
from genai_iac.core.auth import Auth
from genai_iac.core.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_environment(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments beside the manifests of PATH."""
    del parameter
    from genai_iac.manifest.environments import environment_names

    try:
        return _items(environment_names(_path(ctx)), incomplete)
    except Exception:  # a completion that raises shows a traceback at the prompt
        return []


def complete_address(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The addresses that the manifests of PATH declare."""
    del parameter
    from genai_iac.cli.session import read_pairs
    from genai_iac.manifest import load

    try:
        flags = GlobalOptions.of(ctx)
        manifest = load(
            _path(ctx),
            environment=flags.env,
            variables=read_pairs(flags.var),
            variable_files=flags.var_file,
            environ=os.environ,
        )
        return _items(sorted(map(str, manifest.resources)), incomplete)
    except Exception:  # manifests that are not valid complete nothing
        return []


def complete_profile(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The profiles of the OCI config file."""
    del parameter
    from configparser import RawConfigParser

    try:
        file = Path(GlobalOptions.of(ctx).config_file or "~/.oci/config").expanduser()
        reader = RawConfigParser(strict=False)
        reader.read_string(file.read_text(encoding="utf-8"))
        return _items(["DEFAULT", *reader.sections()], incomplete)
    except Exception:
        return []


def _path(ctx: click.Context) -> str:
    path = ctx.params.get("path") or "."
    return path if isinstance(path, str) and path != "-" else "."


def _items(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


F = TypeVar("F", bound=Callable[..., Any])


def planning_flags(function: F) -> F:
    """What shapes a plan."""
    for option in reversed(
        [
            click.option(
                "--target",
                multiple=True,
                metavar="ADDR",
                shell_complete=complete_address,
                help="Only this resource and what it needs.",
            ),
            click.option("--parallelism", type=click.IntRange(1, 64), default=10, help="Concurrent API calls."),
            click.option(
                "--full-scan", is_flag=True, help="Look for the stack's resources in every compartment and region."
            ),
            click.option(
                "--delete-moved",
                multiple=True,
                metavar="ADDR",
                help="Delete it although its ownership tag, of an earlier release, was made elsewhere.",
            ),
            click.option(
                "--claim-name",
                is_flag=True,
                help="The Stack has been given an id: take what it declares and what carries its name without one.",
            ),
        ]
    ):
        function = option(function)
    return function


def guard_flags(function: F) -> F:
    """What lets a guarded change pass."""
    for option in reversed(
        [
            click.option(
                "--allow-destroy", type=click.IntRange(0), metavar="N", help="Allow up to N resources to be deleted."
            ),
            click.option(
                "--accept-outage", multiple=True, metavar="ADDR", help="Allow a secret value in use to stop working."
            ),
            click.option(
                "--allow-file-sinks", is_flag=True, help="In CI, make values that only files of this runner will hold."
            ),
        ]
    ):
        function = option(function)
    return function


def read_addresses(flag: str, texts: Iterable[str]) -> frozenset[Address]:
    """The addresses of a flag. Raises UsageError for what is none."""
    try:
        return frozenset(Address.parse(text) for text in texts)
    except ValueError as error:
        raise UsageError(f"{flag}: {error}") from error


STORE = "genai_iac.flags"
PATH = "genai_iac.path"  # where PATH of the running command is kept
PREFIX = "GENAI_IAC_"
_HYPHEN = "\u2011"  # a hyphen at which no line ends


class GlobalOptions(Struct, frozen=True):
    """What the global flags and their environment variables say."""

    env: str | None = None  # name of the environment; None: the stack without one
    var: tuple[str, ...] = ()  # `NAME=VALUE`, as typed
    var_file: tuple[Path, ...] = ()  # later files win
    profile: str | None = None  # None: the manifests' profile, then DEFAULT
    config_file: str | None = None  # None: `~/.oci/config`
    auth: str | None = None  # None: `api_key`
    region: str | None = None  # lowest priority: profile and manifests come first
    local: bool = False
    endpoint: str | None = None  # URL of a running emulator; never of OCI
    allow_endpoint_host: tuple[str, ...] = ()  # host names, without scheme
    allow_sink_host: tuple[str, ...] = ()  # the same, of services that sinks write to
    no_color: bool = False
    verbose: int = 0
    quiet: bool = False  # called from Python: nothing is printed
    typed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by field, the words on the command line

    @classmethod
    def of(cls, ctx: click.Context) -> GlobalOptions:
        """The flags of the running command."""
        # Flags before and after the command were collected in one store by `_remember`.
        values = {name: value for name, value in ctx.find_root().meta.get(STORE, {}).items() if value is not None}
        typed = values.get("typed", {})
        # a shell that exports the endpoint of one emulator may be asked for the other
        if values.get("local") and values.get("endpoint") and ("local" in typed) != ("endpoint" in typed):
            del values["endpoint" if "local" in typed else "local"]
        return cls(**values)

    def __post_init__(self) -> None:
        """Raises UsageError for options that exclude each other."""
        if self.local and self.endpoint:
            raise UsageError(
                f"--local and --endpoint {self.endpoint} name two emulators",
                hint=f"give one of them; {PREFIX}LOCAL and {PREFIX}ENDPOINT count as well",
            )


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    from click.core import ParameterSource

    name = str(parameter.name)
    source = ctx.get_parameter_source(name)
    # Defaults are not stored: a flag after the command that was not typed must not undo one
    # before it.
    store = ctx.find_root().meta.setdefault(STORE, {})
    if source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT):
        # repeatable flags add up wherever they stand; the others: the one nearest to the verb's arguments wins
        store[name] = (*store.get(name, ()), *value) if isinstance(value, tuple) else value
    if source is ParameterSource.COMMANDLINE:
        flag = max(parameter.opts, key=len)
        words = (
            (flag,)
            if value is True
            else tuple(word for one in (value if isinstance(value, tuple) else (value,)) for word in (flag, str(one)))
        )
        typed = store.setdefault("typed", {})
        typed[name] = (*typed.get(name, ()), *words) if isinstance(value, tuple) else words
    return value


def remember_path(ctx: click.Context, path: Any) -> None:
    """Note PATH of the running command, for the commands that its messages show."""
    ctx.find_root().meta[PATH] = path


def _note_path(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    del parameter
    remember_path(ctx, value)
    return value


def _flag(*names: str, envvar: str | tuple[str, ...] | None = None, **options: Any) -> click.Option:
    return click.Option(list(names), expose_value=False, callback=_remember, envvar=envvar, **options)


# In the order of `--help`. Each is defined once and copied to every command by
# `add_global_flags`.
GLOBAL_FLAGS: list[click.Parameter] = [
    _flag(
        "--env",
        envvar=f"{PREFIX}ENV",
        metavar="NAME",
        shell_complete=complete_environment,
        help="The environment: environments/NAME.yaml.",
    ),
    _flag("--var", multiple=True, metavar="NAME=VALUE", help="Set a variable; also GENAI_IAC_VAR_NAME."),
    _flag(
        "--var-file",
        multiple=True,
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Set variables from a YAML mapping.",
    ),
    _flag(
        "--profile",
        envvar=(f"{PREFIX}PROFILE", "OCI_CLI_PROFILE"),
        metavar="NAME",
        shell_complete=complete_profile,
        help="Profile of the OCI config file [the Stack's, else DEFAULT].",
    ),
    _flag(
        "--config-file",
        envvar=(f"{PREFIX}CONFIG_FILE", "OCI_CLI_CONFIG_FILE"),
        metavar="FILE",
        help="OCI config file [~/.oci/config].",
    ),
    _flag(
        "--auth",
        envvar=(f"{PREFIX}AUTH", "OCI_CLI_AUTH"),
        type=click.Choice(get_args(Auth)),
        help="How to sign in [api_key].",
    ),
    _flag(
        "--region",
        envvar=(f"{PREFIX}REGION", "OCI_CLI_REGION"),
        metavar="REGION",
        help="Region to call when neither profile nor manifests name one.",
    ),
    _flag(
        "--local",
        is_flag=True,
        default=None,
        envvar=f"{PREFIX}LOCAL",
        help="Use the local emulator in .genai-iac/local.db.",
    ),
    _flag(
        "--endpoint",
        envvar=f"{PREFIX}ENDPOINT",
        metavar="URL",
        help="A running local emulator (genai-iac local serve).",
    ),
    _flag(
        "--allow-endpoint-host",
        multiple=True,
        envvar=f"{PREFIX}ALLOW_ENDPOINT_HOST",
        metavar="HOST",
        help="A host outside OCI that an ApiKey's endpoint may name.",
    ),
    _flag(
        "--allow-sink-host",
        multiple=True,
        envvar=f"{PREFIX}ALLOW_SINK_HOST",
        metavar="HOST",
        help="A host, with its port or without, that a networked sink may name.",
    ),
    _flag("--no-color", is_flag=True, default=None, envvar=f"{PREFIX}NO_COLOR", help="No colours; also NO_COLOR."),
    _flag(
        "-v",
        "--verbose",
        count=True,
        default=None,
        envvar=f"{PREFIX}VERBOSE",
        help="Log the endpoints called and the requests that fail; twice: every request.",
    ),
]


class _HelpFormatter(click.HelpFormatter):
    """Ends no line at a hyphen: names of options and programs stay whole."""

    def write_text(self, text: str) -> None:
        super().write_text(text.replace("-", _HYPHEN))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        super().write_dl([(name, text.replace("-", _HYPHEN)) for name, text in rows], col_max, col_spacing)

    def getvalue(self) -> str:
        return super().getvalue().replace(_HYPHEN, "-")


class HelpContext(click.Context):
    """Of every verb: its help ends no line at a hyphen."""

    formatter_class = _HelpFormatter


def add_global_flags(command: click.Command) -> click.Command:
    """The command with the global flags after its own, and an environment variable for each of its own flags.

    A flag of its own that is called as a global one takes its place.
    """
    if getattr(command, "has_global_flags", False):
        return command
    command.context_class = HelpContext
    if isinstance(command, click.Group):
        for verb in command.commands.values():
            add_global_flags(verb)
        return command
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar is None and parameter.name:
            parameter.envvar = PREFIX + max(parameter.opts, key=len).lstrip("-").replace("-", "_").upper()
        if isinstance(parameter, click.Argument) and parameter.name == "path":
            parameter.callback = _note_path
    own = {parameter.name for parameter in command.params}
    for flag in GLOBAL_FLAGS:
        if flag.name in own:
            continue
        later = copy(flag)
        later.envvar = None  # read once, by the group
        # `--help` of a command lists its own flags; the group's help has these.
        later.hidden = True  # type: ignore[attr-defined]
        command.params.append(later)
    if any(parameter.name == "path" for parameter in command.params):
        command.epilog = "Also takes --env, --var, --profile, --local and the other options of genai-iac --help."
    command.has_global_flags = True  # type: ignore[attr-defined]
    return command
