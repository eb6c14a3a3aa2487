"""Packages of others that bring a sink, as an installer leaves them in a directory."""

from __future__ import annotations

from pathlib import Path

PLUGIN = """
from genai_iac.delivery.sinks import Sink
class Acme(Sink):
    word, readable = "acme.ssm", False
    schema = {"type": "object", "required": ["parameter"], "properties": {"parameter": {"type": "string"}}}
    def __init__(self, settings, context): self.settings = settings
    place = property(lambda self: "acme.ssm " + self.settings["parameter"])
    def prove(self): pass
    def read(self): return None
    def take(self, secret, mask): return None
    def write(self, delivery): pass
"""


def install(directory: Path, word: str = "acme.ssm", module: str = "acme_sink", code: str = PLUGIN) -> Path:
    """Put a package with an entry point into a directory, as an installer does."""
    metadata = directory / f"{module}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[genai_iac.delivery.sinks]\n{word} = {module}:Acme\n")
    (directory / f"{module}.py").write_text(code)
    return directory
