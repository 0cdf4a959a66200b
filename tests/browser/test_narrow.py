"""A phone: what was asked for is in sight, without scrolling to it first."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visiting
from tests.browser.screens import Screen

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]

WIDTH, HEIGHT = 360, 740
APPLICATION = "/applications/argocd/coordinate-api"


@pytest.mark.parametrize("tab", ["Tree", "Sync", "History", "Details"])
def test_the_open_tab_is_in_sight(visit_as: Visiting, tab: str) -> None:
    with visit_as(width=WIDTH, height=HEIGHT) as visit:
        page = visit.open(Screen(name=tab, path=f"{APPLICATION}/{tab.lower()}"))
        box = page.get_by_role("link", name=tab, exact=True).bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= WIDTH


def test_the_tree_begins_on_the_first_screen(visit_as: Visiting) -> None:
    with visit_as(width=WIDTH, height=HEIGHT) as visit:
        page = visit.open(Screen(name="tree", path=APPLICATION))
        box = page.get_by_role("treeitem").first.bounding_box()
        assert box is not None
        assert box["y"] < HEIGHT * 2 / 3


def test_a_view_that_there_is_not_leads_to_the_first(visit_as: Visiting) -> None:
    with visit_as(width=WIDTH, height=HEIGHT) as visit:
        page = visit.open(Screen(name="nonsense", path=f"{APPLICATION}/nonsense?kind=Pod&compare=1..2"))
        expect(page).to_have_url(re.compile(f"{APPLICATION}/tree\\?kind=Pod$"))
        expect(page.get_by_role("link", name="Tree", exact=True)).to_have_attribute("aria-current", "page")
