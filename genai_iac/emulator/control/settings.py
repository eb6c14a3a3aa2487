"""The settings of a local emulator: their names, permitted values and defaults; and the regions that it knows, with those where API keys
were launched.
"""

import json
from functools import lru_cache
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.emulator.storage.time_format import format_duration, parse_duration
from genai_iac.iam_policy.request import REGION_KEYS

REGIONS = REGION_KEYS

# the regions with three availability domains (Oracle's page "Regions and Availability Domains"); the others have one
THREE_DOMAINS = frozenset({"eu-frankfurt-1", "uk-london-1", "us-ashburn-1", "us-chicago-1", "us-phoenix-1"})

# the six regions Generative AI API keys were launched in
LAUNCH_REGIONS = (
    "us-ashburn-1",
    "us-chicago-1",
    "us-phoenix-1",
    "eu-frankfurt-1",
    "ap-hyderabad-1",
    "ap-osaka-1",
)


DEFAULT_LIMITS: dict[str, int] = {
    "apiKeyCount": 100,  # live keys in a region
    "projectCount": 1_000,  # live projects in a region
    "routingProfileCount": 1_000,  # live routing profiles in a region
    "compartmentCount": 1_000,
    "policyCount": 10_000,
    "statementsPerPolicy": 50,
    "statementsPerPath": 10_000,  # along any path from the tenancy to a leaf; OCI has 500, too few to try what scales
    "secretCount": 5_000,
    "versionsPerSecret": 30,
}


class SettingError(ValueError):
    """A setting that is unknown or holds the wrong thing."""


class EmulatorSettings(Struct, frozen=True):
    """Durations are milliseconds of the tenancy's own clock, except latency, which is real time.

    Field names are those of the control API, in camelCase.
    """

    latency: int = 0  # before each answer
    consistencyDelay: int = 0  # reads do not see what was created later than this ago  # noqa: N815
    propagationDelay: int = 0  # secrets and policies act this much later  # noqa: N815
    lifecycleDelay: int = 0  # CREATING lasts this long  # noqa: N815
    compartmentDeleteDuration: int = 0  # from DELETING to the verdict  # noqa: N815
    policyWriteWindow: int = 0  # a policy write this soon after another is refused with 409  # noqa: N815
    retryTokenReplay: str = "full"  # full, masked or invalidate  # noqa: N815
    homeRegion: str = "us-ashburn-1"  # noqa: N815
    subscribedRegions: tuple[str, ...] = LAUNCH_REGIONS  # noqa: N815
    enforceIam: bool = True  # noqa: N815
    renewRevoked: bool = False  # noqa: N815
    renewKeepsInactive: bool = False  # a secret that was inactive stays so when it is renewed  # noqa: N815
    deletedKeys: str = "shown"  # API keys that were deleted: shown as DELETED, or gone  # noqa: N815
    policyNames: str = "tenancy"  # where a policy's name is unique: tenancy or compartment  # noqa: N815
    refusedCalls: str = "401"  # what a key without a policy is answered by the inference endpoint: 401 or 404  # noqa: N815
    showsLastUse: bool = True  # whether a secret shows when it was last used  # noqa: N815
    unknownTags: str = "accept"  # defined tags of namespaces that are not there: accept or refuse  # noqa: N815
    unknownNames: str = "refuse"  # groups that a policy names: refuse or accept  # noqa: N815
    # words of statements: refuse what is surely misspelt, strict: all that is on no list, accept
    unknownWords: str = "refuse"  # noqa: N815
    keysInGroups: bool = False  # an API key counts as a member of the groups of who made it  # noqa: N815
    denyStatements: bool = False  # deny is opt-in, as in the real service  # noqa: N815
    projectRequired: bool = False  # the Responses API refuses calls without OpenAI-Project  # noqa: N815
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))

    def limit(self, name: str) -> int:
        """One of DEFAULT_LIMITS as it stands."""
        return self.limits[name]


# Given and shown as text such as 98s.
DURATIONS = frozenset(
    {
        "latency",
        "consistencyDelay",
        "propagationDelay",
        "lifecycleDelay",
        "compartmentDeleteDuration",
        "policyWriteWindow",
    }
)
_CHOICES = {  # settings with a fixed set of words
    "retryTokenReplay": ("full", "masked", "invalidate"),
    "unknownNames": ("refuse", "accept"),
    "unknownWords": ("refuse", "strict", "accept"),
    "unknownTags": ("accept", "refuse"),
    "deletedKeys": ("shown", "gone"),
    "policyNames": ("tenancy", "compartment"),
    "refusedCalls": ("401", "404"),
}


@lru_cache(maxsize=64)
def decode_settings(text: str) -> EmulatorSettings:
    """EmulatorSettings from the column that holds what differs from the defaults."""
    return apply_changes(EmulatorSettings(), json.loads(text))


def apply_changes(settings: EmulatorSettings, changes: Any) -> EmulatorSettings:
    """The settings with some of them changed; SettingError names the first that will not do.

    Args:
        changes: JSON object; only what it names changes.
    """
    if not isinstance(changes, dict):
        raise SettingError('settings are a JSON object such as {"latency": "50ms"}')
    known = EmulatorSettings.__struct_fields__
    for name in changes:
        if name not in known:
            raise SettingError(f"there is no setting {name!r}; there are {', '.join(sorted(known))}")
    changed = replace(settings, **{name: _read(name, value, settings) for name, value in changes.items()})
    # A tenancy is always subscribed to its home region.
    if changed.homeRegion not in changed.subscribedRegions:
        changed = replace(changed, subscribedRegions=(changed.homeRegion, *changed.subscribedRegions))
    return changed


def encode_settings(settings: EmulatorSettings) -> dict[str, Any]:
    """The settings as the control API shows them: durations as text.

    The result is accepted by `apply_changes`.
    """
    shown: dict[str, Any] = {}
    for name in EmulatorSettings.__struct_fields__:
        value = getattr(settings, name)
        shown[name] = format_duration(value) if name in DURATIONS else value
    shown["subscribedRegions"] = list(settings.subscribedRegions)
    return shown


def _read(name: str, value: Any, settings: EmulatorSettings) -> Any:
    if name in DURATIONS:
        return _read_duration(name, value)
    if name in _CHOICES:
        return _read_choice(name, value)
    if name == "limits":
        return _read_limits(value, settings)
    if name == "homeRegion":
        return _read_region(value)
    if name == "subscribedRegions":
        if not isinstance(value, (list, tuple)) or not value:
            raise SettingError("subscribedRegions is a list of region names")
        return tuple(dict.fromkeys(_read_region(item) for item in value))
    if not isinstance(value, bool):
        raise SettingError(f"{name} is true or false")
    return value


def _read_duration(name: str, value: Any) -> int:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise SettingError(f"{name}: {error}") from None


def _read_choice(name: str, value: Any) -> str:
    if value not in _CHOICES[name]:
        raise SettingError(f"{name} is one of {', '.join(_CHOICES[name])}")
    return str(value)


def _read_region(value: Any) -> str:
    if not isinstance(value, str) or value not in REGIONS:
        raise SettingError(f"{value!r} is no region of the commercial realm")
    return value


def _read_limits(value: Any, settings: EmulatorSettings) -> dict[str, int]:
    if not isinstance(value, dict):
        raise SettingError("limits is an object of numbers")
    for name, number in value.items():
        if name not in DEFAULT_LIMITS:
            raise SettingError(f"there is no limit {name!r}; there are {', '.join(DEFAULT_LIMITS)}")
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 10_000_000:
            raise SettingError(f"limits.{name} is a whole number from 0 to ten million")
    return {**settings.limits, **value}
