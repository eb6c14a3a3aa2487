"""Tests of the room that reads manifests, of the schemas and of the graph."""
