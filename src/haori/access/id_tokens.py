"""What an identity provider says of somebody: its signature, for whom it was said, when, and for which sign-in.

Only signatures by the provider's own keys count (never `none`, never a shared secret), only tokens of this issuer and for
this client, only within their time, clocks being up to a minute apart; and where a sign-in is under way, only the token that
carries its nonce. see: OpenID Connect Core 1.0, 3.1.3.7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from haori.access.errors import SignInError
from haori.access.identity import Identity
from haori.access.signed import LONGEST, SKEW, is_in_time, is_moment

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
_KINDS = frozenset({"RSA", "EC", "OKP"})
MOST_GROUPS = 1000

Claims = Mapping[str, Any]


class UnknownKeyError(Exception):
    """Signed by a key that is not among those known: the provider may have a new one."""


def read_signed(token: str, keys: Iterable[Mapping[str, Any]]) -> Claims:
    """The claims of a token that one of `keys` (of a JSON Web Key Set) signed. Raises SignInError, UnknownKeyError."""
    from joserfc import jws, jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    if len(token) > LONGEST or token.count(".") != 2:
        raise SignInError("oidc-token-refused", why="shape")
    try:
        key_id = jws.extract_compact(token.encode()).headers().get("kid")
        chosen = [each for each in keys if _is_for_signatures(each) and key_id in (None, each.get("kid"))]
        if not chosen:
            raise UnknownKeyError
        for each in chosen[:-1]:
            try:
                return jwt.decode(token, import_key(dict(each)), algorithms=list(ALGORITHMS)).claims
            except JoseError:
                continue
        return jwt.decode(token, import_key(dict(chosen[-1])), algorithms=list(ALGORITHMS)).claims
    except (JoseError, ValueError, TypeError) as error:
        raise SignInError("oidc-token-refused", why="signature") from error


def _is_for_signatures(key: Mapping[str, Any]) -> bool:
    return key.get("kty") in _KINDS and key.get("use", "sig") == "sig"


def check_claims(
    claims: Claims, *, issuer: str, audiences: Iterable[str], now: datetime, nonce: str | None = None
) -> None:
    """Raises SignInError `oidc-token-refused` (why) where the token is not one for us, now. None: of no sign-in."""
    if claims.get("iss") != issuer:
        raise SignInError("oidc-token-refused", why="issuer")
    given = claims.get("aud")
    found = {given} if isinstance(given, str) else set(given) if isinstance(given, list) else set()
    if found.isdisjoint(audiences):
        raise SignInError("oidc-token-refused", why="audience")
    if len(found) > 1 and nonce is not None and claims.get("azp") not in set(audiences):
        raise SignInError("oidc-token-refused", why="authorized party")
    if not is_moment(claims.get("exp")) or not is_moment(claims.get("iat")) or not is_in_time(dict(claims), now, SKEW):
        raise SignInError("oidc-token-refused", why="time")
    if nonce is not None and claims.get("nonce") != nonce:
        raise SignInError("oidc-token-refused", why="nonce")
    if not subject_of(claims):
        raise SignInError("oidc-token-refused", why="subject")


def subject_of(claims: Claims) -> str:
    """Who it is: behind Dex, the user of the connector."""
    federated = claims.get("federated_claims")
    inner = federated.get("user_id") if isinstance(federated, Mapping) else None
    found = inner or claims.get("sub")
    return found if isinstance(found, str) else ""


def identity_of(claims: Claims, issuer: str, group_claims: Iterable[str]) -> Identity:
    """The identity; groups are what the claims that `scopes` of `argocd-rbac-cm` names hold."""
    groups: dict[str, None] = {}
    for name in group_claims:
        value = claims.get(name)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and each and len(groups) < MOST_GROUPS:
                groups[each] = None
    return Identity(subject=subject_of(claims), issuer=issuer, groups=tuple(groups))
