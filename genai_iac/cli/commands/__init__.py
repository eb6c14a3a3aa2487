"""One module per command; each defines `COMMAND` and is imported when the command is typed or help asks for it.

In: the command's own options. Out: printed text, an exit code. Must not know: other commands.
"""
