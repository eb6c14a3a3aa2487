"""`output`: OCIDs, base URLs, masks and sinks for other tools. No secret value is in it."""

from __future__ import annotations

import click

from genai_iac.cli.options import complete_address


@click.command("output")
@click.argument("name", required=False, shell_complete=complete_address)
@click.argument("path", default=".")
@click.option(
    "-o", "--format", "form", type=click.Choice(["text", "json", "env"]), default="text", help="Output format."
)
@click.pass_context
def COMMAND(ctx: click.Context, name: str | None, path: str, form: str) -> int:  # noqa: N802
    """Show what other tools need of the stack: OCIDs, base URLs, masks, sinks; never a secret.

    NAME is Kind/name, or one field: ApiKey/app.baseUrl. A first argument of another form is PATH.
    """
    from genai_iac.cli.console import Console
    from genai_iac.cli.options import GlobalOptions
    from genai_iac.cli.reports import read_outputs, select_output
    from genai_iac.cli.session import open_session
    from genai_iac.render.outputs import output_value, outputs_env, outputs_json, outputs_text
    from genai_iac.resource_types import RESOURCE_TYPES

    # `output prod` and `output ApiKey/app` differ by the first word only; no directory is
    # named after a kind.
    if name is not None and name.partition("/")[0] not in RESOURCE_TYPES:
        path, name = _as_path(ctx, name), None
    flags = GlobalOptions.of(ctx)
    output = Console.of_environment(no_color=flags.no_color)
    with open_session(flags, path) as session:
        outputs = read_outputs(session, session.read())
        stack = session.manifest.stack
        head = {
            "stack": stack.name,
            "environment": stack.environment,
            "tenancy": session.provider.tenancy,
            "region": stack.region,
        }
        # The longest first: names may contain dots, so `ApiKey/a.b` must be tried before
        # `ApiKey/a`.
        declared = sorted(map(str, session.manifest.resources), key=len, reverse=True)
    if name is None:
        output.say(
            outputs_json(head, outputs) if form == "json" else (outputs_env if form == "env" else outputs_text)(outputs)
        )
        return 0
    value = select_output(outputs, name, declared)
    if form == "env":
        output.say(outputs_env({name: value}))
    elif form == "text" and isinstance(value, dict):
        output.say(outputs_text({name: value}))
    else:
        output.say(output_value(value) if form == "text" else outputs_json(head, {name: value}))
    return 0


def _as_path(ctx: click.Context, word: str) -> str:
    """The only argument as PATH. Raises UsageError where a PATH follows it."""
    from genai_iac.cli.options import remember_path
    from genai_iac.core.errors import UsageError

    if ctx.get_parameter_source("path") is click.core.ParameterSource.COMMANDLINE:
        raise UsageError(f"{word!r} is not an address", hint="write Kind/name, for example ApiKey/chat-app")
    remember_path(ctx, word)
    return word
