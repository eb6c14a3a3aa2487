"""The ways to sign in, by the names that --auth and OCI_CLI_AUTH take. `oci_client/auth.py` has a function for each."""

from __future__ import annotations

from typing import Literal, get_args

Auth = Literal[
    "api_key",
    "security_token",
    "instance_principal",
    "instance_obo_user",
    "resource_principal",
    "oke_workload_identity",
    "token_exchange",
]

METHODS: tuple[str, ...] = get_args(Auth)
