"""Import, export and snapshot: existing resources as manifests, manifests for existing resources, a saved reading.

In: `Live`, manifests, snapshot files of this or an older version. Out: manifest documents, import changes, snapshot files.
Must not know: the SDK, the command line. A snapshot never has a secret's value.
"""
