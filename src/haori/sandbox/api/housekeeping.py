"""Events are forgotten an hour after they last happened, as etcd's leases do it.

Nothing wakes up for this: an Event that is written makes room, at most once a minute, so a quiet cluster costs nothing and
a busy one keeps an hour of them.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from haori.objects import Manifest, nested
from haori.objects.times import parse_time
from haori.sandbox.api.errors import ApiStatusError

if TYPE_CHECKING:
    from haori.sandbox.api.layer import Api

EVENT_LIFE = timedelta(hours=1)
ROUND = timedelta(minutes=1)
AT_ONCE = 500
"""Events forgotten in one round; their deletions share commits. What is left waits for the next one."""
EVENTS = "events"


async def forget_events(api: Api, now: datetime) -> int:
    """Deletes Events that are old, and says how many."""
    type_ = api.registry.stored_as(EVENTS)
    if type_ is None:
        return 0
    old = [each["metadata"] for each in api.all_of(EVENTS) if now - (_last_seen(each) or now) >= EVENT_LIFE][:AT_ONCE]
    answers = await asyncio.gather(
        *(api.delete(type_, metadata["name"], metadata.get("namespace", "")) for metadata in old),
        return_exceptions=True,
    )
    for answer in answers:
        # Gone already, or just written again: both are well.
        if isinstance(answer, BaseException) and not (
            isinstance(answer, ApiStatusError) and answer.status in (404, 409)
        ):
            raise answer
    return len(old)


def _last_seen(event: Manifest) -> datetime | None:
    """When an Event last happened; when it was created where it does not say."""
    paths = (("lastTimestamp",), ("series", "lastObservedTime"), ("eventTime",))
    moments = [moment for path in paths if (moment := parse_time(nested(event, *path)))]
    return max(moments, default=parse_time(nested(event, "metadata", "creationTimestamp")))
