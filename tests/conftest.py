"""What tests share: a local emulator over HTTP, and the command line run in this process or as a process of its own."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

import hypothesis
import pytest
from cryptography.hazmat.primitives import serialization
from quick import is_quick
from slices import mark_slices

from genai_iac.testing import LocalTenancy

# the ordinary run is the same every time; other examples come with --hypothesis-profile=search
hypothesis.settings.register_profile("same", derandomize=True, print_blob=True, deadline=None)
hypothesis.settings.register_profile("search", print_blob=True, deadline=None)
hypothesis.settings.load_profile("same")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# the tool reads these: what a CI job or a shell has set must not decide a test (a run under CI=true changed six plans)
_OWN = (
    "GENAI_IAC_CONTROL_TOKEN",
    "GENAI_IAC_DAYS",
    "GENAI_IAC_EXAMPLES",
    "GENAI_IAC_FUZZ",
    "GENAI_IAC_GOLDEN",
    "GENAI_IAC_INTERLEAVINGS",
    "GENAI_IAC_STEPS",
    "GENAI_IAC_PROOF_FIGURES",
    "GENAI_IAC_TEST_OCI_CLI",
    "GENAI_IAC_TEST_SETTINGS",
    "GENAI_IAC_YAML_SERVER",
)
_LIVE = "GENAI_IAC_LIVE_"  # what tests/live is given
for _name in [name for name in os.environ if name not in _OWN and not name.startswith(_LIVE)]:
    if _name in ("CI", "COLUMNS", "FORCE_COLOR", "NO_COLOR") or _name.startswith(("GENAI_IAC_", "OCI_", "GITHUB_")):
        del os.environ[_name]

# a message with the path of a temporary directory is wrapped somewhere else on each machine: a test that looks for words
# in it passed here and failed in CI. What is about lines gives its own width.
os.environ["COLUMNS"] = "1000"

# an image or a shell may forbid bytecode files: then each of some thousand processes would compile the package for itself
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# a shell that starts the tests in the background, or with nohup, has these ignored, and every process of a test inherits that
for _signal in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(_signal, signal.SIG_DFL)
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# the control API of every local emulator that tests start, in this process or in one of their own
CONTROL_TOKEN = os.environ.setdefault("GENAI_IAC_CONTROL_TOKEN", "token-of-the-tests")
# settings of every local emulator that a test starts: what the service may answer otherwise (docs/assumptions.md)
SETTINGS_OF_RUN: dict[str, Any] = json.loads(os.environ.get("GENAI_IAC_TEST_SETTINGS", "{}"))


# reading an RSA key proves it, which takes 40 ms of work; here the same few are read thousands of times
serialization.load_pem_private_key = cache(serialization.load_pem_private_key)


@pytest.fixture(autouse=True)
def run_of_its_own() -> None:
    """Each test is a run: the redactor knows no values of others."""
    from genai_iac.core.redactor import forget_all

    forget_all()


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Tenancy(LocalTenancy):
    """A running local emulator, with the real SDK's clients."""

    control_token: str = field(default=CONTROL_TOKEN, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """A client of the real SDK with the administrator's profile."""
        import oci

        config = oci.config.from_file(str(self.config_file))
        endpoint = f"{self.url}/r/{region}" if region else self.url
        kinds = {
            "identity": oci.identity.IdentityClient,
            "generative_ai": oci.generative_ai.GenerativeAiClient,
            "vault": oci.vault.VaultsClient,
            "secrets": oci.secrets.SecretsClient,
        }
        return kinds[service](config, service_endpoint=endpoint, retry_strategy=oci.retry.NoneRetryStrategy())


# What the tenancies of tests are subscribed to. Every plan lists each compartment in each subscribed region: with all that the
# emulator begins with, two thirds of the work of the whole suite were lists of regions that no test looks at.
# A test that needs another says so: `@pytest.mark.regions("eu-frankfurt-1")`.
SUBSCRIBED = ("us-chicago-1", "us-ashburn-1")


@pytest.fixture
def tenancy(request: pytest.FixtureRequest) -> Iterator[Tenancy]:
    """A fresh local emulator in this process, subscribed to `SUBSCRIBED` and to the regions that the test is marked with."""
    from genai_iac.emulator import running

    more = [region for mark in request.node.iter_markers("regions") for region in mark.args]
    with running(allow_kill=True) as server:
        served = Tenancy(server.url, server.config_file, server.tenancy)
        served.settings(subscribedRegions=(*SUBSCRIBED, *more), **SETTINGS_OF_RUN)
        served.forget_calls()
        yield served


@dataclass
class Project:
    """A directory of manifests, and genai-iac run in it."""

    path: Path
    environ: dict[str, str] = field(default_factory=dict)

    def write(self, text: str, name: str = "stack.yaml") -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def run(self, *arguments: str, code: int | None = 0) -> Ran:
        """Run genai-iac in this process, in the project's directory."""
        ran = run_in_process(arguments, self.path, self.environ)
        if code is not None:
            assert ran.code == code, f"exit {ran.code}\n{ran.out}\n{ran.err}"
        return ran

    def spawn(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Run genai-iac as a process of its own."""
        command = [sys.executable, "-m", "genai_iac", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.path,
            env={**os.environ, **self.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )


def read_journal(file: Path) -> dict[str, dict[str, Any]]:
    """The notes of a journal of deliveries (format 3), read without the tool's own reader."""
    head, *lines = file.read_text().splitlines()
    assert json.loads(head) == {"format": 3}
    notes: dict[str, dict[str, Any]] = {}
    for change in map(json.loads, lines):
        notes.pop(change.get("was"), None)
        notes[change["key"]] = change["note"]
    return notes


def run_in_process(
    arguments: tuple[str, ...], cwd: Path, environ: Mapping[str, str], stream: type[io.StringIO] = io.StringIO
) -> Ran:
    import contextlib

    from genai_iac.cli import main

    out, err = stream(), stream()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        for name, value in environ.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as ended:
            main(list(arguments))
    code = ended.value.code
    return Ran(code if isinstance(code, int) else 1, out.getvalue(), err.getvalue())


@pytest.fixture
def project(tmp_path: Path, tenancy: Tenancy) -> Project:
    """An empty project that talks to the test's tenancy."""
    return Project(tmp_path, {"GENAI_IAC_ENDPOINT": tenancy.url, "GENAI_IAC_CONFIG_FILE": str(tenancy.config_file)})


@pytest.fixture
def offline(tmp_path: Path) -> Project:
    """An empty project without a tenancy."""
    return Project(tmp_path)


@pytest.fixture(scope="module")
def launchers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """Two of `crash.launching.Launcher`: two machines that run the tool at once."""
    from crash.launching import Launcher

    with ExitStack() as stack:
        yield [stack.enter_context(Launcher(tmp_path_factory.mktemp("launcher"))) for _ in range(2)]


def load_script(name: str) -> ModuleType:
    """A Python script of `ci/`, which has no ending, as a module."""
    loader = SourceFileLoader(name, str(ROOT / "ci" / name))
    spec = importlib.util.spec_from_loader(name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Material that lies beside the checkout; tests that read it are skipped where it is absent."""
    if not (SHARED / "data").is_dir():
        pytest.skip(f"{SHARED / 'data'} is not beside this checkout")
    return SHARED / "data"


Runner = Callable[..., Ran]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With `-m quick` other files are not even imported: that alone takes longer than the quick tests of a directory."""
    return True if config.option.markexpr == "quick" and not is_quick(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Mark the cases beyond each slice, and the quick tests.

    `-m quick` takes the place of `-m 'not matrix and not live'`, so none of those is among them.
    """
    if not any("::" in argument for argument in config.args):  # a test that is asked for by name runs all its cases
        mark_slices(items)
    for item in items:
        if is_quick(item.path) and item.get_closest_marker("matrix") is None:
            item.add_marker("quick")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line at the end of the run about what a clone without the material beside it cannot test."""
    if not (SHARED / "data").is_dir():
        missed = [one for one in terminalreporter.stats.get("skipped", ()) if str(SHARED) in str(one.longrepr)]
        text = f"NOT TESTED: {len(missed)} tests need {SHARED / 'data'}, which is not beside this checkout"
        terminalreporter.write_line(text, red=True, bold=True)
