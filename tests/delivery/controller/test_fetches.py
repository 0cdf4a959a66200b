"""A fetch is shared by all who want what was pushed by now."""

from __future__ import annotations

import asyncio

import pytest

from haori.delivery.controller.fetches import LONGEST_SECONDS, PACE, SHORTEST_SECONDS, SharedFetches
from haori.git import Refs, RepositoryUnreachableError

pytestmark = pytest.mark.looptime(start=0)

URL = "https://git.example/shop"
FETCH_SECONDS = 2.0


class Remote:
    def __init__(self, seconds: float = FETCH_SECONDS) -> None:
        self.seconds = seconds
        self.began: list[float] = []
        self.is_down = False

    async def refresh(self, url: str) -> Refs:
        self.began.append(asyncio.get_running_loop().time())
        await asyncio.sleep(self.seconds)
        if self.is_down:
            raise RepositoryUnreachableError("git-unreachable", url=url, reason="down")
        return Refs()


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_thousand_cost_one_fetch():
    remote = Remote()
    fetches = SharedFetches(remote)
    await asyncio.gather(*(fetches.fetch(URL, now()) for _ in range(1000)))
    await fetches.fetch(URL, 0.0)
    assert remote.began == [0.0]


async def test_who_comes_while_one_runs_waits_for_the_next_together_with_others():
    remote = Remote()
    fetches = SharedFetches(remote)

    async def later(seconds: float) -> None:
        await asyncio.sleep(seconds)
        await fetches.fetch(URL, now())

    await asyncio.gather(*(later(seconds) for seconds in (0, 0.5, 1, 1.5)))
    assert remote.began == [0.0, FETCH_SECONDS]


async def test_a_failure_is_shared_and_the_next_fetch_tries_again():
    remote = Remote()
    remote.is_down = True
    fetches = SharedFetches(remote)
    found = await asyncio.gather(*(fetches.fetch(URL, now()) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [RepositoryUnreachableError] * 3
    remote.is_down = False
    await fetches.fetch(URL, now())
    assert len(remote.began) == 2


@pytest.mark.parametrize(
    ("takes", "distance"), [(0, SHORTEST_SECONDS), (0.04, PACE * 0.04), (0.3, LONGEST_SECONDS), (2, 2)],
    ids=["at least", "in proportion", "at most", "never two at once"],
)  # fmt: skip
async def test_fetches_keep_a_distance_by_what_one_takes_but_for_one_that_follows_at_once(takes, distance):
    remote = Remote(seconds=takes)
    fetches = SharedFetches(remote)
    for _ in range(5):
        await fetches.fetch(URL, now() + 0.001)
    at = [0.0, takes, 2 * distance, 2 * distance + takes, 4 * distance]
    assert remote.began == pytest.approx(at, abs=0.01)


async def test_repositories_do_not_wait_for_each_other():
    remote = Remote()
    fetches = SharedFetches(remote)
    await asyncio.gather(fetches.fetch(URL, now()), fetches.fetch(URL + "2", now()))
    assert remote.began[0] == remote.began[1]


async def test_who_is_known_to_have_work_keeps_no_distance_and_takes_the_others_along():
    remote = Remote(seconds=0.3)
    fetches = SharedFetches(remote)
    for _ in range(2):
        await fetches.fetch(URL, now())
    waits = asyncio.create_task(fetches.fetch(URL, now()))
    await asyncio.sleep(0.1)
    await fetches.fetch(URL, now(), at_once=True)
    await waits
    assert remote.began == pytest.approx([0.0, 0.3, 0.7])
