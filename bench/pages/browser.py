"""The console in Chromium: when rows and nodes stand on the page, and how smoothly it scrolls.

A visit is a navigation to an address until what was waited for is there and a frame with it was drawn. Each visit of the tree
has a browser profile of its own, since a page that was seen before is read faster: one that knows the list (the program is
in its cache, the tree's part of it is not) gives the figure; one that knows nothing, and a click in a list that is open,
stand beside it.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import Figure
from bench.pages.fixture import CONTROL
from bench.pages.requests import CHANGED
from bench.pages.server import Server
from haori.cluster import PatchType, connect
from haori.cluster.well_known import APPLICATIONS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TIMEOUT_MS = 60_000
VISITS = 5
NODE = '[role="treeitem"]'
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Until a frame was drawn with what is on the page now."""
FRAMES = """(selector) => new Promise((done) => {
    const inner = document.querySelector(selector)
    let box = inner
    const scrolls = (each) => each.scrollHeight > each.clientHeight + 50 && getComputedStyle(each).overflowY !== 'visible'
    while (box && !scrolls(box)) box = box.parentElement
    const gaps = []
    let before = performance.now(), left = 180
    const step = (now) => {
        gaps.push(now - before)
        before = now
        if (box) box.scrollTop += 120
        if (--left > 0) requestAnimationFrame(step)
        else done(gaps.slice(1))
    }
    requestAnimationFrame(step)
})"""
"""Scrolls 180 frames on and tells the milliseconds between them."""

RECORD = """() => {
    window.haoriGaps = []
    let before = performance.now()
    const step = (now) => {
        window.haoriGaps.push(now - before)
        before = now
        requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
}"""
"""From now on keeps the milliseconds between frames."""


async def measure(server: Server, tree: str, kubeconfig: Path) -> list[Figure]:
    """What a reader sees; nothing, and a line that says so, where no browser is."""
    chromium = os.environ.get("HAORI_CHROMIUM") or next(
        (found for each in BROWSERS if (found := shutil.which(each))), ""
    )
    if not chromium:
        print(
            "# no Chromium on this machine (HAORI_CHROMIUM names one): the browser's part is left out", file=sys.stderr
        )
        return []
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await _begin(browser, server)
        # The first visit loads the program itself; readers have it from then on.
        await _open(page, f"{server.url}/applications", f"text={CHANGED[:-1]}")
        figures = [
            Figure(
                name="list: rows on the page",
                value=await _open(page, f"{server.url}/applications", f"text={CHANGED[:-1]}"),
                unit="ms",
            ),
            *await _scroll(page, "list"),
            *await _scroll_as(page, server, "tiles"),
            *await _scroll_as(page, server, "map"),
            Figure(name="list: a change on the page", value=await _change(page, server, kubeconfig), unit="ms"),
            *await _tree(browser, server, tree),
        ]
        await browser.close()
    return figures


async def _begin(browser: Browser, server: Server) -> Page:
    """A page of somebody who is signed in and has seen nothing yet."""
    context = await browser.new_context(extra_http_headers=server.headers, viewport={"width": 1440, "height": 900})
    page = await context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    return page


async def _open(page: Page, url: str, awaited: str) -> float:
    await page.goto("about:blank")
    began = time.perf_counter()
    await page.goto(url)
    return await _drawn(page, awaited, began)


async def _drawn(page: Page, awaited: str, began: float) -> float:
    await page.wait_for_selector(awaited)
    await page.evaluate(DRAWN)
    return 1000 * (time.perf_counter() - began)


async def _scroll_as(page: Page, server: Server, look: str) -> list[Figure]:
    await _open(page, f"{server.url}/applications?view={look}", "[data-row]")
    return await _scroll(page, look)


async def _scroll(page: Page, name: str) -> list[Figure]:
    gaps: list[float] = await page.evaluate(FRAMES, '[role="row"], [data-row]')
    late = sum(gap > 34 for gap in gaps)
    return [
        Figure(name=f"{name}: frames a second while scrolling", value=1000 * len(gaps) / sum(gaps), unit="fps"),
        Figure(name=f"{name}: frames that came late (over 34 ms)", value=100 * late / len(gaps), unit="%"),
    ]


async def _change(page: Page, server: Server, kubeconfig: Path) -> float:
    """From sending a change to its new revision on the page."""
    await page.goto(f"{server.url}/applications?search={CHANGED}")
    await page.wait_for_selector(f"text={CHANGED}")
    await page.wait_for_timeout(1000)
    revision = "feedbee" + "0" * 33

    async with connect(kubeconfig, user_agent="haori-bench") as client:
        began = time.perf_counter()
        await client.patch(
            APPLICATIONS, CHANGED, CONTROL, {"status": {"sync": {"revision": revision}}}, patch_type=PatchType.MERGE
        )
    await page.wait_for_selector("text=feedbee")
    return 1000 * (time.perf_counter() - began)


async def _tree(browser: Browser, server: Server, tree: str) -> list[Figure]:
    at = f"/applications/{CONTROL}/{tree}"
    opened: dict[str, list[float]] = {"": [], ", nothing cached": [], ", by a click in the list": []}
    for _ in range(VISITS):
        known, unknown, clicks = opened.values()
        page = await _begin(browser, server)
        unknown.append(await _open(page, f"{server.url}{at}", NODE))
        await page.context.close()
        page = await _begin(browser, server)
        await _open(page, f"{server.url}/applications?search={tree}", f'main a[href="{at}"]')
        known.append(await _open(page, f"{server.url}{at}", NODE))
        await page.context.close()
        page = await _begin(browser, server)
        await _open(page, f"{server.url}/applications?search={tree}", f'main a[href="{at}"]')
        began = time.perf_counter()
        await page.click(f'main a[href="{at}"]')
        clicks.append(await _drawn(page, NODE, began))
        if len(clicks) < VISITS:
            await page.context.close()
    return [
        *(
            Figure(
                name=f"tree: nodes on the page{how} (median of {VISITS})", value=statistics.median(values), unit="ms"
            )
            for how, values in opened.items()
        ),
        *await _move(page),
    ]


async def _move(page: Page) -> list[Figure]:
    await page.mouse.move(700, 550)
    await page.evaluate(RECORD)
    for number in range(60):
        await page.mouse.wheel(0, 150 if number % 2 else 90)
    gaps: list[float] = await page.evaluate("() => window.haoriGaps")
    return [
        Figure(name="tree: frames a second while it moves", value=1000 * len(gaps) / sum(gaps), unit="fps"),
        Figure(name="tree: longest time without a frame", value=max(gaps), unit="ms"),
    ]
