"""What can be done to live objects, as patches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from haori.server.actions import Asked, Change, actions_of, plan_action
from haori.server.errors import RefusedError

NOW = datetime(2026, 11, 26, 1, 2, 3, tzinfo=UTC)
RESTART = {
    "spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-26T01:02:03Z"}}}}
}


def live(api_version: str, kind: str, **parts: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "uid": "u1"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}, **parts}


@pytest.mark.parametrize(
    ("manifest", "enabled", "disabled"),
    [
        pytest.param(live("apps/v1", "Deployment"), ["pause", "restart", "scale"], ["resume"], id="deployment"),
        pytest.param(
            live("apps/v1", "Deployment", spec={"paused": True}), ["resume", "scale"], ["pause", "restart"], id="paused"
        ),
        pytest.param(live("apps/v1", "StatefulSet"), ["restart", "scale"], [], id="stateful-set"),
        pytest.param(live("apps/v1", "DaemonSet"), ["restart"], [], id="daemon-set"),
        pytest.param(live("batch/v1", "CronJob"), ["create-job", "suspend"], ["resume"], id="cron-job"),
        pytest.param(
            live("batch/v1", "Job", spec={"suspend": True}), ["resume", "terminate"], ["suspend"], id="suspended-job"
        ),
        pytest.param(
            live("batch/v1", "Job", status={"conditions": [{"type": "Failed", "status": "True"}]}),
            ["suspend"], ["resume", "terminate"], id="ended-job",
        ),
        pytest.param(
            live("argoproj.io/v1alpha1", "Rollout", status={"pauseConditions": [{}]}),
            ["abort", "promote-full", "restart", "resume", "scale"], ["pause", "retry"], id="rollout",
        ),
        pytest.param(live("v1", "ConfigMap"), [], [], id="nothing"),
        pytest.param(live("example.com/v1", "Deployment"), [], [], id="a-kind-of-that-name"),
    ],
)  # fmt: skip
def test_a_kind_has_its_actions(manifest, enabled, disabled):
    told = [each.to_json(manifest) for each in actions_of(manifest)]
    assert sorted(each["name"] for each in told if not each.get("disabled")) == sorted(enabled)
    assert sorted(each["name"] for each in told if each.get("disabled")) == sorted(disabled)


@pytest.mark.parametrize(
    ("manifest", "name", "parameters", "change"),
    [
        pytest.param(live("apps/v1", "Deployment"), "restart", {}, Change(patch=RESTART), id="restart"),
        pytest.param(
            live("apps/v1", "StatefulSet"), "scale", {"replicas": "3"}, Change(patch={"spec": {"replicas": 3}}), id="scale"
        ),
        pytest.param(live("apps/v1", "Deployment"), "pause", {}, Change(patch={"spec": {"paused": True}}), id="pause"),
        pytest.param(
            live("batch/v1", "CronJob"), "suspend", {}, Change(patch={"spec": {"suspend": True}}), id="suspend"
        ),
        pytest.param(
            live("argoproj.io/v1alpha1", "Rollout", spec={"paused": True}), "resume", {},
            Change(patch={"spec": {"paused": False}}), id="rollout-held-by-hand",
        ),
        pytest.param(
            live("argoproj.io/v1alpha1", "Rollout", status={"pauseConditions": [{}]}), "resume", {},
            Change(patch={"status": {"pauseConditions": None}}, subresource="status"), id="rollout-at-a-step",
        ),
    ],
)  # fmt: skip
def test_an_action_is_a_patch(manifest, name, parameters, change):
    assert plan_action(manifest, name, Asked(parameters=parameters, now=NOW)) == change


def test_a_job_is_made_as_its_cron_job_would():
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 1}}
    change = plan_action(live("batch/v1", "CronJob", spec={"jobTemplate": template}), "create-job", Asked(now=NOW))

    job = change.creates
    assert job is not None
    assert job["metadata"]["name"] == "web-20261126010203"
    assert job["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert (job["metadata"]["labels"], job["spec"]) == ({"a": "b"}, {"backoffLimit": 1})


@pytest.mark.parametrize(
    ("name", "parameters", "code"),
    [
        ("explode", {}, "action-unknown"),
        ("resume", {}, "action-without-effect"),
        ("scale", {}, "parameter-out-of-range"),
        ("scale", {"replicas": "-1"}, "parameter-out-of-range"),
        ("scale", {"replicas": "99999"}, "parameter-out-of-range"),
        ("scale", {"replicas": "٣"}, "parameter-out-of-range"),
    ],
)
def test_what_cannot_be_done_says_why(name, parameters, code):
    with pytest.raises(RefusedError) as caught:
        plan_action(live("apps/v1", "Deployment"), name, Asked(parameters=parameters, now=NOW))
    assert caught.value.code == code
