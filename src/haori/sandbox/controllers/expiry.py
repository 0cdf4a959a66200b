"""What ends by age or number: Events, and ended Pods that nobody owns any more.

see: Kubernetes' `--event-ttl` (one hour) and `pkg/controller/podgc` (`--terminated-pod-gc-threshold`).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from haori.cluster.well_known import EVENTS, PODS
from haori.objects.times import parse_time
from haori.sandbox.controllers.informers import Object, metadata_only
from haori.sandbox.controllers.pods import is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

EVENTS_KEY, PODS_KEY = "events", "pods"
EVENTS_LIMIT = 5000
"""Events kept at most, however young: the oldest go first."""
LEAST_SECONDS = 60.0
AT_ONCE = 200


def trim_event(item: Object) -> Object:
    """Of Events only their age is asked."""
    metadata = {key: value for key, value in metadata_only(item)["metadata"].items() if key not in ("ownerReferences",)}
    seen = item.get("lastTimestamp") or item.get("eventTime") or item["metadata"].get("creationTimestamp")
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, "lastTimestamp": seen}


class ExpiryController:
    """Removes what is too old or too much; one timer a minute at most, none where there is nothing."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._events = world.informer(EVENTS, trim_event)
        self._pods = world.informer(PODS)
        self._timed = False
        self.queue: KeyedQueue[str] = KeyedQueue("expiry", self.reconcile, workers=2)

    def start(self) -> None:
        """Listens to Events and Pods that end."""
        self._events.subscribe(self._event_changed)
        self._pods.subscribe(self._pod_changed)

    def _event_changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None and (not self._timed or len(self._events) > EVENTS_LIMIT):
            self._timed = True
            self.queue.ask(EVENTS_KEY, 1.0)

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if after is not None and is_terminal(after) and (before is None or not is_terminal(before)):
            self.queue.ask(PODS_KEY, 1.0)

    async def reconcile(self, key: str) -> None:
        """One look at all Events, or at all ended Pods."""
        await (self._expire_events() if key == EVENTS_KEY else self._expire_pods())

    async def _expire_events(self) -> None:
        keep = timedelta(seconds=self._world.settings.event_seconds)
        now = self._world.now()
        by_age = sorted(self._events.everywhere(), key=lambda event: _seen(event, now))
        surplus = max(0, len(by_age) - EVENTS_LIMIT)
        due = [event for number, event in enumerate(by_age) if number < surplus or _seen(event, now) + keep <= now]
        for event in due[:AT_ONCE]:
            await self._world.delete(EVENTS, event)
        left = by_age[len(due[:AT_ONCE]) :]
        self._timed = bool(left)
        if left:
            wait = (_seen(left[0], now) + keep - now).total_seconds()
            self.queue.ask(EVENTS_KEY, 1.0 if len(due) > AT_ONCE else max(LEAST_SECONDS, wait))

    async def _expire_pods(self) -> None:
        ended = [pod for pod in self._pods.everywhere() if is_terminal(pod)]
        surplus = len(ended) - self._world.settings.terminated_pods
        ended.sort(key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        for pod in ended[: max(0, surplus)]:
            await self._world.delete(PODS, pod)


def _seen(event: Object, now: datetime) -> datetime:
    return parse_time(event.get("lastTimestamp")) or parse_time(event["metadata"].get("creationTimestamp")) or now
