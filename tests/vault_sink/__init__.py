"""The vault sink over the wire: the provider's door, and keys delivered to OCI Vault by the command line."""
