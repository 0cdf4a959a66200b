"""One browser and one instance for all tests of this folder, which share a worker by their group."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from haori.server.built import built_console
from tests.browser.chromium import find_chromium, missing
from tests.browser.troubles import HOSTILE, hostile_project, write_troubles
from tests.browser.visiting import PATIENCE_MS, Visit, visiting
from tests.e2e.up.instance import Clone, Running

GIVEN = "HAORI_BROWSER_INSTANCE"
"""Names the data folder of an instance that runs and has the troubles already: quicker while a page is being made."""
WANTED = {
    "search": "Degraded",
    "recommend": "Progressing",
    "report": "Suspended",
    "campaign": "Missing",
    "hostile": "Healthy",
    "coordinate-api": "Healthy",
}
"""The health that the troubles come to."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    path = find_chromium()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def instance(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An instance with the example platform and applications in every state; one that was given stays as it is."""
    if given := os.environ.get(GIVEN):
        running = Running(Path(given))
        running.status = running.json("status")
        yield running
        return
    if built_console() is None:
        missing("the console is not built: run `make console`")
    running = Running(tmp_path_factory.mktemp("browser") / "data")
    try:
        running.up()
        trouble(running, tmp_path_factory.mktemp("clone") / "platform")
        yield running
    finally:
        running.haori("down")


@pytest.fixture(scope="session")
def clone(instance: Running, tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A developer's clone of what the instance serves."""
    return Clone.of(instance, tmp_path_factory.mktemp("developer") / "platform")


def trouble(running: Running, folder: Path) -> None:
    """Pushes all troubles and waits until they show."""
    clone = Clone.of(running, folder)
    write_troubles(clone.folder)
    running.kubectl("apply", "-f", "-", stdin=json.dumps(hostile_project()))
    clone.push(HOSTILE)

    def shown() -> tuple[bool, Any]:
        rows = {name: row["health"] for name, row in running.applications().items()}
        return all(rows.get(name) == health for name, health in WANTED.items()), rows

    running.expect("applications in every state", shown, patience=240)


Visiting = Callable[..., AbstractContextManager[Visit]]


@pytest.fixture
def visit(browser: Browser, instance: Running) -> Iterator[Visit]:
    """A window, signed in; the test fails by whatever the page complained of."""
    with visiting(browser, instance.data_dir) as visit:
        yield visit
        assert visit.complaints == []


@pytest.fixture
def visit_as(browser: Browser, instance: Running) -> Visiting:
    """Makes windows of other kinds: `visiting` with its language, scheme, width."""

    def made(**options: Any) -> AbstractContextManager[Visit]:
        return visiting(browser, instance.data_dir, **options)

    return made
