from __future__ import annotations

import json
from datetime import UTC, datetime

from haori.objects import ResourceKey
from haori.timeline import LogRecorder, MemoryRecorder, Record

RECORD = Record(
    code="sync-finished",
    parameters={"application": "shop"},
    who="ada",
    revision="abc1234",
    objects=(ResourceKey("apps", "Deployment", "shop", "web"),),
    time=datetime(2026, 11, 24, 5, tzinfo=UTC),
    cluster="in-cluster",
)


def test_a_record_leaves_as_one_json_line():
    lines: list[str] = []

    LogRecorder(lines.append).record(RECORD)

    value = json.loads(lines[0])
    assert len(lines) == 1
    assert "\n" not in lines[0]
    assert (value["event"], value["code"], value["who"], value["revision"]) == (
        "timeline", "sync-finished", "ada", "abc1234",
    )  # fmt: skip
    assert value["objects"] == [{"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"}]
    assert value["time"] == "2026-11-24T05:00:00.000000Z"


def test_memory_drops_the_oldest_when_full():
    recorder = MemoryRecorder(limit=1)

    recorder.record(Record(code="first", time=RECORD.time))
    recorder.record(RECORD)

    assert recorder.records == (RECORD,)
