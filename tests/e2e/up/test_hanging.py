"""An engine, and a PostgreSQL server, that hang (SIGSTOP): nobody is kept waiting, and it is said until they go on."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.up.instance import Running
from tests.e2e.up.test_up import APPLICATION, ask_as_browser

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("up"), pytest.mark.timeout(400)]
GENEROUS = 20.0
"""For one answer: a machine that is busy with other things is slow. A hang was waited for for a minute and more."""
STATUS = "/api/haori/v1/status"
LIST = "/api/haori/v1/applications"
PAGE = f"/api/v1/applications/{APPLICATION}"
"""What an application's page begins with."""
TREE = f"{PAGE}/resource-tree"


@pytest.fixture(autouse=True)
def as_wanted_before(running: Running) -> None:
    running.expect_all_as_wanted()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, and how long it took."""

    status: int
    body: Any
    seconds: float

    @property
    def code(self) -> str:
        """Of the refusal."""
        return str(self.body["haori"]["code"])


def ask(running: Running, path: str, **headers: str) -> Answer:
    """As the owner, or by the headers that are given."""
    place = json.loads((running.data_dir / "server/server.json").read_text())
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", place["port"], timeout=3 * GENEROUS)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers or {"Authorization": f"Bearer {place['token']}"})
        answer = connection.getresponse()
        body = json.loads(answer.read())
    return Answer(answer.status, body, time.monotonic() - began)


def session(running: Running) -> str:
    """The cookie of one."""
    link = running.haori("open", "--no-browser").stdout.strip()
    url, code = running.json("status")["console"], link.partition("#code=")[2]
    return ask_as_browser(url, "/api/haori/v1/session/link", {"code": code})[2]["set-cookie"].partition(";")[0]


def family(pid: int) -> list[int]:
    """A process and its children."""
    return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    """It stands still, its children too; whoever comes while they are stopped one by one finds no parent to be born of."""
    os.kill(pid, signal.SIGSTOP)
    every = family(pid)
    for each in every:
        os.kill(each, signal.SIGSTOP)
    try:
        yield
    finally:
        for each in every:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGCONT)


def expect_state(running: Running, part: str, state: str) -> None:
    def probe() -> tuple[bool, Any]:
        told = ask(running, STATUS).body
        return told[part]["state"] == state, told

    running.expect(f"{part} {state}", probe)


def test_an_engine_that_hangs_keeps_nobody_waiting(running: Running):
    assert ask(running, STATUS).body["engine"]["state"] == "present"
    with stopped(running.pid("engine")):
        first, second = ask(running, TREE), ask(running, TREE)
        assert (first.status, first.code, second.status, second.code) == (503, "engine-away") * 2
        assert first.seconds < GENEROUS
        assert second.seconds < first.seconds
        for path in (LIST, PAGE):
            answer = ask(running, path)
            assert answer.status == 200
            assert answer.seconds < GENEROUS
        told = ask(running, STATUS).body
        assert (told["engine"]["state"], told["engine"]["problem"]) == ("away", "engine-away")
        assert told["store"]["state"] == "present"
        began = time.monotonic()
        assert running.haori("status", timeout=3 * GENEROUS).returncode == 1
        assert time.monotonic() - began < GENEROUS
    # One that slept through its Lease stands by for a moment before it leads again.
    running.expect("the tree", lambda: ((answer := ask(running, TREE)).status == 200, answer))
    expect_state(running, "engine", "present")


def test_a_store_that_hangs_keeps_nobody_waiting_and_lets_nobody_in(running: Running):
    cookie = session(running)
    assert ask(running, LIST, Cookie=cookie).status == 200
    with stopped(int((running.data_dir / "store/data/postmaster.pid").read_text().split()[0])):
        first, second = ask(running, LIST, Cookie=cookie), ask(running, PAGE, Cookie=cookie)
        assert (first.status, first.code, second.status, second.code) == (503, "store-away") * 2
        assert first.seconds < GENEROUS
        assert second.seconds < first.seconds
        assert ask(running, "/api/v1/session/userinfo", Cookie=cookie).status == 503
        for path in (LIST, PAGE):
            answer = ask(running, path)
            assert answer.status == 200
            assert answer.seconds < GENEROUS
        told = ask(running, STATUS).body
        assert (told["store"]["state"], told["engine"]["state"]) == ("away", "present")
        began = time.monotonic()
        refused = running.haori("open", "--no-browser", timeout=4 * GENEROUS)
        assert refused.returncode != 0
        assert "store-away" in refused.stderr
        assert time.monotonic() - began < 2 * GENEROUS
    expect_state(running, "store", "present")
    assert ask(running, LIST, Cookie=cookie).status == 200
