from __future__ import annotations

from typing import Any, cast

import pytest

from haori.delivery.controller.admit import check_application
from haori.delivery.controller.clusters import Cluster, ClusterConnections
from haori.delivery.model import parse_application, parse_project
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
