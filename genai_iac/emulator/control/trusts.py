"""Identity propagation trusts: which issuer's tokens are exchanged for a session token, and of which principal."""

import re
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from genai_iac.emulator.control.request import ControlRequest
from genai_iac.emulator.http.responses import invalid
from genai_iac.emulator.services.identity.token_exchange import TRUST
from genai_iac.emulator.storage.database import make_ocid
from genai_iac.emulator.storage.resources import ResourceQuery, Resources, StoredResource
from genai_iac.emulator.storage.secret_storage import digest_secret
from genai_iac.emulator.storage.tenancy_state import read_tenancy_state

_FIELDS = ("clientId", "clientSecret", "issuer", "publicKey")
_RULE = re.compile(r"[A-Za-z_]{1,60} eq \S.{0,499}")


def add_trust(visit: ControlRequest) -> list[dict[str, Any]]:
    """`{"clientId", "clientSecret", "issuer", "publicKey": PEM, "rules": [{"rule": "sub eq …", "principal": NAME}]}`.

    One of the same client takes the place of an earlier one. The secret is stored as a digest."""
    wanted = visit.object
    for name in _FIELDS:
        if not isinstance(wanted.get(name), str) or not wanted[name]:
            raise invalid(f"A trust has {', '.join(_FIELDS)} and rules; {name} must be text.")
    _check_key(wanted["publicKey"])
    rules = wanted.get("rules")
    if not isinstance(rules, list) or not rules:
        raise invalid('rules must be a list such as [{"rule": "sub eq repo:acme/access:*", "principal": "ci"}].')
    body = {
        "issuer": wanted["issuer"],
        "publicKey": wanted["publicKey"],
        "clientSecret": digest_secret(wanted["clientSecret"]).hex(),
        "rules": [_read_rule(visit, rule) for rule in rules],
    }
    resources, world = Resources(visit.connection), read_tenancy_state(visit.connection)
    for old in resources.select(ResourceQuery(TRUST, None, name=wanted["clientId"])):
        resources.remove(old.id)
    made = StoredResource(
        make_ocid(TRUST), TRUST, "", world.tenancy, wanted["clientId"], "ACTIVE", world.now, None, "", body
    )
    resources.add(made, visible=0)
    return show_trusts(visit)


def show_trusts(visit: ControlRequest) -> list[dict[str, Any]]:
    """All trusts, without their secrets."""
    return [
        {"clientId": trust.name, "issuer": trust.body["issuer"], "rules": trust.body["rules"]}
        for trust in Resources(visit.connection).select(ResourceQuery(TRUST, None))
    ]


def _check_key(text: str) -> None:
    try:
        key = load_pem_public_key(text.encode("utf-8"))
    except ValueError:
        key = None
    if not isinstance(key, RSAPublicKey):
        raise invalid("publicKey must be an RSA public key in PEM form.")


def _read_rule(visit: ControlRequest, rule: Any) -> dict[str, str]:
    text, principal = (rule.get("rule"), rule.get("principal")) if isinstance(rule, dict) else (None, None)
    if not isinstance(text, str) or not _RULE.fullmatch(text) or not isinstance(principal, str):
        raise invalid('A rule is {"rule": "CLAIM eq VALUE", "principal": NAME}.')
    row = visit.connection.execute(
        "SELECT id FROM resources WHERE kind = 'user' AND name = ? AND state = 'ACTIVE'", (principal,)
    ).fetchone()
    if row is None:
        raise invalid(f"There is no principal {principal}: make it with POST /_local/principals.")
    return {"rule": text, "user": str(row["id"])}
