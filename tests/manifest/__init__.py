"""Tests of reading manifests, of the schemas and of the graph."""
