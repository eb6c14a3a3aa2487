"""The merged report of many stacks: one HTML page, JSON, Prometheus text."""
