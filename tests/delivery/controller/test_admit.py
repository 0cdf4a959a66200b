from __future__ import annotations

import base64
from typing import Any, cast

import pytest

from haori.cluster import EventType, WatchEvent
from haori.delivery.controller.admit import check_application, check_deletion
from haori.delivery.controller.cluster import Cluster
from haori.delivery.controller.clusters import ClusterConnections
from haori.delivery.model import parse_application, parse_project, parse_settings
from haori.resources import argo, default_project


def application(*, namespace: str = "argocd", spec: Any = None):
    return parse_application(
        {
            "metadata": {"name": "shop", "namespace": namespace},
            "spec": {
                "project": "default",
                "source": {"repoURL": "https://git.example/shop.git", "path": "deploy"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                **(spec or {}),
            },
        }
    )


PROJECT = default_project()
HERE = argo.IN_CLUSTER_SERVER, argo.IN_CLUSTER_NAME
CLUSTERS = ClusterConnections(Cluster(cast(Any, None), server=HERE[0], name=HERE[1]))
ELSEWHERE = {"destination": {"server": "https://elsewhere.example", "namespace": "shop"}}


@pytest.mark.parametrize(
    ("app", "project_spec", "codes"),
    [
        pytest.param(application(), {}, [], id="permitted"),
        pytest.param(application(), None, ["project-missing"], id="no project"),
        pytest.param(application(), {"sourceRepos": ["https://other/*"]}, ["project-denies-source"], id="source"),
        pytest.param(application(), {"destinations": []}, ["project-denies-destination"], id="destination"),
        pytest.param(
            application(), {"syncWindows": [{"kind": "deny"}]}, ["project-restriction-not-enforced"], id="closed"
        ),
        pytest.param(application(namespace="team"), {}, ["project-denies-application-namespace"], id="namespace"),
        pytest.param(application(spec={"plugins": {}}), {}, ["fields-without-effect"], id="a field we do not know"),
        pytest.param(application(spec=ELSEWHERE), {}, ["cluster-unknown"], id="other cluster"),
    ],
)
def test_what_forbids_a_sync_or_warns(app: Any, project_spec: dict[str, Any] | None, codes: list[str]):
    project = None if project_spec is None else parse_project({**PROJECT, "spec": {**PROJECT["spec"], **project_spec}})

    place = CLUSTERS.place_of(app.spec.destination)

    assert [condition.sentence.code for condition in check_application(app, project, place)] == codes


def check(app: Any, project: Any, **given: Any) -> Any:
    return check_application(app, project, CLUSTERS.place_of(app.spec.destination), **given)


def test_a_repository_known_with_secrets_of_other_projects_is_not_read():
    project = parse_project(PROJECT)

    [found] = check(application(), project, projects_for=lambda url: frozenset({"other"}))
    assert found.sentence.code == "repository-of-other-projects"
    assert check(application(), project, projects_for=lambda url: frozenset({"default", "other"})) == ()


def test_a_setting_that_restricts_and_is_not_enforced_stops_all():
    settings = parse_settings({"data": {"application.sync.impersonation.enabled": "true"}})

    [found] = check(application(), parse_project(PROJECT), restrictions=settings.restrictions)
    assert found.sentence.code == "setting-restriction-not-enforced"


@pytest.mark.parametrize(
    ("project", "codes"),
    [
        pytest.param(None, ["project-missing"], id="no project"),
        pytest.param({"syncWindows": [{}]}, [], id="about syncs alone"),
        pytest.param({"later": [1]}, ["project-restriction-not-enforced"], id="who knows"),
        pytest.param({"permitOnlyProjectScopedClusters": True}, ["project-denies-cluster"], id="not its cluster"),
    ],
)
def test_what_forbids_a_deletion(project: dict[str, Any] | None, codes: list[str]):
    parsed = None if project is None else parse_project({**PROJECT, "spec": {**PROJECT["spec"], **project}})
    app = application()

    assert [
        condition.sentence.code for condition in check_deletion(app, parsed, CLUSTERS.place_of(app.spec.destination))
    ] == codes


def test_only_clusters_whose_secrets_name_the_project_where_it_says_so():
    project = parse_project({**PROJECT, "spec": {**PROJECT["spec"], "permitOnlyProjectScopedClusters": True}})
    clusters = ClusterConnections(Cluster(cast(Any, None), server=HERE[0], name=HERE[1]))
    app = application()

    def codes() -> list[str]:
        place = clusters.place_of(app.spec.destination)
        return [condition.sentence.code for condition in check_application(app, project, place)]

    def secret(name: str, project: str) -> WatchEvent:
        data = {"name": "in-cluster", "server": HERE[0], "config": "{}", "project": project}
        labels = {"argocd.argoproj.io/secret-type": "cluster"}
        metadata = {"name": name, "namespace": "argocd", "labels": labels}
        encoded = {field: base64.b64encode(value.encode()).decode() for field, value in data.items()}
        manifest = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
        return WatchEvent(type=EventType.ADDED, object=manifest)

    assert codes() == ["project-denies-cluster"]
    clusters.observe(secret("a", "other"))
    assert codes() == ["project-denies-cluster"]
    clusters.observe(secret("b", "default"))
    assert codes() == []
