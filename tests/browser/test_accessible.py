"""No page has a serious or critical finding of axe, in any colours, in either language, on a phone."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Visiting
from tests.browser.screens import SCREENS, Screen
from tests.browser.visiting import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_page_is_usable_by_everybody(visit: Visit, screen: Screen) -> None:
    visit.open(screen)
    assert visit.findings() == []


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
def test_a_page_is_usable_in_the_dark_on_a_phone_in_japanese(visit_as: Visiting, screen: Screen) -> None:
    with visit_as(language="ja-JP", scheme="dark", width=360, height=740) as visit:
        page = visit.open(screen)
        assert page.evaluate("document.documentElement.lang") == "ja"
        assert visit.findings() == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert visit.complaints == []


def test_high_contrast_is_usable(visit: Visit) -> None:
    visit.page.add_init_script("localStorage.setItem('haori.theme', 'contrast')")
    for screen in SCREENS:
        visit.open(screen)
        assert visit.findings() == [], screen.name
