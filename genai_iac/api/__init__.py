"""The Python API: `import genai_iac as iac`, then `iac.load`, `validate`, `plan`, `apply`, `drift` and `export`.

Each function does what the verb of the same name does, by the same code, and prints nothing. Everything is decided by its
arguments and by the environment variables of signing in (docs/python-api.md). Errors are `iac.IacError` and its subclasses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from genai_iac.cli.lock import apply_lock
from genai_iac.cli.options import GlobalOptions
from genai_iac.cli.planning import PlannedRun, PlanOptions, make_draft
from genai_iac.cli.session import load_manifest, open_session, open_snapshot
from genai_iac.core import Address, Outcome, Plan
from genai_iac.core.auth import METHODS
from genai_iac.core.cancellation import CancelToken
from genai_iac.core.errors import GuardError, IacError, ManifestError, Problem, StalePlanError, UsageError
from genai_iac.manifest import Manifest
from genai_iac.render.drift import DriftReport
from genai_iac.render.plan.json import fingerprint, plan_document

__all__ = [
    "Address",
    "DriftReport",
    "GuardError",
    "IacError",
    "Manifest",
    "ManifestError",
    "Options",
    "Outcome",
    "Plan",
    "PlannedChanges",
    "Problem",
    "StalePlanError",
    "apply",
    "drift",
    "export",
    "load",
    "plan",
    "validate",
]


class Options(Struct, frozen=True, kw_only=True):
    """What the global flags of the command line say: environment and variables, and how to reach the tenancy."""

    environment: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    variable_files: tuple[Path, ...] = ()
    profile: str | None = None
    config_file: Path | None = None
    auth: str | None = None
    region: str | None = None
    local: bool = False  # the emulator in .genai-iac/local.db of the current directory
    endpoint: str | None = None  # of a running local emulator

    def as_flags(self) -> GlobalOptions:
        """The same for the packages below. Raises UsageError for what the flags would refuse.

        An empty text is refused too: without it another tenancy or owner would be meant.
        """
        for name in ("environment", "profile", "auth", "region", "endpoint"):
            if getattr(self, name) == "":
                raise UsageError(f"Options.{name} is empty", hint="give its value, or None")
        _check_auth(self.auth)
        return GlobalOptions(
            env=self.environment,
            var=_read_variables(self.variables),
            var_file=tuple(map(Path, _read_list("Options.variable_files", self.variable_files))),
            profile=self.profile,
            config_file=str(self.config_file) if self.config_file else None,
            auth=self.auth,
            region=self.region,
            local=self.local,
            endpoint=self.endpoint,
            quiet=True,
        )


class PlannedChanges(Struct, frozen=True):
    """A plan, and why `apply` would refuse it (None: it would not)."""

    plan: Plan
    refusal: GuardError | None

    @property
    def fingerprint(self) -> str:
        """`sha256:…` of everything that would happen; `apply` takes it as `expect_fingerprint`."""
        return fingerprint(self.plan)

    @property
    def document(self) -> Mapping[str, Any]:
        """The plan as `plan --format json` writes it; schemas/plan.schema.json describes it. No secret is in it."""
        return plan_document(self.plan)

    def __bool__(self) -> bool:
        return bool(self.plan)


def load(path: str | Path = ".", options: Options | None = None) -> Manifest:
    """The manifests of a file or directory. Offline. Raises ManifestError with every problem at once."""
    return load_manifest((options or Options()).as_flags(), _read_path(path))


def validate(path: str | Path = ".", options: Options | None = None) -> tuple[Problem, ...]:
    """Every problem of the manifests, each with file, line and column; empty when they are valid. Offline.

    Raises UsageError when there is nothing to read: no such path, environment or variable file.
    """
    try:
        load(path, options)
    except ManifestError as error:
        return tuple(error.problems)
    return ()


def plan(
    path: str | Path = ".",
    options: Options | None = None,
    *,
    targets: Iterable[str | Address] | None = None,
    snapshot: str | Path | None = None,
    allow_destroy: int | None = None,
    accept_outage: Iterable[str | Address] = (),
) -> PlannedChanges:
    """What `apply` would change, why, and by which calls. Reads the tenancy (or the snapshot alone) and writes nothing to it.

    `targets` (None: everything) and `accept_outage` are addresses such as `ApiKey/chat-app`; `allow_destroy` is a number of
    resources. Raises ManifestError, UsageError, ServiceFailure.
    """
    flags, asked = (options or Options()).as_flags(), _asked(targets, allow_destroy, accept_outage)
    if snapshot is not None:
        return _planned_changes(make_draft(open_snapshot(flags, _read_path(path), Path(snapshot)), asked))
    with open_session(flags, _read_path(path)) as session:
        return _planned_changes(make_draft(session, asked))


def apply(
    path: str | Path = ".",
    options: Options | None = None,
    *,
    expect_fingerprint: str | None = None,
    targets: Iterable[str | Address] | None = None,
    allow_destroy: int | None = None,
    accept_outage: Iterable[str | Address] = (),
) -> Iterator[Outcome]:
    """Plan, and make the plan's calls; each `Outcome` is yielded when its change has ended, and is false when it failed.

    Nothing is asked: call `plan` first, and give its fingerprint, to apply what was looked at and nothing else. Iterate to the
    end. Raises, before the first write, GuardError when a
    guard refuses and StalePlanError when the plan is another one by now.
    """
    from genai_iac.cli.run_apply import carry_out

    flags, asked = (options or Options()).as_flags(), _asked(targets, allow_destroy, accept_outage)
    with open_session(flags, _read_path(path)) as session, apply_lock(session.deliveries.root):
        draft = make_draft(session, asked)
        if draft.refusal is not None:
            raise draft.refusal
        if expect_fingerprint not in (None, fingerprint(draft.plan)):
            raise StalePlanError(
                f"the plan is another one by now: {fingerprint(draft.plan)}; nothing was changed", hint="plan again"
            )
        yield from carry_out(draft, CancelToken())


def drift(
    path: str | Path = ".", options: Options | None = None, *, base: str | None = None, unmanaged: bool = False
) -> DriftReport:
    """Where the tenancy differs from the manifests; `report.drifted` is the verdict. Writes nothing.

    `base` is a git revision, by which changes of the manifests and of the tenancy are told apart.
    """
    from genai_iac.cli.drift_report import make_report

    flags = (options or Options()).as_flags()
    return make_report(flags, _read_path(path), base, unmanaged=unmanaged, full_scan=False, parallelism=10)


def export(
    options: Options | None = None, *, compartment: str | None = None, stack: str | None = None
) -> Mapping[str, str]:
    """Manifests of what a compartment has (path or OCID; None: the tenancy) and of what is below it: text by file name. Reads only.

    API keys and projects are those of the region; `options.environment` is the environment of `stack`. Raises UsageError,
    ServiceFailure.
    """
    from genai_iac.cli.import_export import export_tenancy
    from genai_iac.cli.session import open_provider

    flags = (options or Options()).as_flags()
    with open_provider(flags) as client:
        found = export_tenancy(client, compartment, stack, flags.env, full_scan=False, parallelism=10)
        return dict(found.files)


def _asked(
    targets: Iterable[str | Address] | None, allow_destroy: int | None, accept_outage: Iterable[str | Address]
) -> PlanOptions:
    allowed, outages = _read_number("allow_destroy", allow_destroy), _read_list("accept_outage", accept_outage)
    return PlanOptions.of(_read_targets(targets), 10, False, (), allowed, outages)


def _planned_changes(draft: PlannedRun) -> PlannedChanges:
    return PlannedChanges(draft.plan, draft.refusal)


# Arguments are checked as the command line checks its flags: what could be taken for something else is refused.


def _read_path(path: str | Path) -> str:
    """PATH of the manifests. Raises UsageError for an empty text, which would mean the current directory."""
    if str(path) == "":
        raise UsageError(
            "path is empty", hint="give a directory or a file, or leave path out for the current directory"
        )
    return str(path)


def _read_targets(targets: Iterable[str | Address] | None) -> tuple[str, ...]:
    """The addresses to plan; none for None. Raises UsageError for an empty list: without targets everything would be meant."""
    if targets is None:
        return ()
    chosen = _read_list("targets", targets)
    if not chosen:
        raise UsageError("targets is empty", hint="give addresses such as ApiKey/chat-app, or None for everything")
    return chosen


def _read_list(name: str, values: Iterable[Any]) -> tuple[str, ...]:
    """The values as texts. Raises UsageError for one text where several are taken: each of its characters would be one."""
    if isinstance(values, (str, bytes, Path)):
        raise UsageError(f"{name} is one value, where several are taken", hint=f"give a list: {name}=[{str(values)!r}]")
    return tuple(map(str, values))


def _read_number(name: str, number: int | None) -> int | None:
    """A count of resources. Raises UsageError for what is none."""
    if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
        raise UsageError(f"{name} is {number!r}", hint="give a whole number from 0 up, or None")
    return number


def _read_variables(variables: Mapping[str, str]) -> tuple[str, ...]:
    """`NAME=VALUE` of each. Raises UsageError for a name that would be read as another one."""
    for name in variables:
        if not isinstance(name, str) or not name or "=" in name:
            raise UsageError(f"Options.variables: {name!r} is not a name of a variable", hint="give NAME: VALUE")
    return tuple(f"{name}={value}" for name, value in variables.items())


def _check_auth(auth: str | None) -> None:
    """Raises UsageError for a way to sign in that there is not."""
    if auth is not None and auth not in METHODS:
        raise UsageError(f"Options.auth is {auth!r}", hint=f"give one of {', '.join(METHODS)}, or None")
