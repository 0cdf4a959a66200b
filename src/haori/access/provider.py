"""One identity provider, spoken to by the code flow with PKCE.

What it says of itself (discovery) and its keys are kept for a while; a signature by an unknown key has them read anew, at most
once a minute. The address is the operator's, so private networks are dialled; everything is bounded, and a form with a secret
follows no redirect. see: OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (`iss` of an answer).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import orjson

from haori.access.errors import ProviderAwayError, SignInError
from haori.access.id_tokens import Claims, UnknownKeyError, check_claims, read_signed
from haori.access.oidc_settings import OidcSettings, is_safe_url
from haori.outbound import Fetched, OutboundError, OutboundPolicy, TlsSettings, fetch

POLICY = OutboundPolicy(
    allow_loopback=True, allow_private=True, timeout_seconds=10.0, connect_seconds=5.0, size_bytes=1 << 20, redirects=3
)
KEPT = timedelta(hours=1)
KEYS_AGAIN = timedelta(minutes=1)
REDIRECT_URL, TOKEN = "{{logoutRedirectURL}}", "{{token}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the provider gave."""

    claims: Claims
    id_token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)

    @property
    def fresh_until(self) -> datetime:
        """When the word of the provider has to be asked for anew."""
        return datetime.fromtimestamp(float(self.claims["exp"]), UTC)


class Provider:
    """One; `secret_of` gives the client's secret of now."""

    def __init__(
        self, settings: OidcSettings, secret_of: Callable[[str], Awaitable[str]], clock: Callable[[], datetime]
    ) -> None:
        self.settings = settings
        self._secret_of, self._clock = secret_of, clock
        self._document: tuple[datetime, Mapping[str, Any]] | None = None
        self._keys: tuple[datetime, list[Mapping[str, Any]]] | None = None
        self._reading = asyncio.Lock()

    async def begin_url(self, *, redirect_uri: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in. Raises ProviderAwayError."""
        endpoint = await self._endpoint("authorization_endpoint")
        asked = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
        }
        if self.settings.claims:
            asked["claims"] = self.settings.claims
        if "offline_access" in self.settings.scopes:
            # Without it providers give no token for later (Core, 11).
            asked["prompt"] = "consent"
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def exchange(self, code: str, *, redirect_uri: str, nonce: str, verifier: str) -> Tokens:
        """What a code stands for. Raises SignInError, ProviderAwayError."""
        asked = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri, "code_verifier": verifier,
        }  # fmt: skip
        return await self._tokens(asked, nonce=nonce)

    async def refresh(self, refresh_token: str) -> Tokens:
        """What the provider says now. Raises SignInError where it says no, ProviderAwayError."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        tokens = await self._tokens(asked)
        return tokens if tokens.refresh_token else Tokens(
            claims=tokens.claims, id_token=tokens.id_token, refresh_token=refresh_token
        )  # fmt: skip

    async def verify(self, id_token: str, *, nonce: str | None = None) -> Claims:
        """The claims of a token that is good for us. Raises SignInError, ProviderAwayError."""
        claims = await self._read(id_token)
        settings = self.settings
        audiences = settings.audiences if settings.audiences and nonce is None else (settings.client_id,)
        check_claims(claims, issuer=settings.issuer, audiences=audiences, now=self._clock(), nonce=nonce)
        return claims

    async def logout_url(self, id_token: str, back: str) -> str | None:
        """Where the browser ends its session at the provider; None where there is no such place."""
        if given := self.settings.logout_url:
            return given.replace(TOKEN, quote(id_token, safe="")).replace(REDIRECT_URL, quote(back, safe=""))
        endpoint = (await self._discover()).get("end_session_endpoint")
        if not isinstance(endpoint, str) or not is_safe_url(endpoint):
            return None
        asked = {"post_logout_redirect_uri": back, "client_id": self.settings.client_id, "id_token_hint": id_token}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode({k: v for k, v in asked.items() if v})}"

    async def _read(self, id_token: str) -> Claims:
        try:
            return await asyncio.to_thread(read_signed, id_token, await self._read_keys())
        except UnknownKeyError:
            pass
        try:
            return await asyncio.to_thread(read_signed, id_token, await self._read_keys(older_than=KEYS_AGAIN))
        except UnknownKeyError as error:
            raise SignInError("oidc-token-refused", why="key") from error

    async def _tokens(self, asked: Mapping[str, str], *, nonce: str | None = None) -> Tokens:
        endpoint = await self._endpoint("token_endpoint")
        form, headers = dict(asked), {"Accept": "application/json"}
        secret = await self._secret_of(self.settings.client_secret) if self.settings.client_secret else ""
        methods = (await self._discover()).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if secret and "client_secret_basic" in methods:
            pair = f"{quote(self.settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": self.settings.client_id, **({"client_secret": secret} if secret else {})}
        answer = await self._fetch(endpoint, headers=headers, form=form)
        value = _object(answer)
        if answer.status >= 500 or (value is None and answer.status < 400):
            raise self._away(f"{endpoint}: {answer.status}")
        if answer.status >= 400 or value is None:
            said = str((value or {}).get("error") or answer.status)[:100]
            raise SignInError("oidc-refused", reason=said)
        id_token, refresh_token = value.get("id_token"), value.get("refresh_token")
        if not isinstance(id_token, str):
            raise SignInError("oidc-token-refused", why="no id_token")
        claims = await self.verify(id_token, nonce=nonce)
        return Tokens(
            claims=claims, id_token=id_token, refresh_token=refresh_token if isinstance(refresh_token, str) else ""
        )

    async def _endpoint(self, name: str) -> str:
        found = (await self._discover()).get(name)
        if not isinstance(found, str) or not is_safe_url(found):
            raise self._away(f"{name}: none that is safe")
        return found

    async def _discover(self) -> Mapping[str, Any]:
        async with self._reading:
            now = self._clock()
            if self._document is None or now - self._document[0] > KEPT:
                url = f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration"
                answer = await self._fetch(url)
                document = _object(answer) if answer.status == 200 else None
                if document is None or document.get("issuer") != self.settings.issuer:
                    raise self._away(f"{url}: {answer.status}, or of another issuer")
                self._document = (now, document)
            return self._document[1]

    async def _read_keys(self, older_than: timedelta = KEPT) -> list[Mapping[str, Any]]:
        url = await self._endpoint("jwks_uri")
        async with self._reading:
            now = self._clock()
            if self._keys is None or now - self._keys[0] > older_than:
                answer = await self._fetch(url)
                listed = (_object(answer) or {}).get("keys") if answer.status == 200 else None
                if not isinstance(listed, list):
                    raise self._away(f"{url}: {answer.status}")
                self._keys = (now, [each for each in listed if isinstance(each, dict)])
            return self._keys[1]

    async def _fetch(
        self, url: str, *, headers: Mapping[str, str] | None = None, form: Mapping[str, str] | None = None
    ) -> Fetched:
        tls = TlsSettings(verify=self.settings.verify_tls, authorities=self.settings.root_ca)
        try:
            return await fetch(url, POLICY, headers=headers, tls=tls, form=form)
        except OutboundError as error:
            raise self._away(str(error)) from error

    def _away(self, reason: str) -> ProviderAwayError:
        return ProviderAwayError("oidc-unreachable", issuer=self.settings.issuer, reason=reason[:300])


def challenge_of(verifier: str) -> str:
    """What PKCE shows of its secret (S256)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _object(answer: Fetched) -> dict[str, Any] | None:
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None
