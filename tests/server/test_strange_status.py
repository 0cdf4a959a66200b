"""An Application's status is one value that its schema does not look into: whoever may write it may write nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from haori.delivery.controller.desired import operation_sources
from haori.delivery.controller.progress import begin, operation_id, retry_of, state_json
from haori.delivery.model import parse_application
from haori.delivery.plan import retry_at
from haori.objects import copy_manifest
from haori.server.api.own import build_timeline
from haori.server.rows import parse_row
from haori.words import Language

SOURCE = {"repoURL": "https://git.example/a.git", "path": "app", "targetRevision": "main"}
ROW = {"kind": "ConfigMap", "name": "c", "namespace": "shop", "version": "v1", "syncPhase": "Sync", "images": ["a:1"]}
ASKED = {
    "sync": {
        "revision": "1" * 40,
        "revisions": ["1" * 40],
        "source": SOURCE,
        "sources": [SOURCE],
        "resources": [{"kind": "ConfigMap", "name": "c"}],
        "syncOptions": ["Prune=false"],
        "manifests": ["{}"],
        "syncStrategy": {"hook": {"force": True}},
    },
    "retry": {"limit": 3, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
    "info": [{"name": "why", "value": "so"}],
    "initiatedBy": {"username": "ren", "automated": False},
}
STATUS = {
    "sync": {"status": "Synced", "revision": "1" * 40, "revisions": ["1" * 40], "comparedTo": {"source": SOURCE}},
    "health": {"status": "Healthy", "message": "", "lastTransitionTime": "2026-11-24T05:00:00Z"},
    "resources": [ROW],
    "history": [
        {
            "id": 1,
            "revision": "1" * 40,
            "revisions": ["1" * 40],
            "source": SOURCE,
            "sources": [SOURCE],
            "deployedAt": "2026-11-24T05:00:00Z",
            "initiatedBy": {"username": "ren"},
        }
    ],
    "conditions": [{"type": "SyncError", "message": "no", "lastTransitionTime": "2026-11-24T05:00:00Z"}],
    "summary": {"images": ["a:1"], "externalURLs": ["https://a.example"]},
    "reconciledAt": "2026-11-24T05:00:00Z",
    "operationState": {
        "operation": ASKED,
        "phase": "Running",
        "message": "",
        "startedAt": "2026-11-24T05:00:00Z",
        "retryCount": 1,
        "syncResult": {"revision": "1" * 40, "source": SOURCE, "sources": [SOURCE], "resources": [ROW]},
    },
    "haori": {"why": {"code": "health-one-object", "parameters": {"object": "x", "reason": "y"}}},
}
NONSENSE: tuple[Any, ...] = (None, True, 7, -1.5, "x", "", [], [7], ["x"], [[]], [None], {}, {"x": 7}, {"x": {"x": []}})
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
TIMES = ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00")
DEEP: Any = "x"
for _ in range(100):
    DEEP = {"code": "health-one-object", "parameters": {"object": "x", "reason": DEEP}}


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield from _paths(inner, (*path, step))


def _with(path: tuple[Any, ...], nonsense: Any) -> dict[str, Any]:
    status: Any = copy_manifest({"status": STATUS})
    place, steps = status, ("status", *path)
    for step in steps[:-1]:
        place = place[step]
    place[steps[-1]] = nonsense
    metadata = {"name": "shop", "namespace": "argocd", "creationTimestamp": "2026-11-24T05:00:00Z"}
    spec = {"project": "default", "source": SOURCE, "destination": {"name": "in-cluster", "namespace": "shop"}}
    return {"metadata": metadata, "spec": spec, **status}


@pytest.mark.parametrize("path", list(_paths(STATUS)), ids=lambda path: ".".join(map(str, path)) or "status")
def test_a_status_of_any_shape_is_read(path: tuple[Any, ...]) -> None:
    whole = parse_application(_with(("reconciledAt",), "2026-11-24T05:00:01Z"))
    for nonsense in (*NONSENSE, *TIMES, DEEP):
        manifest = _with(path, nonsense)
        for known in (None, whole):
            application = parse_application(manifest, known)
            assert all(isinstance(each, str) for each in application.revisions)
            if (state := application.operation_state) is not None:
                for has_many in (False, True):
                    orjson.dumps(state_json(state, has_many=has_many))
                if (policy := retry_of(state)) is not None:
                    retry_at(policy, state)
                begin(application, {}, sources=(), now=NOW)
                operation_id(application, state)
                operation_sources(application, state.sources)
                operation_sources(application, state.operation.sources)
            orjson.dumps([entry.to_json() for entry in application.history])
        orjson.dumps(parse_row(manifest).to_json(Language.ENGLISH))
        orjson.dumps(build_timeline(manifest))


def test_what_is_no_name_widens_no_operation_and_moves_no_revision() -> None:
    narrow = parse_application(_with(("operationState", "operation", "sync", "resources"), ["x"]))
    assert narrow.operation_state is not None
    assert narrow.operation_state.operation.is_partial
    many = parse_application(_with(("history", 0, "revisions"), [None, "2" * 40]))
    assert many.history[0].revisions == ("", "2" * 40)
