"""Checks and reports: lint, access, least permissions, drift, status.

For: answering questions about manifests and a tenancy without changing either. Pure.
In: a manifest, `Live`, a plan. Out: findings and reports as data.
Must not know: the SDK, text formats (`render` has them), exit codes.
"""
