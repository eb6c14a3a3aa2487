"""The emulator's HTTP side: server, routing, one transaction per request, OCI's headers, paging and error bodies.

In: HTTP requests. Out: HTTP responses as OCI sends them. Must not know: what a service's operation does.
"""
