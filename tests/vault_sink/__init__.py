"""The vault sink over the wire: `VaultClient` as `oci_client` implements it, and keys delivered to OCI Vault by the command line."""
