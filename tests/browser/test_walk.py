"""What somebody does in the first hour: sign in, look, understand a failing deploy, see the plan, sync, read logs, go back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.troubles import HOSTILE
from tests.browser.visiting import Visit, link_of, watch
from tests.e2e.up.instance import Clone, Running

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser"), pytest.mark.timeout(500)]

KUSTOMIZATION = "apps/wear-api/coordinate-api/overlays/production/kustomization.yaml"
DEPLOY_MS = 60_000
"""How long a commit may take until it shows."""


@pytest.fixture
def page(visit: Visit) -> Page:
    """A window that waits as long as a cluster may take."""
    visit.page.set_default_timeout(DEPLOY_MS)
    return visit.page


@pytest.fixture
def failing(instance: Running, clone: Clone) -> Iterator[str]:
    """A deploy of an image that nobody built, mended in the end; its commit."""
    clone.replace(KUSTOMIZATION, "newTag: 1.4.2", "newTag: 9.9.7")
    yield clone.push("coordinate-api: Run what nobody built")
    clone.git("revert", "--no-edit", "HEAD")
    clone.git("push", "-q")


def test_a_link_signs_in_once(browser: Browser, instance: Running) -> None:
    link = link_of(instance.data_dir)
    first, second = browser.new_context(locale="en-US"), browser.new_context(locale="en-US")
    visit = watch(first.new_page(), link.partition("/sign-in")[0])
    visit.page.goto(link)
    expect(visit.page.get_by_role("heading", level=1, name="Applications")).to_be_visible()
    assert "code" not in visit.page.url
    assert visit.complaints == []
    (cookie,) = [each for each in first.cookies() if each["name"] == "argocd.token"]
    assert cookie["httpOnly"]
    late = second.new_page()
    late.goto(link)
    expect(late.get_by_role("alert").first).to_contain_text("The link no longer works")
    first.close()
    second.close()


def test_nobody_sees_a_page_before_signing_in_and_comes_back_to_it(browser: Browser, instance: Running) -> None:
    url = link_of(instance.data_dir).partition("/sign-in")[0]
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.goto(url + "/settings/projects")
    expect(page).to_have_url(re.compile("/sign-in"))
    expect(page.get_by_role("region", name="How to get in")).to_contain_text("haori open")
    password = instance.kubectl(
        "-n", "argocd", "get", "secret", "argocd-initial-admin-secret", "-o", "go-template={{.data.password|base64decode}}"
    )  # fmt: skip
    page.get_by_label("User name").fill("admin")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(url + "/settings/projects")
    page.get_by_role("button", name="Preferences").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in"))
    context.close()


def test_from_the_list_to_the_tree(visit: Visit, page: Page) -> None:
    page.goto(visit.url + "/applications")
    page.get_by_role("link", name="coordinate-api", exact=True).click()
    expect(page).to_have_url(re.compile("/applications/argocd/coordinate-api"))
    expect(page.get_by_role("heading", level=1, name="coordinate-api")).to_be_visible()
    expect(page.get_by_role("tree")).to_contain_text("Deployment")


def test_a_failing_deploy_says_its_reason(visit: Visit, page: Page, failing: str) -> None:
    page.goto(visit.url + "/applications/argocd/coordinate-api")
    expect(page.locator("main")).to_contain_text("coordinate-api:9.9.7", timeout=DEPLOY_MS)
    expect(page.locator("main")).to_contain_text(failing[:7])
    expect(page.locator("main")).to_contain_text("Run what nobody built")


def test_logs_of_a_deployment_are_read(visit: Visit, page: Page) -> None:
    page.goto(visit.url + "/applications/argocd/hostile?node=apps/Deployment/wear-troubles/hostile&panel=logs")
    expect(page.get_by_role("dialog")).to_contain_text(HOSTILE[:30])


def test_a_release_is_rolled_back_and_resumed(
    visit: Visit, page: Page, instance: Running, failing: str, clone: Clone
) -> None:
    """Automatic sync is on all the time."""
    page.goto(visit.url + "/applications/argocd/coordinate-api/history")
    expect(page.locator("main")).to_contain_text(failing[:7], timeout=DEPLOY_MS)
    # A rollback asked for while the engine writes the application's status is refused (409) and has to be asked for again.
    expect(page.locator("main")).to_contain_text("cannot pull image", timeout=DEPLOY_MS)
    page.get_by_role("link", name="Roll back").or_(page.get_by_role("button", name="Roll back")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("nobody built it")
    dialog.get_by_role("button", name="Roll back", exact=True).click()
    expect(page.locator("main")).to_contain_text("Pinned to", timeout=DEPLOY_MS)
    expect(page.locator("main")).to_contain_text("nobody built it")

    def runs_again() -> tuple[bool, object]:
        row = instance.applications()["coordinate-api"]
        return bool(row.get("pin")) and row["health"] == "Healthy", row

    instance.expect("the release before", runs_again)
    page.get_by_role("button", name="Follow Git again…").click()
    expect(dialog).to_contain_text("nobody built it")
    expect(dialog).to_contain_text(failing[:7])
    expect(dialog).to_contain_text("1 changed")
    dialog.get_by_role("button", name="Follow Git again", exact=True).click()
    expect(page.get_by_text("Pinned to")).to_have_count(0, timeout=DEPLOY_MS)


def test_a_diff_shows_what_a_sync_would_change(visit: Visit, page: Page, instance: Running) -> None:
    page.goto(visit.url + "/applications/argocd/campaign/diff")
    expect(page.locator("main")).to_contain_text("not in the cluster")
    expect(page.locator("main")).to_contain_text("registry.wear.example/campaign:1.2.3")


def test_a_plan_then_the_sync(visit: Visit, page: Page, instance: Running) -> None:
    page.goto(visit.url + "/applications/argocd/campaign/sync")
    expect(page.locator("main")).to_contain_text("1 created")
    page.get_by_role("button", name="Synchronize", exact=True).click()

    def synced() -> tuple[bool, object]:
        row = instance.applications()["campaign"]
        return row["sync"] == "Synced" and row["health"] == "Healthy", row

    instance.expect("campaign synced", synced)
    expect(page.locator("main dl").first).to_contain_text("Synced")
    expect(page.locator("main dl").first).to_contain_text("Healthy")
    instance.kubectl("-n", "wear-troubles", "delete", "deployment", "campaign")
