"""The next safe step of an API key's two secrets. Pure: the same state gives the same step.

For: renewing, delivering, switching and retiring secrets without an outage, and answering a leak.
In: the declared key, its live secrets with times of creation and use, sink states, the time, a request. Out: one `Step`.
Must not know: the SDK, files, the wall clock, or what an earlier run did; everything follows from live state.
"""
