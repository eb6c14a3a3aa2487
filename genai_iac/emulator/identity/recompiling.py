"""The second half of a policy edit: Identity compiles every policy of the tenancy anew, not only the one that changed.

That is how a statement whose group or compartment was made again under the same name comes back to life."""

from genai_iac.emulator.access.rules import write_rules
from genai_iac.emulator.call import Call
from genai_iac.policy import UnresolvedName, parse, resolve, unparse


def recompile_others(call: Call, edited: str) -> None:
    """Resolve the names of all other policies as they are now; what names nothing any more stays as it was."""
    rows = call.connection.execute(
        "SELECT policy, attached, text, compiled FROM rules WHERE until IS NULL AND policy <> ? ORDER BY policy, position",
        (edited,),
    ).fetchall()
    found: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for row in rows:
        fresh = _recompile(call, row["text"], row["compiled"], row["attached"])
        found.setdefault((row["policy"], row["attached"]), []).append((row["text"], fresh, row["compiled"]))
    for (policy, attached), rules in found.items():
        if any(fresh != compiled for _, fresh, compiled in rules):
            write_rules(call.connection, policy, attached, [(text, fresh) for text, fresh, _ in rules], call.now)


def _recompile(call: Call, text: str, compiled: str, attached: str) -> str:
    try:
        return unparse(resolve(parse(text), call.directory, attached))
    except UnresolvedName:
        return compiled
