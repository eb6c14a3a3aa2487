"""The documented variables of conditions: what their values look like, and the page that says so.

One table for the emulator, which fills them, for `access`, which says what a decision depends on, and for the lint rules
on misspelt names and on values that a variable never has. Names are in lower case. `*` stands for one part of a name
that the tenancy chooses (a tag's namespace and key).
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from msgspec import Struct

# Pages below https://docs.oracle.com/iaas/Content/, named in DocumentedVariable.source.
_GENERAL = "Identity/policyreference/policyreference_topic-General_Variables_for_All_Requests.htm"
_IAM = "Identity/policyreference/iampolicyreference.htm"
_TAGS = "Tagging/Tasks/managingaccesswithtags.htm"
_TIME = "Identity/policiesadvanced, time-based access; General Variables for All Requests"
_MODELS = "generative-ai/limit-model-access.htm"
_KEYS = "generative-ai/add-api-permission.htm"
_PRINCIPALS = "Identity/dynamicgroups, resource principals; ContEng/Tasks/contenggrantingworkloadaccesstoresources.htm"
_STORAGE = "Identity/policyreference/objectstoragepolicyreference.htm"
_VAULT = "Identity/policyreference/keypolicyreference.htm"
_KEY_PAGE = "generative-ai/api-key-permissions.htm"

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?Z?", re.I)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?", re.I)
_REGION = re.compile(r"[a-z]{3}")  # a region key, not the long name: request.region is `iad`
_OCID = re.compile(r"ocid1\.[a-z0-9]+\..+", re.I)
# in the order of datetime.weekday()
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]


class VariableForm(Struct, frozen=True):
    """What a variable's values look like: words for people, a test of one value, and the right value for a known slip."""

    text: str  # completes "VARIABLE is ..."
    fits: Callable[[str], bool]  # whether a value can ever equal the variable
    # the value that was meant, for a known slip; None: not known
    correct: Callable[[str], str | None] = lambda _: None
    # for `before`, `after` and `between`: what sorts values, None for a text that is none
    order: Callable[[str], float | None] = lambda text: _seconds(read_moment(text))
    cyclic: bool = False  # behind the last value comes the first: `between` may go over the end
    values: tuple[str, ...] = ()  # all of them in their order, where they are few


def read_moment(text: str) -> datetime | None:
    """A date, or a date and a time, as an aware moment in UTC; None for a text that is none, such as the 30th of February.

    Args:
        text: of a condition; without an offset it is taken as UTC.
    """
    try:
        moment = datetime.fromisoformat(text.strip().upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # an offset may lead out of the years that there are
        return None


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def read_time_of_day(text: str) -> int | None:
    """The second of the day; None for a text that is no time of day.

    Args:
        text: `09:00`, `09:00Z` or `09:00:00Z`.
    """
    if _TIME_OF_DAY.fullmatch(text.strip()) is None:
        return None
    hours, minutes, *seconds = map(int, text.strip().upper().removesuffix("Z").split(":"))
    return hours * 3600 + minutes * 60 + sum(seconds)


def _month(value: str) -> str | None:
    """The number of a month that is written as a word or with a leading zero."""
    folded = value.lower()
    found = [number for number, name in enumerate(_MONTHS, 1) if len(folded) > 2 and name.startswith(folded)]
    if found:
        return str(found[0])
    bare = folded.lstrip("0")
    return bare if bare.isdigit() and 1 <= int(bare) <= 12 and bare != folded else None


def _day(value: str) -> str | None:
    """The full name of a day that is abbreviated."""
    folded = value.lower()
    return next((name for name in DAYS if len(folded) > 2 and name.startswith(folded)), None)


def _one_of(text: str, values: tuple[str, ...], correct: Callable[[str], str | None] = lambda _: None) -> VariableForm:
    """The form of a variable that has one of these values, which follow each other again and again."""
    places = {value: place for place, value in enumerate(values)}
    return VariableForm(
        text,
        lambda value: value.lower() in places,
        correct,
        lambda value: places.get(value.strip().lower()),
        True,
        values,
    )


def _numbers(last: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, last + 1))


TEXT = VariableForm("any text", lambda _: True)
OCID = VariableForm("an OCID", lambda value: _OCID.fullmatch(value) is not None)
REGION_KEY = VariableForm(
    "a region's key of three letters, as 'ord'", lambda value: _REGION.fullmatch(value.lower()) is not None
)
BOOLEAN = VariableForm("'true' or 'false'", lambda value: value.lower() in ("true", "false"))
MOMENT = VariableForm(
    "a time as '2026-11-28T12:00:00Z'",
    lambda value: _MOMENT.fullmatch(value) is not None and read_moment(value) is not None,
)
TIME_OF_DAY = VariableForm(
    "a time of day as '09:00:00Z'",
    lambda value: _TIME_OF_DAY.fullmatch(value) is not None,
    order=read_time_of_day,
    cyclic=True,
)
DAY_OF_WEEK = _one_of("an English day, as 'monday'", DAYS, _day)
DAY_OF_MONTH = _one_of("a number, '1' to '31'", _numbers(31))
MONTH = _one_of("a number, '1' to '12'", _numbers(12), _month)


class DocumentedVariable(Struct, frozen=True):
    """One variable. `several`: a request may carry more than one value of it.

    `quoted_stars`: its page shows quoted values whose star stands for any text ('prod/*'), beside /patterns/.
    """

    name: str  # lower case
    form: VariableForm
    source: str  # page of Oracle's documentation
    several: bool = False
    quoted_stars: bool = False


VARIABLES: tuple[DocumentedVariable, ...] = (
    DocumentedVariable("request.user.id", OCID, _GENERAL),
    DocumentedVariable("request.user.name", TEXT, _GENERAL),
    DocumentedVariable("request.user.mfatotpverified", BOOLEAN, _GENERAL),
    DocumentedVariable("request.groups.id", OCID, _GENERAL, several=True),
    DocumentedVariable("request.groups.name", TEXT, _GENERAL, several=True),
    DocumentedVariable("request.user.groups", TEXT, "published policies; on no page of Oracle's", several=True),
    DocumentedVariable("request.permission", TEXT, _GENERAL),
    DocumentedVariable("request.operation", TEXT, _GENERAL),
    DocumentedVariable("request.networksource.name", TEXT, _GENERAL),
    DocumentedVariable("request.region", REGION_KEY, _GENERAL),
    DocumentedVariable("request.ad", TEXT, _GENERAL),
    DocumentedVariable("request.service.name", TEXT, _GENERAL),
    DocumentedVariable("request.utc-timestamp", MOMENT, _TIME),
    DocumentedVariable("request.utc-timestamp.month-of-year", MONTH, _TIME),
    DocumentedVariable("request.utc-timestamp.day-of-month", DAY_OF_MONTH, _TIME),
    DocumentedVariable("request.utc-timestamp.day-of-week", DAY_OF_WEEK, _TIME),
    DocumentedVariable("request.utc-timestamp.time-of-day", TIME_OF_DAY, _TIME),
    DocumentedVariable("request.principal.id", OCID, _PRINCIPALS),
    DocumentedVariable("request.principal.type", TEXT, _PRINCIPALS),
    DocumentedVariable("request.principal.compartment.id", OCID, _PRINCIPALS),
    DocumentedVariable("request.principal.name", TEXT, _PRINCIPALS),
    DocumentedVariable("request.principal.namespace", TEXT, _PRINCIPALS),
    DocumentedVariable("request.principal.service_account", TEXT, _PRINCIPALS),
    DocumentedVariable("request.principal.cluster_id", OCID, _PRINCIPALS),
    DocumentedVariable("request.resource.compartment.id", OCID, _PRINCIPALS),
    DocumentedVariable("request.principal.group.tag.*.*", TEXT, _TAGS, several=True),
    DocumentedVariable("request.principal.compartment.tag.*.*", TEXT, _TAGS),
    DocumentedVariable("target.compartment.id", OCID, _GENERAL),
    DocumentedVariable("target.compartment.name", TEXT, _GENERAL),
    DocumentedVariable("target.resource.tag.*.*", TEXT, _TAGS),
    DocumentedVariable("target.resource.compartment.tag.*.*", TEXT, _TAGS),
    DocumentedVariable("target.user.id", OCID, _IAM),
    DocumentedVariable("target.user.name", TEXT, _IAM),
    DocumentedVariable("target.group.id", OCID, _IAM),
    DocumentedVariable("target.group.name", TEXT, _IAM),
    DocumentedVariable("target.group.member", BOOLEAN, _IAM),
    DocumentedVariable("target.dynamicgroup.id", OCID, _IAM),
    DocumentedVariable("target.dynamicgroup.name", TEXT, _IAM),
    DocumentedVariable("target.domain.id", OCID, _IAM),
    DocumentedVariable("target.domain.name", TEXT, _IAM),
    DocumentedVariable("target.resource.domain.id", OCID, _IAM),
    DocumentedVariable("target.resource.domain.name", TEXT, _IAM),
    DocumentedVariable("target.policy.id", OCID, _IAM),
    DocumentedVariable("target.policy.name", TEXT, _IAM),
    DocumentedVariable("target.policy.type", TEXT, _IAM),
    DocumentedVariable("target.tag-namespace.id", OCID, _IAM),
    DocumentedVariable("target.tag-namespace.name", TEXT, _IAM),
    DocumentedVariable("target.model.id", TEXT, _MODELS),
    DocumentedVariable("target.apikey.id", OCID, _KEY_PAGE),
    DocumentedVariable("target.apikey.name", TEXT, _KEY_PAGE),
    DocumentedVariable("target.bucket.name", TEXT, _STORAGE),
    DocumentedVariable("target.bucket.tag.*.*", TEXT, _STORAGE),
    DocumentedVariable("target.object.name", TEXT, _STORAGE, quoted_stars=True),
    DocumentedVariable("target.vault.id", OCID, _VAULT),
    DocumentedVariable("target.key.id", OCID, _VAULT),
    DocumentedVariable("target.secret.id", OCID, _VAULT),
    DocumentedVariable("target.secret.name", TEXT, _VAULT),
)
_BY_NAME = {variable.name: variable for variable in VARIABLES}
_WITH_TAGS = tuple(variable.name.removesuffix("*.*") for variable in VARIABLES if variable.name.endswith(".*.*"))


@cache
def find_variable(name: str) -> DocumentedVariable | None:
    """The documented variable of that name, in any case; None for one of no page that we know.

    Args:
        name: a tag variable matches by its beginning, since namespace and key are the
            tenancy's own.
    """
    folded = name.lower()
    if folded in _BY_NAME:
        return _BY_NAME[folded]
    return next((_BY_NAME[f"{start}*.*"] for start in _WITH_TAGS if folded.startswith(start)), None)
