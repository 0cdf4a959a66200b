"""Who sends a request: fixed tokens of the sandbox, and tokens of service accounts.

A fixed token (admin, node) is known by its hash alone and compared in constant time. A service account's token is a JWT
signed with the sandbox's key (ES256), as the API's TokenRequest issues it; its claims are those of Kubernetes, and it is
worth nothing once its ServiceAccount, or the object it is bound to, is gone or was made anew under the same name.
Source: Kubernetes `pkg/serviceaccount/claims.go`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from haori.sandbox.api.options import MASTERS, User

ISSUER = "https://kubernetes.default.svc.cluster.local"
DEFAULT_AUDIENCE = ISSUER
SHORTEST_SECONDS = 600
LONGEST_SECONDS = 1 << 32
DEFAULT_SECONDS = 3600

Lookup = Callable[[str, str, str], Mapping[str, Any] | None]
"""The live object by plural, namespace and name, or None."""


ADMIN = User(name="sandbox-admin", groups=(MASTERS, "system:authenticated"))
ANONYMOUS = User(name="system:anonymous", groups=("system:unauthenticated",))


def node_user(name: str) -> User:
    """The user a node's kubelet is."""
    return User(name=f"system:node:{name}", groups=("system:nodes", "system:authenticated"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The object whose life bounds a token's: a Pod, Secret or Node."""

    kind: str
    name: str
    uid: str


class TokenIssuer:
    """Signs and reads the tokens of service accounts; the clock is the caller's."""

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        self._public = key.public_key()
        numbers = self._public.public_numbers()
        point = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self._key_id = _encode(hashlib.sha256(point).digest())

    def issue(
        self,
        *,
        namespace: str,
        name: str,
        uid: str,
        audiences: Sequence[str],
        seconds: int,
        now: datetime,
        bound: Bound | None = None,
        node: Mapping[str, str] | None = None,
    ) -> str:
        """A token for the service account, valid for `seconds`; `node` is the name (and uid) of a bound Pod's node."""
        private: dict[str, Any] = {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}}
        if bound is not None:
            private[bound.kind.lower()] = {"name": bound.name, "uid": bound.uid}
        if node:
            private["node"] = dict(node)
        issued = int(now.timestamp())
        claims = {
            "aud": list(audiences),
            "exp": issued + seconds,
            "iat": issued,
            "iss": ISSUER,
            "jti": str(uuid.uuid4()),
            "kubernetes.io": private,
            "nbf": issued,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        header = {"alg": "ES256", "kid": self._key_id, "typ": "JWT"}
        signed = f"{_encode(orjson.dumps(header))}.{_encode(orjson.dumps(claims))}"
        r, s = decode_dss_signature(self._key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def read(self, token: str, *, audiences: Sequence[str], now: datetime) -> Mapping[str, Any] | None:
        """The claims of a token that we signed, that is valid now and meant for one of `audiences`; else None."""
        signed, _, signature = token.rpartition(".")
        header, _, payload = signed.partition(".")
        try:
            raw = _decode(signature)
            if orjson.loads(_decode(header)).get("alg") != "ES256" or len(raw) != 64:
                return None
            encoded = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
            self._public.verify(encoded, signed.encode(), ec.ECDSA(hashes.SHA256()))
            claims: dict[str, Any] = orjson.loads(_decode(payload))
        except (ValueError, AttributeError, binascii.Error, InvalidSignature):
            return None
        moment = now.timestamp()
        is_current = claims["nbf"] - 60 <= moment < claims["exp"]
        is_meant = not set(audiences).isdisjoint(claims["aud"])
        return claims if claims["iss"] == ISSUER and is_current and is_meant else None

    def key_set(self) -> dict[str, Any]:
        """The public key as a JSON Web Key Set, for those who check tokens themselves."""
        numbers = self._public.public_numbers()
        key = {
            "use": "sig",
            "kty": "EC",
            "kid": self._key_id,
            "crv": "P-256",
            "alg": "ES256",
            "x": _encode(numbers.x.to_bytes(32, "big")),
            "y": _encode(numbers.y.to_bytes(32, "big")),
        }
        return {"keys": [key]}


class Authenticator:
    """Knows users by their bearer tokens."""

    def __init__(
        self, fixed: Mapping[str, User], issuer: TokenIssuer, *, lookup: Lookup, now: Callable[[], datetime]
    ) -> None:
        self._fixed = [(_hash(token), user) for token, user in fixed.items()]
        self._issuer = issuer
        self._lookup = lookup
        self._now = now

    def user_of_header(self, authorization: str) -> User | None:
        """The user of an Authorization header, or None where it names none."""
        scheme, _, token = authorization.strip().partition(" ")
        return self.user_of_token(token.strip()) if scheme.lower() == "bearer" and token else None

    def user_of_token(self, token: str, audiences: Sequence[str] = (DEFAULT_AUDIENCE,)) -> User | None:
        """The user of a token that is valid now, or None."""
        presented = _hash(token)
        found = None
        for known, user in self._fixed:
            if hmac.compare_digest(presented, known):
                found = user
        if found is not None or token.count(".") != 2:
            return found
        claims = self._issuer.read(token, audiences=audiences, now=self._now())
        return self._account(claims) if claims is not None else None

    def user_for(self, token: str, audiences: tuple[str, ...]) -> User | None:
        """The same for a TokenReview, which may name no audience and then means the API's own."""
        return self.user_of_token(token, audiences or (DEFAULT_AUDIENCE,))

    def _account(self, claims: Mapping[str, Any]) -> User | None:
        private: Mapping[str, Any] = claims["kubernetes.io"]
        namespace, account = private["namespace"], private["serviceaccount"]
        if not self._is_live("serviceaccounts", namespace, account):
            return None
        extra = {"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)}
        for kind, place in (("pod", namespace), ("secret", namespace), ("node", "")):
            bound = private.get(kind)
            if bound is None:
                continue
            # The node of a bound Pod is told, not checked: the Pod's own life decides.
            if not (kind == "node" and "pod" in private) and not self._is_live(f"{kind}s", place, bound):
                return None
            if kind != "secret":
                prefix = f"authentication.kubernetes.io/{kind}"
                extra[f"{prefix}-name"] = (bound["name"],)
                extra[f"{prefix}-uid"] = (bound.get("uid", ""),)
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        return User(name=claims["sub"], uid=account["uid"], groups=groups, extra=extra)

    def _is_live(self, plural: str, namespace: str, reference: Mapping[str, str]) -> bool:
        live = self._lookup(plural, namespace, reference["name"])
        return live is not None and (live.get("metadata") or {}).get("uid") == reference["uid"]


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
