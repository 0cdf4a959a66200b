"""Who may write: one engine at a time, by a Lease, and a term that counts the changes of hands.

The holder renews several times a duration; a second engine looks at the record and takes it once it has not changed
for a whole duration *by its own clock*, so that clocks that disagree harm nothing. The term is `leaseTransitions`, and
never less than what the Applications already carry, so that it only grows even where somebody deletes the Lease. A
holder that could not renew in time has lost the term before anybody else can have it: `term` says so at once, by
the clock and without asking, which is what a write has to ask before it starts.
see: kubernetes/client-go `tools/leaderelection` for the protocol; the code is ours.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.cluster import AlreadyExistsError, ConflictError, KubernetesClient, NotFoundError
from haori.cluster.well_known import LEASES
from haori.errors import PeerError, TransientError
from haori.objects import Manifest, annotations_of, nested_mapping
from haori.objects.times import format_micro_time
from haori.resources import haori


class LeaseLostError(TransientError):
    """`lease-lost`: another engine may hold the Lease now; nothing more is written under this term."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseSettings:
    """How long a Lease lasts. A standby takes over at most `duration_seconds` and one `retry_seconds` after the end."""

    duration_seconds: float = 10.0
    """Held for so long after the last renewal; whole seconds, since the API knows no others. Short enough that a sync
    goes on within 15 s of its engine's end, long enough for three renewals that fail."""
    renew_seconds: float = 2.0
    retry_seconds: float = 1.0
    """How often who waits looks whether the holder renewed; at the end of the duration it looks at once."""
    margin_seconds: float = 2.0
    """The holder counts itself as having lost so long before others may take the Lease."""

    @property
    def write_seconds(self) -> float:
        """A write starts only while more than this is left; less means that a renewal is late."""
        return self.duration_seconds / 4


class Lease:
    """The Lease of one engine. `acquire` waits for it, `keep` renews it until it is lost or cancelled."""

    def __init__(
        self,
        client: KubernetesClient,
        namespace: str,
        identity: str,
        *,
        clock: Callable[[], datetime],
        name: str = haori.LEASE,
        settings: LeaseSettings | None = None,
        asleep: Callable[[], float] = lambda: seconds_asleep(),
        annotations: Mapping[str, str] | None = None,
    ) -> None:
        """`annotations` stand on the Lease while it is held. `asleep` gives how long the machine has slept, since the loop's
        clock stands still meanwhile.
        """
        self._client, self._namespace, self._name, self._identity = client, namespace, name, identity
        self._clock, self._settings = clock, settings or LeaseSettings()
        self._annotations = dict(annotations or {})
        self._held: Manifest | None = None
        self._renewed_at = 0.0
        self._asleep, self._asleep_before = asleep, 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        """resourceVersion of another's record and when this engine first saw it, in loop time."""
        self._over_at = 0.0
        """When another's record is over, in loop time."""
        self._changed = asyncio.Event()
        self.on_renewed: Callable[[], None] = lambda: None

    @property
    def is_held(self) -> bool:
        """Whether a write may start now."""
        return self._held is not None and self.remaining_seconds > 0

    @property
    def remaining_seconds(self) -> float:
        """How long the term is still certain, without a renewal."""
        if self._held is None:
            return 0.0
        lasts = self._settings.duration_seconds - self._settings.margin_seconds
        slept = self._asleep() - self._asleep_before
        return max(0.0, self._renewed_at + lasts - asyncio.get_running_loop().time() - slept)

    def seconds_left(self, term: int) -> float:
        """How long one term is still certain."""
        return self.remaining_seconds if self._held is not None and _transitions(self._held) == term else 0.0

    async def wait_renewed(self) -> None:
        """Until the Lease was renewed, or is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self.remaining_seconds):
                await self._changed.wait()

    @property
    def term(self) -> int:
        """The term held; LeaseLostError where none is."""
        if self._held is None or self.remaining_seconds <= 0:
            raise LeaseLostError("lease-lost", object=f"Lease {self._namespace}/{self._name}")
        return _transitions(self._held)

    async def acquire(
        self, on_wait: Callable[[str], None] = lambda holder: None, *, at_least: Callable[[], int] = lambda: 0
    ) -> int:
        """Waits until the Lease is ours and gives the term, `at_least` as high as is asked for when it is taken.

        `on_wait` hears each new holder that is waited for.
        """
        waited_for = ""
        self._held = None  # What is left of a term that was lost is no claim to the next one.
        while True:
            try:
                holder = await self._try(at_least)
            except PeerError as problem:
                if not problem.transient and not isinstance(problem, (ConflictError, AlreadyExistsError)):
                    raise
                holder = waited_for
            if self._held is not None:
                return self.term
            if holder and holder != waited_for:
                waited_for = holder
                on_wait(holder)
            left = self._over_at - asyncio.get_running_loop().time()
            retry = self._settings.retry_seconds
            await asyncio.sleep(min(retry, left) if left > 0 else retry)

    async def keep(self) -> None:
        """Renews until cancelled; raises LeaseLostError when the term is over."""
        while True:
            await asyncio.sleep(min(self._settings.renew_seconds, self.remaining_seconds))
            try:
                # A renewal that hangs must leave time for another one.
                async with asyncio.timeout(min(self.remaining_seconds, self._settings.duration_seconds / 3)):
                    await self._renew_or_learn()
            except (TransientError, TimeoutError):
                pass  # The term goes on until its time is over; the next line decides.
            _ = self.term

    async def release(self) -> None:
        """Gives the Lease back, so that a standby need not wait; best effort within the time it is held."""
        held, self._held = self._held, None
        if held is None:
            return
        body = {**held, "spec": {**held["spec"], "holderIdentity": "", "leaseDurationSeconds": 1}}
        try:
            async with asyncio.timeout(2):
                await self._client.replace(LEASES, body)
        except (PeerError, TimeoutError):
            return

    async def _try(self, at_least: Callable[[], int]) -> str:
        """Takes the Lease where that is allowed; gives the holder otherwise."""
        loop = asyncio.get_running_loop()
        try:
            found = await self._read()
        except NotFoundError:
            began = loop.time()
            self._hold(await self._client.create(LEASES, self._manifest({}, transitions=at_least())), began)
            return self._identity
        spec = nested_mapping(found, "spec")
        holder, version = str(spec.get("holderIdentity") or ""), str(found["metadata"].get("resourceVersion") or "")
        if version != self._seen[0]:
            self._seen = (version, loop.time())
        lasts = float(spec.get("leaseDurationSeconds") or self._settings.duration_seconds)
        self._over_at = self._seen[1] + lasts
        if holder and holder != self._identity and loop.time() < self._over_at:
            return holder
        # Our own record of a life before is a new term as well: what that life still had under way must not count.
        began = loop.time()
        body = self._manifest(found, transitions=max(_transitions(found) + 1, at_least()))
        self._hold(await self._client.replace(LEASES, body), began)
        return self._identity

    async def _renew_or_learn(self) -> None:
        """Renews; where the record changed meanwhile, lets go of it if it is another's, else knows its new version."""
        try:
            await self._renew()
        except ConflictError:
            found = await self._read()
            is_ours = nested_mapping(found, "spec").get("holderIdentity") == self._identity
            self._held = found if is_ours else None

    async def _renew(self) -> None:
        assert self._held is not None
        began = asyncio.get_running_loop().time()
        body = self._manifest(self._held, transitions=_transitions(self._held))
        self._hold(await self._client.replace(LEASES, body), began)

    def _hold(self, stored: Manifest, began: float) -> None:
        """The time counts from before the request: the server may have stored it that early."""
        self._held, self._renewed_at, self._asleep_before = stored, began, self._asleep()
        self._changed.set()
        self._changed = asyncio.Event()
        self.on_renewed()

    async def _read(self) -> dict[str, Any]:
        return await self._client.get(LEASES, self._name, self._namespace)

    def _manifest(self, found: Manifest, *, transitions: int) -> dict[str, Any]:
        now = format_micro_time(self._clock())
        before = nested_mapping(found, "spec")
        is_same = before.get("holderIdentity") == self._identity and before.get("leaseTransitions") == transitions
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": self._metadata(found),
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._settings.duration_seconds),
                "acquireTime": before.get("acquireTime") if is_same else now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }

    def _metadata(self, found: Manifest) -> dict[str, Any]:
        """As found, with our annotations in place of those of who held it before."""
        metadata = dict(found.get("metadata") or {"name": self._name, "namespace": self._namespace})
        others = {name: value for name, value in annotations_of(found).items() if name != haori.LISTENER}
        if annotations := {**others, **self._annotations}:
            metadata["annotations"] = annotations
        else:
            metadata.pop("annotations", None)
        return metadata


def seconds_asleep() -> float:
    """How long this machine has been suspended since it started, in tenths of seconds, as far as the system says."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0.0
    return round(time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC), 1)


def _transitions(manifest: Manifest) -> int:
    return int(nested_mapping(manifest, "spec").get("leaseTransitions") or 0)
