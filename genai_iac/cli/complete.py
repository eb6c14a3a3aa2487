"""What a shell completes beside verbs and flags: environments, addresses, profiles. Never fails, never prints."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def complete_environment(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments beside the manifests of PATH."""
    del parameter
    from genai_iac.manifest.environment_names import environment_names

    try:
        return _items(environment_names(_path(ctx)), incomplete)
    except Exception:  # a completion that raises shows a traceback at the prompt
        return []


def complete_address(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The addresses that the manifests of PATH declare."""
    del parameter
    from genai_iac.cli.options import GlobalOptions
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

    from genai_iac.cli.options import GlobalOptions

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
