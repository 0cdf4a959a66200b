"""The environment board of the applications that the reader may see."""

from __future__ import annotations

from starlette.responses import Response

from haori.server.answering import answer_json
from haori.server.api.listing import sees
from haori.server.asking import Ask
from haori.server.board import build_board
from haori.server.queries import MOST_WORDS, has_words
from haori.server.routing import Filtered, Query, Route

APPS, MOST_APPS = 200, 1000


async def _board(ask: Ask) -> Response:
    may_see, words = sees(ask), ask.text("search").lower().split()[:MOST_WORDS]
    projects = frozenset(ask.texts("project"))
    rows = (
        row
        for row in ask.context.table.rows()
        if (not projects or row.project in projects) and has_words(row, words) and may_see(row)
    )
    limit = ask.number("limit", APPS, least=1, most=MOST_APPS)
    return await answer_json(ask.request, build_board(rows, ask.language, limit=limit))


ROUTES = (
    Route(
        method="GET",
        path="/api/haori/v1/board",
        handler=_board,
        access=Filtered(resource="applications"),
        summary="Apps over environments: which revision and images run where",
        query=(
            Query(name="project", help="Only applications of these projects.", many=True),
            Query(name="search", help="Words that an application has to hold, as in the list."),
            Query(name="limit", help="At most so many apps; 200 unless told, 1000 at most.", type="integer"),
        ),
    ),
)
