"""Who one is, and what one may."""

from __future__ import annotations

from starlette.responses import Response

from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.routing import Open, Route


async def _userinfo(ask: Ask) -> Response:
    if ask.identity is None:
        return await answer_json(ask.request, {"loggedIn": False})
    identity = ask.identity
    told = {"loggedIn": True, "username": identity.subject, "iss": identity.issuer, "groups": list(identity.groups)}
    return await answer_json(ask.request, told)


async def _can_i(ask: Ask) -> Response:
    named = (ask.parameters.get(part) for part in ("first", "second", "third"))
    object_ = "/".join(each for each in named if each is not None)
    may = ask.may(ask.parameters["resource"], ask.parameters["action"], object_)
    return await answer_json(ask.request, {"value": "yes" if may else "no"})


_CAN_I = "/api/v1/account/can-i/{resource}/{action}/{first}"
ROUTES = (
    Route(
        method="GET",
        path="/api/v1/session/userinfo",
        handler=_userinfo,
        access=Open.PUBLIC,
        summary="Who is signed in",
    ),
    *(
        Route(method="GET", path=path, handler=_can_i, access=Open.SIGNED_IN, summary="Whether one may do something")
        for path in (_CAN_I, f"{_CAN_I}/{{second}}", f"{_CAN_I}/{{second}}/{{third}}")
    ),
)
