"""Which tests are quick: `pytest -m quick -n 2` runs them in less than a minute on two idle cores.

What they cover: manifests and their schemas, the policy language, `access` and `permissions`, plans as text, JSON, Markdown
and HTML, the formats and options of sinks, the rules of rotation without a service, and a few whole runs against the local
emulator (the shipped examples, the order of changes). What they leave out: fuzzing, kills, faults, Vault, pull requests,
CI jobs, walks.
"""

from __future__ import annotations

from pathlib import Path

TESTS = Path(__file__).parent

_QUICK = (
    "analysis",
    "plan_apply/test_examples.py",
    "plan_apply/test_order.py",
    "plan_apply/test_order_rules.py",
    "plan_apply/test_planner_rules.py",
    "plan_apply/test_stale_plan_words.py",
    "manifest",
    "core",
    "iam_policy",
    "render",
    "rotation/test_decisions.py",
    "rotation/test_expiry_forms.py",
    "rotation/test_sink_gaps.py",
    "rotation/test_steps.py",
    "sinks/test_file_rules.py",
    "sinks/test_formats.py",
    "sinks/test_registry.py",
)
_SLOW = (
    "manifest/test_fuzz.py",
    "manifest/test_hostile.py",
    "iam_policy/test_properties.py",
    "render/test_markdown_fits.py",
)


def is_quick(path: Path) -> bool:
    """Whether that file has quick tests, or that directory may have some below it."""
    if not path.is_relative_to(TESTS):
        return True
    inside = path.relative_to(TESTS)
    if path.is_dir():
        return any(_are_related(inside, Path(quick)) for quick in _QUICK)
    return str(inside) not in _SLOW and any(inside.is_relative_to(quick) for quick in _QUICK)


def _are_related(one: Path, other: Path) -> bool:
    return one.is_relative_to(other) or other.is_relative_to(one)
