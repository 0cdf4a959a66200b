"""Pauses between restarts."""

from __future__ import annotations

import pytest

from haori.sandbox.node.backoff import BackOff


def test_a_crashing_container_is_restarted_at_once_then_after_doubling_pauses():
    back_off, pauses = BackOff(), []
    for _ in range(8):
        pause, back_off = back_off.after_end(ran_seconds=1)
        pauses.append(pause)

    assert pauses == [0, 10, 20, 40, 80, 160, 300, 300]


def test_a_container_that_ran_long_begins_anew():
    _, back_off = BackOff(failures=5).after_end(ran_seconds=601)

    assert back_off.failures == 1


@pytest.mark.parametrize("pause", [10, 20, 160, 300])
def test_who_takes_up_a_pause_goes_on_with_the_same_and_then_the_next(pause):
    taken_up = BackOff.within(pause, first_seconds=10, longest_seconds=300)
    again, back_off = taken_up.after_end(ran_seconds=1)

    assert again == pause
    assert back_off.after_end(ran_seconds=1)[0] == min(300, 2 * pause)


def test_an_image_is_never_asked_for_again_at_once():
    first, back_off = BackOff(first_seconds=2, longest_seconds=3).after_failure()
    second, _ = back_off.after_failure()

    assert (first, second) == (2, 3)
