"""Rows, their indexes and their cursor."""

from __future__ import annotations

import asyncio
import random

import pytest

from haori.cluster import EventType, WatchEvent
from haori.objects.selectors import parse_label_selector
from haori.server import queries
from haori.server import table as table_module
from haori.server.api.listing import ROWS_AT_ONCE, pieces
from haori.server.queries import RowQuery, find_rows, group_of
from haori.server.rows import Key, Row, parse_row
from haori.server.table import Table
from tests.server.conftest import application


def everybody(row) -> bool:
    return True


def names(table: Table, **query) -> list[str]:
    return [row.name for row in find_rows(table, RowQuery(**query), everybody).rows]


def test_a_row_says_what_a_list_shows():
    row = parse_row(
        application(
            "web",
            "shop",
            sync="OutOfSync",
            status={"summary": {"images": ["registry.example/web:1"]}, "operationState": {"phase": "Failed"}},
            metadata={"labels": {"team": "wear"}, "annotations": {"haori.dev/pin": "{}"}},
        )
    )
    assert (row.project, row.cluster, row.destination_namespace) == ("shop", "in-cluster", "web")
    assert (row.repo, row.path, row.target_revision) == ("https://git.example/platform.git", "apps/web", "main")
    assert (row.sync, row.health, row.phase, row.pinned) == ("OutOfSync", "Healthy", "Failed", True)
    assert (row.images, row.labels) == (("registry.example/web:1",), {"team": "wear"})


@pytest.mark.parametrize(
    "manifest",
    [
        {"metadata": {"name": "a"}},
        {"metadata": {"name": "a"}, "spec": None, "status": "broken"},
        {"metadata": {"name": "a"}, "spec": {"sources": ["x", 1]}, "status": {"summary": {"images": "x"}}},
    ],
)
def test_nonsense_is_an_empty_row(manifest):
    row = parse_row(manifest)
    assert (row.name, row.project, row.sync, row.health) == ("a", "default", "Unknown", "Unknown")


@pytest.fixture
def shop(table: Table, tell) -> Table:
    tell(application("cart", "shop", sync="OutOfSync", health="Degraded"))
    tell(application("web", "shop", health="Progressing", namespace="front"))
    tell(application("push", "crm", spec={"destination": {"name": "tokyo", "namespace": "push"}}))
    return table


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, ["cart", "push", "web"], id="by-name"),
        pytest.param({"facets": {"project": frozenset({"shop"})}}, ["cart", "web"], id="project"),
        pytest.param({"facets": {"cluster": frozenset({"tokyo"})}}, ["push"], id="cluster"),
        pytest.param(
            {"facets": {"health": frozenset({"Degraded", "Progressing"})}}, ["cart", "web"], id="either-health"
        ),
        pytest.param(
            {"facets": {"project": frozenset({"shop"}), "sync": frozenset({"OutOfSync"})}}, ["cart"], id="both-facets"
        ),
        pytest.param({"facets": {"project": frozenset({"none"})}}, [], id="a-word-nobody-has"),
        pytest.param({"words": ("push",)}, ["push"], id="search"),
        pytest.param({"words": ("apps/", "front")}, ["web"], id="every-word"),
        pytest.param({"sort": "health"}, ["cart", "web", "push"], id="worst-first"),
        pytest.param({"is_reversed": True}, ["web", "push", "cart"], id="turned-round"),
        pytest.param({"page": 2, "per_page": 2}, ["web"], id="second-page"),
    ],
)
def test_rows_are_found(shop: Table, query, found):
    assert names(shop, **query) == found


def test_counts_leave_out_the_facet_they_are_of(shop: Table):
    page = find_rows(shop, RowQuery(facets={"health": frozenset({"Degraded"})}), everybody)

    assert page.total == 1
    assert page.counts["health"] == {"Degraded": 1, "Healthy": 1, "Progressing": 1}
    assert page.counts["sync"] == {"OutOfSync": 1}
    assert page.counts["project"] == {"shop": 1}


def test_what_may_not_be_seen_is_not_counted(shop: Table):
    page = find_rows(shop, RowQuery(), lambda row: row.project == "crm")
    assert (page.total, page.counts["project"]) == (1, {"crm": 1})


def test_a_changed_row_leaves_its_old_places(shop: Table, tell):
    tell(application("cart", "crm"))
    assert names(shop, facets={"project": frozenset({"shop"})}) == ["web"]
    assert names(shop, facets={"health": frozenset({"Degraded"})}) == []


def test_a_cursor_tells_each_row_once_in_its_last_state(shop: Table, tell):
    cursor = shop.cursor
    tell(application("cart", "shop", health="Healthy"))
    tell(application("web", "shop"), gone=True)
    tell(application("cart", "shop", health="Missing"))

    changes = shop.since(cursor)

    assert changes is not None
    assert [(each.row.name, each.row.health) for each in changes.changed] == [("cart", "Missing")]
    assert [row.name for row in changes.removed] == ["web"]
    after = shop.since(changes.cursor)
    assert after is not None
    assert (after.changed, after.removed) == ((), ())


@pytest.mark.parametrize("cursor", ["", "other.1", "epoch.", "epoch.-1", "epoch.99", "epoch.x", "epoch.1.5"])
def test_a_cursor_that_is_none_of_ours_begins_anew(shop: Table, cursor):
    assert shop.since(cursor) is None


def test_a_cursor_older_than_what_is_remembered_begins_anew(shop: Table, tell, monkeypatch):
    monkeypatch.setattr(table_module, "TOMBSTONES", 1)
    old = shop.cursor
    tell(application("cart"), gone=True)
    known = shop.cursor
    tell(application("web"), gone=True)

    assert shop.since(old) is None
    found = shop.since(known)
    assert found is not None
    assert [row.name for row in found.removed] == ["web"]


def test_following_by_cursor_ends_where_the_table_is():
    """Whoever applies the changes of random cursors holds the very rows of the table."""
    rng = random.Random(7)
    mirror: dict[Key, Row] = {}
    table, cursor = Table("epoch"), "epoch.0"
    for step in range(600):
        manifest = application(f"app-{rng.randrange(20)}", rng.choice(["a", "b"]), version=str(step))
        gone = rng.random() < 0.3
        table.observe(WatchEvent(type=EventType.DELETED if gone else EventType.ADDED, object=manifest))
        if rng.random() < 0.2:
            changes = table.since(cursor)
            assert changes is not None
            mirror |= {each.row.key: each.row for each in changes.changed}
            for row in changes.removed:
                mirror.pop(row.key, None)
            cursor = changes.cursor
            assert list(table.rows()) == sorted(mirror.values(), key=lambda row: (row.name, row.namespace))
            for project in ("a", "b"):
                assert table.having("project", [project]) == {
                    key for key, row in mirror.items() if row.project == project
                }  # fmt: skip


def test_a_manifest_comes_back_without_its_managed_fields(table: Table, tell):
    tell(application("web", metadata={"managedFields": [{"manager": "x"}], "uid": "1"}))
    kept = table.get(("argocd", "web"))
    assert kept is not None
    assert kept.manifest()["metadata"] == {"name": "web", "namespace": "argocd", "resourceVersion": "1", "uid": "1"}


async def test_a_waiter_is_woken_by_a_change(shop: Table, tell):
    waiting = asyncio.create_task(shop.wait_changed(shop.cursor))
    await asyncio.sleep(0)
    assert not waiting.done()
    tell(application("cart"))
    await waiting


def test_only_the_last_piece_moves_the_cursor_on():
    rows = [{"name": str(number)} for number in range(ROWS_AT_ONCE + 1)]
    told = list(pieces(rows, [("argocd", "gone")], before="e.1", after="e.2"))

    assert [(len(each["changed"]), each["removed"], each["cursor"]) for each in told] == [
        (ROWS_AT_ONCE, [], "e.1"), (1, [["argocd", "gone"]], "e.2"),
    ]  # fmt: skip
    assert list(pieces([], [], before="e.1", after="e.2")) == []


@pytest.mark.parametrize(
    ("group", "found"),
    [
        pytest.param("project", [("crm", 1), ("shop", 2)], id="project"),
        pytest.param("cluster", [("in-cluster", 2), ("tokyo", 1)], id="cluster"),
        pytest.param("label:team", [("wear", 1), ("", 3)], id="those-without-the-label-last"),
        pytest.param("parent", [("root", 1), ("", 3)], id="parent"),
    ],
)
def test_rows_of_a_group_stand_together(shop, tell, group, found):
    if ":" in group or group == "parent":
        tracking = {"argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/zoo"}
        tell(application("zoo", "shop", metadata={"labels": {"team": "wear"}, "annotations": tracking}))
    page = find_rows(shop, RowQuery(group=group, per_page=1), everybody)
    assert [(each.value, each.total) for each in page.groups] == found
    first = find_rows(shop, RowQuery(group=group), everybody).rows[0]
    assert group_of(first, group) == found[0][0]


def test_a_group_counts_the_health_of_its_rows(shop):
    (crm, shop_) = find_rows(shop, RowQuery(group="project"), everybody).groups
    assert (crm.health, shop_.health) == ({"Healthy": 1}, {"Degraded": 1, "Progressing": 1})


def test_groups_beyond_the_bound_are_told_as_one(shop, monkeypatch):
    monkeypatch.setattr(queries, "MOST_GROUPS", 1)
    (only,) = find_rows(shop, RowQuery(group="project"), everybody).groups
    assert (only.value, only.total, only.health["Healthy"]) == (None, 3, 1)


def test_a_facet_tells_its_commonest_words_and_those_it_is_filtered_by(shop, monkeypatch):
    monkeypatch.setattr(queries, "MOST_COUNTED", 1)
    page = find_rows(shop, RowQuery(facets={"project": frozenset({"crm"})}), everybody)
    assert page.counts["project"] == {"crm": 1, "shop": 2}
    assert page.counts["namespace"] == {"push": 1}
    assert find_rows(shop, RowQuery(), everybody).counts["project"] == {"shop": 2}


def test_a_selector_leaves_rows_whose_labels_match(table, tell):
    tell(application("a", "shop", metadata={"labels": {"team": "wear"}}))
    tell(application("b", "shop"))
    assert names(table, selector=parse_label_selector("team=wear")) == ["a"]
