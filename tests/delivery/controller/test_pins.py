from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haori.delivery.controller.pins import (
    PinError,
    build_pin_patch,
    build_resume_patch,
    choose_entry,
    decide_revisions,
    hooks_of_last_release,
)
from haori.delivery.model import Pin, parse_application, parse_pin

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
PIN = Pin(id=3, revisions=("old",), owner="ada", reason="5xx", until=NOW, wanted=("new",))


@pytest.mark.parametrize(
    ("pin", "git", "after", "revisions", "code", "ends"),
    [
        pytest.param(None, "new", 0, ("new",), None, False, id="no pin"),
        pytest.param(PIN, "new", -1, ("old",), "pin-holds", False, id="holds"),
        pytest.param(PIN, "new", 1, ("old",), "pin-overdue", False, id="overdue stays while Git wants the same"),
        pytest.param(PIN, "newer", 1, ("newer",), None, True, id="ends once Git has changed"),
        pytest.param(PIN, "newer", -1, ("old",), "pin-holds", False, id="a change does not end it early"),
    ],
)
def test_which_revision_counts(pin: Any, git: str, after: int, revisions: Any, code: Any, ends: bool):
    wanted = decide_revisions(pin, (git,), NOW + timedelta(seconds=after))

    assert (wanted.revisions, wanted.ends_pin) == (revisions, ends)
    assert (wanted.sentence.code if wanted.sentence else None) == code


def application(*revisions: str, **status: Any):
    history = [{"id": number, "revision": revision} for number, revision in enumerate(revisions)]
    return parse_application(
        {
            "metadata": {"name": "shop", "namespace": "argocd", "resourceVersion": "7"},
            "spec": {},
            "status": {"history": history, "sync": {"revision": "head"}, **status},
        }
    )


def test_without_an_id_the_release_before_is_chosen():
    assert choose_entry(application("a", "b", "c", "c"), None).id == 1


@pytest.mark.parametrize(("revisions", "wanted"), [((), None), (("a",), None), (("a", "b"), 7)])
def test_a_release_that_is_not_in_the_history_cannot_be_pinned(revisions: tuple[str, ...], wanted: int | None):
    with pytest.raises(PinError):
        choose_entry(application(*revisions), wanted)


def test_a_pin_is_one_annotation_and_remembers_what_git_wanted():
    app = application("a", "b")

    patch = build_pin_patch(app, app.history[0], owner="ada", reason="5xx", now=NOW, until=NOW + timedelta(hours=1))

    assert patch["metadata"]["resourceVersion"] == "7"
    assert list(patch) == ["metadata"]
    pin, problem = parse_pin(patch["metadata"]["annotations"]["haori.dev/pin"])
    assert problem is None
    assert pin == Pin(
        id=0, revisions=("a",), owner="ada", reason="5xx", since=NOW, until=NOW + timedelta(hours=1), wanted=("head",)
    )


def test_resuming_removes_the_annotation():
    assert build_resume_patch(application())["metadata"]["annotations"] == {"haori.dev/pin": None}


def test_the_hooks_of_the_release_being_left_are_named():
    row = {"kind": "Job", "group": "batch", "namespace": "shop", "name": "migrate", "hookType": "PreSync"}
    rows = [{**row, "hookPhase": "Succeeded"}, {"kind": "Service", "namespace": "shop", "name": "web"}]
    app = application("a", operationState={"phase": "Succeeded", "syncResult": {"revision": "a", "resources": rows}})

    assert hooks_of_last_release(app) == ("Job shop/migrate",)


@pytest.mark.parametrize("phase", ["Running", "Failed", "Error"])
def test_a_sync_that_did_not_succeed_is_left_for_the_release_deployed_last(phase: str):
    state = {"phase": phase, "operation": {"sync": {}}, "syncResult": {"revision": "c"}}
    assert choose_entry(application("a", "b", operationState=state), None).id == 1


def test_going_back_further_does_not_go_forward_to_what_was_fled_from():
    pinned = application("a", "b", "c", "b")
    pinned = replace(pinned, pin=Pin(id=1, revisions=("b",), wanted=("c",)))
    assert choose_entry(pinned, None).id == 0
