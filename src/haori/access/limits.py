"""How often somebody may try to sign in: each failure too many doubles the wait, for an account and for an address.

A try counts as a failure until it has succeeded, so that many at once gain nothing. What is kept is bounded; it is of this
process alone, so with several servers somebody may try as often at each.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from haori.access.errors import SignInError

LONGEST_SECONDS = 300.0
FORGOTTEN_SECONDS = 900.0
"""After which failures count no more."""
AT_MOST = 10_000
"""Accounts, and addresses, that are remembered; the oldest is forgotten first."""


@dataclass(slots=True)
class _Failures:
    count: int
    last: float


class _Counted:
    """Failures by key."""

    def __init__(self, free: int) -> None:
        self.free = free
        """Failures that cost nothing."""
        self._known: dict[str, _Failures] = {}

    def wait(self, key: str, now: float) -> float:
        """Seconds until the next try is taken."""
        known = self._known.get(key)
        if known is None or known.count < self.free or now - known.last > FORGOTTEN_SECONDS:
            return 0.0
        pause = min(LONGEST_SECONDS, 2.0 ** min(known.count - self.free, 20))
        return max(0.0, known.last + pause - now)

    def add(self, key: str, now: float) -> None:
        known = self._known.pop(key, None)
        if known is None or now - known.last > FORGOTTEN_SECONDS:
            known = _Failures(0, now)
        self._known[key] = _Failures(known.count + 1, now)
        if len(self._known) > AT_MOST:
            del self._known[next(iter(self._known))]

    def take_back(self, key: str) -> None:
        if (known := self._known.get(key)) is not None:
            known.count -= 1
            if known.count <= 0:
                del self._known[key]

    def forget(self, key: str) -> None:
        self._known.pop(key, None)


class SignInLimits:
    """Of one process. `seconds` is a clock that only rises."""

    def __init__(self, seconds: Callable[[], float], *, account_free: int = 5, address_free: int = 20) -> None:
        self._seconds = seconds
        self._accounts, self._addresses = _Counted(account_free), _Counted(address_free)

    def begin(self, account: str | None, address: str) -> None:
        """Counts a try; None: it names no account. Raises SignInError `sign-in-too-often` (seconds)."""
        now = self._seconds()
        wait = self._addresses.wait(address, now)
        if account is not None:
            wait = max(wait, self._accounts.wait(account, now))
        if wait > 0:
            raise SignInError("sign-in-too-often", seconds=math.ceil(wait))
        if account is not None:
            self._accounts.add(account, now)
        self._addresses.add(address, now)

    def succeed(self, account: str | None, address: str) -> None:
        """The try was no failure: the account's are forgotten, the address keeps its others."""
        if account is not None:
            self._accounts.forget(account)
        self._addresses.take_back(address)
