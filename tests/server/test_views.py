"""What the engine tells, in the shapes of Argo CD's clients and of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from haori.objects.trees import pods_below
from haori.server.api.logs import Line, read_line
from haori.server.api.operations import build_operation
from haori.server.api.own import build_timeline, speak
from haori.server.api.reading import build_managed, build_tree
from haori.server.errors import RefusedError
from haori.words import Language


def node(kind: str, name: str, uid: str, *parents: str, **more: object) -> dict[str, object]:
    known = {"group": "", "version": "v1", "namespace": "shop", "health": None, "sync": None, "createdAt": ""}
    return {**known, "kind": kind, "name": name, "uid": uid, "parents": list(parents), **more}


def test_a_tree_names_parents_and_what_is_missing():
    health = {"status": "Degraded", "message": "no image", "code": "x", "parameters": {}}
    tree = build_tree(
        [node("Deployment", "web", "u1"), node("Pod", "web-1", "u2", "u1", health=health), node("Secret", "s", "")]
    )

    deployment, pod, secret = tree["nodes"]
    assert "parentRefs" not in deployment
    assert pod["parentRefs"] == [
        {"version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", "uid": "u1"}
    ]
    assert pod["health"] == {"status": "Degraded", "message": "no image"}
    assert secret["health"] == {"status": "Missing"}


def test_a_managed_object_is_predicted_by_laying_the_wanted_over_the_live():
    item = {
        "group": "", "kind": "ConfigMap", "namespace": "shop", "name": "a", "sync": "OutOfSync",
        "desired": {"data": {"color": "blue"}},
        "live": {"data": {"color": "red", "size": "1"}, "metadata": {"resourceVersion": "7"}},
    }  # fmt: skip
    told = build_managed(item)

    assert json.loads(told["predictedLiveState"])["data"] == {"color": "blue", "size": "1"}
    assert (told["modified"], told["resourceVersion"]) == (True, "7")
    pruned = build_managed({**item, "desired": None})
    assert (pruned["targetState"], pruned["predictedLiveState"]) == ("null", "null")
    missing = build_managed({**item, "live": None})
    assert missing["liveState"] == "null"
    assert json.loads(missing["predictedLiveState"]) == item["desired"]


def test_pods_are_those_below_what_was_chosen():
    nodes = [
        node("Deployment", "web", "d", group="apps"),
        node("ReplicaSet", "web-1", "r", "d", group="apps"),
        node("Pod", "web-1-a", "p", "r"),
        node("Pod", "other", "o"),
    ]
    assert pods_below(nodes, {"kind": "Deployment", "name": "web"}) == [("shop", "web-1-a")]
    assert pods_below(nodes, {}) == [("shop", "other"), ("shop", "web-1-a")]
    assert pods_below(nodes, {"kind": "Job"}) == []


def test_pods_in_a_circle_end():
    nodes = [node("A", "a", "1", "2"), node("B", "b", "2", "1"), node("Pod", "p", "3", "1")]
    assert pods_below(nodes, {"kind": "C"}) == []


def test_a_line_without_a_time_loses_no_word():
    """What the sandbox says of a simulated container has none."""
    assert read_line("web", b"This container") == Line(time="", pod="web", content="This container")


def test_a_line_of_a_log_begins_with_its_time():
    line = read_line("web", b"2026-11-26T01:02:03.5Z hello  world\r")
    assert line == Line(time="2026-11-26T01:02:03.5Z", pod="web", content="hello  world")
    assert line.to_json()["result"]["podName"] == "web"


def test_sentences_are_told_in_the_language_of_the_reader_however_deep():
    value = {"nodes": [{"health": {"code": "why-claim-pending", "parameters": {"object": "A b/c"}, "text": "old"}}]}
    (told,) = speak(value, Language.JAPANESE)["nodes"]
    assert told["health"]["text"] == "A b/c がボリュームを待っています"


def test_a_timeline_goes_from_the_newest_back():
    application = {
        "metadata": {"creationTimestamp": "2026-11-26T00:00:00Z"},
        "status": {
            "history": [
                {"id": 0, "revision": "a", "deployedAt": "2026-11-26T00:01:00Z", "initiatedBy": {"username": "ann"}},
                {"id": 1, "revisions": ["b", "c"], "deployedAt": "2026-11-26T00:02:00Z", "initiatedBy": {"automated": True}},
            ],
            "operationState": {"phase": "Running", "startedAt": "2026-11-26T00:03:00Z", "operation": {"initiatedBy": {}}},
        },
    }  # fmt: skip
    told = build_timeline(application)

    assert [each["kind"] for each in told] == ["operation", "release", "release", "created"]
    assert [each["who"] for each in told] == ["", "automated", "ann", ""]
    assert [each["revision"] for each in told] == ["", "b,c", "a", ""]


@pytest.mark.parametrize(
    ("given", "options"),
    [({"items": ["Prune=false"]}, ["Prune=false"]), (["Prune=false"], ["Prune=false"]), (None, ["Validate=false"])],
    ids=["argo", "bare", "none"],
)
def test_options_of_a_sync_are_taken_as_clients_send_them(given: Any, options: list[str]):
    """Argo CD's API wraps the list, and not all of its clients do."""
    application = {"spec": {"syncPolicy": {"syncOptions": ["Validate=false"]}}}

    operation = build_operation(application, {"syncOptions": given}, who="ann")

    assert operation["sync"]["syncOptions"] == options


def test_a_pod_tells_its_images():
    tree = build_tree(
        [node("Pod", "web-1", "u2", images=["web:1"]), node("Deployment", "web", "u1", group="apps", images=["web:1"])]
    )

    assert [each.get("images") for each in tree["nodes"]] == [["web:1"], None]


def test_revisions_are_given_to_the_sources_they_are_for():
    application = {"spec": {"sources": [{"repoURL": "a"}, {"repoURL": "b"}, {"repoURL": "c"}]}}

    operation = build_operation(application, {"sourcePositions": [3, "1"], "revisions": ["v3", "v1"]}, who="ann")

    assert operation["sync"]["revisions"] == ["v1", "", "v3"]


@pytest.mark.parametrize(
    ("positions", "revisions"),
    [([1, 2], ["v1"]), ([0], ["v1"]), ([2], ["v1"]), (["-1"], ["v1"]), ([1], [None])],
    ids=["uneven", "zero", "beyond", "negative", "no-text"],
)
def test_positions_that_are_none_are_refused(positions: list[Any], revisions: list[Any]):
    application = {"spec": {"sources": [{"repoURL": "a"}]}}

    with pytest.raises(RefusedError) as refused:
        build_operation(application, {"sourcePositions": positions, "revisions": revisions}, who="ann")

    assert refused.value.parameters == {"field": "sourcePositions"}
