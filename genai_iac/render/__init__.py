"""Text of plans, outcomes, reports and errors: terminal, JSON, Markdown, HTML, SVG, SARIF. Pure.

In: data of the other packages. Out: text; one `render_...` function per format.
Must not know: the SDK, the clock, the terminal (its width and colours are arguments).
Shared parts are in `common`; `common.sanitize` escapes everything that came from outside.
"""
