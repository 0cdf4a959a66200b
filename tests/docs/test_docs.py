"""The pages say what is there: every setting is named, every link leads somewhere, every name of code exists."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
REFERENCE = "".join((ROOT / "docs" / name).read_text() for name in ("configuration.md", "sandbox.md"))
WALK = ROOT / "docs" / "a-commit-through-the-code.md"

_VARIABLE = re.compile(r"HAORI_[A-Z_]*[A-Z]")
_NAME_ON_THE_WIRE = re.compile(r"(?<![\w/])(?:sandbox\.)?haori\.dev/[a-z][a-z0-9-]*")
_ASKED = re.compile(r'asked\("([a-z-]+)"\)')
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE_NAME = re.compile(r"`(haori(?:\.\w+)+)`")


def _found(pattern: re.Pattern[str]) -> list[str]:
    return sorted({match for path in SOURCES for match in pattern.findall(path.read_text())})


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _links() -> Iterator[tuple[Path, str]]:
    for page in PAGES:
        for link in _LINK.findall(re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)):
            if "://" not in link:
                yield page, link


@pytest.mark.parametrize("name", _found(_VARIABLE))
def test_every_environment_variable_is_described(name: str):
    assert f"`{name}`" in REFERENCE


@pytest.mark.parametrize("name", _found(_NAME_ON_THE_WIRE))
def test_every_name_of_ours_on_the_wire_is_described(name: str):
    assert name in REFERENCE


@pytest.mark.parametrize("name", _found(_ASKED))
def test_every_wish_of_a_simulated_container_is_described(name: str):
    assert f"`{name}" in REFERENCE


@pytest.mark.parametrize(("page", "link"), list(_links()), ids=lambda value: getattr(value, "name", value))
def test_links_lead_somewhere(page: Path, link: str):
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    assert target.exists()
    assert not anchor or anchor in _anchors(target)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_no_machine_and_carry_no_token(page: Path):
    text = page.read_text()
    assert not re.search(r"(?<![\w.~])/(?:work|root|home)/", text)
    assert not re.search(r"//haori:[\w-]{8,}@", text)


def _resolve(dotted: str) -> object:
    """The module, or the attribute in the nearest module above; raises where there is none."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for name in parts[length:]:
            found = getattr(found, name)
        return found
    raise ModuleNotFoundError(dotted)


@pytest.mark.parametrize("name", sorted(set(_CODE_NAME.findall(WALK.read_text()))))
def test_the_way_of_a_commit_names_what_exists(name: str):
    assert _resolve(name) is not None
