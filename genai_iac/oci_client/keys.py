"""The private key and the session token that a profile names: read as the SDK reads them, with errors that say where the name stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from genai_iac.core.errors import UsageError
from genai_iac.oci_client.settings import Settings, expand

_MAX_BYTES = 1024 * 1024  # a key has a few KiB; a device or a log is refused


def read_key(settings: Settings) -> str:
    """The PEM text: that of key_content, else of key_file. Raises UsageError.

    Escaped line ends (`\n`) in key_content are replaced: CI systems store secrets in one
    line.
    """
    content = settings.values.get("key_content")
    if content:
        return content.strip().replace("\\n", "\n") + "\n"
    if not settings.values.get("key_file"):
        raise UsageError(
            f"{settings.file} [{settings.profile}] has no key_file",
            hint="add it there, or set OCI_CLI_KEY_FILE or OCI_CLI_KEY_CONTENT",
        )
    return read_named_file(settings, "key_file")


def read_named_file(settings: Settings, name: str) -> str:
    """The text of the file that this setting names; `~` is the home directory, a relative name is below the working directory.

    Raises:
        UsageError: it is missing, no regular file, no text, or empty.
    """
    value = settings.values[name]
    path = expand(value)
    where = f"{settings.origin(name)}: {name} = {value}"
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"{where}: this is not a regular file", hint="name a file")
        with path.open("rb") as stream:
            text = stream.read(_MAX_BYTES).decode("utf-8-sig")
    except OSError as error:
        shown = "" if path.is_absolute() else f" (looked for at {path.absolute()})"
        raise UsageError(f"{where}: {error.strerror}{shown}", hint="correct the path") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{where}: this is not text", hint="name a file in PEM form") from error
    if not text.strip():  # the SDK would take it for no key at all, and fail on the path that it then has not
        raise UsageError(f"{where}: the file is empty", hint="name another file")
    return text


def load_key(settings: Settings, content: str, load: Callable[[bytes, bytes | None], Any] | None = None) -> Any:
    """The key (or what `load` makes of it), decrypted with pass_phrase when it needs one; nobody is asked for that.

    Raises UsageError that says what is missing or wrong.

    Args:
        content: PEM text.
        load: makes a signer from bytes and passphrase; None makes the bare key.
    """
    import oci
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    source = "key_content" if settings.values.get("key_content") else "key_file"
    where = f"the private key of {settings.origin(source)}"
    given = settings.values.get("pass_phrase")
    encrypted = "ENCRYPTED" in content
    if encrypted and not given:
        raise UsageError(
            f"{where} has a passphrase", hint="set OCI_CLI_PASSPHRASE, or write pass_phrase= into the profile"
        )
    try:
        made = (load or oci.signer.load_private_key)(content.encode(), given.encode() if given and encrypted else None)
    except (oci.exceptions.ClientError, ValueError) as error:
        if encrypted:
            where += f" cannot be decrypted with the pass_phrase of {settings.origin('pass_phrase')}"
            raise UsageError(f"{where}: {error}", hint="correct pass_phrase or OCI_CLI_PASSPHRASE") from error
        raise UsageError(f"{where} cannot be read: {error}", hint="name a private key in PEM form") from error
    if not isinstance(getattr(made, "private_key", made), RSAPrivateKey):
        raise UsageError(
            f"{where} is no RSA key; OCI signs with RSA alone", hint="name the key that was uploaded to OCI"
        )
    return made
