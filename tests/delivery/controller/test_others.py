"""Whether another controller reconciles here, by what the cluster shows: a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from haori.cluster import ApiResource, ObjectList, UnreachableError
from haori.cluster.client import NotFoundError
from haori.delivery.controller.others import find_other

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
NAME = "argocd-application-controller"


def workload(name: str = NAME, *, ready: int = 1, label: str = "") -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": label}
    return {"metadata": {"name": name, "labels": labels}, "status": {"readyReplicas": ready}}


def application(manager: str = NAME, time: str = "2026-11-25T11:50:00Z") -> dict[str, Any]:
    return {"metadata": {"name": "shop", "managedFields": [{"manager": manager, "operation": "Update", "time": time}]}}


class Client:
    """A cluster that lists."""

    def __init__(self, objects: dict[str, Any]) -> None:
        self.objects = objects

    async def list(self, resource: ApiResource, namespace: str = "", **_: Any) -> ObjectList:
        found = self.objects.get(resource.kind, [])
        if isinstance(found, Exception):
            raise found
        return ObjectList(items=found, resource_version="1")


MISSING = NotFoundError(status=404, reason="NotFound", message="no such type")


@pytest.mark.parametrize(
    ("objects", "code"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"Application": MISSING, "StatefulSet": MISSING}, None, id="not even the types"),
        pytest.param({"StatefulSet": [workload()]}, "other-controller-runs", id="by name"),
        pytest.param({"StatefulSet": [workload("prod-" + NAME)]}, "other-controller-runs", id="by a chart's name"),
        pytest.param({"Deployment": [workload("c", label=NAME)]}, "other-controller-runs", id="by label"),
        pytest.param({"StatefulSet": [workload(ready=0)]}, None, id="scaled to nothing"),
        pytest.param({"Deployment": [workload("argocd-server")]}, None, id="only its console"),
        pytest.param({"Application": [application()]}, "other-controller-wrote", id="wrote from elsewhere"),
        pytest.param({"Application": [application(time="2026-11-25T11:44:00Z")]}, None, id="wrote long ago"),
        pytest.param({"Application": [application("argocd-server")]}, None, id="somebody else wrote"),
        pytest.param(
            {"StatefulSet": MISSING, "Application": [application()]},
            "other-controller-wrote",
            id="what may be read counts",
        ),
    ],
)
async def test_the_rule(objects: dict[str, Any], code: str | None):
    found = await find_other(Client(objects), "argocd", now=NOW)  # type: ignore[arg-type]

    assert (found.code if found is not None else None) == code


async def test_a_cluster_that_does_not_answer_is_not_taken_for_one_without():
    away = UnreachableError(cluster="c", action="list", problem="down")

    with pytest.raises(UnreachableError):
        await find_other(Client({"StatefulSet": away}), "argocd", now=NOW)  # type: ignore[arg-type]
