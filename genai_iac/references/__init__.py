"""Values of references and compartment paths.

For: replacing `Reference`s and compartment paths in attributes and request bodies. Pure.
In: resources, the compartment tree, the OCIDs known so far. Out: values, or "known after apply".
Must not know: how OCIDs are read or created, what a kind means.
"""
