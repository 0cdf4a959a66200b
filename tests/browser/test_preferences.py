"""Colours and language follow the reader's choice, and stay."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visiting import Visit

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]


DARK = re.compile("^Dark")


def test_the_language_changes_at_once_and_stays(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.url + "/applications")
    expect(page.get_by_role("heading", level=1, name="Applications")).to_be_visible()
    page.get_by_role("button", name="Preferences").click()
    page.get_by_label("Language").select_option("ja")
    expect(page.get_by_role("heading", level=1, name="アプリケーション")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", level=1, name="アプリケーション")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "ja"


def test_colours_change_at_once_and_stay(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.url + "/settings/appearance")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("radio", name=DARK).check()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("body")).not_to_have_css("background-color", before)
    dark = page.evaluate(ground)
    page.reload()
    expect(page.get_by_role("radio", name=DARK)).to_be_checked()
    expect(page.locator("body")).to_have_css("background-color", dark)


def test_the_keyboard_reaches_pages_and_explains_itself(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.url + "/applications")
    expect(page.get_by_role("heading", level=1, name="Applications")).to_be_visible()
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(visit.url + "/settings/repositories")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Applications")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("Settings: Clusters")
    page.keyboard.press("Enter")
    expect(page).to_have_url(visit.url + "/settings/clusters")
