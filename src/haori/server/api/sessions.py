"""Signing in and out, and who is signed in.

see: argoproj/argo-cd `server/session/session.go` (3.x) for the paths below /api/v1.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from haori.access.entrance import LONGEST_NAME, SignedIn
from haori.access.identity import LOCAL_ISSUER, OWNER, TOKEN_ISSUER, Identity
from haori.access.signed import ISSUER
from haori.objects import nested_text
from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.cookies import clear_session, set_session
from haori.server.routing import Open, Route


async def _userinfo(ask: Ask) -> Response:
    if ask.unknown is not None:
        raise ask.unknown
    if ask.identity is None:
        return await answer_json(ask.request, {"loggedIn": False})
    identity = ask.identity
    told = {
        "loggedIn": True,
        "username": identity.subject,
        "iss": issuer_of(identity),
        "groups": list(identity.groups),
    }
    return await answer_json(ask.request, told)


def issuer_of(identity: Identity) -> str:
    """As Argo CD calls it: its own accounts and tokens are `argocd`'s."""
    return ISSUER if identity.issuer in (LOCAL_ISSUER, TOKEN_ISSUER) else identity.issuer


async def _sign_in(ask: Ask) -> Response:
    body = await ask.json(dict)
    name, password = nested_text(body, "username"), nested_text(body, "password")
    ask.about = f"Account {name[:LONGEST_NAME]}"
    signed_in = await ask.context.entrance.sign_in(name, password, ask.address)
    return await _begun(ask, signed_in, {"token": signed_in.secret})


async def _take_link(ask: Ask) -> Response:
    code = nested_text(await ask.json(dict), "code")
    ask.about = "One-time link"
    signed_in = await ask.context.entrance.take_link(code, ask.address)
    ask.about = f"Account {signed_in.identity.subject}"
    return await _begun(ask, signed_in, {"username": signed_in.identity.subject})


async def _begun(ask: Ask, signed_in: SignedIn, told: dict[str, Any]) -> Response:
    ask.actor = signed_in.identity
    response = await answer_json(ask.request, told)
    response.headers["Cache-Control"] = "no-store"
    set_session(ask, response, signed_in.secret, signed_in.lasts)
    return response


async def _sign_out(ask: Ask) -> Response:
    if ask.identity is not None:
        ask.about = f"Account {ask.identity.subject}"
    headers = ask.request.headers.get("authorization"), ask.request.cookies
    await ask.context.entrance.sign_out(*headers)
    response = await answer_json(ask.request, {})
    clear_session(ask, response)
    return response


async def _make_link(ask: Ask) -> Response:
    ask.about = f"One-time link of {OWNER.subject}"
    link = await ask.context.entrance.make_link(OWNER)
    told = {
        "code": link.code,
        "url": f"{_page_of(ask)}/sign-in#code={link.code}",
        "expiresAt": link.expires_at.isoformat(),
    }
    response = await answer_json(ask.request, told)
    response.headers["Cache-Control"] = "no-store"
    return response


def _page_of(ask: Ask) -> str:
    """Where the console is for a browser: on this machine under the name that no workload has."""
    settings = ask.context.settings
    host = settings.names[0] if settings.names else ask.request.url.hostname
    port = ask.request.url.port
    return f"{ask.request.url.scheme}://{host}{f':{port}' if port else ''}"


ROUTES = (
    Route(
        method="GET",
        path="/api/v1/session/userinfo",
        handler=_userinfo,
        access=Open.PUBLIC,
        summary="Who is signed in",
    ),
    Route(
        method="POST",
        path="/api/v1/session",
        handler=_sign_in,
        access=Open.PUBLIC,
        summary="Signs in by name and password",
        deed="session/sign-in",
        body="SignIn",
    ),
    Route(
        method="DELETE",
        path="/api/v1/session",
        handler=_sign_out,
        access=Open.PUBLIC,
        summary="Signs out: the session ends",
        deed="session/sign-out",
    ),
    Route(
        method="POST",
        path="/api/haori/v1/session/link",
        handler=_take_link,
        access=Open.PUBLIC,
        summary="Signs in by the code of a one-time link",
        deed="session/sign-in",
        body="LinkCode",
    ),
    Route(
        method="POST",
        path="/api/haori/v1/session/links",
        handler=_make_link,
        access=Open.OWNER,
        summary="Makes a one-time link",
        deed="session/link",
    ),
)
