"""API tokens of ours: narrowed by scopes, with an end, and revoked by taking them out of the table.

A token is its maker's, with the groups they had then; it never may more than they, since the policy is asked for them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from haori.access.errors import AccessError
from haori.access.identity import Identity
from haori.access.patterns import PatternError, compile_glob
from haori.access.rights import ACTIONS, RESOURCES
from haori.access.secrecy import TOKEN_PREFIX, hash_secret, new_id, new_secret
from haori.store import Transaction

EVERYTHING = ("*:*",)
DEFAULT_LASTS, LONGEST_LASTS = timedelta(days=90), timedelta(days=366)
AT_MOST = 100
"""Tokens of one subject."""
MOST_SCOPES = 50
MOST_LISTED = 5000
TOUCH = timedelta(minutes=5)
_COLUMNS = "id, name, subject, issuer, groups, scopes, created_at, expires_at, used_at"
_INSERT = f"INSERT INTO token (secret_hash, {_COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"  # noqa: S608
_FIND = f"SELECT {_COLUMNS} FROM token WHERE secret_hash = %s AND expires_at > %s"  # noqa: S608
_FIND_BY_ID = f"SELECT {_COLUMNS} FROM token WHERE id = %s"  # noqa: S608
_LIST_ALL = f"SELECT {_COLUMNS} FROM token WHERE expires_at > %s ORDER BY created_at DESC, id LIMIT %s"  # noqa: S608
_LIST = f"""SELECT {_COLUMNS} FROM token WHERE subject = %s AND issuer = %s AND expires_at > %s
    ORDER BY created_at DESC, id"""  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """One, without its secret."""

    id: str
    name: str
    subject: str
    issuer: str
    groups: tuple[str, ...]
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """Whom it stands for."""
        return Identity(
            subject=self.subject, issuer=self.issuer, groups=self.groups, token_id=self.id, scopes=self.scopes
        )


class ApiTokens:
    """The table."""

    def __init__(self, transaction: Transaction, clock: Callable[[], datetime]) -> None:
        self._transaction, self._clock = transaction, clock

    async def make(
        self, identity: Identity, name: str, scopes: Sequence[str], lasts: timedelta
    ) -> tuple[str, ApiToken]:
        """(secret, token). Raises AccessError: a scope that is none, too long a time, too many tokens."""
        check_scopes(scopes)
        if not timedelta(0) < lasts <= LONGEST_LASTS:
            raise AccessError("token-time-refused", days=LONGEST_LASTS.days)
        now = self._clock()
        token = ApiToken(
            id=new_id(),
            name=name,
            subject=identity.subject,
            issuer=identity.issuer,
            groups=identity.groups,
            scopes=tuple(scopes),
            created_at=now,
            expires_at=now + lasts,
        )
        secret = new_secret(TOKEN_PREFIX)
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM token WHERE expires_at <= %s", [now])
            counted = await connection.execute(
                "SELECT count(*) FROM token WHERE subject = %s AND issuer = %s", [token.subject, token.issuer]
            )
            if ((await counted.fetchone()) or (0,))[0] >= AT_MOST:
                raise AccessError("tokens-full", limit=AT_MOST)
            await connection.execute(
                _INSERT,
                [
                    hash_secret(secret), token.id, token.name, token.subject, token.issuer, list(token.groups),
                    list(token.scopes), token.created_at, token.expires_at, None,
                ],
            )  # fmt: skip
        return secret, token

    async def find(self, secret: str) -> ApiToken | None:
        """The token of a secret, if it counts; it was used now."""
        now = self._clock()
        async with self._transaction() as connection:
            rows = await connection.execute(_FIND, [hash_secret(secret), now])
            row = await rows.fetchone()
            found = _token(row) if row is not None else None
            if found is not None and (found.used_at is None or now - found.used_at > TOUCH):
                await connection.execute("UPDATE token SET used_at = %s WHERE id = %s", [now, found.id])
        return found

    async def list_of(self, identity: Identity) -> list[ApiToken]:
        """Somebody's, the newest first."""
        async with self._transaction() as connection:
            rows = await connection.execute(_LIST, [identity.subject, identity.issuer, self._clock()])
            return [_token(row) for row in await rows.fetchall()]

    async def list_all(self) -> list[ApiToken]:
        """Everybody's, the newest first, at most `MOST_LISTED`."""
        async with self._transaction() as connection:
            rows = await connection.execute(_LIST_ALL, [self._clock(), MOST_LISTED])
            return [_token(row) for row in await rows.fetchall()]

    async def find_by_id(self, token_id: str) -> ApiToken:
        """A token that is known by its name. Raises AccessError where there is none."""
        async with self._transaction() as connection:
            row = await (await connection.execute(_FIND_BY_ID, [token_id])).fetchone()
        if row is None:
            raise AccessError("token-unknown", token=token_id[:100])
        return _token(row)

    async def revoke(self, token_id: str) -> None:
        """Takes one away. Raises AccessError where there is none of this id."""
        async with self._transaction() as connection:
            rows = await connection.execute("DELETE FROM token WHERE id = %s RETURNING id", [token_id])
            if await rows.fetchone() is None:
                raise AccessError("token-unknown", token=token_id[:100])


def check_scopes(scopes: Sequence[str]) -> None:
    """Raises AccessError: `scope-unreadable` (scope) for the first that is no `RESOURCE:ACTION[:OBJECT]` of globs, else
    `scopes-unknown` (scopes, resources, actions) for those that no resource or action fits, which would give nothing.
    """
    if not scopes or len(scopes) > MOST_SCOPES:
        raise AccessError("scopes-refused", limit=MOST_SCOPES)
    for scope in scopes:
        parts = scope.split(":", 2)
        try:
            is_readable = len(parts) >= 2 and all(parts) and all(compile_glob(part) for part in parts)
        except PatternError:
            is_readable = False
        if not is_readable:
            raise AccessError("scope-unreadable", scope=scope[:200])
    if unknown := [scope[:200] for scope in scopes if not _is_known(scope)]:
        raise AccessError("scopes-unknown", scopes=unknown, resources=sorted(RESOURCES), actions=sorted(ACTIONS))


def _is_known(scope: str) -> bool:
    resource, action = scope.split(":", 2)[:2]
    of_resource, of_action = compile_glob(resource), compile_glob(action.partition("/")[0])
    return any(map(of_resource, RESOURCES)) and any(map(of_action, ACTIONS))


def _token(row: tuple[Any, ...]) -> ApiToken:
    id_, name, subject, issuer, groups, scopes, created_at, expires_at, used_at = row
    return ApiToken(
        id=id_,
        name=name,
        subject=subject,
        issuer=issuer,
        groups=tuple(groups),
        scopes=tuple(scopes),
        created_at=created_at,
        expires_at=expires_at,
        used_at=used_at,
    )
