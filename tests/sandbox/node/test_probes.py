"""Probes: thresholds, timing, and what is asked."""

from __future__ import annotations

import asyncio

import pytest

from haori.sandbox.node.probes import (
    ProbeKind,
    Prober,
    ProbeSpec,
    ProbeState,
    action_of,
    ask_http,
    ask_tcp,
    port_of,
)


def after(state, answers):
    passed = []
    for ok in answers:
        state = state.observe(ok)
        passed.append(state.passed)
    return passed


@pytest.mark.parametrize(
    ("start", "answers", "expected"),
    [
        (False, [True], [True]),
        (True, [False, False, False], [True, True, False]),
        (True, [False, False, True, False, False], [True] * 5),
        (False, [False, True, False, False, False], [False, True, True, True, False]),
    ],
)
def test_thresholds(start, answers, expected):
    assert after(ProbeState(passed=start), answers) == expected


def test_a_success_threshold_wants_a_row():
    assert after(ProbeState(passed=False, success_threshold=2), [True, False, True, True]) == [
        False,
        False,
        False,
        True,
    ]


def prober(kind, answers, changes, failures, **numbers):
    """Answers from the row, the last one for ever."""
    loop = asyncio.get_running_loop()
    rest = list(answers)

    async def ask():
        return rest.pop(0) if len(rest) > 1 else rest[0]

    return Prober(
        kind,
        ProbeSpec.of(numbers),
        ask,
        on_change=lambda passed: changes.append((loop.time(), passed)),
        on_failure=failures.append,
    )


async def run_for(prober, seconds):
    try:
        async with asyncio.timeout(seconds):
            await prober.run()
    except TimeoutError:
        return False
    return True


@pytest.mark.looptime
async def test_a_container_that_is_up_in_a_moment_is_ready_in_a_moment():
    changes: list[tuple[float, bool]] = []
    failures: list[str] = []
    started = asyncio.get_running_loop().time()
    await run_for(prober(ProbeKind.READINESS, ["refused", "refused", None], changes, failures, periodSeconds=5), 20)

    assert [(time - started, passed) for time, passed in changes] == [(1.0, True)]
    assert failures == []


@pytest.mark.looptime
async def test_readiness_comes_and_goes():
    changes: list[tuple[float, bool]] = []
    failures: list[str] = []
    answers = [None, "503", "503", "503", None]
    started = asyncio.get_running_loop().time()
    await run_for(prober(ProbeKind.READINESS, answers, changes, failures, periodSeconds=1), 10)

    assert [(round(time - started, 1), passed) for time, passed in changes] == [(0, True), (3, False), (4, True)]
    assert failures == ["Readiness probe failed: 503"] * 3


@pytest.mark.looptime
async def test_a_liveness_probe_that_fails_too_often_ends():
    changes: list[tuple[float, bool]] = []
    failures: list[str] = []
    numbers = {"periodSeconds": 2, "failureThreshold": 2, "initialDelaySeconds": 3}
    ended = await run_for(prober(ProbeKind.LIVENESS, ["dead"], changes, failures, **numbers), 60)

    assert ended
    assert [passed for _, passed in changes] == [False]
    assert len(failures) == 2


@pytest.mark.looptime
async def test_a_startup_probe_ends_with_its_first_success():
    changes: list[tuple[float, bool]] = []
    failures: list[str] = []
    answers = [*["no"] * 30, None]
    ended = await run_for(
        prober(ProbeKind.STARTUP, answers, changes, failures, periodSeconds=1, failureThreshold=40), 60
    )

    assert ended
    assert [passed for _, passed in changes] == [True]


@pytest.mark.looptime
async def test_a_slow_answer_is_a_failure():
    async def ask():
        await asyncio.sleep(100)

    failures: list[str] = []
    slow = Prober(
        ProbeKind.LIVENESS,
        ProbeSpec.of({"failureThreshold": 1, "timeoutSeconds": 3}),
        ask,
        on_change=lambda passed: None,
        on_failure=failures.append,
    )
    await run_for(slow, 30)

    assert failures == ["Liveness probe failed: probe timed out after 3s"]


@pytest.mark.parametrize(("port", "number"), [(80, 80), ("81", 81), ("http", 8080), ("none", 0)])
def test_ports_by_name_and_number(port, number):
    assert port_of({"ports": [{"name": "http", "containerPort": 8080}]}, port) == number


async def test_asking_over_http_and_tcp():
    async def answer(reader, writer):
        line = await reader.readline()
        writer.write(b"HTTP/1.1 503 No\r\n\r\n" if b"/bad" in line else b"HTTP/1.1 204 Fine\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await ask_http("127.0.0.1", port, {"path": "/good"}) is None
        assert await ask_http("127.0.0.1", port, {"path": "/bad"}) == "HTTP probe failed with statuscode: 503"
        assert await ask_tcp("127.0.0.1", port, {}) is None
    refused = await ask_http("127.0.0.1", port, {"path": "/"})
    assert refused is not None
    assert refused.startswith(f'Get "http://127.0.0.1:{port}/": dial tcp 127.0.0.1:{port}: connect: ')
    assert await ask_tcp("127.0.0.1", port, {}) is not None


def test_an_action_is_found_by_its_name():
    assert action_of({"tcpSocket": {"port": 1}, "periodSeconds": 5}) == ("tcpSocket", {"port": 1})
