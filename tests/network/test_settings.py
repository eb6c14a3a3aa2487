"""Proxies and certificate authorities: one reading of the environment, and the true reason when something there is wrong."""

from __future__ import annotations

import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest
from conftest import Project, Tenancy

from genai_iac.core.errors import IacError, UsageError
from genai_iac.network import HttpClient, NetworkSettings
from genai_iac.network.settings import CA_VARIABLES
from genai_iac.oci_client import Connection, connect

from .raw import answer, make_authority, serving, tunnelling

OCI = "https://identity.us-ashburn-1.oci.oraclecloud.com"
Said = Callable[[str], str]


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this machine itself needs to reach others is not what these tests are about."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in CA_VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["the SDK", "verification"])
def said(request: pytest.FixtureRequest, tenancy: Tenancy, monkeypatch: pytest.MonkeyPatch) -> Said:
    """What one of the two clients says of an address: the body, or why there is none."""
    monkeypatch.setattr("genai_iac.oci_client.retry._LONGEST", 0.01)

    def by_sdk(url: str) -> str:
        provider = connect(Connection(config_file=str(tenancy.config_file), endpoint=url))
        try:
            return str(provider.get("GetPolicy", "ocid1.policy.oc1..a", "us-chicago-1").data)
        except IacError as failure:
            return str(failure)
        finally:
            provider.close()

    def by_client(url: str) -> str:
        client = HttpClient()
        try:
            found = client.post(url, b"{}", {})
        except UsageError as error:
            return str(error)
        finally:
            client.close()
        return f"{found.reason.text}; {found.reason.hint}" if found.reason else found.body.decode()

    return by_sdk if request.param == "the SDK" else by_client


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.8.9.1", "localhost", "LOCALHOST", "[::1]", "a.localhost", "[::ffff:127.0.0.1]", "0.0.0.0"],
)
def test_this_machine_is_never_asked_through_a_proxy(name: str, host: str) -> None:
    settings = NetworkSettings({name: "http://proxy.example:3128"})
    assert settings.proxy_for(f"http://{host}:4180/x") is settings.proxy_for(f"https://{host}/x") is None


@pytest.mark.parametrize(
    ("environ", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ({"https_proxy": "http://p:1", "HTTPS_PROXY": "http://q:1"}, "http://p:1"),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"ALL_PROXY": "p:1"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "a.b, .oraclecloud.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "oraclecloud.com:443"}, "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1", "no_proxy": "notoraclecloud.com,cloud.com"}, "http://p:1"),
    ],
)
def test_other_hosts_are_asked_as_the_variables_say(environ: dict[str, str], proxy: str | None) -> None:
    assert NetworkSettings(environ).proxy_for(f"{OCI}/20160918") == proxy


def test_networks_are_excepted_by_address() -> None:
    settings = NetworkSettings({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8,fd00::/8"})
    assert settings.proxy_for("https://10.20.30.40/x") is settings.proxy_for("https://[fd00::7]/x") is None
    assert settings.proxy_for("https://11.20.30.40/x") == "http://p:1"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_sees_a_run_against_the_local_tenancy(
    project: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Not a signed request, nor the call that verifies a value."""
    from crash.stacks import reference

    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with serving(answer(b"", status=b"503 No")) as proxy:
        project.environ[name] = proxy.url
        project.write(reference(rotating=True))
        project.run("apply", "--auto-approve")
        project.run("rotate", "ApiKey/batch", "--auto-approve")
    assert proxy.requests == []


def test_a_private_authority_is_trusted_by_both(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, context = make_authority(tmp_path)
    body = b'{"id": "trusted"}'
    for name in ("OCI_CLI_CERT_BUNDLE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        with serving(answer(body), tls=context) as raw, monkeypatch.context() as patch:
            patch.setenv(name, str(bundle))
            assert "trusted" in said(f"https://127.0.0.1:{raw.port}")


def test_an_unknown_authority_is_named_as_that(said: Said, tmp_path: Path) -> None:
    _, context = make_authority(tmp_path)
    with serving(answer(b"{}"), tls=context) as raw:
        text = said(f"https://127.0.0.1:{raw.port}")
        assert raw.requests == []
    assert "certificate" in text and "not trusted" in text and "self-signed" in text and "REQUESTS_CA_BUNDLE" in text


def test_a_certificate_of_another_host_is_named_as_that(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, context = make_authority(tmp_path, host="10.1.2.3")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with serving(answer(b"{}"), tls=context) as raw:
        text = said(f"https://127.0.0.1:{raw.port}")
    assert "certificate" in text and "127.0.0.1" in text and "mismatch" in text


@pytest.mark.parametrize("name", ["OCI_CLI_CERT_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_bundle_that_cannot_be_used_is_named_with_its_variable(
    said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "nowhere.pem"))
    assert name in said("https://127.0.0.1:9") and "not there" in said("https://127.0.0.1:9")
    (tmp_path / "text.pem").write_text("this is no certificate")
    monkeypatch.setenv(name, str(tmp_path / "text.pem"))
    assert name in said("https://127.0.0.1:9") and "no certificates" in said("https://127.0.0.1:9")


REASONS = {
    "http://127.0.0.1:9": ("127.0.0.1:9", "Connection refused"),
    "https://nowhere.invalid": ("nowhere.invalid", "not known"),
    "https://127.0.0.1:9": ("127.0.0.1:9", "Connection refused"),
}


@pytest.mark.parametrize("url", REASONS)
def test_the_reason_is_the_true_one(said: Said, url: str) -> None:
    text = said(url)
    assert all(part in text for part in REASONS[url]), text


def test_a_server_without_tls_is_named_as_that(said: Said) -> None:
    with serving(answer(b"{}")) as raw:
        assert "no TLS connection" in said(f"https://127.0.0.1:{raw.port}")


def test_a_server_that_closes_is_named_as_that(said: Said) -> None:
    with serving(b"") as raw:
        assert "no answer from 127.0.0.1" in said(raw.url)


PROXIES = {
    "nobody listens": ("http://user:hunter2@127.0.0.1:9", "Connection refused"),
    "it has no address": ("http://user:hunter2@proxy.invalid:3128", "not known"),
}


@pytest.mark.parametrize("name", PROXIES)
def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    said: Said, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    proxy, reason = PROXIES[name]
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    text = said("https://nowhere.invalid")
    assert "the proxy" in text and reason in text and "hunter2" not in text and "HTTPS_PROXY" in text


def test_a_proxy_that_refuses_is_named_as_that(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answer(b"", status=b"407 Proxy Authentication Required")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        text = said("https://nowhere.invalid")
        assert proxy.requests and all(request.startswith(b"CONNECT nowhere.invalid:443") for request in proxy.requests)
    assert "the proxy" in text and "407" in text


def test_a_proxy_carries_tls_through_to_the_host(said: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a company's proxy does: CONNECT, and then the host's own certificate."""
    bundle, context = make_authority(tmp_path)
    monkeypatch.setattr("genai_iac.network.settings.is_loopback", lambda host: False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with serving(answer(b'{"id": "carried"}'), tls=context) as raw, tunnelling() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert "carried" in said(f"https://127.0.0.1:{raw.port}")
        assert proxy.requests[0].startswith(f"CONNECT 127.0.0.1:{raw.port}".encode())


def test_certificates_are_read_once_a_version_of_their_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each client of a run asks for them, and there is one for every service and region."""
    bundle = tmp_path / "authorities.pem"
    shutil.copy(certifi.where(), bundle)
    read: list[object] = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **options: read.append(options) or real(**options))
    settings = NetworkSettings({"REQUESTS_CA_BUNDLE": str(bundle)})
    assert [settings.ca_bundle() for _ in range(5)] == [str(bundle)] * 5 and len(read) == 1
    bundle.write_text("no certificates at all, and another size")
    for _ in range(2):
        with pytest.raises(UsageError, match="holds no certificates"):
            settings.ca_bundle()
    shutil.copy(certifi.where(), bundle)
    assert settings.ca_bundle() == str(bundle)
