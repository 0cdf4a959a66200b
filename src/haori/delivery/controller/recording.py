"""Says what happened: one record of the timeline a fact, a Kubernetes Event for operations, a line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from haori.cluster import KubernetesClient
from haori.cluster.well_known import EVENTS
from haori.delivery.apply import WriteDoor
from haori.delivery.apply.door import LostLeadershipError
from haori.delivery.model import Application, HistoryEntry, OperationState, Pin
from haori.errors import PeerError
from haori.objects import ResourceKey
from haori.objects.times import format_time
from haori.resources import argo, haori
from haori.resources.argo import HealthStatus, OperationPhase
from haori.timeline import Record, Recorder
from haori.words import Sentence

log = logging.getLogger(__name__)
COMPONENT = "haori-engine"
MESSAGE_LIMIT = 1024
"""Of an Event's message, in characters, as the API has it."""
AUTOMATED = "automated"
"""Who acts where nobody asked."""


class Recording:
    """Where the engine's facts go."""

    def __init__(
        self, client: KubernetesClient, door: WriteDoor, recorder: Recorder, *, clock: Callable[[], datetime]
    ) -> None:
        self._client, self._door, self._recorder, self._clock = client, door, recorder, clock
        self._count = 0

    def operation_started(self, application: Application, state: OperationState) -> None:
        """A sync began. Its Event is written when it ends: one request an operation."""
        parameters = {"application": application.name, "revision": _short(state.revisions)}
        self._record("sync-started", application, parameters, state)

    async def operation_finished(self, application: Application, state: OperationState) -> None:
        """A sync ended."""
        parameters = {"application": application.name, "revision": _short(state.revisions), "phase": state.phase.value}
        self._record("sync-finished", application, parameters, state)
        began, ended = state.started_at, state.finished_at
        seconds = (ended - began).total_seconds() if began and ended else 0.0
        log.info(
            "sync finished",
            extra={
                "application": application.name,
                "revision": _short(state.revisions),
                "phase": state.phase.value,
                "seconds": seconds,
                "objects": len(state.resources),
            },
        )
        await self._event(application, state)

    def health_changed(
        self, application: Application, before: HealthStatus, after: HealthStatus, reason: Sentence | str, revision: str
    ) -> None:
        """An application's health went from one word to another."""
        parameters = {
            "application": application.name, "before": before.value, "after": after.value, "reason": reason,
        }  # fmt: skip
        self._put(Record(
            code="health-changed", time=self._clock(), parameters=parameters, revision=revision,
            objects=(_itself(application),), cluster=self._cluster_of(application),
        ))  # fmt: skip

    def pin_set(self, application: Application, pin: Pin) -> None:
        """Somebody pinned an application."""
        revision = _short(pin.revisions)
        parameters = {"owner": pin.owner, "application": application.name, "revision": revision}
        if pin.reason:
            parameters["reason"] = pin.reason
        self._put(Record(
            code="pin-set" if pin.reason else "pin-set-plain", time=self._clock(), parameters=parameters, who=pin.owner,
            revision=",".join(pin.revisions), objects=(_itself(application),), cluster=self._cluster_of(application),
        ))  # fmt: skip

    def pin_ended(self, application: Application, revision: str, *, by_us: bool) -> None:
        """A pin was removed: by us because its time was over, or by somebody who left no name."""
        parameters = {"application": application.name, "revision": revision[:7]}
        self._put(Record(
            code="pin-ended", time=self._clock(), parameters=parameters, who=AUTOMATED if by_us else "",
            revision=revision,
            objects=(_itself(application),), cluster=self._cluster_of(application),
        ))  # fmt: skip

    def _record(self, code: str, application: Application, parameters: dict[str, Any], state: OperationState) -> None:
        who = state.operation.username or (AUTOMATED if state.operation.automated else "")
        objects = tuple(dict.fromkeys(row.key for row in state.resources)) or (_itself(application),)
        self._put(Record(
            code=code, time=self._clock(), parameters=parameters, who=who, revision=",".join(state.revisions),
            objects=objects, cluster=self._cluster_of(application),
        ))  # fmt: skip

    def _cluster_of(self, application: Application) -> str:
        """Where it is delivered to: our own cluster by the name we have for it, others as the destination names them."""
        destination = application.spec.destination
        is_here = destination.server == argo.IN_CLUSTER_SERVER or destination.name == argo.IN_CLUSTER_NAME
        return self._client.cluster if is_here else destination.name or destination.server or self._client.cluster

    def _put(self, record: Record) -> None:
        self._recorder.record(record)

    async def _event(self, application: Application, state: OperationState) -> None:
        """The one Event of an operation, from its start to its end, in Argo CD's words.

        One that cannot be written is only said, it changes nothing.
        """
        self._count += 1
        now = self._clock()
        manifest = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": f"{application.name[:200]}.{int(now.timestamp() * 1_000_000):x}{self._count:x}",
                "namespace": application.namespace,
            },
            "involvedObject": {
                "apiVersion": argo.API_VERSION,
                "kind": argo.APPLICATION,
                "name": application.name,
                "namespace": application.namespace,
                "uid": application.uid,
            },
            "reason": "OperationCompleted",
            "message": _told(state)[:MESSAGE_LIMIT],
            "type": "Normal" if state.phase is OperationPhase.SUCCEEDED else "Warning",
            "count": 1,
            "firstTimestamp": format_time(state.started_at or now),
            "lastTimestamp": format_time(state.finished_at or now),
            "source": {"component": COMPONENT},
        }
        try:
            await self._door.write(lambda: self._client.create(EVENTS, manifest, field_manager=haori.FIELD_MANAGER))
        except LostLeadershipError:
            raise
        except PeerError as error:
            log.debug("event not written", extra={"application": application.name, "code": error.code})


def _told(state: OperationState) -> str:
    """see: argoproj/argo-cd `controller/appcontroller.go`, setOperationState (3.6)."""
    what = "Partial sync operation" if state.operation.is_partial else "Sync operation"
    place = f" to {', '.join(state.revisions)}" if state.revisions else ""
    outcome = "succeeded" if state.phase is OperationPhase.SUCCEEDED else f"failed: {state.message}"
    return f"{what}{place} {outcome}"


def rolled_back(
    application: Application, entry: HistoryEntry, who: str, commit: str, *, time: datetime, cluster: str
) -> Record:
    """That somebody rolled back by a commit; the sync that follows has a record of its own."""
    parameters = {
        "owner": who, "application": application.name, "revision": _short(entry.revisions), "commit": commit[:7],
    }  # fmt: skip
    return Record(
        code="rolled-back", time=time, parameters=parameters, who=who, revision=commit,
        objects=(_itself(application),), cluster=cluster,
    )  # fmt: skip


def _itself(application: Application) -> ResourceKey:
    return ResourceKey(argo.ARGO_GROUP, argo.APPLICATION, application.namespace, application.name)


def _short(revisions: tuple[str, ...]) -> str:
    return ", ".join(revision[:7] for revision in revisions)
