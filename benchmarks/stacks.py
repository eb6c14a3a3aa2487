"""Stacks of any size, as text: what a benchmark builds. Each family asks for other work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

MODELS = tuple(f"vendor.model-{number}" for number in range(10))
_HEAD = "apiVersion: genai-iac/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:\n{spec}"
_FILES = 50  # documents in a file, so that no file is larger than anybody's


def _document(kind: str, name: str, spec: str) -> str:
    return _HEAD.format(kind=kind, name=name, spec=spec)


def _compartment(name: str, above: str | None = None) -> str:
    parent = f"  parent: {above}\n" if above else ""
    return _document("Compartment", name, f"{parent}  description: benchmark\n")


def _policy(name: str, statement: str, compartment: str = "bench") -> str:
    spec = f"  compartment: {compartment}\n  description: benchmark\n  statements:\n    - {statement}\n"
    return _document("Policy", name, spec)


def _grant(name: str, key: str, compartment: str, models: tuple[str, ...]) -> str:
    spec = f"  compartment: {compartment}\n  description: benchmark\n  grants:\n"
    return _document("Policy", name, f"{spec}    - {{apiKey: {key}, apis: [chat], models: [{', '.join(models)}]}}\n")


def _key(name: str, compartment: str = "bench", more: str = "") -> str:
    secrets = "  secrets:\n    - {name: key-one, expires: 90d}\n    - {name: key-two, expires: 135d}\n"
    sink = f"  deliverTo:\n    - file: {{path: secrets/{name}.env}}\n"
    return _document("ApiKey", name, f"  displayName: {name}\n  compartment: {compartment}\n{secrets}{sink}{more}")


def _policies(count: int) -> Iterator[str]:
    yield _compartment("bench")
    for number in range(count - 1):
        where = (
            "where all {request.principal.type = 'generativeaiapikey', " + f"target.model.id = 'xai.grok-{number}'}}"
        )
        reach = "in compartment id ${Compartment/bench.id}"
        yield _policy(f"p{number}", f">-\n      allow any-user to use generative-ai-chat {reach} {where}")


def _groups(count: int) -> Iterator[str]:
    yield _compartment("bench")
    for number in range(count - 1):
        what = ("generative-ai-family", "generative-ai-chat", "buckets")[number % 3]
        yield _policy(f"p{number}", f"allow group g{number} to use {what} in compartment bench", "tenancy")


def _keys(count: int) -> Iterator[str]:
    yield _compartment("bench")
    yield from (_key(f"k{number}") for number in range(count - 1))


def _rotations(count: int) -> Iterator[str]:
    yield _compartment("bench")
    yield from (_key(f"k{number}", more="  rotation: {every: 60d, overlap: 7d}\n") for number in range(count - 1))


def _flat(count: int) -> Iterator[str]:
    yield from (_compartment(f"c{number}") for number in range(count))


def _nested(count: int) -> Iterator[str]:
    """Chains of compartments, five deep."""
    yield from (_compartment(f"c{number}", f"c{number - 1}" if number % 5 else None) for number in range(count))


def _mixed(count: int) -> Iterator[str]:
    """Of ten documents: a compartment (five deep), four keys, a grant for each of ten models, one that admits a group."""
    for number in range(max(count // 10, 1)):
        home = f"c{number}"
        yield _compartment(home, f"c{number - 1}" if number % 5 else None)
        for key in range(4):
            name = f"k{number}-{key}"
            yield _key(name, home, "  rotation: {every: 60d, overlap: 7d}\n" if key % 2 else "")
            yield _grant(f"a{number}-{key}", name, home, MODELS)
        statement = (
            f"allow group g{number % 50} to read generative-ai-family in compartment ${{Compartment/{home}.path}}"
        )
        yield _policy(f"p{number}", statement, "tenancy")


def _one(count: int) -> Iterator[str]:
    """Policies of the tenancy, and nothing else."""
    statement = (
        "allow any-user to use generative-ai-chat in tenancy where request.principal.type = 'generativeaiapikey'"
    )
    yield from (_policy(f"p{number}", statement, "tenancy") for number in range(count))


def _own(count: int) -> Iterator[str]:
    """Keys with a grant each, of a model that no other grant names."""
    yield _compartment("bench")
    for number in range(max(count // 2, 1)):
        yield _key(f"k{number}")
        yield _grant(f"a{number}", f"k{number}", "bench", (f"vendor.own-{number}",))


FAMILIES: dict[str, Callable[[int], Iterator[str]]] = {
    "one": _one,
    "mixed": _mixed,
    "policies": _policies,
    "groups": _groups,
    "keys": _keys,
    "own": _own,
    "rotations": _rotations,
    "flat": _flat,
    "nested": _nested,
}


def write_stack(folder: Path, family: str, count: int) -> list[str]:
    """Write a stack of that many documents; returns the names of the groups that its policies name."""
    folder.mkdir(parents=True, exist_ok=True)
    head = "apiVersion: genai-iac/v1\nkind: Stack\nmetadata: {name: bench}\nspec: {region: us-chicago-1}\n"
    (folder / "stack.yaml").write_text(head)
    documents = list(FAMILIES[family](count))
    for number, first in enumerate(range(0, len(documents), _FILES)):
        (folder / f"part-{number:03}.yaml").write_text("---\n".join(documents[first : first + _FILES]))
    groups = {"mixed": min(max(count // 10, 1), 50), "groups": count - 1}.get(family, 0)
    return [f"g{number}" for number in range(groups)]
