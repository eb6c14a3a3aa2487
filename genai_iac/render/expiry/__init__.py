"""Formats of expirations: table, calendar (iCalendar), metrics (Prometheus).

In: secret statuses. Out: text. Must not know: the clock; the time is an argument.
"""
