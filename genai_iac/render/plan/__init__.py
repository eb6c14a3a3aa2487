"""Formats of a plan and of an apply's progress.

In: a `Plan` (or `Outcome`s) and a `PlanContext`. Out: text, JSON, Markdown, HTML, Terraform's JSON.
Must not know: how the plan was made. Formats share `differences`, so that all show the same changes.
"""
