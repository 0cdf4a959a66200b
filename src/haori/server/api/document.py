"""The document of the API, at the path where Argo CD has its own as well."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import Response

from haori.server.answering import answer_json
from haori.server.asking import Ask
from haori.server.openapi import build_document
from haori.server.routing import Handler, Open, Route


def document_routes(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes that tell of these routes, and of themselves."""

    async def tell(ask: Ask) -> Response:
        return await answer_json(ask.request, document)

    own = tuple(_route(path, tell) for path in ("/openapi.json", "/swagger.json"))
    document = build_document((*routes, *own))
    return own


def _route(path: str, handler: Handler) -> Route:
    return Route(method="GET", path=path, handler=handler, access=Open.PUBLIC, summary="This document")
