"""Search across everything: applications by their rows, objects by what the engine's caches hold.

The engine is told whose objects the reader may see, so that neither hits nor figures tell of others. Where it is away the
applications are found all the same, and the answer says what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from haori.errors import HaoriError
from haori.objects.selectors import parse_label_selector
from haori.server.answering import answer_json
from haori.server.api.listing import Sees, sees
from haori.server.asking import Ask
from haori.server.queries import MOST_WORDS, has_words
from haori.server.routing import Filtered, Query, Route
from haori.server.rows import Row

FOUND, MOST_FOUND = 50, 500
LONGEST_TEXT = 500
_APPLICATION = "application"


async def _search(ask: Ask) -> Response:
    may_see, limit = sees(ask), ask.number("limit", FOUND, least=1, most=MOST_FOUND)
    matching = list(_applications(ask, may_see))
    found: dict[str, Any] = {"items": [], "total": 0, "counts": {}}
    problem = None
    try:
        found = await ask.context.engine.post("search", body=_question(ask, may_see, limit))
    except HaoriError as error:
        problem = error.sentence.to_json(ask.language)
    told = {
        "applications": [row.to_json(ask.language) for row in matching[:limit]],
        "resources": found["items"],
        "total": {"applications": len(matching), "resources": found["total"]},
        "counts": {"kind": found["counts"]},
        "problem": problem,
    }
    return await answer_json(ask.request, told)


def _words(ask: Ask) -> tuple[str, ...]:
    return tuple(ask.text("q")[:LONGEST_TEXT].lower().split()[:MOST_WORDS])


def _applications(ask: Ask, may_see: Sees) -> Iterator[Row]:
    """Rows that are found, by name; none where another kind is looked for."""
    kinds, namespaces = {each.lower() for each in ask.texts("kind")}, frozenset(ask.texts("namespace"))
    health, image = frozenset(ask.texts("health")), ask.text("image")
    selector, words = parse_label_selector(ask.text("label")), _words(ask)
    if kinds and _APPLICATION not in kinds:
        return
    for row in ask.context.table.rows():
        if (
            (not namespaces or row.destination_namespace in namespaces)
            and (not health or row.health in health)
            and (not image or any(image in each for each in row.images))
            and selector.matches(row.labels)
            and has_words(row, words)
            and may_see(row)
        ):
            yield row


def _question(ask: Ask, may_see: Sees, limit: int) -> dict[str, Any]:
    """The body that the engine's listener takes; `applications` only where some may not be seen."""
    seen: dict[str, list[str]] = {}
    count = 0
    for row in filter(may_see, ask.context.table.rows()):
        seen.setdefault(row.namespace, []).append(row.name)
        count += 1
    return {
        "words": list(_words(ask)),
        "kinds": list(ask.texts("kind")),
        "namespaces": list(ask.texts("namespace")),
        "health": list(ask.texts("health")),
        "image": ask.text("image")[:LONGEST_TEXT],
        "labels": ask.text("label")[:LONGEST_TEXT],
        "limit": limit,
        "applications": None if count == len(ask.context.table) else seen,
    }


ROUTES = (
    Route(
        method="GET",
        path="/api/haori/v1/search",
        handler=_search,
        access=Filtered(resource="applications"),
        summary="Applications and objects across everything",
        query=(
            Query(name="q", help="Words that kind, namespace, name, an image or a label has to hold."),
            Query(name="kind", help="Only objects of this kind.", many=True),
            Query(name="namespace", help="Only objects of this namespace.", many=True),
            Query(name="health", help="Only of this health; Missing finds what is wanted and not there.", many=True),
            Query(name="image", help="Only what runs an image with this text in its name."),
            Query(name="label", help="A label selector."),
            Query(name="limit", help="At most so many of each; 50 unless told, 500 at most.", type="integer"),
        ),
    ),
)
