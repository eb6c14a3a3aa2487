"""Declarative access to OCI Generative AI: API keys, projects, compartments, IAM policies, and rotation of the keys' secrets.

docs/architecture.md has the map of the packages, the pipeline and the import rules; docs/glossary.md the terms.
`import genai_iac as iac` has the Python API (docs/python-api.md): its names are imported when they are first used, so that
`genai-iac --version` stays fast; `__init__.pyi` has their types.
"""

__version__ = "0.1.0"

_API = (
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
)
__all__ = ["__version__", "policy", *_API]  # noqa: PLE0604


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _API:
        return getattr(import_module("genai_iac.api"), name)
    if name == "policy":
        return import_module("genai_iac.policy")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
