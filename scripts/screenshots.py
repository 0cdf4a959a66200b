"""Pictures of every page of the console, for docs/screenshots.md: light and dark, wide and on a phone, English and Japanese.

They are made of a real instance with the example platform and applications in every state (the one that the browser tests
use), by Debian's Chromium. `--data-dir` uses one that runs already; without it an instance is started and ended.
"""

from __future__ import annotations

import argparse
import base64
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from tests.browser.chromium import find_chromium
from tests.browser.conftest import trouble
from tests.browser.screens import SCREENS, Screen
from tests.browser.visiting import visiting
from tests.e2e.up.instance import Running

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "screenshots"
QUALITY = 0.75
_ENCODE = """([png, quality]) => new Promise((done) => {
  const image = new Image()
  image.onload = () => {
    const canvas = document.createElement('canvas')
    canvas.width = image.width
    canvas.height = image.height
    canvas.getContext('2d').drawImage(image, 0, 0)
    done(canvas.toDataURL('image/webp', quality).split(',')[1])
  }
  image.src = 'data:image/png;base64,' + png
})"""
HEAD = """# What the console looks like

Made by `make screenshots` of an instance with the example platform and applications in every state; do not edit by hand.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One way to look at a page."""

    scheme: str
    width: int
    height: int
    language: str

    @property
    def name(self) -> str:
        """As file names say it."""
        size = "wide" if self.width > 600 else "phone"
        return f"{self.scheme}-{size}-{self.language[:2]}"


LOOKS = tuple(
    Look(scheme=scheme, width=width, height=height, language=language)
    for scheme, (width, height), language in product(("light", "dark"), ((1280, 800), (360, 740)), ("en-US", "ja-JP"))
)


def main() -> None:
    """Makes all of them, or those of the pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="pages; without any, all of them")
    parser.add_argument("--data-dir", type=Path, help="of an instance that runs, with applications in every state")
    options = parser.parse_args()
    screens = [each for each in SCREENS if not options.names or each.name in options.names]
    FOLDER.mkdir(exist_ok=True)
    with running(options.data_dir) as data_dir, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium())
        for look in LOOKS:
            take(browser, data_dir, look, screens)
        browser.close()
    (DOCS / "screenshots.md").write_text(page_of(SCREENS))


@contextmanager
def running(given: Path | None) -> Iterator[Path]:
    """The data folder of an instance that runs."""
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="haori-screenshots-") as folder:
        instance = Running(Path(folder) / "data")
        try:
            instance.up()
            trouble(instance, Path(folder) / "platform")
            yield instance.data_dir
        finally:
            instance.haori("down")


def take(browser: Browser, data_dir: Path, look: Look, screens: list[Screen]) -> None:
    """The pictures of one look."""
    encoder = browser.new_page()
    size = {"width": look.width, "height": look.height}
    with visiting(browser, data_dir, language=look.language, scheme=look.scheme, **size) as visit:
        for screen in screens:
            page = visit.open(screen)
            path = FOLDER / f"{screen.name}-{look.name}.webp"
            path.write_bytes(encode(encoder, page.screenshot(animations="disabled")))
            print(path.name)
    encoder.close()


def encode(encoder: Page, png: bytes) -> bytes:
    """WebP of a PNG: the browser can, so nothing else has to."""
    return base64.b64decode(encoder.evaluate(_ENCODE, [base64.b64encode(png).decode(), QUALITY]))


def page_of(screens: tuple[Screen, ...]) -> str:
    """The page of docs: each page in English by day and in Japanese by night, wide and on a phone; links to the others."""
    parts = [HEAD]
    for screen in screens:
        shown = [
            f'<img src="screenshots/{screen.name}-{look}.webp" alt="{screen.name}, {look}" width="{width}">'
            for look, width in (("light-wide-en", 560), ("light-phone-en", 158), ("dark-wide-ja", 560), ("dark-phone-ja", 158))
        ]  # fmt: skip
        others = ", ".join(f"[{look.name}](screenshots/{screen.name}-{look.name}.webp)" for look in LOOKS)
        parts.append(f"## {screen.name}\n\n`{screen.path}`\n\n{' '.join(shown)}\n\n{others}\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
