"""Formats of a drift report. In: a report of `analysis.drift`. Out: text, JSON, Markdown. Must not know: how drift is found."""
