"""Whether repositories can be opened, as the engine finds out: asked when somebody looks at one, remembered for a while."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from haori.errors import HaoriError
from haori.server.engine import Engine, EngineAnswerError

LOOK_SECONDS = 5.0
"""How long a list waits for one repository."""
AT_ONCE = 4
KEPT_FOR = timedelta(minutes=3)
KEPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What came of the last try."""

    at: datetime
    status: str
    """As Argo CD's ConnectionState has it: Successful, Failed, Unknown."""
    message: str = ""


class Openings:
    """By repository and state of its Secret."""

    def __init__(self) -> None:
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._seen: OrderedDict[tuple[str, str, str], Opening] = OrderedDict()

    async def look(
        self, engine: Engine, *, url: str, kind: str, version: str, now: datetime, is_fresh: bool = False
    ) -> Opening:
        """Whether the repository can be opened by its Secret, which is at `version`; tried anew where `is_fresh`."""
        key = url, kind, version
        known = self._seen.get(key)
        if known is not None and not is_fresh and now - known.at < KEPT_FOR:
            return known
        found = await self._try(engine, url, kind, now)
        if found.status != "Unknown":
            self._seen[key] = found
            self._seen.move_to_end(key)
            while len(self._seen) > KEPT:
                self._seen.popitem(last=False)
        return found

    async def _try(self, engine: Engine, url: str, kind: str, now: datetime) -> Opening:
        if kind == "oci":
            # A registry says nothing before a chart or an image is named.
            return Opening(at=now, status="Unknown")
        try:
            async with asyncio.timeout(LOOK_SECONDS), self._slots:
                await engine.post("repositories", "check", body={"url": url, "kind": kind, "given": {}})
        except EngineAnswerError as error:
            return Opening(at=now, status="Failed", message=error.sentence.text())
        except (HaoriError, TimeoutError):
            return Opening(at=now, status="Unknown")
        return Opening(at=now, status="Successful")
