from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.controller.why import Commit, explain, with_commit
from haori.words import Language

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"}}


def pod(*, container: dict[str, Any] | None = None, conditions: Any = (), name: str = "api-x") -> dict[str, Any]:
    statuses = [{"name": "api", "image": "sha256:1", **container}] if container is not None else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"containers": [{"name": "api", "image": "registry/api:9"}]},
        "status": {"containerStatuses": statuses, "conditions": list(conditions)},
    }


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return {"state": {"waiting": {"reason": reason, "message": message}}, **more}


RUNNING = {"state": {"running": {"startedAt": "2026-11-24T05:00:00Z"}}, "ready": False}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no nodes"}


@pytest.mark.parametrize(
    ("found", "code", "parts"),
    [
        pytest.param(pod(container=waiting("ImagePullBackOff", "not found")), "why-image-pull",
                     ["Pod shop/api-x", "Deployment shop/api", "registry/api:9", "not found"], id="image"),
        pytest.param(pod(container=waiting("ErrImagePull")), "why-image-pull", ["ErrImagePull"], id="image, no message"),
        pytest.param(pod(container=waiting("CreateContainerConfigError", "secret x not found")), "why-container-config",
                     ["secret x not found"], id="config"),
        pytest.param(pod(container=waiting("CrashLoopBackOff", restartCount=4, lastState={"terminated": {"exitCode": 3}})),
                     "why-crash-loop", ["4", "exit code 3"], id="crash loop"),
        pytest.param(pod(conditions=[UNSCHEDULABLE]), "why-unschedulable", ["no nodes"], id="unschedulable"),
        pytest.param(pod(container=RUNNING), "why-not-ready", ["readiness"], id="not ready"),
    ],
)  # fmt: skip
def test_a_deployment_is_explained_by_its_pod(found: dict[str, Any], code: str, parts: list[str]):
    sentence = explain(DEPLOYMENT, [found])

    assert sentence is not None
    assert sentence.code == code
    text = sentence.text(Language.ENGLISH)
    assert [part for part in parts if part not in text] == []


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ({"kind": "PersistentVolumeClaim", "status": {"phase": "Pending"}}, "why-claim-pending"),
        ({"kind": "PersistentVolumeClaim", "status": {"phase": "Bound"}}, None),
        ({"kind": "Service", "spec": {"type": "LoadBalancer"}}, "why-load-balancer-pending"),
        ({"kind": "Service", "spec": {"type": "ClusterIP"}}, None),
        ({"kind": "Job", "status": {"conditions": [{"type": "Failed", "status": "True"}]}}, "why-job-failed"),
        ({"kind": "Job", "status": {"conditions": [{"type": "Complete", "status": "True"}]}}, None),
    ],
)
def test_objects_that_explain_themselves(manifest: dict[str, Any], code: str | None):
    sentence = explain({"metadata": {"name": "x", "namespace": "shop"}, **manifest})

    assert (sentence.code if sentence else None) == code


def test_a_cause_is_named_before_a_symptom_whatever_the_order():
    symptom, cause = pod(container=RUNNING), pod(container=waiting("ErrImagePull"), name="api-y")

    found = [explain(DEPLOYMENT, order) for order in ([symptom, cause], [cause, symptom])]

    assert [sentence.code for sentence in found if sentence] == ["why-image-pull", "why-image-pull"]


def test_the_commit_and_the_way_back_are_told():
    now = datetime(2026, 11, 24, 5, tzinfo=UTC)
    reason = explain(DEPLOYMENT, [pod(container=waiting("ErrImagePull"))])
    assert reason is not None

    commit = Commit(revision="abc1234def", subject="Bump", author="Ada", at=now - timedelta(minutes=2))
    text = with_commit(reason, commit, application="api", now=now).text(Language.ENGLISH)

    assert "abc1234 'Bump' by Ada 2m" in text
    japanese = with_commit(reason, commit, application="api", now=now).text(Language.JAPANESE)
    assert "イメージ registry/api:9 を取得できません" in japanese
    assert "cannot pull" not in japanese
    assert "haori app rollback api" in text
