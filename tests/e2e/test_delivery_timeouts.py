"""Steps that take too long end, whoever leads the engine when their time is over."""

from __future__ import annotations

from typing import Any

import pytest

from haori.cluster.well_known import APPLICATIONS, JOBS
from tests.e2e.delivery import Delivery, config_map, deployment, job, why_of

pytestmark = pytest.mark.e2e

ONCE: dict[str, Any] = {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"], "retry": {"limit": 0}}


def limited(text: str, timeout: str) -> str:
    line = f"    sync.haori.dev/timeout: {timeout}\n"
    if "  annotations:\n" in text:
        return text.replace("  annotations:\n", f"  annotations:\n{line}", 1)
    return text.replace("metadata:\n", f"metadata:\n  annotations:\n{line}", 1)


def state_of(application: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = (application.get("status") or {}).get("operationState") or {}
    return state


async def test_a_hook_that_takes_too_long_fails_though_the_engine_was_replaced_meanwhile(delivery: Delivery):
    files: dict[str, str | None] = {
        "app/job.yaml": limited(job("migrate", "migrate:missing", "PreSync"), "5s"),
        "app/a.yaml": config_map("a", x="1"),
    }
    delivery.repository.commit("Begin", files)
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=ONCE))
    waiting = await delivery.expect("shop", lambda app: "migrate:missing" in why_of(app).get("text", ""))
    await delivery.stop_engine()
    await delivery.start_engine("another")
    ended = await delivery.expect("shop", lambda app: state_of(app).get("phase") == "Failed")

    state = state_of(ended)
    assert state["startedAt"] == state_of(waiting)["startedAt"]
    assert state["operation"]["info"] == state_of(waiting)["operation"]["info"]
    assert f"Job {delivery.namespace}/migrate did not end within 5s and was deleted" in state["message"]
    assert "cannot pull image migrate:missing" in state["message"]
    await delivery.expect_gone(JOBS, "migrate", delivery.namespace)


async def test_a_wave_that_takes_too_long_by_the_applications_default_fails_and_the_next_is_not_begun(
    delivery: Delivery,
):
    late = config_map("late", x="1").replace(
        "metadata:\n", "metadata:\n  annotations:\n    argocd.argoproj.io/sync-wave: '1'\n"
    )
    files: dict[str, str | None] = {
        "app/web.yaml": deployment("web", "web:missing"),
        "app/late.yaml": late,
        "app/odd.yaml": limited(config_map("odd", x="1"), "a while"),
    }
    delivery.repository.commit("Begin", files)
    metadata = {"annotations": {"sync.haori.dev/timeout": "3s"}}
    await delivery.client.create(APPLICATIONS, delivery.application("shop", "app", policy=ONCE, metadata=metadata))
    ended = await delivery.expect("shop", lambda app: state_of(app).get("phase") == "Failed")

    assert f"Deployment {delivery.namespace}/web did not become healthy within 3s" in state_of(ended)["message"]
    assert "cannot pull image web:missing" in state_of(ended)["message"]
    assert "late" not in [row["name"] for row in state_of(ended)["syncResult"]["resources"]]
    conditions = {each["type"]: each["message"] for each in ended["status"]["conditions"]}
    assert f'ConfigMap {delivery.namespace}/odd asks for the time-out "a while"' in conditions["IgnoredFieldWarning"]
