"""The base class of resource types: the schema of a kind, how a document becomes a resource, and the calls that change live to desired.

A new kind is one file with a subclass and `KIND = ...`. tests/resource_types runs every command over every registered type, one that only
the tests have included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from genai_iac.core import (
    LEAK_TAG,
    OWNERSHIP_TAG,
    RENAMED,
    REPLACES,
    Address,
    Call,
    Document,
    LiveResource,
    Path,
    Reference,
    Resource,
    Source,
    Stack,
    Value,
)
from genai_iac.core.errors import Problem, ServiceFailure
from genai_iac.core.plan import SdkOperation
from genai_iac.core.step import DiffContext, Step, declared_tags
from genai_iac.core.values import Field


class Listing(Struct, frozen=True):
    """The list call that shows every resource of a kind: once for the tenancy, or once a compartment (and region)."""

    operation: str  # OCI's name of the List operation
    reach: Literal["tenancy", "compartment", "compartment and region"]  # how often it has to be called
    parameters: Mapping[str, Any] = field(default_factory=dict)  # query parameters in the SDK's spelling
    summary: bool = False  # the list leaves out attributes that the Get operation shows
    optional: bool = False  # an identity that may not list them (404) sees none, when no manifest declares one


class ManifestContext(Struct, frozen=True):
    """What a resource type needs to export a live resource; `name` is the metadata.name that the manifest gets."""

    name: str
    region: str  # the Stack's
    place: Callable[[str], str]  # a compartment's OCID as manifests name the compartment
    text: Callable[[str], str]  # a text that holds no reference, whatever it looks like
    statement: Callable[[str], str]  # a policy statement with references for OCIDs


NOT_DECLARED = "no manifest declares it"  # why a resource is deleted


class ResourceType(ABC):
    """One kind of resource. A module of this directory registers it with `KIND`.

    Instances have no state; one per kind is shared by all threads.
    """

    name: ClassVar[str]  # `kind` in manifests
    plural: ClassVar[str]  # for messages, in lower case
    summary: ClassVar[str]  # one sentence, for the schema
    schema: ClassVar[Mapping[str, Any]]  # of `spec`; see `spec_schema`
    statement_fields: ClassVar[tuple[str, ...]] = ()  # lists in spec whose strings are policy statements
    listing: ClassVar[Listing]
    get_operation: ClassVar[str]  # the Get whose answer carries the etag
    delete_operation: ClassVar[str]  # takes the OCID only
    update_operation: ClassVar[str]  # takes freeformTags, by which a resource is tagged and forgotten
    name_field: ClassVar[str]  # the attribute that people call it by
    ocid_type: ClassVar[str]  # the second part of its OCIDs
    terraform_type: ClassVar[str]  # what Oracle's Terraform provider calls it
    export_file: ClassVar[str]  # the file (without .yaml) that `export` writes it to
    operations: ClassVar[Mapping[str, SdkOperation]]  # every API operation that its calls may name
    name_scope: ClassVar[Literal["tenancy", "compartment"] | None] = None  # where OCI wants its name to be unique
    reference_fields: ClassVar[tuple[Field, ...]] = ("id",)  # what `${Kind/name.FIELD}` may end in
    life_operations: ClassVar[tuple[str, ...]] = ()  # what a create or delete calls beside the three operations above
    creates_secrets: ClassVar[bool] = False  # the answer of its create call shows values

    def spec_schema(self) -> Mapping[str, Any]:
        """JSON Schema of `spec`, without `tags` and `deletion`, which all kinds have."""
        return self.schema

    @abstractmethod
    def check(self, document: Document) -> Iterable[Problem]:
        """What the schema cannot say. Offline.

        Args:
            document: fits the schema.
        """

    def checks(self, document: Document) -> Iterable[Iterable[Problem]]:
        """`check` in parts that do not depend on one another, for a document of which a part could not be read."""
        return (self.check(document),)

    def claims(self, document: Document) -> Iterable[tuple[Path, str, bool]]:
        """What a checked document names outside the tenancy's own resources and no other document may, each with where it does,
        and whether others that share it may name it, too.

        Yields:
            `(path, what, shared)`: where it is written, an equal text for equal things, and
                whether several may share it.
        """
        del document
        return ()

    @abstractmethod
    def desired(self, document: Document, stack: Stack) -> Resource:
        """The resource that a checked document declares.

        Args:
            document: checked.
            stack: gives the region and the tags.
        """

    @abstractmethod
    def live(self, item: Mapping[str, Any], region: str | None) -> LiveResource:
        """What one item of the list call shows; its ownership tag is read by the caller.

        Args:
            item: plain data with the wire's names.
            region: that was asked; None for the home region.
        """

    def read(self, item: Any, region: str | None) -> LiveResource:
        """`live` for whatever the service has sent. Raises ServiceFailure when that is no resource of this kind.

        The error names the kind and the exception's type, so that a changed API is
        distinguished from a defect of this tool.
        """
        try:
            return self.live(item, region)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ServiceFailure(
                f"the service answered with something else than {self.plural} ({type(error).__name__}: {error})",
                operation=self.get_operation,
                hint="try again; if it stays so, ask whether the endpoint is OCI's",
            ) from error

    @abstractmethod
    def create(self, desired: Resource) -> Step:
        """The calls that make it.

        `planning` and `execute` add the ownership tag.
        """

    @abstractmethod
    def change(self, desired: Resource, live: LiveResource, facts: DiffContext) -> Step:
        """The calls that bring live to desired; a falsy step when it is. Raises PlanError when no call can.

        Args:
            desired: declared.
            live: what carries its tag.
            facts: everything else that may decide.
        """

    @abstractmethod
    def declare(self, live: LiveResource, context: ManifestContext) -> Mapping[str, Any]:
        """The `spec` that declares a live resource as it is, without what the schema gives by default, tags and deletion.

        Args:
            context: how compartments, texts and statements are written in a manifest.
        """

    def remove(self, live: LiveResource) -> Step:
        """The calls that delete it."""
        return Step(("delete",), (Call(self.delete_operation, {}, live.id, live.region),), (NOT_DECLARED,))

    def forget(self, live: LiveResource, tags: Mapping[str, str]) -> Step:
        """The calls that take the ownership tag off and leave the rest.

        Args:
            tags: the live tags without the ownership tag.
        """
        call = Call(self.update_operation, {"freeformTags": tags}, live.id, live.region)
        return Step(("forget",), (call,), ("deletion: retain",))

    def after(
        self, desired: Resource, live: LiveResource, step: Step, resolve: Callable[[Value], Value]
    ) -> Mapping[str, Value]:
        """What the attributes will be after the step: what is not touched stays as it is.

        Args:
            step: what `change` returned.
            resolve: fills in references where they are known.
        """
        sent = {name for call in step.calls for name in call.body}
        touched = {name: value for name, value in desired.attributes.items() if name in sent and name != "freeformTags"}
        if "targetCompartmentId" in sent:
            touched["compartmentId"] = desired.attributes["compartmentId"]
        tags = {**live.tags, **declared_tags(desired)}
        for own in (OWNERSHIP_TAG, LEAK_TAG, RENAMED, REPLACES):
            tags.pop(own, None)
        region = {"region": live.region} if live.region else {}
        return {
            **live.attributes,
            **{name: resolve(value) for name, value in touched.items()},
            "freeformTags": tags,
            **region,
        }

    def names_compartments(self, attributes: Mapping[str, Value]) -> Iterable[str]:
        """The compartments that the attributes call by their names inside a text.

        They decide the order of changes: a policy waits for the compartments that it names.
        """
        del attributes
        return ()

    def complete(self, desired: Resource, resources: Mapping[Address, Resource]) -> Resource:
        """The resource once all others are known; for a kind that says something about them.

        Args:
            resources: all declared ones.
        """
        del resources
        return desired

    def uses(self, desired: Resource) -> Iterable[Reference]:
        """References beyond those inside the attributes.

        They order the plan like any other reference.
        """
        del desired
        return ()


def replace_in_region(kind: ResourceType, desired: Resource, live: LiveResource) -> Step:
    """Create it in the declared region, then delete the one in the region that it cannot leave.

    In this order a refused create (a limit, an unsubscribed region) leaves what callers use as it is. The new one's tag names
    the old one, so that a run that is killed in between leaves two of which the next run deletes the old.

    Args:
        kind: of both.
        desired: with the new region.
        live: in the old region.
    """
    made, gone = kind.create(desired), kind.remove(live)
    first, *others = made.calls
    tagged = {**first.body, "freeformTags": {**declared_tags(desired), REPLACES: live.id}}
    return replace(
        made,
        actions=("create", "delete"),
        calls=(replace(first, body=tagged), *others, *gone.calls),
        reasons=(f"OCI cannot change the region of {kind.plural}: replaced, the new one first",),
        losses=gone.losses,
    )


def read_time(text: str | None) -> datetime | None:
    """An RFC 3339 time of the wire as an aware datetime (UTC where it names no zone); None stays None.

    Args:
        text: as the service sends it.
    """
    moment = datetime.fromisoformat(text) if text else None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


class DeclaredPlaces(Mapping[str, Source]):
    """Where those parts were written, by dotted path below `spec`, for messages at plan time. Looked up when a message asks.

    A path that was not written has the position of the nearest part that was.
    """

    def __init__(self, document: Document, *paths: Path) -> None:
        self._document, self._paths = document, paths

    @cached_property
    def _places(self) -> Mapping[str, Source]:
        return {".".join(map(str, path)): self._document.place("spec", *path) for path in self._paths}

    def __getitem__(self, name: str) -> Source:
        return self._places[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
