"""Authentication and authorization of the emulator: request signatures, sessions, policies.

In: signed requests, policies (compiled when written). Out: the caller, and whether a call is allowed.
Must not know: what the operations do.
"""
