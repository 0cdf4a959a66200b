"""Tokens that Argo CD and we sign with the key of the installation (`server.secretkey`).

JSON Web Tokens with HS256, issuer `argocd`. The subject is `NAME:apiKey` or `NAME:login` of an account, or
`proj:PROJECT:ROLE`; `jti` is the id by which account or project list the token: what is not listed there is revoked. So
tokens that Argo CD gave out go on working, and the other way round.
see: argoproj/argo-cd `util/session/sessionmanager.go` (3.x).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from haori.access.accounts import Accounts, Capability
from haori.access.identity import LOCAL_ISSUER, TOKEN_ISSUER, Identity
from haori.access.projects import SUBJECT_PREFIX

ISSUER = "argocd"

SKEW = timedelta(seconds=60)
"""How far the clocks of those who sign may be apart."""
LONGEST = 16 << 10
"""Characters of a token that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a token of ours says."""

    subject: str
    id: str
    issued_at: datetime


def sign_token(key: bytes, subject: str, token_id: str, now: datetime, expires_in: timedelta | None = None) -> str:
    """A token of this subject and id; None: it does not expire."""
    from joserfc import jwt
    from joserfc.jwk import OctKey

    issued = int(now.timestamp())
    claims: dict[str, Any] = {"iss": ISSUER, "sub": subject, "iat": issued, "nbf": issued, "jti": token_id}
    if expires_in is not None:
        claims["exp"] = issued + math.ceil(expires_in.total_seconds())
    return jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(key), algorithms=["HS256"])


def read_token(key: bytes, token: str, now: datetime) -> Claims | None:
    """What a token says, if it was signed with this key and counts at this time."""
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    if not key or len(token) > LONGEST:
        return None
    try:
        claims = jwt.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims
    except (JoseError, ValueError):
        return None
    return _claims(claims, now)


def _claims(claims: dict[str, Any], now: datetime) -> Claims | None:
    subject, token_id, issued_at = claims.get("sub"), claims.get("jti", ""), claims.get("iat", "")
    if claims.get("iss") != ISSUER or not isinstance(subject, str) or not isinstance(token_id, str):
        return None
    if not is_moment(issued_at) or not is_in_time(claims, now):
        return None
    return Claims(subject=subject, id=token_id, issued_at=datetime.fromtimestamp(float(issued_at), UTC))


def is_in_time(claims: dict[str, Any], now: datetime, skew: timedelta = timedelta(0)) -> bool:
    """Whether `exp`, where there is one, is ahead and `nbf` and `iat` are not; `skew` is added to our favour on `exp`."""
    moment = now.timestamp()
    expires, starts, issued = claims.get("exp"), claims.get("nbf"), claims.get("iat")
    if expires is not None and not (is_moment(expires) and moment < float(expires) + skew.total_seconds()):
        return False
    ahead = moment + SKEW.total_seconds()
    return all(value is None or (is_moment(value) and float(value) <= ahead) for value in (starts, issued))


def is_moment(value: Any) -> bool:
    """Whether it can be a time in seconds."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1 << 40


def identify_signed(claims: Claims, accounts: Accounts) -> Identity | None:
    """Whom a token stands for. Of a project's role, the policy asks the project itself whether it lists the token."""
    if claims.subject.startswith(SUBJECT_PREFIX):
        return Identity(subject=claims.subject, issuer=TOKEN_ISSUER, token_id=claims.id)
    name, _, word = claims.subject.partition(":")
    account = accounts.find(name)
    capability = Capability.LOGIN if word == Capability.LOGIN else Capability.API_KEY
    if account is None or not account.may_use(capability) or not claims.id or account.is_older(claims.issued_at):
        return None
    if capability is Capability.API_KEY and not account.has_token(claims.id):
        return None
    return Identity(subject=name, issuer=LOCAL_ISSUER, token_id=claims.id)
