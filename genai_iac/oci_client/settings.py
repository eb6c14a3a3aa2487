"""The user's own signing settings, read as the OCI CLI reads them: a profile of the config file, OCI_CLI_* over it, and the key.

Order: OCI_CLI_USER, OCI_CLI_TENANCY and the like win over the profile, one by one, as in oci-cli (its issue 586); profiles inherit from
[DEFAULT]. A file that cannot be parsed is an error with its line, never a traceback. The private key and the session token that a profile
names are read as the SDK reads them; errors say where the name was set.
"""

from __future__ import annotations

import configparser
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from genai_iac.core.errors import UsageError

DEFAULT_FILE, OLD_FILE = "~/.oci/config", "~/.oraclebmc/config"  # the second is where SDKs before 2017 looked
DEFAULT_PROFILE = "DEFAULT"
_MAX_BYTES = 1024 * 1024

#: What each variable of oci-cli sets, in the SDK's words.
VARIABLES: Mapping[str, str] = {
    "OCI_CLI_USER": "user",
    "OCI_CLI_TENANCY": "tenancy",
    "OCI_CLI_FINGERPRINT": "fingerprint",
    "OCI_CLI_KEY_FILE": "key_file",
    "OCI_CLI_KEY_CONTENT": "key_content",
    "OCI_CLI_PASSPHRASE": "pass_phrase",
    "OCI_CLI_SECURITY_TOKEN_FILE": "security_token_file",
    "OCI_CLI_DELEGATION_TOKEN_FILE": "delegation_token_file",
}
#: Variables of signing and connecting that oci-cli has and this tool does not read.
IGNORED = (
    "OCI_CLI_ENDPOINT",
    "OCI_CLI_FEDERATION_ENDPOINT",
    "OCI_CLI_PROXY",
    "OCI_CLI_RC_FILE",
)


class Settings(Struct, frozen=True):
    """What was found: values by the SDK's names, where each came from, and the file that was asked for."""

    values: Mapping[str, str]  # by the SDK's names
    origins: Mapping[str, str]  # `/home/me/.oci/config:4`, or the variable
    file: Path
    profile: str  # the one that was read

    def origin(self, name: str) -> str:
        """Where a value came from; for one that is missing, where it was looked for."""
        return self.origins.get(name, f"{self.file} [{self.profile}]")


def read_settings(
    file: str | None, profile: str | None, environ: Mapping[str, str] | None = None, *, needs_file: bool = True
) -> Settings:
    """The profile and what the environment says beside it. Raises UsageError for a file that is not there (unless the
    environment has all that an API key needs), cannot be read, or lacks the profile.

    Args:
        file: of --config-file; None searches.
        profile: of --profile; None is DEFAULT.
        environ: None is the process environment.
        needs_file: False accepts a missing file, for verbs that can do without credentials.
    """
    environ = os.environ if environ is None else environ
    path = config_path(file, environ)
    name = profile or DEFAULT_PROFILE
    given = {key: environ[variable] for variable, key in VARIABLES.items() if environ.get(variable)}
    sources = {key: variable for variable, key in VARIABLES.items() if environ.get(variable)}
    enough = {"user", "tenancy", "fingerprint"} <= given.keys() and {"key_file", "key_content"} & given.keys()
    if not path.is_file() and file is None and profile is None and (enough or not needs_file):
        return Settings(given, sources, path, name)
    values, origins = _read_profile(path, name, sorted(sources.values()))
    # A key of the environment replaces the profile's key whichever form that has: else the
    # profile's would win.
    if "key_content" in given and "key_file" not in given:
        values.pop("key_file", None)
    if "key_file" in given and "key_content" not in given:
        values.pop("key_content", None)
    return Settings({**values, **given}, {**origins, **sources}, path, name)


def config_path(file: str | None, environ: Mapping[str, str]) -> Path:
    """The config file: the one asked for, ~/.oci/config, OCI_CONFIG_FILE, ~/.oraclebmc/config, as the SDK looks for it.

    Args:
        file: as typed; `~` is replaced.
    """
    if file is not None:
        return expand(file)
    default = expand(DEFAULT_FILE)
    for path in (default, *([expand(environ["OCI_CONFIG_FILE"])] if environ.get("OCI_CONFIG_FILE") else [])):
        if path.is_file() or path != default:
            return path
    old = expand(OLD_FILE)
    return old if old.is_file() else default


def ignored_variables(environ: Mapping[str, str], *, local: bool = False) -> list[str]:
    """The variables of oci-cli that are set and have no effect here. A local emulator's exports name its endpoint to oci-cli too.

    They are named in a warning, so nobody wonders why they have no effect.
    """
    return [name for name in IGNORED if environ.get(name) and not (local and name == "OCI_CLI_ENDPOINT")]


def key_in_profile(file: str | None, profile: str | None) -> bool:
    """Whether the key is written into the config file itself; False for a file that cannot be read, which is said elsewhere.

    `doctor` advises against it: config files are copied more often than key files.
    """
    try:
        return read_settings(file, profile).origins.get("key_content", "OCI_CLI_KEY_CONTENT") != "OCI_CLI_KEY_CONTENT"
    except UsageError:
        return False


def parse_config(text: str, name: str) -> tuple[dict[str, dict[str, str]], dict[tuple[str, str], int]]:
    """Sections with their own values, and the line of each. Raises UsageError with the line of what cannot be parsed.

    Args:
        text: of the file.
        name: of the file, for messages.
    """
    # `default_section=""`: [DEFAULT] is an ordinary section here, and its inheritance is
    # applied by `_read_profile`.
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(text, name)
    except configparser.MissingSectionHeaderError as error:
        raise _broken(
            name, error.lineno, "a value stands before the first [PROFILE] line", "begin with [DEFAULT]"
        ) from error
    except configparser.DuplicateSectionError as error:
        raise _broken(
            name, error.lineno, f"the profile [{error.section}] is there twice", "remove one of them"
        ) from error
    except configparser.DuplicateOptionError as error:
        what = f"{error.option} is there twice in [{error.section}]"
        raise _broken(name, error.lineno, what, "remove one of them") from error
    except configparser.ParsingError as error:
        line = error.errors[0][0] if error.errors else None
        raise _broken(name, line, "this is neither [PROFILE] nor NAME=VALUE", "correct or remove the line") from error
    except configparser.Error as error:
        raise _broken(name, None, str(error).splitlines()[0], "correct the file") from error
    return {section: dict(parser[section]) for section in parser.sections()}, _lines(text)


def read_config(path: Path) -> list[str]:
    """The profiles of a config file. Raises UsageError for one that cannot be read.

    In the order of the file.
    """
    return list(parse_config(_read_text(path, []), str(path))[0])


def _read_profile(path: Path, profile: str, variables: list[str]) -> tuple[dict[str, str], dict[str, str]]:
    sections, lines = parse_config(_read_text(path, variables), str(path))
    if profile not in sections and profile != DEFAULT_PROFILE:
        raise UsageError(f"{path} has no profile [{profile}]", hint=f"choose with --profile one of {_listed(sections)}")
    if profile not in sections:
        raise UsageError(f"{path} has no profile [{profile}]", hint=f"name one with --profile: {_listed(sections)}")
    values: dict[str, str] = {}
    origins: dict[str, str] = {}
    for section in dict.fromkeys((DEFAULT_PROFILE, profile)):
        for key, value in sections.get(section, {}).items():
            values[key] = value
            origins[key] = f"{path}:{lines.get((section, key), 1)}"
    return values, origins


def _read_text(path: Path, variables: list[str]) -> str:
    hint = "check --config-file, run `oci setup config`, or try it on this machine with --local"
    try:
        if path.exists() and not path.is_file():
            raise UsageError(f"the OCI config file {path} is not a regular file", hint=hint)
        with path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except OSError as error:
        partly = f" ({', '.join(variables)} set, which is not all that signing needs)" if variables else ""
        raise UsageError(f"the OCI config file {path} cannot be read: {error.strerror}{partly}", hint=hint) from error
    if len(data) > _MAX_BYTES:
        raise UsageError(f"the OCI config file {path} is larger than 1 MiB", hint=hint)
    if data.startswith(b"\xef\xbb\xbf"):
        raise _broken(str(path), 1, "the file begins with a byte order mark", "save it as UTF-8 without one")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _broken(str(path), line, "this is not UTF-8", "save the file as UTF-8") from error


def _broken(name: str, line: int | None, what: str, hint: str) -> UsageError:
    where = f"{name}:{line}" if line else name
    return UsageError(f"the OCI config file is malformed: {where}: {what}", hint=hint)


def _lines(text: str) -> dict[tuple[str, str], int]:
    """The line of every value, counted from 1."""
    found: dict[tuple[str, str], int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("[") and "]" in line:
            section = line[1 : line.index("]")]
        elif line[:1] not in ("#", ";", " ", "\t", "") and ("=" in line or ":" in line):
            key = line.replace(":", "=", 1).partition("=")[0] if "=" not in line else line.partition("=")[0]
            found.setdefault((section, key.strip().lower()), number)
    return found


def _listed(sections: Mapping[str, object]) -> str:
    return ", ".join(sections) or "(there is none)"


def expand(file: str) -> Path:
    """The path with `~` replaced; as it is when nobody's home is known (no HOME, and no entry in the user database).

    A container without HOME and without an entry in /etc/passwd must still get a message
    and not a traceback.
    """
    try:
        return Path(file).expanduser()
    except RuntimeError:
        return Path(file)


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
