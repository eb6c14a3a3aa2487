"""What the published actions that the workflows use do, in this folder instead of on GitHub: check out, keep, fetch."""

from __future__ import annotations

import fnmatch
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

Inputs = Mapping[str, str]


@dataclass
class RunnerStorage:
    """Where runs keep things: the repository, caches that outlive a run, and the artefacts of the run at hand."""

    origin: Path
    folder: Path
    revision: str = "HEAD"
    artefacts: dict[str, Path] = field(default_factory=dict)

    @property
    def caches(self) -> list[Path]:
        """Caches, the newest first; what a cache holds is a file."""
        there = (self.folder / "caches").iterdir() if (self.folder / "caches").is_dir() else ()
        return sorted(there, key=lambda file: file.stat().st_mtime_ns, reverse=True)

    def use(self, action: str, inputs: Inputs, workspace: Path) -> None:
        """Do what that action does. An action that the tests do not know is an error."""
        _ACTIONS[action](self, inputs, workspace)

    def check_out(self, inputs: Inputs, workspace: Path) -> None:
        """Lay out the revision of the event; one commit of it unless all is asked for."""
        depth = [] if inputs.get("fetch-depth") == "0" else ["--depth", "1"]
        for arguments in (
            ["init", "--quiet"],
            ["fetch", "--quiet", *depth, f"file://{self.origin}", self.revision],
            ["checkout", "--quiet", "FETCH_HEAD"],
        ):
            subprocess.run(["git", *arguments], cwd=workspace, check=True)

    def save_cache(self, inputs: Inputs, workspace: Path) -> None:
        """Keep a file under a key that is new; a file that is not there is passed over with a warning."""
        if (workspace / inputs["path"]).exists():
            (self.folder / "caches").mkdir(exist_ok=True)
            shutil.copyfile(workspace / inputs["path"], self.folder / "caches" / inputs["key"])

    def restore_cache(self, inputs: Inputs, workspace: Path) -> None:
        """The newest cache whose key begins like one of these."""
        for prefix in (inputs["key"], *inputs.get("restore-keys", "").split()):
            for file in self.caches:
                if file.name.startswith(prefix):
                    shutil.copyfile(file, workspace / inputs["path"])
                    return

    def upload(self, inputs: Inputs, workspace: Path) -> None:
        """Keep a directory's content; hidden files are left out, and a name can be taken once a run."""
        assert inputs["name"] not in self.artefacts
        source = workspace / inputs["path"]
        if source.is_dir():
            kept = self.folder / f"artefact-{len(list(self.folder.glob('artefact-*')))}"
            shutil.copytree(source, kept, ignore=shutil.ignore_patterns(".*"))
            self.artefacts[inputs["name"]] = kept

    def download(self, inputs: Inputs, workspace: Path) -> None:
        """Lay out one artefact, or those of a pattern: each in a directory of its own, but not when it is the only one."""
        if "name" in inputs:
            chosen = {inputs["name"]: self.artefacts[inputs["name"]]}
        else:
            names = fnmatch.filter(self.artefacts, inputs["pattern"])
            chosen = {name: self.artefacts[name] for name in names}
        together = len(chosen) == 1 or inputs.get("merge-multiple") == "true"
        for name, kept in chosen.items():
            target = workspace / inputs["path"]
            shutil.copytree(kept, target if together else target / name, dirs_exist_ok=True)


_ACTIONS: Mapping[str, Callable[[RunnerStorage, Inputs, Path], None]] = {
    "actions/checkout": RunnerStorage.check_out,
    "actions/setup-python": lambda storage, inputs, workspace: None,
    "actions/cache/save": RunnerStorage.save_cache,
    "actions/cache/restore": RunnerStorage.restore_cache,
    "actions/upload-artifact": RunnerStorage.upload,
    "actions/download-artifact": RunnerStorage.download,
}
