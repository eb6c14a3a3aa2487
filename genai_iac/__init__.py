"""Declarative access to OCI Generative AI: API keys, projects, compartments, IAM policies, and rotation of the keys' secrets.

docs/architecture.md has the map of the packages, the pipeline and the import rules; docs/glossary.md the terms.
"""

__version__ = "0.1.0"
