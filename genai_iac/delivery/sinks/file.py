"""The file sink: a dotenv or JSON file below the manifests' directory, private, replaced at once, never through a link."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ClassVar

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._atomic_file import FileTarget, remove_temporary_files
from genai_iac.delivery.sinks._base import Claim, Context, Sink, read_names
from genai_iac.delivery.sinks._contents import fill_delivery
from genai_iac.delivery.sinks._file_forms import FORMS, SIDECAR, exposure
from genai_iac.delivery.sinks._names import ENV_SCHEMA
from genai_iac.delivery.sinks._safe_directory import open_directory

# No absolute path, no `~`, no `..`, no empty part, no control characters; no .yaml,
# which would be read as a manifest.
_PATH = r"^(?![/~])(?!.*\.[Yy][Aa]?[Mm][Ll]$)(?!(.*/)?\.{1,2}(/|$))(?!.*//)[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f/]$"
_WRITING = threading.RLock()  # two keys may share a file, and each is written by a thread of its own


class FileSink(Sink):
    """`file: {path, format, env}`. The path is relative to the manifests' directory and stays below it.

    Missing directories are made, with mode 0700.

    Several keys may share a dotenv file when their variables have different names.
    """

    word = "file"
    readable = True
    local = True
    schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "A private file (0600) below the manifests' directory.",
        "additionalProperties": False,
        "required": ["path"],
        "properties": {
            "path": {
                "type": "string",
                "pattern": _PATH,
                "description": "Where, relative to the manifests' directory; it cannot climb out of it, nor end in .yaml or .yml.",
                "examples": ["secrets/chat-app.env"],
            },
            "format": {
                "enum": sorted(FORMS),
                "default": "dotenv",
                "description": "dotenv: OPENAI_API_KEY=… lines; json: one object with the same names; raw: the current value alone.",
            },
            "env": ENV_SCHEMA,
        },
    }

    def __init__(self, settings: Mapping[str, Any], context: Context) -> None:
        self._path = str(settings["path"])
        if not (re.fullmatch(_PATH, self._path) and self._path.isprintable()):
            raise SinkError(
                f"deliverTo.file.path {self._path!r} does not stay below the manifests' directory",
                hint="write it relative to that directory, without .. and links, or use an exec sink for a place elsewhere",
            )
        *self._parents, self._name = self._path.split("/")
        self._context = context
        self._names = read_names("file", settings)
        self._form = FORMS[settings.get("format", "dotenv")](context, self._names)
        self.roles = self._form.roles

    @classmethod
    def claims(cls, settings: Mapping[str, Any]) -> Iterator[Claim]:
        path, form = settings["path"], settings.get("format", "dotenv")
        yield Claim(f"file {path}", shared=FORMS[form].shared)
        if form == "raw":
            yield Claim(f"file {path}{SIDECAR}")
        if FORMS[form].shared:
            for name in read_names("file", settings).all:
                yield Claim(f"{name} in file {path}")

    @property
    def place(self) -> str:
        return f"file {self._path}"

    def prove(self) -> None:
        with open_directory(self._context.root, self._parents, self.place, make=True) as opened:
            # Never None with `make=True`.
            assert opened
            spot = FileTarget(opened.directory, self._name, self.place)
            self._form.read(spot)
            self._form.rehearse(spot)
            opened.undo()

    def read(self) -> SinkContents | None:
        with self._spot(make=False) as spot:
            contents = self._form.read(spot) if spot else None
            if spot is None or contents is None:
                return None
            exposed = next(filter(None, map(exposure, self._form.spots(spot))), "")
        return contents.holding_as(self._names, exposed)

    def take(self, secret: str, mask: str) -> Secret | None:
        with self._spot(make=False) as spot:
            contents = self._form.read(spot) if spot else None
        return contents.value(secret, mask) if contents else None

    def write(self, delivery: Delivery) -> None:
        # The whole read-change-write, because another key's lines are in the same file.
        with _WRITING, self._spot(make=bool(delivery.items)) as spot:
            if spot is None:
                return
            held, wanted = self._form.read(spot), self._kept(delivery)
            if wanted.items:
                self._form.write(spot, fill_delivery(wanted, held, self._context, self.place, self._names))
            elif held and not delivery.items:
                self._form.remove(spot)

    def _kept(self, delivery: Delivery) -> Delivery:
        """The delivery without items whose role this form does not keep."""
        return replace(delivery, items=tuple(item for item in delivery.items if item.record.role in self.roles))

    def clean(self) -> tuple[str, ...]:
        with self._spot(make=False) as spot:
            removed = [name for one in self._form.spots(spot) for name in remove_temporary_files(one)] if spot else ()
            return tuple("/".join((*self._parents, name)) for name in removed)

    @contextmanager
    def _spot(self, *, make: bool) -> Iterator[FileTarget | None]:
        """The file's name in its open directory; None when there is no such directory and none is to be made."""
        with open_directory(self._context.root, self._parents, self.place, make=make) as opened:
            yield FileTarget(opened.directory, self._name, self.place) if opened else None
