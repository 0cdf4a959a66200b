"""A reader's browser: signed in, and watched for what a page must never do."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser.screens import Screen

AXE = Path(__file__).parents[2] / "console" / "node_modules" / "axe-core" / "axe.min.js"

PATIENCE_MS = 30_000
"""How long something may take to appear; generous, since a loaded machine is slow."""
_AXE_OPTIONS = {
    "resultTypes": ["violations"],
    # Wants the letters that are seen within the name that is said: an item of the tree says its marks in words, which are
    # seen as shapes, and its count stands in a button of its own.
    "rules": {"label-content-name-mismatch": {"enabled": False}},
}
_LOADING = "[role=status]:has(> svg)"
"""What the console shows while it waits for something (`Loading` of its shared components)."""


@dataclass
class Visit:
    """One window, and what went wrong in it."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """Errors of scripts and violations of the page's policy."""

    def open(self, screen: Screen) -> Page:
        """Goes to a page and waits until it stands there, with nothing left that loads."""
        self.page.goto(self.url + screen.path)
        self.page.wait_for_selector(screen.ready)
        self.settle()
        return self.page

    def settle(self) -> None:
        """Waits until the page does not say any more that it is loading."""
        # Not by a function in the page: its policy forbids the `eval` that waiting for one needs.
        expect(self.page.locator(_LOADING)).to_have_count(0, timeout=PATIENCE_MS)

    def findings(self) -> list[str]:
        """What axe finds on the page that is serious or critical, one line each."""
        # Evaluated by the browser's debugger: the page's own policy would refuse a script that is added to it.
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("options => axe.run(options)", _AXE_OPTIONS)
        return [_line(each) for each in found["violations"] if each["impact"] in ("serious", "critical")]


def _line(violation: dict[str, Any]) -> str:
    places = [" ".join(map(str, node["target"])) for node in violation["nodes"][:3]]
    return f"{violation['impact']} {violation['id']}: {violation['help']} at {places}"


@contextmanager
def visiting(
    browser: Browser,
    data_dir: Path,
    *,
    language: str = "en-US",
    scheme: str = "light",
    width: int = 1280,
    height: int = 900,
) -> Iterator[Visit]:
    """A window of its own, signed in as the owner of an instance."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=language,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield _signed_in(context, data_dir)
    finally:
        context.close()


def link_of(data_dir: Path, to: str = "") -> str:
    """A link that signs the owner of an instance in, once."""
    server = json.loads((data_dir / "server" / "server.json").read_text())
    request = urllib.request.Request(
        f"http://127.0.0.1:{server['port']}/api/haori/v1/session/links",
        method="POST",
        headers={"Authorization": f"Bearer {server['token']}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        code = json.load(answer)["code"]
    query = f"?to={to}" if to else ""
    return f"http://haori.localhost:{server['port']}/sign-in{query}#code={code}"


def _signed_in(context: BrowserContext, data_dir: Path) -> Visit:
    link = link_of(data_dir)
    visit = watch(context.new_page(), link.partition("/sign-in")[0])
    visit.page.goto(link)
    visit.page.wait_for_selector("main h1")
    visit.page.wait_for_url("**/applications*")
    return visit


def watch(page: Page, url: str) -> Visit:
    """A window whose complaints are heard from now on."""
    visit = Visit(page=page, url=url)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    return visit
