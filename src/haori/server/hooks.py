"""Webhooks of Git services: whose a request is, whether it is signed as it should be, which repository it speaks of. Pure.

What is sent is never believed beyond that: it names a repository that is then asked itself, as polling would do a little
later. So a request that nobody signed does no harm where no secret is set, and where one is set it is refused.
see: argoproj/argo-cd `util/webhook/webhook.go`, `docs/operator-manual/webhook.md` (3.x) for headers and keys.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.server.errors import Kind, RefusedError

MOST_URLS = 10
LONGEST_URL = 2000


class Service(Enum):
    """Who sends: (name, the header that says so, the key of `argocd-secret` that holds its secret)."""

    # Gogs and Gitea send GitHub's headers too, so they are looked for first.
    AZURE = ("azuredevops", "x-vss-activityid", "webhook.azuredevops.password")
    GITEA = ("gitea", "x-gitea-event", "webhook.gogs.secret")
    GOGS = ("gogs", "x-gogs-event", "webhook.gogs.secret")
    GITHUB = ("github", "x-github-event", "webhook.github.secret")
    GITLAB = ("gitlab", "x-gitlab-event", "webhook.gitlab.secret")
    BITBUCKET = ("bitbucket", "x-hook-uuid", "webhook.bitbucket.uuid")
    BITBUCKET_SERVER = ("bitbucketserver", "x-event-key", "webhook.bitbucketserver.secret")
    GENERIC = ("generic", "x-haori-signature", "webhook.haori.secret")

    @property
    def title(self) -> str:
        """In messages and metrics."""
        return self.value[0]

    @property
    def header(self) -> str:
        """The header that only this one sends."""
        return self.value[1]

    @property
    def key(self) -> str:
        """Where its secret is kept."""
        return self.value[2]


AZURE_USER = "webhook.azuredevops.username"
_SIGNATURES: Mapping[Service, str] = {
    Service.GITHUB: "x-hub-signature-256", Service.BITBUCKET_SERVER: "x-hub-signature",
    Service.GITEA: "x-gitea-signature", Service.GOGS: "x-gogs-signature", Service.GENERIC: "x-haori-signature",
}  # fmt: skip


def identify(headers: Mapping[str, str]) -> Service:
    """Who sends a request. Raises RefusedError where no header says so."""
    for service in Service:
        if headers.get(service.header):
            return service
    raise RefusedError(Kind.INVALID, "webhook-unknown", headers=[each.header for each in Service])


def verify(service: Service, headers: Mapping[str, str], body: bytes, secrets: Mapping[str, bytes]) -> None:
    """Raises RefusedError where a secret is set and the request does not prove that its sender has it.

    The generic form takes nothing without a secret: no service sends it by itself.
    """
    secret = secrets.get(service.key, b"").strip()
    if not secret:
        if service is Service.GENERIC:
            raise RefusedError(Kind.FORBIDDEN, "webhook-without-secret", service=service.title, key=service.key)
        return
    if not hmac.compare_digest(*_proof(service, headers, body, secret, secrets.get(AZURE_USER, b""))):
        raise RefusedError(Kind.UNAUTHENTICATED, "webhook-unsigned", service=service.title, key=service.key)


def _proof(
    service: Service, headers: Mapping[str, str], body: bytes, secret: bytes, azure_user: bytes
) -> tuple[bytes, bytes]:
    """(what was given, what is wanted), for a comparison that takes the same time wherever they differ."""
    match service:
        case Service.GITLAB:
            return _given(headers, "x-gitlab-token"), secret
        case Service.BITBUCKET:
            return _given(headers, "x-hook-uuid").strip(b"{}"), secret.strip(b"{}")
        case Service.AZURE:
            scheme, _, encoded = _given(headers, "authorization").partition(b" ")
            return _decoded(encoded) if scheme.lower() == b"basic" else b"", azure_user.strip() + b":" + secret
        case _:
            wanted = hmac.new(secret, body, hashlib.sha256).hexdigest()
            return _given(headers, _SIGNATURES[service]).removeprefix(b"sha256=").lower(), wanted.encode()


def _given(headers: Mapping[str, str], name: str) -> bytes:
    return headers.get(name, "").strip().encode()


def _decoded(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except binascii.Error:
        return b""


def read_repositories(payload: Mapping[str, Any]) -> list[str]:
    """The URLs by which a payload names the repository that was pushed to, each once; none where it speaks of no push.

    The services' shapes do not collide, so that all are looked for: one that proxies another's hooks is understood too.
    """
    found = dict.fromkeys(url for url in _urls(payload) if url and len(url) <= LONGEST_URL)
    return list(found)[:MOST_URLS]


def _urls(payload: Mapping[str, Any]) -> Iterator[str]:
    is_push = any(name in payload for name in ("ref", "push", "changes", "url")) or _is_azure_push(payload)
    if not is_push:
        return
    yield nested_text(payload, "url") if isinstance(payload.get("url"), str) else ""
    for part in (nested_mapping(payload, "repository"), nested_mapping(payload, "project")):
        # GitHub, Gitea, Gogs; GitLab.
        for name in ("clone_url", "ssh_url", "html_url", "git_http_url", "git_ssh_url", "web_url"):
            yield nested_text(part, name)
    yield nested_text(payload, "repository", "links", "html", "href")  # Bitbucket.
    for link in nested_list(payload, "repository", "links", "clone"):  # Bitbucket Server.
        yield nested_text(link, "href")
    yield nested_text(payload, "resource", "repository", "remoteUrl")  # Azure DevOps.


def _is_azure_push(payload: Mapping[str, Any]) -> bool:
    return bool(nested(payload, "resource", "refUpdates"))
