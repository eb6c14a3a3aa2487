"""YAML files to resources, with a position for every value and every problem. Offline.

For: reading a stack: files, environments, variables, placeholders, references.
In: a directory, variables, an environment. Out: a `Manifest`, or ManifestError with all problems at once.
Must not know: the tenancy, the SDK, how resources are compared.
"""

from genai_iac.manifest.load import Manifest, load

__all__ = ["Manifest", "load"]
