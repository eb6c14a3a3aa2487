"""The file sink: a dotenv or JSON file below the manifests' directory, private, replaced at once, never through a link."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from genai_iac.core import Delivery, Secret, SinkContents
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks import _dotenv, _json_format
from genai_iac.delivery.sinks._atomic_file import (
    FileTarget,
    check_replaceable,
    read_file,
    remove_file,
    remove_temporary_files,
    replace_file,
)
from genai_iac.delivery.sinks._base import Context, Sink
from genai_iac.delivery.sinks._contents import Contents, Unreadable, check_contents, fill_delivery, same_value
from genai_iac.delivery.sinks._safe_directory import open_directory

_PATH = r"^(?![/~])(?!.*\.[Yy][Aa]?[Mm][Ll]$)(?!(.*/)?\.{1,2}(/|$))(?!.*//)[^\x00-\x1f\x7f]*[^\x00-\x1f\x7f/]$"
_RENDER: Mapping[str, Callable[[Contents], Secret | None]] = {"dotenv": _dotenv.render, "json": _json_format.render}
_PARSE: Mapping[str, Callable[[Secret], Contents | Unreadable | None]] = {
    "dotenv": _dotenv.parse,
    "json": _json_format.parse,
}


class FileSink(Sink):
    """`file: {path, format}`. The path is relative to the manifests' directory and stays below it; missing directories are made, 0700."""

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
                "enum": sorted(_RENDER),
                "default": "dotenv",
                "description": "dotenv: OPENAI_API_KEY=… lines; json: one object with the same names.",
            },
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
        self._render = _RENDER[settings.get("format", "dotenv")]
        self._parse = _PARSE[settings.get("format", "dotenv")]

    @classmethod
    def spot(cls, settings: Mapping[str, Any]) -> str:
        return f"file {settings['path']}"

    @property
    def place(self) -> str:
        return f"file {self._path}"

    def prove(self) -> None:
        with open_directory(self._context.root, self._parents, self.place, make=True) as opened:
            assert opened
            spot = FileTarget(opened.directory, self._name, self.place)
            self._held(spot)
            check_replaceable(spot)
            opened.undo()

    def read(self) -> SinkContents | None:
        contents = self._contents()
        return contents.holding if contents else None

    def take(self, secret: str, mask: str) -> Secret | None:
        contents = self._contents()
        return contents.value(secret, mask) if contents else None

    def write(self, delivery: Delivery) -> None:
        with self._spot(make=bool(delivery.items)) as spot:
            if spot is None:
                return
            held = self._held(spot)
            if delivery.items:
                self._put(spot, fill_delivery(delivery, held, self._context, self.place))
            elif held:
                remove_file(spot)

    def clean(self) -> tuple[str, ...]:
        with self._spot(make=False) as spot:
            return tuple("/".join((*self._parents, name)) for name in remove_temporary_files(spot)) if spot else ()

    def _contents(self) -> Contents | None:
        with self._spot(make=False) as spot:
            return self._held(spot) if spot else None

    def _held(self, spot: FileTarget) -> Contents | None:
        text = _read_text(spot)
        return check_contents(self._parse(text) if text else None, self._context, self.place)

    def _put(self, spot: FileTarget, contents: Contents) -> None:
        text = self._render(contents)
        if text is None:
            raise SinkError(
                f"{self.place}: a value has characters that readers of dotenv files disagree on",
                hint="set format: json for this file",
            )
        replace_file(spot, memoryview(text.reveal().encode()))
        if not same_value(_read_text(spot), text):
            raise SinkError(
                f"{self.place} does not read back as it was written",
                hint="see what else writes to it, then apply again",
            )

    @contextmanager
    def _spot(self, *, make: bool) -> Iterator[FileTarget | None]:
        """The file's name in its open directory; None when there is no such directory and none is to be made."""
        with open_directory(self._context.root, self._parents, self.place, make=make) as opened:
            yield FileTarget(opened.directory, self._name, self.place) if opened else None


def _read_text(spot: FileTarget) -> Secret | None:
    content = read_file(spot)
    return None if content is None else Secret.document(str(content, "utf-8", "replace"))
