"""What a rendering may show beside the plan: where things are declared, where secrets go, what time it is, who may do what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from genai_iac.core import Address, Source
from genai_iac.render.plan.differences import CompareTexts, line_edits


@dataclass(frozen=True, slots=True)
class SecretExpiry:
    """A secret and the moment it dies."""

    address: Address
    secret: str
    at: datetime  # UTC
    works: bool = True  # one that is the standby, inactive, expires unnoticed


@dataclass(frozen=True, slots=True)
class AccessBeforeAfter:
    """What keys may do before and after the change, one line a permission."""

    before: Sequence[str]
    after: Sequence[str]


@dataclass(frozen=True, slots=True)
class PlanContext:
    """Everything here may be left out; a rendering then says less."""

    now: datetime | None = None  # "used 4 minutes ago" is counted from here; without it the moment itself is shown
    sources: Mapping[Address, Source] = field(default_factory=dict)
    sinks: Mapping[Address, Sequence[str]] = field(
        default_factory=dict
    )  # how people call each sink: `file secrets/chat-app.env`
    compare_texts: CompareTexts = line_edits  # for statements: the policy language knows better than line by line
    needs: Mapping[Address, Sequence[Address]] = field(default_factory=dict)  # the whole graph, for pictures
    access: AccessBeforeAfter | None = None
    names: Mapping[str, str] = field(default_factory=dict)  # what people call an OCID: the path of a compartment
    expiries: Sequence[SecretExpiry] = ()  # of secrets that the plan leaves alone
