"""What a start imports, counted: a verb pays for what it does, not for what others do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
from conftest import Project

from genai_iac.oci_client import sdk_models

_COUNT = """
import sys
from genai_iac.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
names = [name for name in sys.modules if name.partition(".")[0] in ("genai_iac", "oci", "yaml", "jsonschema")]
print("\\n" + " ".join(names))
"""


def imported(*arguments: str) -> set[str]:
    """The modules of ours, and of the large libraries, that a run of its own imports."""
    command = [sys.executable, "-c", _COUNT, *arguments]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(ended.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(("arguments", "most"), [(("--version",), 17), (("--help",), 55), (("schema", "--help"), 19)])
def test_what_prints_a_text_imports_no_library_and_few_modules(arguments: tuple[str, ...], most: int) -> None:
    found = imported(*arguments)
    assert not [name for name in found if not name.startswith("genai_iac")]
    assert len(found) <= most, sorted(found)


def test_what_is_offline_imports_no_sdk() -> None:
    found = imported("validate", "examples/quickstart")
    assert "yaml" in found
    assert not [name for name in found if name == "oci" or name.startswith("genai_iac.oci_client")]


_PLAN = """
import atexit, gc, json, sys
atexit.register(lambda: print(json.dumps([found, later, gc.get_freeze_count()])))
from genai_iac.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
found = sorted(name for name in sys.modules if name.partition(".")[0] in ("genai_iac", "oci", "pkcs11", "jsonschema"))
import oci
from oci.auth.signers import PKCS11Signer
later = [oci.pagination.__name__, oci.pagination.list_call_get_all_results.__name__, PKCS11Signer.__module__]
later += [hasattr(oci.auth.signers, "NoSuchSigner"), oci.auth.signers.pkcs11_signer.PKCS11Signer is PKCS11Signer]
"""
ONE_POLICY = """
apiVersion: genai-iac/v1
kind: Stack
metadata: {name: one}
spec: {region: us-chicago-1}
---
apiVersion: genai-iac/v1
kind: Policy
metadata: {name: p}
spec: {compartment: tenancy, description: one, statements: [allow any-user to use generative-ai-chat in tenancy]}
"""


def test_a_plan_of_one_policy_imports_what_it_needs(project: Project) -> None:
    """The rest of the SDK comes when somebody asks for it, and nothing of all that is looked through again at exit."""
    project.write(ONE_POLICY)
    # a bundle that nobody reads: the emulator shows no certificate
    environ = {**os.environ, **project.environ, "REQUESTS_CA_BUNDLE": str(project.path / "stack.yaml")}
    command = [sys.executable, "-c", _PLAN, "plan"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, cwd=project.path, env=environ)
    found, later, frozen = json.loads(ended.stdout.splitlines()[-1])
    unused = ("pkcs11", "jsonschema", "oci.dns", "oci.object_storage", "oci.vault", "oci.secrets", "oci.pagination")
    assert not [name for name in found if name.startswith(unused)]
    assert len([name for name in found if name.startswith("genai_iac")]) <= 180
    assert not [name for name in found if name.startswith(("oci.identity.models.", "oci.generative_ai.models."))]
    assert later == [
        "oci.pagination", "list_call_get_all_results", "oci.auth.signers.pkcs11_signer", False, True,
    ]  # fmt: skip
    assert frozen > 10_000


def test_an_sdk_that_needs_all_of_its_parts_is_imported_whole(tmp_path: Path) -> None:
    package = tmp_path / "oci"
    package.mkdir()
    (package / "__init__.py").write_text("from oci.pagination import Base\nclass Own(Base): ...\n")
    (package / "pagination.py").write_text("class Base: ...\n")
    program = (
        "from genai_iac.oci_client.sdk_clients import import_sdk; import_sdk(); import oci; print(oci.Own.__bases__)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert "oci.pagination.Base" in ended.stdout


def test_every_shared_type_is_where_the_table_of_core_says() -> None:
    from genai_iac import core

    assert sorted(core.__all__) == sorted(name for names in core._MODULES.values() for name in names)
    for name in core.__all__:
        assert getattr(core, name) is not None
    with pytest.raises(AttributeError, match="no attribute"):
        core.__getattr__("NoSuchType")


_MODELS = """
import json, pickle, sys
from genai_iac.oci_client.sdk_clients import import_sdk
if sys.argv[1] == "later":
    import_sdk()
import oci
service, package = sys.argv[2], f"oci.{sys.argv[2]}.models"
getattr(oci, service)
models = sys.modules[package]
first = sum(name.startswith(package + ".") for name in sys.modules)
mapping = getattr(models, service + "_type_mapping")
config = {"tenancy": "ocid1.tenancy.oc1..a", "user": "ocid1.user.oc1..a", "key_file": "-", "region": "us-chicago-1"}
config["fingerprint"] = ":".join(["00"] * 16)
client = getattr(getattr(oci, service), sys.argv[3])(config, signer=lambda request: request)
second = sum(name.startswith(package + ".") for name in sys.modules)
names, one = sorted(mapping), sorted(mapping)[0]
types = client.base_client.type_mappings
space = {}
exec(f"from {package} import *", space)
found = {
    "names": names, "values": [mapping[name].__module__ for name in names], "len": len(mapping),
    "types": {name: types[name].__name__ for name in types}, "in": [one in types, "NoSuchType" in types, "str" in types],
    "get": [str(types.get(one)), types.get("NoSuchType"), mapping.get("NoSuchType", 1)],
    "same": all(getattr(models, name) is mapping[name] is types[name] for name in names),
    "submodule": getattr(models, models.__dict__[one].__module__.rpartition(".")[2]).__name__,
    "star": sorted(name for name in space if name in names), "dir": [name for name in dir(models) if name in names],
    "pickled": type(pickle.loads(pickle.dumps(mapping[one]()))).__name__, "no": hasattr(models, "NoSuchType"),
    "copied": sorted(dict(mapping)) == names and sorted({**mapping}) == names and sorted(mapping.keys()) == names,
    "items": len(mapping.items()) == len(list(mapping.values())) == len(names),
}
print(json.dumps([first, second, found]))
"""


@pytest.mark.parametrize(
    ("service", "client"),
    [("identity", "IdentityClient"), ("generative_ai", "GenerativeAiClient"), ("vault", "VaultsClient")],
)
def test_models_of_the_sdk_come_later_and_are_the_same(service: str, client: str) -> None:
    """Whoever else uses the SDK in this process finds what the SDK alone would give."""
    run = partial(subprocess.run, check=True, capture_output=True, text=True)
    (first, second, found), (*_, alone) = (
        json.loads(run([sys.executable, "-c", _MODELS, how, service, client]).stdout) for how in ("later", "alone")
    )
    assert (first, second) == (0, 0)
    assert found == alone
    assert found["same"] and found["copied"] and found["items"] and len(found["names"]) > 20


@pytest.mark.parametrize(
    "text",
    [
        "from .a import A\n",  # no dictionary
        "from .a import A\nA.more = 1\na_type_mapping = {\n    'A': A\n}\n",
        'from .a import A\na_type_mapping = {\n    "A": A,\n    "B": A\n}\n',
        'from .a import A as B\na_type_mapping = {\n    "B": B\n}\n',
        'from .a import A\na_type_mapping = {\n    "A": A\n}\nb_type_mapping = {\n}\n',
    ],
)
def test_models_that_are_listed_in_another_way_are_imported_as_they_stand(text: str) -> None:
    assert sdk_models._read(text) is None
