"""What repositories and clusters say stays text on every page, and no page breaks its own policy."""

from __future__ import annotations

import json

import pytest

from tests.browser.screens import SCREENS, Screen
from tests.browser.troubles import HOSTILE
from tests.browser.visiting import Visit
from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]

HOSTILE_SCREENS = (
    Screen(name="hostile-project", path="/settings/projects/hostile"),
    Screen(name="hostile-role", path="/settings/projects/hostile?do=role&show=readers", ready="dialog[open]"),
    Screen(name="hostile-edit", path="/settings/projects/hostile?do=edit", ready="dialog[open]"),
)
SECRETS = (
    ("hostile-cluster", "cluster", {"server": "https://hostile.invalid", "name": HOSTILE, "config": "{}"}),
    (
        "hostile-repository",
        "repository",
        {"url": "https://git.invalid/<b>x</b>.git", "name": HOSTILE, "username": HOSTILE, "type": "git"},
    ),
)
LIVE = """() => ({
  hurt: window.hurt,
  images: [...document.images].filter((each) => each.getAttribute('src') === 'x').length,
  links: [...document.links].filter((each) => each.protocol === 'javascript:').length,
})"""


@pytest.fixture(scope="module", autouse=True)
def secrets(instance: Running) -> None:
    """A cluster and a repository with names that mean harm."""
    for name, kind, data in SECRETS:
        manifest = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": "argocd",
                "labels": {"argocd.argoproj.io/secret-type": kind},
            },
            "stringData": data,
        }
        instance.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))


@pytest.mark.parametrize("screen", [*SCREENS, *HOSTILE_SCREENS], ids=lambda screen: screen.name)
def test_hostile_text_stays_text(visit: Visit, screen: Screen) -> None:
    page = visit.open(screen)
    assert page.evaluate(LIVE) == {"hurt": None, "images": 0, "links": 0}


def test_it_is_there_to_be_seen(visit: Visit) -> None:
    """Else the cases above would show nothing."""
    page = visit.open(HOSTILE_SCREENS[0])
    assert HOSTILE in page.inner_text("main")
    visit.open(Screen(name="clusters", path="/settings/clusters"))
    page.get_by_text("https://hostile.invalid").wait_for()
    assert HOSTILE in page.inner_text("main")


def test_the_policy_allows_no_script_or_style_of_the_page_itself(visit: Visit) -> None:
    answer = visit.page.goto(visit.url + "/applications")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
