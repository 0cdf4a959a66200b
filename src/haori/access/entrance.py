"""Everybody who may come in, and by what: the one place that knows a request's sender.

    Authorization: Bearer X, or else the cookie `argocd.token`, where X is
        the token in the server's folder              the owner; needs nothing but this process
        a token signed with the installation's key    an account's or a project's, as Argo CD gives them
        a token of the identity provider              whoever it says, as long as it does; needs the provider's keys
        haori_s_…, haori_t_…                          a session, a token of ours; need the store, and say so while it is away

An Authorization header stands alone: where it opens nothing, no cookie is looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from haori.access.accounts import Account, Capability
from haori.access.book import AccountBook
from haori.access.errors import AccessError, SignInError
from haori.access.identity import LOCAL_ISSUER, OWNER, OWNER_ISSUER, TOKEN_ISSUER, Identity
from haori.access.limits import SignInLimits
from haori.access.links import Link, Links
from haori.access.passwords import Passwords
from haori.access.patterns import PatternError, compile_regex
from haori.access.secrecy import LINK_PREFIX, SESSION_PREFIX, TOKEN_PREFIX, new_id
from haori.access.sessions import Session, Sessions
from haori.access.settings import DEFAULT_SCOPES
from haori.access.sign_on import SignedOn, SignOn
from haori.access.signed import identify_signed, read_token, sign_token
from haori.access.tokens import ApiTokens
from haori.store import StoreKeeper

COOKIE = "argocd.token"
LONGEST_NAME = 100
LONGEST_PASSWORD = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session that has just begun."""

    secret: str = field(repr=False)
    identity: Identity
    lasts: timedelta


class Entrance:
    """Of one server."""

    def __init__(
        self,
        *,
        owner_token: str,
        book: AccountBook,
        store: StoreKeeper,
        clock: Callable[[], datetime],
        seconds: Callable[[], float],
        passwords: Passwords | None = None,
        is_listed: Callable[[Identity], bool] = lambda identity: True,
        group_claims: Callable[[], tuple[str, ...]] = lambda: DEFAULT_SCOPES,
    ) -> None:
        """`is_listed` says whether a project still lists the token of one of its roles; `group_claims` are the policy's."""
        self._owner_token, self._is_listed = owner_token, is_listed
        self._clock = clock
        self._passwords = passwords or Passwords()
        self.book, self.store = book, store
        self.sessions = Sessions(store.transaction, clock)
        self.tokens = ApiTokens(store.transaction, clock)
        self.links = Links(store.transaction, clock)
        self.limits = SignInLimits(seconds)
        self.sign_on = SignOn(book, clock, group_claims)
        self._locks: dict[str, asyncio.Lock] = {}

    async def identify(self, authorization: str | None, cookies: Mapping[str, str]) -> Identity | None:
        """The identity of a request's Authorization header and cookies, None where they name nobody.

        Raises StoreUnavailableError where only the store could tell.
        """
        credential = credential_of(authorization, cookies)
        if credential.startswith(SESSION_PREFIX):
            return await self._identify_session(credential)
        if credential.startswith(TOKEN_PREFIX):
            token = await self.tokens.find(credential)
            if token is None or not self._may_use(token.issuer, token.subject, Capability.API_KEY, token.created_at):
                return None
            return token.identity
        if credential and hmac.compare_digest(credential.encode(errors="replace"), self._owner_token.encode()):
            return OWNER
        if credential.count(".") != 2:
            return None
        return self._identify_signed(credential) or await self.sign_on.identify(credential)

    async def _identify_session(self, credential: str) -> Identity | None:
        session = await self.sessions.find(credential)
        if session is not None and session.fresh_until is not None and not self.sign_on.is_fresh(session):
            async with self._freshening(session.id):
                session = await self.sign_on.freshen(
                    await self.sessions.find_by_id(session.id) or session, self.sessions
                )
        return session.identity if session is not None and self._counts(session) else None

    @contextlib.asynccontextmanager
    async def _freshening(self, session_id: str) -> AsyncIterator[None]:
        """One at a time: a refresh token is good once."""
        lock = self._locks.setdefault(session_id, asyncio.Lock())
        async with lock:
            yield
        if not lock.locked():
            self._locks.pop(session_id, None)

    def _identify_signed(self, credential: str) -> Identity | None:
        accounts = self.book.accounts
        claims = read_token(accounts.signing_key, credential, self._clock())
        found = identify_signed(claims, accounts) if claims is not None else None
        if found is not None and found.issuer == TOKEN_ISSUER and not self._is_listed(found):
            return None
        return found

    def _counts(self, session: Session) -> bool:
        return self._may_use(session.issuer, session.subject, Capability.LOGIN, session.created_at)

    def _may_use(self, issuer: str, subject: str, capability: Capability, since: datetime) -> bool:
        """Whether what was given to somebody still counts: accounts are switched off, and change their passwords; people of an
        identity provider are nobody once it is another one."""
        if issuer == OWNER_ISSUER:
            return True
        if issuer != LOCAL_ISSUER:
            provider = self.sign_on.provider()
            return provider is not None and provider.settings.issuer == issuer
        account = self.book.accounts.find(subject)
        return account is not None and account.may_use(capability) and not account.is_older(since)

    async def sign_in(self, name: str, password: str, address: str) -> SignedIn:
        """A session of an account. Raises SignInError, StoreUnavailableError."""
        await self.verify(name, password, address)
        return await self.begin(Identity(subject=name, issuer=LOCAL_ISSUER))

    async def verify(self, name: str, password: str, address: str) -> None:
        """Returns where the password is the account's, and the account may sign in. Raises SignInError."""
        name = name[:LONGEST_NAME]
        self.limits.begin(name, address)
        account = self.book.accounts.find(name)
        stored = account.password_hash if account is not None and account.may_use(Capability.LOGIN) else ""
        if not await self._passwords.is_right(stored, password):
            raise SignInError("sign-in-refused")
        self.limits.succeed(name, address)

    async def take_link(self, code: str, address: str) -> SignedIn:
        """A session by a one-time link. Raises SignInError, StoreUnavailableError."""
        self.limits.begin(None, address)
        identity = await self.links.take(code) if code.startswith(LINK_PREFIX) else None
        if identity is None:
            raise SignInError("sign-in-link-refused")
        self.limits.succeed(None, address)
        return await self.begin(identity)

    async def make_link(self, identity: Identity) -> Link:
        """A one-time link for whoever asks."""
        return await self.links.make(identity)

    async def begin(self, identity: Identity) -> SignedIn:
        """A session of somebody who was found to be who they say."""
        lasts = self.book.accounts.session_duration
        secret = await self.sessions.begin(identity, lasts)
        return SignedIn(secret=secret, identity=identity, lasts=lasts)

    async def begin_signed_on(self, signed_on: SignedOn) -> SignedIn:
        """A session of somebody whom the identity provider knows."""
        lasts = self.book.accounts.session_duration
        secret = await self.sessions.begin(
            signed_on.identity, lasts, fresh_until=signed_on.fresh_until, sealed=signed_on.sealed
        )
        return SignedIn(secret=secret, identity=signed_on.identity, lasts=lasts)

    async def sign_out(self, authorization: str | None, cookies: Mapping[str, str]) -> Session | None:
        """Ends the session of a request, if it is one of ours."""
        credential = credential_of(authorization, cookies)
        return await self.sessions.end(credential) if credential.startswith(SESSION_PREFIX) else None

    async def change_password(self, name: str, password: str) -> None:
        """Gives an account a new password; whatever it was signed in by has ended. Raises AccessError."""
        if self.account(name) is not None and not is_matched(password, self.book.accounts.password_pattern):
            raise AccessError("password-refused", pattern=self.book.accounts.password_pattern)
        await self.book.set_password(name, password)
        if self.store.is_open:
            # Those of the very second of the change would count as later ones.
            await self.sessions.end_all(name, LOCAL_ISSUER)

    def account(self, name: str) -> Account:
        """Raises AccessError where there is none of this name."""
        found = self.book.accounts.find(name)
        if found is None:
            raise AccessError("account-unknown", account=name[:LONGEST_NAME])
        return found

    def sign(self, subject: str, token_id: str, expires_in: timedelta | None) -> str:
        """A token of an account or of a project's role. Raises AccessError while there is no key."""
        key = self.book.accounts.signing_key
        if not key:
            raise AccessError("signing-key-missing")
        return sign_token(key, subject, token_id or new_id(), self._clock(), expires_in)


def credential_of(authorization: str | None, cookies: Mapping[str, str]) -> str:
    """What a request shows of itself, or nothing."""
    if authorization is None:
        return cookies.get(COOKIE, "")
    scheme, _, credential = authorization.partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""


def is_matched(password: str, pattern: str) -> bool:
    """Whether a password is one that the setting allows; a pattern that cannot be read allows none."""
    try:
        return len(password) <= LONGEST_PASSWORD and compile_regex(pattern)(password)
    except PatternError:
        return False
