"""Says what the other rooms found: a plan, an outcome, an error, a graph in; text out. Pure: prints nothing, reads no clock.

One module a rendering, each with its `render_...` door; what all of them say alike is in `words`, `shown` and `foreign`.
"""
