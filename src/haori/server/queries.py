"""Which rows of the table a list shows: filtered, counted, sorted, one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from haori.resources.argo import HealthStatus
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.rows import Key, Row
from haori.server.table import Table

COUNTED = ("health", "sync", "project")
"""Facets that are counted, each as if it were not filtered by itself: the figures beside tick boxes."""
PER_PAGE, MOST_PER_PAGE = 100, 500
MOST_WORDS = 10
_PARAMETERS = {"namespace": "destinationNamespace"}
"""Parameters that are not called as their facet is."""
_SEVERITY = {
    each.value: number
    for number, each in enumerate(
        (HealthStatus.DEGRADED, HealthStatus.MISSING, HealthStatus.UNKNOWN, HealthStatus.PROGRESSING,
         HealthStatus.SUSPENDED, HealthStatus.HEALTHY)
    )
}  # fmt: skip
_SORTS: Mapping[str, Callable[[Row], str | int]] = {
    "name": lambda row: row.name,
    "namespace": lambda row: row.destination_namespace,
    "project": lambda row: row.project,
    "cluster": lambda row: row.cluster,
    "health": lambda row: _SEVERITY.get(row.health, len(_SEVERITY)),
    "sync": lambda row: row.sync,
    "reconciledAt": lambda row: row.reconciled_at,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """What a list asks for."""

    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Facet to the words wanted; a facet that is absent is not filtered by."""
    words: tuple[str, ...] = ()
    """In lower case; each has to be found."""
    sort: str = "name"
    is_reversed: bool = False
    page: int = 1
    per_page: int = PER_PAGE

    @classmethod
    def read(cls, ask: Ask) -> RowQuery:
        """The query of a request. Raises RefusedError."""
        sort = ask.text("sort", "name") or "name"
        if sort.removeprefix("-") not in _SORTS:
            raise RefusedError(Kind.INVALID, "parameter-unknown-word", parameter="sort", known=sorted(_SORTS))
        names = ("project", "cluster", "namespace", "repo", "health", "sync")
        return cls(
            facets={_PARAMETERS.get(name, name): frozenset(found) for name in names if (found := ask.texts(name))},
            words=tuple(ask.text("search").lower().split()[:MOST_WORDS]),
            sort=sort.removeprefix("-"),
            is_reversed=sort.startswith("-"),
            page=ask.number("page", 1, least=1, most=1_000_000),
            per_page=ask.number("perPage", PER_PAGE, least=1, most=MOST_PER_PAGE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a list shows."""

    rows: tuple[Row, ...]
    total: int
    """Of all pages."""
    counts: Mapping[str, Mapping[str, int]]
    """Facet to word to rows."""


def find_rows(table: Table, query: RowQuery, may_see: Callable[[Row], bool]) -> Page:
    """The page of a query over the rows that may be seen."""
    visible = [row for row in table.rows() if has_words(row, query.words) and may_see(row)]
    having = {facet: table.having(facet, words) for facet, words in query.facets.items()}
    found = sort_rows((row for row in visible if _passes(row, having)), query)
    counts = {facet: _count(visible, facet, having) for facet in COUNTED}
    start = (query.page - 1) * query.per_page
    return Page(rows=tuple(found[start : start + query.per_page]), total=len(found), counts=counts)


def has_words(row: Row, words: Iterable[str]) -> bool:
    """Whether each word stands in one of the row's texts."""
    if not words:
        return True
    labels = (f"{name}={value}" for name, value in row.labels.items())
    texts = (row.name, row.project, row.destination_namespace, row.repo, row.path, row.revision, *row.images, *labels)
    whole = "\n".join(texts).lower()
    return all(word in whole for word in words)


def sort_rows(rows: Iterable[Row], query: RowQuery) -> list[Row]:
    """In the order asked for; rows that are equal in it go by name."""
    key = _SORTS[query.sort]
    found = list(rows)  # By name already, and sorting is stable.
    if query.sort != "name" or query.is_reversed:
        found.sort(key=key, reverse=query.is_reversed)
    return found


def _passes(row: Row, having: Mapping[str, set[Key]], *, but: str = "") -> bool:
    return all(row.key in keys for facet, keys in having.items() if facet != but)


def _count(visible: Iterable[Row], facet: str, having: Mapping[str, set[Key]]) -> dict[str, int]:
    counted = Counter(row.facet(facet) for row in visible if _passes(row, having, but=facet))
    return dict(sorted(counted.items()))
