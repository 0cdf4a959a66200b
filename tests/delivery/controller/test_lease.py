from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import pytest

from haori.cluster import KubernetesClient
from haori.delivery.controller.lease import Lease, LeaseLostError, seconds_asleep
from haori.resources import haori
from tests.delivery.controller.fakes import FakeClient, clock

pytestmark = pytest.mark.looptime


def lease(client: FakeClient, identity: str, *, asleep: Callable[[], float] = lambda: 0.0) -> Lease:
    return Lease(cast(KubernetesClient, client), "argocd", identity, clock=clock, asleep=asleep)


async def test_the_first_engine_has_the_lease_at_once():
    client = FakeClient()

    term = await lease(client, "one").acquire()

    assert term == 0
    assert client.objects["Lease", "argocd", "haori-engine"]["spec"]["holderIdentity"] == "one"


async def test_a_second_engine_waits_and_takes_over_with_a_higher_term():
    client = FakeClient()
    loop = asyncio.get_running_loop()
    await lease(client, "one").acquire()
    waited_for: list[str] = []

    term = await lease(client, "two").acquire(waited_for.append)

    assert term == 1
    assert waited_for == ["one"]
    assert loop.time() == 10  # No more than the holder was promised, and no look later.


async def test_a_renewed_lease_is_not_taken():
    client = FakeClient()
    one, two = lease(client, "one"), lease(client, "two")
    await one.acquire()
    keeping = asyncio.ensure_future(one.keep())
    waiting = asyncio.ensure_future(two.acquire())

    await asyncio.wait([keeping, waiting], timeout=120)

    assert one.is_held
    assert not keeping.done()
    assert not waiting.done()
    for task in (keeping, waiting):
        task.cancel()
    await asyncio.gather(keeping, waiting, return_exceptions=True)


async def test_a_holder_that_cannot_renew_stops_before_another_may_take_over():
    client = FakeClient()
    one = lease(client, "one")
    await one.acquire()
    client.is_down = True
    began = asyncio.get_running_loop().time()

    with pytest.raises(LeaseLostError):
        await one.keep()

    assert asyncio.get_running_loop().time() - began == 8
    assert not one.is_held
    with pytest.raises(LeaseLostError):
        _ = one.term


async def test_a_restarted_engine_of_the_same_name_begins_a_new_term():
    client = FakeClient()
    await lease(client, "one").acquire()

    assert await lease(client, "one").acquire() == 1


async def test_a_released_lease_is_taken_at_once():
    client = FakeClient()
    one = lease(client, "one")
    await one.acquire()
    await one.release()

    assert await lease(client, "two").acquire() == 1
    assert asyncio.get_running_loop().time() == 0


async def test_a_lease_that_another_took_is_lost_at_the_next_renewal():
    client = FakeClient()
    one = lease(client, "one")
    await one.acquire()
    stored: dict[str, Any] = client.objects["Lease", "argocd", "haori-engine"]
    other = {**stored, "spec": {**stored["spec"], "holderIdentity": "two"}}
    await client.replace(_leases(), other)

    with pytest.raises(LeaseLostError):
        await one.keep()


def _leases():
    from haori.cluster.well_known import LEASES

    return LEASES


async def test_an_engine_that_lost_its_lease_waits_for_the_next_term_like_any_other():
    client = FakeClient()
    one, two = lease(client, "one"), lease(client, "two")
    await one.acquire()
    await two.acquire()  # The first slept, and never renewed.
    waited_for: list[str] = []

    waiting = asyncio.ensure_future(one.acquire(waited_for.append))
    await asyncio.wait([waiting], timeout=5)
    assert (waiting.done(), waited_for) == (False, ["two"])

    await two.release()
    assert await waiting == 2


async def test_a_record_that_is_first_seen_late_counts_from_then():
    """Its renewTime is the word of another clock and counts for nothing."""
    client = FakeClient()
    await lease(client, "one").acquire()
    await asyncio.sleep(9)
    began = asyncio.get_running_loop().time()

    await lease(client, "two").acquire()

    assert asyncio.get_running_loop().time() - began == 10


async def test_a_term_is_never_less_than_what_was_written_before():
    """Somebody deleted the Lease, or the Applications came from another cluster."""
    client = FakeClient()
    assert await lease(client, "one").acquire(at_least=lambda: 8) == 8
    assert await lease(client, "one").acquire(at_least=lambda: 3) == 9


async def test_what_is_left_of_an_earlier_term_is_nothing():
    client = FakeClient()
    one = lease(client, "one")
    first = await one.acquire()
    second = await one.acquire()

    assert one.seconds_left(first) == 0
    assert one.seconds_left(second) == 8


async def test_who_waits_for_a_renewal_hears_of_it_and_of_the_end():
    client = FakeClient()
    loop = asyncio.get_running_loop()
    one = lease(client, "one")
    await one.acquire()
    keeping = asyncio.ensure_future(one.keep())

    await one.wait_renewed()
    assert loop.time() == 2
    client.is_down = True
    await one.wait_renewed()
    assert (loop.time(), one.remaining_seconds) == (10, 0)

    with pytest.raises(LeaseLostError):
        await keeping


async def test_a_machine_that_slept_has_lost_what_it_held():
    """The loop's clock stood still meanwhile; the other engine's did not."""
    slept = [100.0]
    one = lease(FakeClient(), "one", asleep=lambda: slept[0])
    await one.acquire()
    assert one.remaining_seconds == 8

    slept[0] += 20
    assert one.remaining_seconds == 0
    with pytest.raises(LeaseLostError):
        _ = one.term


def test_how_long_this_machine_slept_is_known_and_does_not_jitter():
    assert seconds_asleep() == seconds_asleep() >= 0


async def test_the_lease_says_where_its_holder_is_reached_and_not_where_the_last_one_was():
    client = FakeClient()
    for identity, listener in (("one", {haori.LISTENER: "http://10.0.0.1:8083"}), ("two", {}), ("three", None)):
        current = Lease(cast(KubernetesClient, client), "argocd", identity, clock=clock, annotations=listener)
        await current.acquire()
        stored = client.objects["Lease", "argocd", "haori-engine"]["metadata"]
        assert stored.get("annotations", {}) == (listener or {})
        stored.setdefault("annotations", {})["example.com/team"] = "shop"
        await current.release()
        assert (
            client.objects["Lease", "argocd", "haori-engine"]["metadata"]["annotations"]["example.com/team"] == "shop"
        )
        stored["annotations"].pop("example.com/team")
