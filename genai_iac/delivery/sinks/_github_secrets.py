"""Secrets of one repository, environment or organisation of GitHub, over its REST API."""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from genai_iac.core import Secret
from genai_iac.core.errors import SinkError
from genai_iac.delivery.sinks._web_service import WebAnswer, WebService, as_document, check_address, wait_until

API = "https://api.github.com"
_VERSION = "2022-11-28"
_KEY_BYTES = 32  # of a public key for sealed boxes
_NEEDED = "the token needs write access to secrets there (docs/network-sinks.md)"


class PublicKey(Struct, frozen=True):
    """The key that values are encrypted with: its number, and its 32 bytes."""

    id: str
    content: bytes


class SealedSecret(Struct, frozen=True):
    """A value that only GitHub can open."""

    name: str
    key_id: str
    encrypted: str

    @classmethod
    def of(cls, name: str, value: Secret, key: PublicKey) -> SealedSecret:
        """A sealed box of libsodium, as the API asks for."""
        from nacl.public import PublicKey as SodiumKey
        from nacl.public import SealedBox

        sealed = SealedBox(SodiumKey(key.content)).encrypt(value.reveal().encode())
        return cls(name, key.id, base64.b64encode(sealed).decode())


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse settings that do not go together: each alone is right. Raises SinkError."""
    wrong = (
        ("repository" in settings and "organization" in settings, "repository and organization are two places"),
        ("environment" in settings and "organization" in settings, "an organization has no environments"),
        (
            "environment" in settings and settings.get("store") == "dependabot",
            "Dependabot has no secrets of environments",
        ),
        ("visibility" in settings and "organization" not in settings, "visibility is of an organization's secrets"),
        (
            ("repositoryIds" in settings) != (settings.get("visibility") == "selected"),
            "repositoryIds and visibility: selected go together",
        ),
    )
    why = next((text for found, text in wrong if found), None)
    if why:
        raise SinkError(
            f"deliverTo.github: {why}", hint="leave one of them out, or give each place an entry of its own"
        )


class GitHubSecrets(Struct, frozen=True):
    """Those that an entry of `deliverTo` means. Every call raises SinkError."""

    settings: Mapping[str, Any]
    place: str
    allowed: Collection[str]

    def public_key(self) -> PublicKey:
        """The key of the store. Whoever may write secrets may read it."""
        _find_sodium(self.place)
        step = "read its public key"
        answer = self._ask(step, "GET", f"{self._path}/public-key", expect=(200, 403, 404))
        found = answer.data
        if answer.status != 200:
            # GitHub says 404 where a token may not know that there is a repository
            raise self._service.failure(step, answer, f"check {self._whose}: {_NEEDED}")
        try:
            key = PublicKey(str(found["key_id"]), base64.b64decode(found["key"], validate=True))
        except (KeyError, TypeError, ValueError, binascii.Error):
            key = PublicKey("", b"")
        if len(key.content) != _KEY_BYTES:  # nothing could be encrypted with it, once there is a value
            raise self._strange("is no public key")
        return key

    def look(self, name: str) -> str | None:
        """When a secret was set last, as GitHub reports it; None when there is none of that name."""
        step = f"look at {name}"
        answer = self._ask(step, "GET", f"{self._path}/{name}", expect=(200, 404))
        if answer.status == 200:
            found = answer.data
            if not isinstance(found, dict) or not isinstance(found.get("updated_at"), str):
                raise self._strange("does not tell when it was set")
            return str(found["updated_at"])
        self.public_key()  # a 404 that a token without the permission would get, too
        return None

    def _strange(self, why: str) -> SinkError:
        return SinkError(f"{self.place}: the answer {why}", hint=f"check that {self._service.base} is GitHub's API")

    def bring(self, sealed: SealedSecret) -> str:
        """Create or replace a secret, and see that GitHub shows another time of change than before: it never shows the value.

        Returns:
            That time, as `look` returns it.
        """
        found = before = self.look(sealed.name)

        def changed() -> bool:
            nonlocal found
            found = self.look(sealed.name)
            return found not in (before, None)

        # times are in whole seconds: what was set twice in one is set again after it
        for pauses in ((0.25, 1.0), (1.0, 4.0)):
            self.put(sealed)
            if wait_until(changed, pauses):
                return str(found)
        raise SinkError(
            f"{self.place}: GitHub confirmed that {sealed.name} was set, and shows it as it was before",
            hint="see whether its API has a disturbance (https://www.githubstatus.com), then apply again",
        )

    def put(self, sealed: SealedSecret) -> None:
        """Create or replace a secret."""
        body = {"encrypted_value": sealed.encrypted, "key_id": sealed.key_id, **self._visibility}
        answer = self._ask(
            f"set {sealed.name}", "PUT", f"{self._path}/{sealed.name}", as_document(body), expect=(201, 204, 403, 404)
        )
        if answer.status in (403, 404):
            raise self._service.failure(f"set {sealed.name}", answer, _NEEDED)

    def delete(self, name: str) -> None:
        """Take a secret away; one that is not there is no error."""
        self._ask(f"delete {name}", "DELETE", f"{self._path}/{name}", expect=(204, 404))

    def _ask(
        self, step: str, method: str, path: str, body: Secret | None = None, expect: tuple[int, ...] = (200,)
    ) -> WebAnswer:
        # setting and deleting a secret twice is the same as once; GitHub knows no condition that could tell of others
        return self._service.ask(step, method, path, body, expect=expect, for_now=_is_throttled)

    @property
    def _visibility(self) -> dict[str, Any]:
        if "organization" not in self.settings:
            return {}
        wanted = self.settings.get("visibility", "private")
        ids = self.settings.get("repositoryIds", [])
        return {"visibility": wanted, **({"selected_repository_ids": ids} if wanted == "selected" else {})}

    @property
    def _path(self) -> str:
        store = self.settings.get("store", "actions")
        if "organization" in self.settings:
            return f"/orgs/{self.settings['organization']}/{store}/secrets"
        if "environment" in self.settings:
            name = quote(self.settings["environment"], safe="")
            return f"/repos/{self.settings['repository']}/environments/{name}/secrets"
        return f"/repos/{self.settings['repository']}/{store}/secrets"

    @property
    def _whose(self) -> str:
        return str(self.settings.get("repository") or self.settings.get("organization"))

    @property
    def _service(self) -> WebService:
        allowed = {API, os.environ.get("GITHUB_API_URL", ""), *self.allowed}
        base = check_address(self.place, str(self.settings.get("api", API)), allowed, "GITHUB_API_URL")
        token = os.environ.get("GH_TOKEN") or os.environ.get("GITHUB_TOKEN")
        if not token:
            raise SinkError(f"{self.place}: there is no token for GitHub", hint="set GH_TOKEN")
        headers: dict[str, Secret | str] = {
            "accept": "application/vnd.github+json",
            "authorization": Secret(f"Bearer {Secret(token.strip()).reveal()}"),
            "content-type": "application/json",
            "user-agent": "genai-iac",
            "x-github-api-version": _VERSION,
        }
        return WebService(self.place, base, headers)


def _is_throttled(answer: WebAnswer) -> bool:
    """GitHub's secondary limits are 403 with a pause."""
    return answer.status == 403 and answer.retry_after is not None


def _find_sodium(place: str) -> None:
    from importlib.util import find_spec

    if find_spec("nacl") is None:
        raise SinkError(
            f"{place}: PyNaCl is not installed, and GitHub takes no value unencrypted",
            hint="pip install 'genai-iac[github]'",
        )
