"""Declarative access to OCI Generative AI: API keys, compartments, IAM policies, and the rotation that keeps them safe."""

__version__ = "0.1.0"
