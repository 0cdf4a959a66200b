"""Accounts: what one may, which there are, their passwords and tokens.

Everybody may read and change their own account without a permission, as in Argo CD; a token with scopes may not, since it
would grow by it. see: argoproj/argo-cd `server/account/account.go` (3.x).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from haori.access.accounts import Account, AccountToken, Capability
from haori.access.errors import SignInError
from haori.access.identity import LOCAL_ISSUER
from haori.access.secrecy import new_id
from haori.objects import nested_text
from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Filtered, Open, Route, Rule

LONGEST_ID = 100
MOST_SECONDS = 10 * 366 * 86400


async def _can_i(ask: Ask) -> Response:
    named = (ask.parameters.get(part) for part in ("first", "second", "third"))
    object_ = "/".join(each for each in named if each is not None)
    may = ask.may(ask.parameters["resource"], ask.parameters["action"], object_)
    return await answer_json(ask.request, {"value": "yes" if may else "no"})


async def _list(ask: Ask) -> Response:
    accounts = ask.context.entrance.book.accounts.by_name
    items = [
        to_json(account)
        for name, account in sorted(accounts.items())
        if is_own(ask, name) or ask.may("accounts", "get", name)
    ]
    return await answer_json(ask.request, {"items": items})


async def _get(ask: Ask) -> Response:
    return await answer_json(ask.request, to_json(ask.context.entrance.account(ask.parameters["name"])))


def to_json(account: Account) -> dict[str, Any]:
    """One as Argo CD tells it; 64-bit numbers are texts in its JSON."""
    tokens = sorted(account.tokens, key=lambda token: (-token.issued_at, token.id))
    return {
        "name": account.name,
        "enabled": account.is_enabled,
        "capabilities": list(account.capabilities),
        "tokens": [
            {"id": token.id, "issuedAt": str(token.issued_at), "expiresAt": str(token.expires_at)} for token in tokens
        ],
    }


def is_own(ask: Ask, name: str) -> bool:
    """Whether an account is the sender's own, and they come by it as a whole."""
    identity = ask.who
    return identity.issuer == LOCAL_ISSUER and identity.subject == name and identity.scopes is None


async def _is_own(ask: Ask) -> bool:
    return is_own(ask, ask.parameters["name"])


async def _named(ask: Ask) -> str:
    return ask.parameters["name"]


async def _change_password(ask: Ask) -> Response:
    body, identity, entrance = await ask.json(dict), ask.who, ask.context.entrance
    name = nested_text(body, "name") or identity.subject
    ask.about = f"Account {name[:LONGEST_ID]}"
    refuse_narrowed(ask)
    if not is_own(ask, name):
        ask.demand("accounts", "update", name)
    if entrance.book.accounts.find(name) is None:
        raise RefusedError(Kind.INVALID, "account-password-of-nobody", subject=name[:LONGEST_ID])
    if identity.issuer == LOCAL_ISSUER:
        await _verify(ask, identity.subject, nested_text(body, "currentPassword"))
    await entrance.change_password(name, nested_text(body, "newPassword"))
    return await answer_json(ask.request, {})


async def _verify(ask: Ask, name: str, password: str) -> None:
    """Raises where it is not the sender's password: as a wrong field, since they are signed in and stay so."""
    try:
        await ask.context.entrance.verify(name, password, ask.address)
    except SignInError as error:
        if error.code != "sign-in-refused":
            raise
        raise RefusedError(Kind.INVALID, "password-current-wrong") from error


def refuse_narrowed(ask: Ask) -> None:
    """Raises RefusedError for a token with scopes: what it gives out would be wider than itself."""
    if ask.who.scopes is not None:
        raise RefusedError(Kind.FORBIDDEN, "token-makes-none")


async def _make_token(ask: Ask) -> Response:
    refuse_narrowed(ask)
    body, name, entrance = await ask.json(dict), ask.parameters["name"], ask.context.entrance
    if not entrance.account(name).may_use(Capability.API_KEY):
        raise RefusedError(Kind.PRECONDITION, "account-token-not-allowed", account=name)
    token_id, expires_in = token_id_of(body), expiry_of(body)
    ask.about = f"Token {token_id} of {name}"
    issued = int(ask.context.clock().timestamp())
    signed = entrance.sign(f"{name}:{Capability.API_KEY.value}", token_id, expires_in)
    expires_at = issued + int(expires_in.total_seconds()) if expires_in is not None else 0
    await entrance.book.add_token(name, AccountToken(id=token_id, issued_at=issued, expires_at=expires_at))
    response = await answer_json(ask.request, {"token": signed})
    response.headers["Cache-Control"] = "no-store"
    return response


def token_id_of(body: dict[str, Any]) -> str:
    """The id that a body wants for a token, or a new one. Raises RefusedError."""
    found = nested_text(body, "id") or new_id()
    if len(found) > LONGEST_ID or not found.isprintable():
        raise RefusedError(Kind.INVALID, "field-unusable", field="id")
    return found


def expiry_of(body: dict[str, Any]) -> timedelta | None:
    """How long a token lasts, by the seconds in `expiresIn` (a number, or a text as gRPC writes it); 0: for ever."""
    given = body.get("expiresIn") or 0
    text = str(given)
    if isinstance(given, bool) or not text.isascii() or not text.isdigit() or int(text[:20]) > MOST_SECONDS:
        raise RefusedError(Kind.INVALID, "field-unusable", field="expiresIn")
    return timedelta(seconds=int(text)) if int(text) else None


async def _delete_token(ask: Ask) -> Response:
    refuse_narrowed(ask)
    name, token_id = ask.parameters["name"], ask.parameters["id"]
    ask.about = f"Token {token_id} of {name}"
    await ask.context.entrance.book.remove_token(name, token_id)
    return await answer_json(ask.request, {})


def _rule(action: str) -> Rule:
    return Rule(resource="accounts", action=action, object_of=_named, own=_is_own)


_CAN_I = "/api/v1/account/can-i/{resource}/{action}/{first}"
_ONE = "/api/v1/account/{name}"
ROUTES = (
    *(
        Route(method="GET", path=path, handler=_can_i, access=Open.SIGNED_IN, summary="Whether one may do something")
        for path in (_CAN_I, f"{_CAN_I}/{{second}}", f"{_CAN_I}/{{second}}/{{third}}")
    ),
    Route(
        method="GET",
        path="/api/v1/account",
        handler=_list,
        access=Filtered(resource="accounts"),
        summary="Accounts of the installation",
    ),
    Route(
        method="PUT",
        path="/api/v1/account/password",
        handler=_change_password,
        access=Open.SIGNED_IN,
        summary="Changes one's own password, or, with the permission, another's",
        deed="accounts/password",
        body="NewPassword",
    ),
    Route(method="GET", path=_ONE, handler=_get, access=_rule("get"), summary="An account"),
    Route(
        method="POST",
        path=f"{_ONE}/token",
        handler=_make_token,
        access=_rule("update"),
        summary="Makes a token of an account",
        body="TokenRequest",
    ),
    Route(
        method="DELETE",
        path=f"{_ONE}/token/{{id}}",
        handler=_delete_token,
        access=_rule("update"),
        summary="Revokes a token of an account",
    ),
)
