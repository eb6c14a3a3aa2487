"""Manifests: from YAML files to resources, with a place for every value and every problem. Offline; never imports the OCI SDK."""

from genai_iac.manifest.load import Manifest, load

__all__ = ["Manifest", "load"]
