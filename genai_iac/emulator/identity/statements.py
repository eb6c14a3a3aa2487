"""Policy statements at the moment they are written: read, checked, and every name turned into the OCID it has now.

The error texts are those clients of the real service know; where the service only says `No permissions found`, the
reason is added."""

from genai_iac.emulator.call import Call
from genai_iac.emulator.errors import ServiceError, invalid
from genai_iac.emulator.payload import items
from genai_iac.policy import Grant, PolicySyntaxError, UnresolvedName, parse, resolve, unparse

MAX_LENGTH = 8000
_HIERARCHY = "specified in the policy statement does not exist under current compartment hierarchy."


def read_statements(call: Call) -> list[str]:
    """The statements of the body: at least one, none of them empty, as many as the limit allows."""
    statements = items(call.body, "statements")
    if not statements:
        raise invalid("statements must contain at least one policy statement.")
    most = call.world.settings.limit("statementsPerPolicy")
    if len(statements) > most:
        raise invalid(f"A policy can have at most {most} statements; this one has {len(statements)}.")
    for statement in statements:
        if not isinstance(statement, str) or not statement.strip():
            raise invalid("A policy statement must be a string that is not empty.")
        if len(statement) > MAX_LENGTH:
            raise invalid(f"A policy statement can be at most {MAX_LENGTH} characters long.")
    return [str(statement) for statement in statements]


def compile_statements(call: Call, statements: list[str], attached: str) -> list[tuple[str, str]]:
    """Each statement with its compiled form, for a policy attached to that compartment."""
    return [(text, _compile(call, text, attached)) for text in statements]


def _compile(call: Call, text: str, attached: str) -> str:
    try:
        statement = parse(text)
        if isinstance(statement, Grant) and statement.effect.startswith("deny"):
            _check_deny(call)
        return unparse(resolve(statement, call.directory, attached))
    except PolicySyntaxError as error:
        raise invalid(f"No permissions found: {error.message} at column {error.column} of '{text[:200]}'.") from None
    except UnresolvedName as error:
        raise _explain(error) from None


def _check_deny(call: Call) -> None:
    if not call.world.settings.denyStatements:
        raise invalid("Deny statement passed into a Allow compilation")


def _explain(error: UnresolvedName) -> ServiceError:
    if error.kind == "dynamic-group":
        return invalid(f"No permissions found: dynamic-group {error.name} does not exist.")
    if error.kind == "subtree" or error.name.startswith("ocid1."):
        return invalid(f"Compartment {{{error.name}}} does not exist or is not part of the policy compartment subtree")
    return invalid(f"The {error.kind} {error.name} {_HIERARCHY}")
