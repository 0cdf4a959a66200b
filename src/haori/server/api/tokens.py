"""Tokens with scopes: made by whoever is signed in, for programs that should may less."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from haori.access.accounts import Capability
from haori.access.identity import LOCAL_ISSUER, TOKEN_ISSUER
from haori.access.tokens import DEFAULT_LASTS, EVERYTHING, ApiToken
from haori.objects import nested_text
from haori.server.answering import answer_json
from haori.server.api.accounts import LONGEST_ID, expiry_of, refuse_narrowed
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Open, Query, Route


async def _list(ask: Ask) -> Response:
    tokens = ask.context.entrance.tokens
    if ask.flag("all"):
        ask.demand("accounts", "get", "*")
        found = await tokens.list_all()
    else:
        found = await tokens.list_of(ask.who)
    items = [_to_json(token) for token in found]
    return await answer_json(ask.request, {"items": items})


async def _make(ask: Ask) -> Response:
    ask.about = f"Token of {ask.who.subject}"
    _refuse_programs(ask)
    body = await ask.json(dict)
    name = nested_text(body, "name")
    if not name or len(name) > LONGEST_ID or not name.isprintable():
        raise RefusedError(Kind.INVALID, "field-unusable", field="name")
    ask.about = f"Token {name} of {ask.who.subject}"
    scopes = body.get("scopes", list(EVERYTHING))
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise RefusedError(Kind.INVALID, "field-unusable", field="scopes")
    lasts: timedelta = expiry_of(body) or DEFAULT_LASTS
    secret, token = await ask.context.entrance.tokens.make(ask.who, name, scopes, lasts)
    ask.about = _named(token)
    response = await answer_json(ask.request, {**_to_json(token), "token": secret})
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse_programs(ask: Ask) -> None:
    """Raises RefusedError for who may have no tokens: programs themselves, and accounts that are not for it."""
    refuse_narrowed(ask)
    identity = ask.who
    if identity.issuer == TOKEN_ISSUER:
        raise RefusedError(Kind.FORBIDDEN, "token-makes-none")
    if identity.issuer == LOCAL_ISSUER:
        account = ask.context.entrance.account(identity.subject)
        if not account.may_use(Capability.API_KEY):
            raise RefusedError(Kind.PRECONDITION, "account-token-not-allowed", account=account.name)


async def _revoke(ask: Ask) -> Response:
    refuse_narrowed(ask)
    tokens = ask.context.entrance.tokens
    token = await tokens.find_by_id(ask.parameters["id"])
    ask.about = _named(token)
    if (token.subject, token.issuer) != (ask.who.subject, ask.who.issuer):
        ask.demand("accounts", "update", token.subject)
    await tokens.revoke(token.id)
    return await answer_json(ask.request, {})


def _named(token: ApiToken) -> str:
    """As the audit calls it; the id is no secret, and tells tokens of one name apart."""
    return f"Token {token.name} ({token.id}) of {token.subject}"


def _to_json(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "subject": token.subject,
        "issuer": token.issuer,
        "scopes": list(token.scopes),
        "createdAt": token.created_at.isoformat(),
        "expiresAt": token.expires_at.isoformat(),
        "usedAt": token.used_at.isoformat() if token.used_at is not None else None,
    }


_PATH = "/api/haori/v1/tokens"
ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=_list,
        access=Open.SIGNED_IN,
        summary="One's own tokens with scopes",
        query=(Query(name="all", help="Everybody's, for who may read all accounts.", type="boolean"),),
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=_make,
        access=Open.SIGNED_IN,
        summary="Makes a token with scopes",
        deed="tokens/create",
        body="ScopedToken",
    ),
    Route(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        handler=_revoke,
        access=Open.SIGNED_IN,
        summary="Revokes one of one's own tokens, or, with the permission, another's",
        deed="tokens/revoke",
    ),
)
