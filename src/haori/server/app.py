"""Puts the server together: the table of all routes, the router of it, and what every request passes."""

from __future__ import annotations

from collections.abc import Iterable

from haori.server.api import (
    accounts,
    audit,
    board,
    certificates,
    clusters,
    contents,
    figures,
    health,
    instance,
    listing,
    logs,
    objects,
    operations,
    own,
    pins,
    project_tokens,
    projects,
    reading,
    releases,
    repositories,
    search,
    sessions,
    sign_on,
    status,
    terminal,
    tokens,
    views,
    webhooks,
    workloads,
    writing,
)
from haori.server.api.document import document_routes
from haori.server.context import ServerContext
from haori.server.files import Files
from haori.server.guard import Guard
from haori.server.hosts import Hosts
from haori.server.routing import Route, Router

_SUBJECTS: tuple[Route, ...] = (
    *health.ROUTES,
    *webhooks.ROUTES,
    *sessions.ROUTES,
    *sign_on.ROUTES,
    *accounts.ROUTES,
    *tokens.ROUTES,
    *views.ROUTES,
    *listing.ROUTES,
    *reading.ROUTES,
    *writing.ROUTES,
    *operations.ROUTES,
    *objects.ROUTES,
    *logs.ROUTES,
    *terminal.ROUTES,
    *own.ROUTES,
    *pins.ROUTES,
    *board.ROUTES,
    *search.ROUTES,
    *releases.ROUTES,
    *figures.ROUTES,
    *workloads.ROUTES,
    *projects.ROUTES,
    *project_tokens.ROUTES,
    *repositories.ROUTES,
    *contents.ROUTES,
    *clusters.ROUTES,
    *certificates.ROUTES,
    *instance.ROUTES,
    *status.ROUTES,
    *audit.ROUTES,
)
ROUTES = (*_SUBJECTS, *document_routes(_SUBJECTS))
"""Everything the server answers, the console's files aside."""


def build_app(
    context: ServerContext, *, port: int, files: Files | None = None, routes: Iterable[Route] = ROUTES
) -> Guard:
    """The ASGI application. Raises UndeclaredRouteError where a route does not say who may use it."""
    settings = context.settings
    return Guard(
        context, Router(routes), files or Files({}), Hosts(settings.host, settings.names, port)
    )  # fmt: skip
