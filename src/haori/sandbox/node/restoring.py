"""Taking up a Pod whose status an earlier node wrote."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from haori.objects import nested, nested_mapping, nested_text
from haori.objects.errors import QuantityError
from haori.objects.quantities import parse_duration
from haori.objects.times import parse_time
from haori.sandbox.node.containers import FORCED_EXIT_CODE, ContainerRecord, Running, Terminated

_PAUSE = re.compile(r"back-off (\S+) restarting failed ")
LOST_REASON = "ContainerStatusUnknown"
LOST_MESSAGE = "The container could not be located when the node was started"


def restore_record(
    records: Sequence[ContainerRecord], status: Mapping[str, Any], *, is_real: bool, now: datetime
) -> None:
    """Fill the record that `status` (an entry of containerStatuses) is about.

    A simulated container goes on running; a real one has ended with the node that started it, so its status becomes the
    end it came to (`now`, as nobody saw it) and what follows is decided as for any container that ends. One that was
    waiting to be started again goes on waiting.
    """
    record = next((each for each in records if each.name == status.get("name")), None)
    if record is None:
        return
    record.restart_count = int(status.get("restartCount") or 0)
    record.container_id = nested_text(status, "containerID")
    record.last_state = terminated_of(nested_mapping(status, "lastState", "terminated"))
    if ended := terminated_of(nested_mapping(status, "state", "terminated")):
        record.state = ended
    elif nested(status, "state", "waiting", "reason") == "CrashLoopBackOff" and record.last_state is not None:
        record.state = record.last_state
        record.paused_seconds = written_pause(nested_text(status, "state", "waiting", "message"))
    elif started := parse_time(nested(status, "state", "running", "startedAt")):
        if not is_real:
            record.state = Running(started_at=started)
            record.started = bool(status.get("started"))
            record.ready = bool(status.get("ready"))
        else:
            record.state = Terminated(
                exit_code=FORCED_EXIT_CODE,
                reason=LOST_REASON,
                message=LOST_MESSAGE,
                started_at=started,
                finished_at=now,
                container_id=record.container_id,
            )


def written_pause(message: str) -> float | None:
    """The pause in `back-off 40s restarting failed container=…`; None where it is not that sentence."""
    match = _PAUSE.match(message)
    try:
        return parse_duration(match[1]) if match else None
    except QuantityError:
        return None


def terminated_of(written: Mapping[str, Any]) -> Terminated | None:
    """A terminated state as it was written, None for an empty one."""
    if "exitCode" not in written:
        return None
    return Terminated(
        exit_code=int(written["exitCode"]),
        reason=nested_text(written, "reason"),
        message=nested_text(written, "message"),
        signal=int(written.get("signal") or 0),
        container_id=nested_text(written, "containerID"),
        started_at=parse_time(written.get("startedAt")) or datetime.fromtimestamp(0, UTC),
        finished_at=parse_time(written.get("finishedAt")) or datetime.fromtimestamp(0, UTC),
    )
