"""The environment board: what stands in which cell, and what counts as drift."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from haori.server.board import build_board, order_environments, place_of
from haori.server.rows import Row, parse_row
from haori.words import Language
from tests.server.conftest import application


def row(name: str, *, cluster: str = "", images: tuple[str, ...] = (), **more: Any) -> Row:
    labels = more.pop("labels", {})
    spec = {"destination": {"name": cluster, "namespace": more.pop("namespace", "web")}} if cluster else {}
    status = {"summary": {"images": list(images)}}
    return parse_row(application(name, metadata={"labels": labels}, spec=spec, status=status, **more))


@pytest.mark.parametrize(
    ("given", "app", "environment"),
    [
        (row("web-staging"), "web", "staging"),
        (row("prod-web"), "web", "prod"),
        (row("web", namespace="shop-dev"), "web", "dev"),
        (row("web-tokyo", cluster="tokyo"), "web-tokyo", ""),
        (row("web", cluster="prod-tokyo"), "web", "prod"),
        (row("web", namespace="shop"), "web", ""),
        (row("web-eu", labels={"haori.dev/environment": "eu"}), "web", "eu"),
        (row("x-prod", labels={"haori.dev/app": "web", "app.kubernetes.io/name": "other"}), "web", "prod"),
        (row("x-prod", labels={"app.kubernetes.io/name": "web"}), "web", "prod"),
        (row("prod"), "prod", "prod"),
        (replace(row("web"), path="apps/web/overlays/production"), "web", "production"),
    ],
    ids=lambda given: given.name if isinstance(given, Row) else given,
)
def test_an_application_has_one_place(given: Row, app: str, environment: str):
    assert (place_of(given).app, place_of(given).environment) == (app, environment)


def test_environments_stand_as_a_release_goes_through_them():
    assert order_environments(["tokyo", "", "prod", "staging", "dev", "osaka"]) == [
        "dev",
        "staging",
        "prod",
        "osaka",
        "tokyo",
        "",
    ]


@pytest.mark.parametrize(
    ("images", "drifts"),
    [((("web:1",), ("web:1",)), False), ((("web:1",), ("web:2",)), True), (((), ("web:2",)), False)],
    ids=["same", "other", "unknown"],
)
def test_environments_drift_where_other_images_run(images: tuple[tuple[str, ...], ...], drifts: bool):
    rows = [row("web-dev", images=images[0]), row("web-prod", images=images[1])]
    assert build_board(rows, Language.ENGLISH, limit=10)["apps"][0]["drift"] is drifts


def test_what_tells_no_environment_drifts_from_none():
    rows = [row("web-prod", images=("web:1",)), row("web", images=("web:2",))]
    board = build_board(rows, Language.ENGLISH, limit=10)
    assert board["environments"] == ["prod", ""]
    assert [(app["name"], app["drift"]) for app in board["apps"]] == [("web", False)]


def test_where_no_images_are_known_revisions_are_compared():
    rows = [row("web-dev"), parse_row(application("web-prod", status={"sync": {"revision": "b" * 40}}))]
    assert build_board(rows, Language.ENGLISH, limit=10)["apps"][0]["drift"] is True


def test_two_applications_in_one_cell_are_both_told():
    rows = [row("web-prod", cluster="osaka"), row("prod-web", cluster="tokyo")]
    (app,) = build_board(rows, Language.ENGLISH, limit=10)["apps"]
    cell = app["cells"]["prod"]
    assert [cell["application"], *(each["application"] for each in cell["more"])] == ["web-prod", "prod-web"]


async def test_the_board_is_bounded_and_says_how_many_there_are(talk, tell):
    for number in range(4):
        tell(application(f"app{number}-prod", "shop"))
    answer = (await talk.ask("GET", "/api/haori/v1/board?limit=2", who="member")).json()
    assert ([each["name"] for each in answer["apps"]], answer["total"]) == (["app0", "app1"], 4)
    assert answer["environments"] == ["prod"]
