"""Whether a repository can be opened is found out by the engine and remembered until it may have changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from haori.server.engine import Engine, EngineAnswerError
from haori.server.errors import Kind, RefusedError
from haori.server.openings import Opening, Openings

NOW = datetime(2026, 11, 26, tzinfo=UTC)


class Asked:
    """An engine that can open everything, or fails."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.bodies: list[Any] = []
        self.failure = failure

    async def post(self, *segments: str, body: Any) -> Any:
        self.bodies.append((segments, body))
        if self.failure is not None:
            raise self.failure
        return {}


async def look(openings: Openings, engine: Asked, **changed: Any) -> Opening:
    given = {"url": "https://git.example/a.git", "kind": "git", "version": "1", "now": NOW, **changed}
    return await openings.look(cast(Engine, engine), **given)


async def test_the_engine_is_asked_once_until_it_may_have_changed():
    engine, openings = Asked(), Openings()

    first = await look(openings, engine)
    again = await look(openings, engine, now=NOW + timedelta(seconds=179))
    others = [
        await look(openings, engine, now=NOW + timedelta(seconds=180)),
        await look(openings, engine, version="2"),
        await look(openings, engine, is_fresh=True),
    ]

    assert (first.status, again) == ("Successful", first)
    assert {each.status for each in others} == {"Successful"}
    assert len(engine.bodies) == 4
    body = {"url": "https://git.example/a.git", "kind": "git", "given": {}}
    assert engine.bodies[0] == (("repositories", "check"), body)


@pytest.mark.parametrize(
    ("failure", "status", "asked"),
    [
        (
            EngineAnswerError(Kind.PEER, "git-unreachable", url="https://git.example/a.git", reason="refused"),
            "Failed",
            1,
        ),
        (RefusedError(Kind.UNAVAILABLE, "engine-away"), "Unknown", 2),
    ],
    ids=["refused", "nobody-to-ask"],
)
async def test_a_failure_is_told_and_ignorance_is_not_remembered(failure: Exception, status: str, asked: int):
    engine, openings = Asked(failure), Openings()

    found = [await look(openings, engine) for _ in range(2)]

    assert [each.status for each in found] == [status] * 2
    assert len(engine.bodies) == asked


async def test_a_registry_is_not_asked():
    engine = Asked()

    found = await look(Openings(), engine, kind="oci")

    assert (found.status, engine.bodies) == ("Unknown", [])
