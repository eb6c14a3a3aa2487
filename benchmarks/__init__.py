"""Benchmarks of whole runs: `python -m benchmarks`."""
