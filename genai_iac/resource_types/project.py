"""Project: a Generative AI project, which callers of the OpenAI-compatible API name (header `OpenAI-Project`). Regional.

The schema of its configurations is that of `CreateGenerativeAiProjectDetails` of the SDK 2.189. What has several forms there (networks,
models) is an open object here: the service checks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from genai_iac.core import COMPARTMENT_SCHEMA, Call, Document, LiveResource, Resource, Stack, Value, read_compartment
from genai_iac.core.errors import Problem
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, changed_fields, changed_tags, why_changed
from genai_iac.resource_types._base import (
    DeclaredPlaces,
    Listing,
    ManifestContext,
    ResourceType,
    read_time,
    replace_in_region,
)

NAME_SCHEMA: Mapping[str, Any] = {"type": "string", "minLength": 1, "maxLength": 255, "examples": ["chat-${var.env}"]}
REGION_SCHEMA: Mapping[str, Any] = {
    "type": "string",
    "description": "The region of the project; the keys that name it are of the same region. Default: the Stack's.",
    "pattern": "^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$",
    "examples": ["us-chicago-1"],
}
_HOURS = {"type": "integer", "minimum": 0}
_COUNT = {"type": "integer", "minimum": 0}


def _object(description: str, **properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """An object with these properties and no others, each optional."""
    return {"type": "object", "description": description, "additionalProperties": False, "properties": properties}


def _open(description: str) -> Mapping[str, Any]:
    """An object whose members only the service knows."""
    return {"type": "object", "description": description}


CONFIG_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "conversationConfig": _object(
        "How long responses and conversations are kept.",
        responsesRetentionInHours={**_HOURS, "description": "Hours that a stored response is kept."},
        conversationsRetentionInHours={**_HOURS, "description": "Hours that a conversation is kept."},
    ),
    "longTermMemoryConfig": _object(
        "Whether facts are taken from conversations and kept, and with which models.",
        standardLongTermMemoryStrategy=_object(
            "The strategy that the service has.",
            isEnabled={"type": "boolean"},
            extractionConfig=_open("The model that finds facts."),
            embeddingConfig=_open("The model that embeds them."),
        ),
    ),
    "shortTermMemoryOptimizationConfig": _object(
        "Whether long conversations are condensed, and with which model.",
        isEnabled={"type": "boolean"},
        condenserConfig=_open("The model that condenses."),
    ),
    "sandboxConfig": _object(
        "The containers that code of the project's calls runs in.",
        isEnabled={"type": "boolean"},
        isPersistenceEnabled={"type": "boolean"},
        warmPoolConfig=_object(
            "Containers kept ready, by size.", smallCount=_COUNT, mediumCount=_COUNT, largeCount=_COUNT
        ),
        sandboxOutboundNetworkingConfig=_open("What they may reach: networkMode MANAGED or CUSTOM, with its fields."),
        credentialProfiles={
            "type": "array",
            "description": "Headers that are added to what they send; values come from vault secrets by OCID.",
            "items": {"type": "object"},
        },
    ),
}


_CONFIGS = tuple(CONFIG_SCHEMAS)  # attributes that are objects; compared member by member


class Project(ResourceType):
    """Generative AI 20231130: the six operations of GenerativeAiClient that end in `generative_ai_project(s)` (SDK 2.189).

    Configurations are replaced as a whole by an update, so members that the manifest does
    not mention are sent as they are.
    """

    name = "Project"
    plural = "projects"
    summary = "An OCI Generative AI project: calls of the OpenAI-compatible API name one."
    # the list shows summaries, without the four configurations
    listing = Listing("ListGenerativeAiProjects", "compartment and region", summary=True, optional=True)
    get_operation = "GetGenerativeAiProject"
    update_operation = "UpdateGenerativeAiProject"
    delete_operation = "DeleteGenerativeAiProject"
    name_field = "displayName"
    ocid_type = "generativeaiproject"
    terraform_type = "oci_generative_ai_project"
    export_file = "projects"
    operations: ClassVar[Mapping[str, SdkOperation]] = {
        "ListGenerativeAiProjects": SdkOperation("generative_ai", "list_generative_ai_projects", ("id",)),
        "GetGenerativeAiProject": SdkOperation("generative_ai", "get_generative_ai_project", ("id",)),
        "CreateGenerativeAiProject": SdkOperation(
            "generative_ai", "create_generative_ai_project", ("body",), token=True
        ),
        "UpdateGenerativeAiProject": SdkOperation(
            "generative_ai", "update_generative_ai_project", ("id", "body"), etag=True
        ),
        "ChangeGenerativeAiProjectCompartment": SdkOperation(
            "generative_ai", "change_generative_ai_project_compartment", ("id", "body"), token=True, etag=True
        ),
        "DeleteGenerativeAiProject": SdkOperation("generative_ai", "delete_generative_ai_project", ("id",), etag=True),
    }
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["compartment"],
        "properties": {
            "displayName": {
                **NAME_SCHEMA,
                "description": "The project's name in OCI; need not be unique there. Default: metadata.name.",
            },
            "compartment": COMPARTMENT_SCHEMA,
            "region": REGION_SCHEMA,
            "description": {"type": "string", "maxLength": 400},
            **CONFIG_SCHEMAS,
        },
    }

    def check(self, document: Document) -> Iterable[Problem]:
        """Nothing beyond the schema: the service checks the configurations."""
        del document
        return ()

    def desired(self, document: Document, stack: Stack) -> Resource:
        """The declared project; absent configurations stay absent, so they are never compared."""
        spec = document.spec
        attributes: dict[str, Value] = {
            "displayName": spec.get("displayName", document.name),
            "compartmentId": read_compartment(spec["compartment"]),
            **{name: spec[name] for name in ("description", *_CONFIGS) if name in spec},
            "freeformTags": spec.get("tags", {}),
        }
        places = DeclaredPlaces(document, ("displayName",), ("compartment",), ("region",))
        region, deletion = spec.get("region", stack.region), spec.get("deletion", "delete")
        return Resource(document.address, attributes, document.source, deletion, region, places=places)

    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """The project of one item. The list leaves the configurations out, so items come from the Get."""
        tags = item.get("freeformTags") or {}
        return LiveResource(
            kind=self.name,
            id=item["id"],
            attributes={
                "displayName": item["displayName"],
                "compartmentId": item["compartmentId"],
                "description": item.get("description"),
                **{name: item[name] for name in _CONFIGS if item.get(name)},
                "freeformTags": tags,
            },
            compartment=item["compartmentId"],
            name=item["displayName"],
            region=region,
            lifecycle=item["lifecycleState"],
            tags=tags,
            created=read_time(item.get("timeCreated")),
        )

    def declare(self, live: LiveResource, context: ManifestContext) -> Mapping[str, Any]:
        """The `spec` of an export."""
        description = live.attributes["description"]
        return {
            **({"displayName": context.text(live.name)} if live.name != context.name else {}),
            "compartment": context.place(live.compartment),
            **({"region": live.region} if live.region != context.region else {}),
            **({"description": context.text(description)} if description else {}),
            **{name: _escaped(live.attributes[name], context) for name in _CONFIGS if name in live.attributes},
        }

    def create(self, desired: Resource) -> Step:
        """CreateGenerativeAiProject."""
        call = Call("CreateGenerativeAiProject", dict(desired.attributes), None, desired.region)
        return Step(("create",), (call,), ("not in the tenancy",))

    def change(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """Update, move, or replace for another region."""
        if desired.region != live.region:
            return replace_in_region(self, desired, live)
        calls: list[Call] = []
        reasons: list[str] = []
        fields, tags = self._changed(desired, live, facts), changed_tags(desired, live)
        if fields or tags is not None:
            body = {**fields, **({} if tags is None else {"freeformTags": tags})}
            calls.append(Call(self.update_operation, body, live.id, live.region))
            reasons.extend(why_changed(fields, desired, live))
        home = desired.attributes["compartmentId"]
        if not facts.same(home, live.compartment):
            move = Call("ChangeGenerativeAiProjectCompartment", {"compartmentId": home}, live.id, live.region)
            calls.append(move)
            reasons.append("it is in another compartment")
        return Step(("update",) if calls else (), tuple(calls), tuple(reasons))

    def _changed(self, desired: Resource, live: LiveResource, facts: DiffContext) -> dict[str, Value]:
        """The fields to send. Of a configuration only what the manifest mentions is compared: the service fills in the rest."""
        fields = changed_fields(("displayName", "description"), desired, live, facts)
        for name in _CONFIGS:
            if name in desired.attributes:
                wanted, there = desired.attributes[name], live.attributes.get(name)
                if not _is_within(wanted, there, facts):
                    fields[name] = _merged(wanted, there)
        return fields


def _is_within(wanted: Value, live: Any, facts: DiffContext) -> bool:
    """Whether live has everything that the manifest mentions."""
    if isinstance(wanted, Mapping):
        known = live if isinstance(live, Mapping) else {}
        return all(_is_within(part, known.get(name), facts) for name, part in wanted.items())
    return facts.same(wanted, live)


def _merged(wanted: Value, live: Any) -> Value:
    """The update replaces a configuration as a whole, so what the manifest does not mention is sent as it is."""
    if not isinstance(wanted, Mapping):
        return wanted
    known = live if isinstance(live, Mapping) else {}
    if _chooses_another(wanted, known):
        return wanted
    return {**known, **{name: _merged(part, known.get(name)) for name, part in wanted.items()}}


def _chooses_another(wanted: Mapping[str, Value], live: Mapping[str, Any]) -> bool:
    """Whether a member distinguishes one form of an object from another (`networkMode`), and it is another now."""
    return any(name in wanted and wanted[name] != live.get(name) for name in ("networkMode", "mode", "modelConfigType"))


def _escaped(value: Any, context: ManifestContext) -> Any:
    """The value with texts that look like placeholders escaped."""
    if isinstance(value, Mapping):
        return {name: _escaped(part, context) for name, part in _present(value)}
    if isinstance(value, list):
        return [_escaped(part, context) for part in value]
    return context.text(value) if isinstance(value, str) else value


def _present(value: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Members that have a value: the service lists absent ones as null."""
    return ((name, part) for name, part in value.items() if part is not None)


KIND = Project()
