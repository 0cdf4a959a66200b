"""What the API does by itself: Events are forgotten an hour after they were last written, as etcd's leases do it."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from haori.objects import Manifest, nested
from haori.objects.times import parse_time
from haori.sandbox.api.errors import ApiStatusError
from haori.sandbox.api.layer import Api

EVENT_LIFE = timedelta(hours=1)
ROUND_SECONDS = 300.0
EVENTS = "events"


async def keep_house(api: Api) -> None:
    """Runs until cancelled."""
    while True:
        await forget_events(api, api.now())
        await asyncio.sleep(ROUND_SECONDS)


async def forget_events(api: Api, now: datetime) -> int:
    """Deletes Events that are old, and says how many."""
    type_ = api.registry.stored_as(EVENTS)
    forgotten = 0
    for manifest in api.all_of(EVENTS):
        last = _last_seen(manifest) or now
        if type_ is None or now - last < EVENT_LIFE:
            continue
        metadata = manifest["metadata"]
        try:
            await api.delete(type_, metadata["name"], metadata.get("namespace", ""))
            forgotten += 1
        except ApiStatusError as error:
            if error.status not in (404, 409):
                raise
    return forgotten


def _last_seen(event: Manifest) -> datetime | None:
    """When an Event last happened; when it was created where it does not say."""
    paths = (("lastTimestamp",), ("series", "lastObservedTime"), ("eventTime",))
    moments = [moment for path in paths if (moment := parse_time(nested(event, *path)))]
    return max(moments, default=parse_time(nested(event, "metadata", "creationTimestamp")))
