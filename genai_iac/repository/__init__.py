"""The stacks of a repository and its git history.

For: which stacks a change touches, and what manifests said at another revision.
In: a directory, revisions. Out: stack directories with reasons, files of a revision.
Must not know: what manifests mean, the tenancy.
"""
