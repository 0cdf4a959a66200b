"""How the server says no: one shape, whatever went wrong and wherever.

    {"error": text, "code": Argo CD's number (a gRPC code), "message": text, "haori": {"code", "parameters", "hint"}}

The first three fields are what clients of Argo CD read (grpc-gateway writes them so); `haori` lets the console say it in
the reader's language and know it by its code.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from haori.cluster import (
    AlreadyExistsError,
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
)
from haori.errors import HaoriError, PeerError, TransientError, UserError
from haori.words import Language, Sentence

log = logging.getLogger(__name__)


class Kind(Enum):
    """(HTTP status, gRPC code) pairs, as grpc-gateway maps them."""

    INVALID = (400, 3)
    PRECONDITION = (400, 9)
    UNAUTHENTICATED = (401, 16)
    FORBIDDEN = (403, 7)
    NOT_FOUND = (404, 5)
    METHOD = (405, 12)
    EXISTS = (409, 6)
    CONFLICT = (409, 10)
    TOO_LARGE = (413, 11)
    CONTENT_TYPE = (415, 3)
    MISDIRECTED = (421, 3)
    TOO_MANY = (429, 8)
    INTERNAL = (500, 13)
    UNSUPPORTED = (501, 12)
    PEER = (502, 13)
    UNAVAILABLE = (503, 14)
    LATE = (504, 4)

    @property
    def status(self) -> int:
        """Of HTTP."""
        return self.value[0]

    @property
    def grpc_code(self) -> int:
        """Of gRPC."""
        return self.value[1]


class RefusedError(UserError):
    """A request that is not done; `kind` says how that is told."""

    def __init__(self, kind: Kind, code: str, /, **parameters: Any) -> None:
        super().__init__(code, **parameters)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One failure, ready to be told."""

    kind: Kind
    sentence: Sentence
    hint: Sentence | None = None

    def to_json(self, language: Language) -> dict[str, Any]:
        """The body."""
        text = self.sentence.text(language)
        told = self.sentence.to_json(language)
        hint = self.hint.text(language) if self.hint is not None else None
        known = {"code": told["code"], "parameters": told["parameters"], "hint": hint}
        return {"error": text, "code": self.kind.grpc_code, "message": text, "haori": known}


def describe_error(error: Exception) -> Refusal:
    """The refusal for a failure; what is no HaoriError is logged and told without its text."""
    if not isinstance(error, HaoriError):
        log.error("request failed", exc_info=error)
        return Refusal(kind=Kind.INTERNAL, sentence=Sentence(code="server-failed", parameters={}))
    return Refusal(kind=_kind_of(error), sentence=error.sentence, hint=error.hint)


def describe_kind(error: Exception) -> Kind:
    """How a failure is told, without telling it."""
    return _kind_of(error) if isinstance(error, HaoriError) else Kind.INTERNAL


_KINDS: tuple[tuple[type[HaoriError], Kind], ...] = (
    (NotFoundError, Kind.NOT_FOUND),
    (AlreadyExistsError, Kind.EXISTS),
    (ConflictError, Kind.CONFLICT),
    (GoneError, Kind.CONFLICT),
    (InvalidError, Kind.INVALID),
    # The server's own credentials are not enough: nothing the caller could mend.
    (ForbiddenError, Kind.PEER),
    (ApiError, Kind.PEER),
    (TransientError, Kind.UNAVAILABLE),
    (PeerError, Kind.PEER),
    (UserError, Kind.INVALID),
)


_BY_CODE: Mapping[str, Kind] = {
    "account-unknown": Kind.NOT_FOUND,
    "account-token-unknown": Kind.NOT_FOUND,
    "account-token-exists": Kind.EXISTS,
    "token-unknown": Kind.NOT_FOUND,
    "view-unknown": Kind.NOT_FOUND,
    "sign-in-refused": Kind.UNAUTHENTICATED,
    "sign-in-link-refused": Kind.UNAUTHENTICATED,
    "sign-in-too-often": Kind.TOO_MANY,
    "oidc-not-configured": Kind.NOT_FOUND,
    "oidc-config-unreadable": Kind.PRECONDITION,
    "oidc-issuer-insecure": Kind.PRECONDITION,
    "oidc-refused": Kind.UNAUTHENTICATED,
    "oidc-token-refused": Kind.UNAUTHENTICATED,
    "oidc-flow-unknown": Kind.UNAUTHENTICATED,
    "oidc-name-taken": Kind.UNAUTHENTICATED,
    "secret-reference-unknown": Kind.PRECONDITION,
    "signing-key-missing": Kind.UNAVAILABLE,
}
"""What rooms below say by the code alone."""


def _kind_of(error: HaoriError) -> Kind:
    if (named := _BY_CODE.get(error.code)) is not None:
        return named
    if isinstance(kind := getattr(error, "kind", None), Kind):
        return kind
    return next((kind for type_, kind in _KINDS if isinstance(error, type_)), Kind.INTERNAL)
