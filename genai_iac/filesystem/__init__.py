"""Opening files and directories without following links.

In: paths that a user or a checkout chose. Out: open descriptors, or an OSError that names the part that is refused.
It imports nothing else of genai_iac, so that the emulator and the tool share it.
"""
