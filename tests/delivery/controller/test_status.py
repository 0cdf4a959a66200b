from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haori.delivery.controller.status import build_conditions, build_status_patch, merge_difference
from haori.delivery.model import Condition, parse_application
from haori.resources.argo import ConditionType
from haori.words import Sentence

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
STATUS = {"sync": {"status": "Synced", "revision": "a"}, "health": {"status": "Healthy"}}
BEFORE = {**STATUS, "reconciledAt": "2026-11-24T04:00:00Z"}


def application(status: Any = BEFORE, **annotations: str):
    metadata = {"name": "shop", "namespace": "argocd", "resourceVersion": "7", "annotations": annotations}
    return parse_application({"metadata": metadata, "spec": {}, "status": status})


def test_nothing_new_is_no_request():
    assert build_status_patch(application(), STATUS, now=NOW, term=3) is None


def test_only_what_changed_is_sent_and_guarded_by_the_version():
    status = {**STATUS, "health": {"status": "Degraded", "message": "x"}}

    assert build_status_patch(application(), status, now=NOW, term=3) == {
        "metadata": {"resourceVersion": "7", "annotations": {"haori.dev/term": "3"}},
        "status": {"health": {"status": "Degraded", "message": "x"}, "reconciledAt": "2026-11-24T05:00:00Z"},
    }


def test_a_refresh_without_change_is_answered_in_one_patch():
    patch = build_status_patch(application(**{"argocd.argoproj.io/refresh": "normal"}), STATUS, now=NOW, term=3)

    assert patch is not None
    assert patch["metadata"]["annotations"]["argocd.argoproj.io/refresh"] is None
    assert patch["status"] == {"reconciledAt": "2026-11-24T05:00:00Z"}


def test_taking_an_operation_clears_the_request_in_the_same_patch():
    patch = build_status_patch(application(), STATUS, now=NOW, term=3, takes_operation=True)

    assert patch is not None
    assert patch["operation"] is None


def test_a_field_that_is_gone_is_removed():
    patch = build_status_patch(application({**BEFORE, "conditions": [1]}), STATUS, now=NOW, term=3)

    assert patch is not None
    assert patch["status"]["conditions"] is None


@pytest.mark.parametrize(("message", "since"), [("no.", "2026-11-24T01:00:00Z"), ("other", "2026-11-24T05:00:00Z")])
def test_a_condition_keeps_its_time_while_its_words_stay(message: str, since: str):
    sentence = Sentence(code="lease-lost", parameters={"object": "x"})
    text = sentence.text() if message == "no." else message
    row = {"type": "SyncError", "message": text, "lastTransitionTime": "2026-11-24T01:00:00Z"}

    found = build_conditions(
        application({"conditions": [row]}), [Condition(type=ConditionType.SYNC_ERROR, sentence=sentence)], now=NOW
    )

    assert [item["lastTransitionTime"] for item in found] == [since]


VALUES = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("xyz"), VALUES, max_size=3)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(MAPPINGS, MAPPINGS)
def test_a_difference_merged_gives_the_wanted_value(before: dict[str, Any], after: dict[str, Any]):
    assert merged(before, merge_difference(before, after)) == after
    assert merge_difference(after, after) == {}


def merged(target: Any, patch: Any) -> Any:
    """RFC 7386, as the RFC writes it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
