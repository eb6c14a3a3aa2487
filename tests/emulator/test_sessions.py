"""Session tokens and resource principals: signed with a token in the place of a key, as the SDK does it."""

import configparser
from pathlib import Path
from typing import Any

import oci
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from genai_iac.emulator.auth.profiles import ensure_key
from genai_iac.emulator.auth.signatures import make_token

from .clients import Clients, refusal, to_close


def profile_of(clients: Clients, name: str) -> dict[str, str]:
    parser = configparser.ConfigParser(default_section="")
    parser.read(clients.tenancy.config_file)
    return dict(parser[name])


def client_of(clients: Clients, signer: Any) -> Any:
    return to_close(
        oci.identity.IdentityClient(
            {"region": "us-ashburn-1"},
            signer=signer,
            service_endpoint=clients.tenancy.url,
            retry_strategy=oci.retry.NoneRetryStrategy(),
        )
    )


def signer_of(profile: dict[str, str]) -> Any:
    key = load_pem_private_key(Path(profile["key_file"]).read_bytes(), None)
    return oci.auth.signers.SecurityTokenSigner(Path(profile["security_token_file"]).read_text(), key)


def test_a_session_signs_as_its_user_for_an_hour(fresh: Clients) -> None:
    fresh.control("POST", "principals", {"name": "dev", "groups": ["Administrators"], "session": True})
    profile = profile_of(fresh, "dev")
    assert set(profile) == {"security_token_file", "key_file", "fingerprint", "tenancy", "region"}
    client = client_of(fresh, signer_of(profile))
    assert client.list_groups(fresh.root).data
    assert fresh.calls()[-1]["principal"] == "dev"
    fresh.control("POST", "clock", {"advance": "59m"})
    assert client.list_groups(fresh.root).data
    fresh.control("POST", "clock", {"advance": "2m"})
    assert refusal(client.list_groups, fresh.root)[:2] == (401, "NotAuthenticated")
    fresh.control("POST", "principals", {"name": "dev", "session": True})
    assert client_of(fresh, signer_of(profile)).list_groups(fresh.root).data


def test_a_resource_principal_carries_the_same_token(fresh: Clients, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.control("POST", "principals", {"name": "function", "groups": ["Administrators"], "session": True})
    profile = profile_of(fresh, "function")
    monkeypatch.setenv("OCI_RESOURCE_PRINCIPAL_VERSION", "2.2")
    monkeypatch.setenv("OCI_RESOURCE_PRINCIPAL_RPST", profile["security_token_file"])
    monkeypatch.setenv("OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM", profile["key_file"])
    monkeypatch.setenv("OCI_RESOURCE_PRINCIPAL_REGION", "us-ashburn-1")
    client = client_of(fresh, oci.auth.signers.get_resource_principals_signer())
    assert client.list_groups(fresh.root).data


def test_tokens_that_are_forged_foreign_or_torn(fresh: Clients, tmp_path: Path) -> None:
    user = fresh.control("POST", "principals", {"name": "dev", "groups": ["Administrators"], "session": True})["user"]
    good = profile_of(fresh, "dev")
    own = ensure_key(tmp_path / "own.pem")
    token = Path(good["security_token_file"]).read_text()
    forged = make_token("another secret", user, fresh.root, own.public_key(), 4_000_000_000_000)
    for bad in (forged, token[:-4], "a.b.c", "..", "", token + "x", "é.é.é"):
        signer = oci.auth.signers.SecurityTokenSigner(
            bad, load_pem_private_key(Path(good["key_file"]).read_bytes(), None)
        )
        assert refusal(client_of(fresh, signer).list_groups, fresh.root)[:2] == (401, "NotAuthenticated")
    stolen = oci.auth.signers.SecurityTokenSigner(token, own)
    assert refusal(client_of(fresh, stolen).list_groups, fresh.root)[0] == 401
