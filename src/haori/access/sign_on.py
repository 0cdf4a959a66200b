"""Signing in by an identity provider: what is kept between leaving for it and coming back, and of a session afterwards.

Between the two a sealed cookie holds state, nonce, PKCE's secret and where to go: a browser that comes back without it, or
with another's, is not signed in. Of a session the provider's word counts until its token ends; then it is asked anew by the
refresh token, which is kept sealed, and without one the session ends.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from haori.access.book import AccountBook
from haori.access.errors import AccessError, SignInError
from haori.access.id_tokens import Claims, identity_of
from haori.access.identity import Identity
from haori.access.oidc_settings import read_oidc
from haori.access.provider import Provider, Tokens
from haori.access.sealing import seal, unseal
from haori.access.sessions import Session, Sessions
from haori.words import Sentence

FLOW, KEPT = "sign-in flow", "session of a provider"
FLOW_LASTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A sign-in under way."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    redirect_uri: str
    back: str
    """Where the browser goes in the end."""
    until: datetime

    @classmethod
    def begin(cls, *, redirect_uri: str, back: str, now: datetime) -> Flow:
        """A new one."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(
            state=state, nonce=nonce, verifier=verifier, redirect_uri=redirect_uri, back=back, until=now + FLOW_LASTS
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOn:
    """Somebody whom the provider knows, and what a session of theirs keeps."""

    identity: Identity
    fresh_until: datetime
    sealed: bytes = field(repr=False)


class SignOn:
    """Of one server. `group_claims` are those of the policy of now."""

    def __init__(
        self, book: AccountBook, clock: Callable[[], datetime], group_claims: Callable[[], tuple[str, ...]]
    ) -> None:
        self._book, self._clock, self._group_claims = book, clock, group_claims
        self._provider: Provider | None = None

    def provider(self) -> Provider | None:
        """The one that the settings name now."""
        settings, _ = read_oidc(self._book.config)
        if settings is None:
            self._provider = None
        elif self._provider is None or self._provider.settings != settings:
            self._provider = Provider(settings, self._book.resolve, self._clock)
        return self._provider

    def problem(self) -> Sentence | None:
        """What is wrong with the settings."""
        return read_oidc(self._book.config)[1]

    def demand(self) -> Provider:
        """The provider. Raises AccessError where there is none."""
        found = self.provider()
        if found is None:
            problem = self.problem()
            if problem is not None:
                raise AccessError(problem.code, **problem.parameters)
            raise AccessError("oidc-not-configured")
        return found

    async def begin(self, *, redirect_uri: str, back: str) -> tuple[str, str]:
        """(where the browser goes, what its cookie holds). Raises AccessError, ProviderAwayError."""
        flow = Flow.begin(redirect_uri=redirect_uri, back=back, now=self._clock())
        url = await self.demand().begin_url(
            redirect_uri=redirect_uri, state=flow.state, nonce=flow.nonce, verifier=flow.verifier
        )
        return url, seal_flow(self._key(), flow)

    async def finish(self, cookie: str, *, state: str, code: str, issuer: str) -> tuple[SignedOn, Flow]:
        """Who has come back. Raises SignInError, ProviderAwayError."""
        provider, flow = self.demand(), unseal_flow(self._key(), cookie)
        is_theirs = flow is not None and hmac.compare_digest(flow.state.encode(), state.encode(errors="replace"))
        if flow is None or not is_theirs or self._clock() > flow.until:
            raise SignInError("oidc-flow-unknown")
        if issuer not in ("", provider.settings.issuer):
            raise SignInError("oidc-token-refused", why="issuer")
        tokens = await provider.exchange(code, redirect_uri=flow.redirect_uri, nonce=flow.nonce, verifier=flow.verifier)
        return self._signed_on(provider, tokens), flow

    async def identify(self, token: str) -> Identity | None:
        """Whom a token of the provider itself stands for, as programs bring it."""
        provider = self.provider()
        if provider is None or issuer_of(token) != provider.settings.issuer:
            return None
        try:
            return self._identity(provider, await provider.verify(token))
        except SignInError:
            return None

    def is_fresh(self, session: Session) -> bool:
        """Whether the word of the provider that is configured still counts for a session."""
        provider = self.provider()
        is_theirs = provider is not None and provider.settings.issuer == session.issuer
        return is_theirs and session.fresh_until is not None and self._clock() < session.fresh_until

    async def freshen(self, session: Session, sessions: Sessions) -> Session | None:
        """The session by the provider's word of now; None where it ended. Raises ProviderAwayError."""
        provider = self.provider()
        if provider is None or provider.settings.issuer != session.issuer:
            await sessions.end_by_id(session.id)
            return None
        if session.fresh_until is None or self._clock() < session.fresh_until:
            return session
        kept = self._unseal(session)
        try:
            if not kept.get("refresh"):
                raise SignInError("oidc-refused", reason="no refresh token")
            signed_on = self._signed_on(provider, await provider.refresh(str(kept["refresh"])))
            if signed_on.identity.subject != session.subject:
                raise SignInError("oidc-token-refused", why="subject")
        except SignInError:
            # Another request, or server, may have used the refresh token a moment ago.
            return await self._look_again(session, sessions)
        groups = signed_on.identity.groups
        await sessions.renew(session.id, groups, signed_on.fresh_until, signed_on.sealed)
        return await sessions.find_by_id(session.id)

    async def _look_again(self, session: Session, sessions: Sessions) -> Session | None:
        found = await sessions.find_by_id(session.id)
        if found is not None and found.fresh_until is not None and self._clock() < found.fresh_until:
            return found
        await sessions.end_by_id(session.id)
        return None

    async def logout_url(self, session: Session, back: str) -> str | None:
        """Where the browser ends a session at the provider as well."""
        provider = self.provider()
        if provider is None or provider.settings.issuer != session.issuer:
            return None
        return await provider.logout_url(str(self._unseal(session).get("id") or ""), back)

    def _signed_on(self, provider: Provider, tokens: Tokens) -> SignedOn:
        kept = orjson.dumps({"refresh": tokens.refresh_token, "id": tokens.id_token})
        identity = self._identity(provider, tokens.claims)
        return SignedOn(identity=identity, fresh_until=tokens.fresh_until, sealed=seal(self._key(), KEPT, kept))

    def _identity(self, provider: Provider, claims: Claims) -> Identity:
        found = identity_of(claims, provider.settings.issuer, self._group_claims())
        if self._book.accounts.find(found.subject) is not None:
            # What policies give to an account is not for whoever is called so elsewhere.
            raise SignInError("oidc-name-taken", subject=found.subject[:100])
        return found

    def _unseal(self, session: Session) -> dict[str, Any]:
        opened = unseal(self._key(), KEPT, session.sealed or b"")
        value = orjson.loads(opened) if opened is not None else {}
        return value if isinstance(value, dict) else {}

    def _key(self) -> bytes:
        key = self._book.accounts.signing_key
        if not key:
            raise AccessError("signing-key-missing")
        return key


def seal_flow(key: bytes, flow: Flow) -> str:
    """What the cookie holds."""
    value = {
        "state": flow.state, "nonce": flow.nonce, "verifier": flow.verifier, "redirect": flow.redirect_uri,
        "back": flow.back, "until": flow.until.timestamp(),
    }  # fmt: skip
    return base64.urlsafe_b64encode(seal(key, FLOW, orjson.dumps(value))).decode()


def unseal_flow(key: bytes, cookie: str) -> Flow | None:
    """The sign-in that a cookie holds; None where it is none of ours."""
    try:
        opened = unseal(key, FLOW, base64.urlsafe_b64decode(cookie.encode(errors="replace")))
    except (binascii.Error, ValueError):
        return None
    if opened is None:
        return None
    value = orjson.loads(opened)
    return Flow(
        state=value["state"],
        nonce=value["nonce"],
        verifier=value["verifier"],
        redirect_uri=value["redirect"],
        back=value["back"],
        until=datetime.fromtimestamp(value["until"], UTC),
    )


def issuer_of(token: str) -> str:
    """Whose token it says it is, before anything is verified."""
    try:
        part = token.split(".")[1]
        value = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, binascii.Error, ValueError):
        return ""
    found = value.get("iss") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""
