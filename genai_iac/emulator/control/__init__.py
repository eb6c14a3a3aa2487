"""The control API under `/_local`: clock, faults, settings, principals, reset. OCI has nothing like it.

In: HTTP requests from this machine. Out: changed emulator state. Must not know: the services' operations.
"""
