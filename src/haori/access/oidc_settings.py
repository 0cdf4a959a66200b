"""`oidc.config` of `argocd-cm`: which identity provider signs people in.

see: argoproj/argo-cd `docs/operator-manual/user-management/index.md` "Existing OIDC Provider" (3.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from haori.objects import nested_list, nested_mapping, nested_text
from haori.objects.errors import YamlError
from haori.objects.yaml import load
from haori.words import Sentence

CONFIG = "oidc.config"
INSECURE = "oidc.tls.insecure.skip.verify"
DEFAULT_SCOPES = ("openid", "profile", "email", "groups")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """One provider."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    """As it stands: `$KEY` of `argocd-secret` or `$SECRET:KEY`, else the secret itself; empty: a public client."""
    name: str = ""
    """What the button says."""
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    claims: str = ""
    """JSON of `requestedIDTokenClaims`, empty where there are none."""
    logout_url: str = ""
    """With `{{token}}` and `{{logoutRedirectURL}}`; empty: the one that the provider names itself, if it does."""
    root_ca: str = ""
    """PEM: who may have signed the provider's certificate; empty: the system's authorities."""
    audiences: tuple[str, ...] = ()
    """Of tokens that programs bring; empty: the client's own."""
    verify_tls: bool = True


def read_oidc(config: Mapping[str, Any]) -> tuple[OidcSettings | None, Sentence | None]:
    """(settings, problem) of the data of `argocd-cm`; without either where no provider is named."""
    text = str(config.get(CONFIG) or "")
    return _read(text, str(config.get(INSECURE, "")).lower() == "true") if text.strip() else (None, None)


@lru_cache(maxsize=4)
def _read(text: str, skip_verify: bool) -> tuple[OidcSettings | None, Sentence | None]:
    try:
        value = load(text)
    except YamlError as error:
        return None, Sentence(code="oidc-config-unreadable", parameters={"reason": str(error)[:200]})
    found = nested_mapping({"config": value}, "config")
    issuer, client_id = nested_text(found, "issuer"), nested_text(found, "clientID")
    if not issuer or not client_id:
        return None, Sentence(code="oidc-config-unreadable", parameters={"reason": "issuer, clientID"})
    if not is_safe_url(issuer):
        return None, Sentence(code="oidc-issuer-insecure", parameters={"issuer": issuer[:200]})
    claims = nested_mapping(found, "requestedIDTokenClaims")
    scopes = _texts(found, "requestedScopes") or DEFAULT_SCOPES
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=nested_text(found, "clientSecret"),
        name=nested_text(found, "name"),
        scopes=scopes if "openid" in scopes else ("openid", *scopes),
        claims=orjson.dumps({"id_token": dict(claims)}).decode() if claims else "",
        logout_url=nested_text(found, "logoutURL"),
        root_ca=nested_text(found, "rootCA"),
        audiences=_texts(found, "allowedAudiences"),
        verify_tls=not skip_verify,
    ), None


def _texts(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(each for each in nested_list(found, name) if isinstance(each, str))


def is_safe_url(url: str) -> bool:
    """Whether secrets may travel there: by https, or without leaving this machine."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK)
    )
