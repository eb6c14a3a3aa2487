"""The emulator's state in SQLite: resources, retry tokens, scheduled jobs, the call log, encrypted secrets.

In: rows as the services write them. Out: rows and lists. Must not know: OCI's operations or HTTP.
"""
