"""How often somebody may try to sign in."""

from __future__ import annotations

import pytest

from haori.access.errors import SignInError
from haori.access.limits import AT_MOST, FORGOTTEN_SECONDS, LONGEST_SECONDS, SignInLimits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> SignInLimits:
    return SignInLimits(clock, account_free=3, address_free=5)


def wait(limits: SignInLimits, account: str = "ann", address: str = "10.0.0.1") -> int:
    """Seconds to wait before a try is taken; 0: it was taken, and failed."""
    try:
        limits.begin(account, address)
    except SignInError as error:
        return int(error.parameters["seconds"])
    return 0


def test_the_wait_doubles_with_each_failure_and_has_an_end(limits: SignInLimits, clock: Clock):
    for _ in range(3):
        assert wait(limits) == 0
    waits = []
    for number in range(12):
        waits.append(wait(limits, address=f"10.0.1.{number}"))
        clock.now += waits[-1]
        assert wait(limits, address=f"10.0.1.{number}") == 0
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert waits[-1] == LONGEST_SECONDS


def test_many_at_once_gain_nothing(limits: SignInLimits):
    taken = [wait(limits) for _ in range(50)]
    assert taken.count(0) == 3


def test_an_address_is_counted_over_all_accounts(limits: SignInLimits):
    taken = [wait(limits, account=f"user-{number}") for number in range(8)]
    assert taken == [0] * 5 + [1] * 3
    assert wait(limits, account="ann", address="10.0.0.2") == 0


def test_who_names_no_account_holds_up_no_other(limits: SignInLimits):
    for _ in range(5):
        limits.begin(None, "10.0.0.1")
    with pytest.raises(SignInError):
        limits.begin(None, "10.0.0.1")
    limits.begin(None, "10.0.0.2")


def test_a_success_clears_the_account_and_not_the_address(limits: SignInLimits):
    wait(limits)
    wait(limits)
    wait(limits)
    limits.succeed("ann", "10.0.0.1")
    assert [wait(limits, account=name) for name in ("ann", "bob", "cleo", "dan")] == [0, 0, 0, 1]


def test_failures_are_forgotten(limits: SignInLimits, clock: Clock):
    for _ in range(3):
        wait(limits)
    assert wait(limits) == 1
    clock.now += FORGOTTEN_SECONDS + 1
    assert wait(limits) == 0


def test_what_is_remembered_is_bounded(limits: SignInLimits):
    for number in range(AT_MOST + 10):
        limits.begin(f"user-{number}", f"10.{number}")
    assert len(limits._accounts._known) == len(limits._addresses._known) == AT_MOST
