"""A tree of thousands, given to the page in place of the application's own: what the reader asked for is in sight."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Visiting
from tests.browser.screens import Screen

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]

NODES = 5000
SCREEN = Screen(name="tree", path="/applications/argocd/coordinate-api?fold=none", ready="[role=treeitem]")


def test_a_map_and_a_filter_lead_to_objects(visit_as: Visiting) -> None:
    with visit_as() as visit:
        visit.page.route(re.compile(r"/api/haori/v1/applications/[^/]+/tree"), answer)
        page = visit.open(SCREEN)
        corner = page.locator("svg[class*=map]")
        box = corner.bounding_box()
        assert box is not None
        corner.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
        expect(item(page, NODES // 2)).to_be_visible()
        page.get_by_role("searchbox").fill("settings-0001")
        expect(item(page, 12)).to_be_in_viewport()
        assert visit.complaints == []


def item(page: Page, number: int) -> Locator:
    return page.get_by_role("treeitem", name=f"settings-{number:05}")


def answer(route: Route) -> None:
    route.fulfill(
        body=json.dumps({"nodes": [node(number) for number in range(NODES)]}), content_type="application/json"
    )


def node(number: int) -> dict[str, object]:
    name = f"settings-{number:05}"
    return {
        "uid": name,
        "group": "",
        "kind": "ConfigMap",
        "namespace": "shop",
        "name": name,
        "version": "v1",
        "parents": [],
        "health": {"status": "Healthy"},
        "sync": "Synced",
        "createdAt": "2026-01-01T00:00:00Z",
        "terminating": False,
    }
