"""OCI's services, one package each with a table `OPERATIONS`; `registry` joins them.

In: an `OperationContext` (caller, path, body, storage). Out: a response body and headers, or a service error.
Must not know: HTTP, signatures, other services' tables.
"""
