"""Which rows of the table a list shows: filtered, counted, sorted, one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from haori.objects.selectors import LabelSelector, parse_label_selector
from haori.resources.argo import HealthStatus
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.rows import FACETS, Key, Row
from haori.server.table import Table

COUNTED = ("health", "sync", "project", "cluster", "namespace")
"""Facets that are counted, each as if it were not filtered by itself: the figures beside tick boxes."""
MOST_COUNTED = 100
"""Words told of one facet: the commonest, and those that are filtered by."""
GROUPS = ("project", "cluster", "namespace", "parent")
LABEL_GROUP = "label:"
"""Before the key of a label: rows are grouped by its value."""
MOST_GROUPS = 1000
"""Groups told; the last ones, by name, are told as one."""
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
_NAMES = ("project", "cluster", "namespace", "repo", "health", "sync")
_EVERYTHING = parse_label_selector("")


@dataclass(frozen=True, slots=True, kw_only=True)
class RowQuery:
    """What a list asks for."""

    facets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Facet to the words wanted; a facet that is absent is not filtered by."""
    words: tuple[str, ...] = ()
    """In lower case; each has to be found."""
    selector: LabelSelector = _EVERYTHING
    group: str = ""
    """One of GROUPS or a label; rows of one group then stand together, in the order of the groups. Empty: none."""
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
        group = ask.text("group")
        is_label = group.startswith(LABEL_GROUP) and group != LABEL_GROUP
        if group and group not in GROUPS and not is_label:
            raise RefusedError(Kind.INVALID, "parameter-unknown-word", parameter="group", known=[*GROUPS, LABEL_GROUP])
        return cls(
            facets={_PARAMETERS.get(name, name): frozenset(found) for name in _NAMES if (found := ask.texts(name))},
            words=tuple(ask.text("search").lower().split()[:MOST_WORDS]),
            selector=parse_label_selector(ask.text("label")),
            group=group,
            sort=sort.removeprefix("-"),
            is_reversed=sort.startswith("-"),
            page=ask.number("page", 1, least=1, most=1_000_000),
            per_page=ask.number("perPage", PER_PAGE, least=1, most=MOST_PER_PAGE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that stand together."""

    value: str | None
    """What they share; empty where they lack it, None for all groups that are told as one."""
    total: int
    health: Mapping[str, int]
    sync: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a list shows."""

    rows: tuple[Row, ...]
    total: int
    """Of all pages."""
    counts: Mapping[str, Mapping[str, int]]
    """Facet to word to rows."""
    groups: tuple[Group, ...] = ()
    """Of all pages, in the order of their rows; none where nobody asked for groups."""


def find_rows(table: Table, query: RowQuery, may_see: Callable[[Row], bool]) -> Page:
    """The page of a query over the rows that may be seen."""
    visible = [row for row in table.rows() if may_see(row)]
    if query.words:
        visible = [row for row in visible if has_words(row, query.words)]
    if query.selector != _EVERYTHING:
        visible = [row for row in visible if query.selector.matches(row.labels)]
    having = {facet: table.having(facet, words) for facet, words in query.facets.items()}
    found = sort_rows(_passing(visible, having.values()), query)
    groups: tuple[Group, ...] = ()
    if query.group:
        found.sort(key=lambda row: _place(group_of(row, query.group)))
        groups = build_groups(found, query.group)
    start = (query.page - 1) * query.per_page
    return Page(
        rows=tuple(found[start : start + query.per_page]),
        total=len(found),
        counts={name: _count(table, visible, _PARAMETERS.get(name, name), query, having) for name in COUNTED},
        groups=groups,
    )


def group_of(row: Row, group: str) -> str:
    """What the row shares with others of its group; empty where it lacks that."""
    if group.startswith(LABEL_GROUP):
        return row.labels.get(group.removeprefix(LABEL_GROUP), "")
    return row.parent if group == "parent" else row.facet(_PARAMETERS.get(group, group))


def build_groups(rows: Iterable[Row], group: str) -> tuple[Group, ...]:
    """The groups of rows that are in the order of their groups; those beyond MOST_GROUPS are told as one."""
    built: list[Group] = []
    for value, members in groupby(rows, lambda row: group_of(row, group)):
        if len(built) < MOST_GROUPS:
            built.append(_group(value, members))
        else:
            built[-1] = _merge(built[-1], _group(value, members))
    return tuple(built)


def _group(value: str, members: Iterable[Row]) -> Group:
    rows = list(members)
    health, sync = Counter(row.health for row in rows), Counter(row.sync for row in rows)
    return Group(value=value, total=len(rows), health=health, sync=sync)


def _merge(one: Group, other: Group) -> Group:
    health, sync = Counter(one.health) + Counter(other.health), Counter(one.sync) + Counter(other.sync)
    return Group(value=None, total=one.total + other.total, health=health, sync=sync)


def _place(value: str) -> tuple[bool, str]:
    """Groups go by name, those that lack one last."""
    return not value, value


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
    found = list(rows)  # A list of its own: by name already, and sorting is stable.
    if query.sort != "name" or query.is_reversed:
        found.sort(key=key, reverse=query.is_reversed)
    return found


def _passing(rows: list[Row], having: Collection[set[Key]]) -> list[Row]:
    """Those in all the sets."""
    if not having:
        return rows
    keys = set.intersection(*having)
    return [row for row in rows if row.key in keys]


def _count(
    table: Table, visible: list[Row], facet: str, query: RowQuery, having: Mapping[str, set[Key]]
) -> dict[str, int]:
    others = [keys for name, keys in having.items() if name != facet]
    if not others and len(visible) == len(table):
        counted = Counter(table.sizes(facet))
    else:
        counted = Counter(map(FACETS[facet], _passing(visible, others)))
    told = dict(counted.most_common(MOST_COUNTED))
    told |= {word: counted[word] for word in query.facets.get(facet, ())}
    return dict(sorted(told.items()))
