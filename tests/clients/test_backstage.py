"""npm `@backstage-community/plugin-argocd-backend`: its router, its actions and its service class, before ours.

The plugin's whole backend wants a newer Node.js than ours; the code that speaks to Argo CD does not, and is what runs here
(`backstage/drive.cjs`). Packages that it never loads are left out of the environment.
"""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode

import pytest

from tests.clients.conftest import Place, Source
from tests.clients.environments import node_modules
from tests.e2e.up.instance import Running

pytestmark = [pytest.mark.clients, pytest.mark.xdist_group("clients"), pytest.mark.timeout(400)]

API = "coordinate-api"
INSTANCES = ("by-token", "by-account", "by-default")
INSTANCE = "by-account"


class Backstage:
    """The plugin, spoken to over HTTP as Backstage's pages do."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: str) -> Any:
        """What the plugin's router answers."""
        return self._ask(f"/api{path}?{urlencode(query)}", None)

    def run(self, action: str, **given: str) -> Any:
        """What an action of the plugin gives."""
        return self._ask(f"/actions/{quote(action, safe='')}", given)

    def actions(self) -> set[str]:
        """The names of all actions."""
        return set(self._ask("/actions", None))

    def _ask(self, path: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
        except HTTPError as error:
            with error:
                return json.loads(error.read())
        return json.loads(content) if content.startswith((b"{", b"[")) else content.decode()


@contextmanager
def running_with(argocd: dict[str, Any], *instances: dict[str, str]) -> Iterator[Backstage]:
    """The plugin with these instances of Argo CD in its settings."""
    config = {"argocd": {**argocd, "appLocatorMethods": [{"type": "config", "instances": list(instances)}]}}
    given = {"modules": str(node_modules("backstage")), "config": config}
    script = Path(__file__).parent / "backstage" / "drive.cjs"
    with subprocess.Popen(["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(given))
            process.stdin.close()
            yield Backstage(int(process.stdout.readline()))
        finally:
            process.kill()


@pytest.fixture(scope="module")
def backstage(place: Place) -> Iterator[Backstage]:
    """Ours three times: by a token, by a name and password of the instance, and by those of the plugin."""
    of_all = {"username": "admin", "password": place.password}
    with running_with(
        of_all,
        {"name": "by-token", "url": f"{place.url}/", "token": place.token},
        {"name": "by-account", "url": place.url, "username": "admin", "password": place.password},
        {"name": "by-default", "url": place.url},
    ) as backstage:
        yield backstage


@pytest.fixture(scope="module")
def stranger(place: Place) -> Iterator[Backstage]:
    """With credentials that are none."""
    with running_with(
        {},
        {"name": "by-token", "url": place.url, "token": "wrong"},
        {"name": "by-account", "url": place.url, "username": "stranger", "password": "wrong"},
    ) as backstage:
        yield backstage


def revision_of(running: Running, name: str) -> str:
    """The commit that is deployed."""
    return str(running.applications()[name]["revision"])


def test_all_that_it_asks_is_asked_here(backstage: Backstage):
    assert backstage.actions() == {
        "create-resources", "argocd:find-applications", "argocd:get-application", "argocd:get-revision-details",
        "argocd:list-applications",
    }  # fmt: skip
    assert backstage.get("/check") == "OK"


@pytest.mark.parametrize("instance", INSTANCES)
def test_an_application_is_read(backstage: Backstage, instance: str):
    read = backstage.get(f"/argoInstance/{instance}/applications/{API}", appNamespace="argocd", project="default")
    told = backstage.run("argocd:get-application", instanceName=instance, appName=API)

    assert read["metadata"]["instance"]["name"] == instance
    assert read["metadata"]["name"] == API
    assert len(read["status"]["history"][-1]["revision"]) == len(read["status"]["sync"]["revision"]) == 40
    assert {each["kind"] for each in read["status"]["resources"]} >= {"Deployment", "Service"}
    assert told["destination"] == {"server": "https://kubernetes.default.svc", "namespace": "wear-api"}
    assert (told["syncStatus"], told["healthStatus"], told["operationPhase"]) == ("Synced", "Healthy", "Succeeded")
    assert (told["resourcesCount"], told["historyCount"]) == (len(read["status"]["resources"]), 1)
    assert told["operationMessage"].startswith("successfully synced")


def test_applications_are_found_by_name_in_all_instances(backstage: Backstage, running: Running):
    plain = backstage.get(f"/find/name/{API}")
    whole = backstage.get(f"/find/name/{API}", expand="applications", project="default", appNamespace="argocd")
    told = backstage.run("argocd:find-applications", appName=API)
    none = backstage.get("/find/name/coordinate")

    assert [(each["name"], each["appName"]) for each in plain] == [(name, [API]) for name in INSTANCES]
    assert [[app["metadata"]["name"] for app in each["applications"]] for each in whole] == [[API]] * 3
    assert [each["instanceName"] for each in told["instances"]] == list(INSTANCES)
    assert {each["applications"][0]["revision"] for each in told["instances"]} == {revision_of(running, API)}
    assert none == []


def test_applications_are_listed_by_label(backstage: Backstage):
    selector = "wear.example/team=coordinate"

    read = backstage.get(f"/argoInstance/{INSTANCE}/applications/selector/{quote(selector, safe='')}")
    told = backstage.run("argocd:list-applications", instanceName=INSTANCE, selector=selector, project="default")
    none = backstage.run("argocd:list-applications", instanceName=INSTANCE, project="other")

    assert {each["metadata"]["name"] for each in read["items"]} == {API, f"{API}-staging"}
    assert told["totalCount"] == 2
    assert {each["healthStatus"] for each in told["applications"]} == {"Healthy"}
    assert none == {"totalCount": 0, "applications": []}


def test_a_revision_is_described(backstage: Backstage, running: Running):
    revision = revision_of(running, API)

    read = backstage.get(
        f"/argoInstance/{INSTANCE}/applications/name/{API}/revisions/{revision}/metadata",
        appNamespace="argocd", sourceIndex="0",
    )  # fmt: skip
    told = backstage.run("argocd:get-revision-details", instanceName=INSTANCE, appName=API, revisionID=revision)

    assert told["revisionID"] == read["revisionID"] == revision
    assert told["message"] == read["message"]
    assert read["author"].endswith(">")
    assert told["date"].startswith("20")


def test_a_project_and_its_application_are_made(backstage: Backstage, running: Running, source: Source):
    """As a template of Backstage makes them, with the finalizer that it has, which nobody but itself knows."""
    name = "web-by-backstage"
    running.kubectl("create", "namespace", name)

    made = backstage.run(
        "create-resources",
        appName=name, argoInstance=INSTANCE, namespace=name, repoUrl=source.url, path=source.path, projectName="backstage",
    )  # fmt: skip
    running.expect(
        f"{name} Synced and Healthy",
        lambda: (
            (row := running.applications().get(name, {})).get("sync") == "Synced" and row.get("health") == "Healthy",
            row,
        ),
    )
    read = backstage.get(f"/argoInstance/{INSTANCE}/applications/{name}")
    again = backstage.run(
        "create-resources",
        appName=name, argoInstance=INSTANCE, namespace=name, repoUrl=source.url, path=source.path, projectName="backstage",
    )  # fmt: skip

    assert made["applicationUrl"].endswith(f"/applications/argocd/{name}?view=tree&resource=")
    assert read["spec"]["project"] == "backstage"
    assert read["spec"]["revisionHistoryLimit"] == 10
    assert read["metadata"]["labels"] == {"backstage": name}
    assert running.kubectl("-n", name, "get", "deployment", "web", "-o", "name").strip() == "deployment.apps/web"
    assert again["name"] == "Error"


@pytest.mark.parametrize("instance", ["by-token", "by-account"])
def test_wrong_credentials_are_known_as_such(stranger: Backstage, instance: str):
    found = stranger.get(f"/argoInstance/{instance}/applications/{API}")

    assert found["name"] == "AuthenticationError"


def test_what_is_not_there_is_known_as_such(backstage: Backstage):
    found = backstage.get(f"/argoInstance/{INSTANCE}/applications/nowhere")
    revision = backstage.get(f"/argoInstance/{INSTANCE}/applications/name/{API}/revisions/{'0' * 40}/metadata")

    assert found["name"] == revision["name"] == "NotFoundError"
