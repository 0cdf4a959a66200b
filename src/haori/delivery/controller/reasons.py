"""Why an application is not green: the one sentence that a person reads first.

What stops everything comes first (a spec or a repository that cannot be used), then what a running operation waits for,
then what is not healthy, then what differs. Only the objects below the culprit are read, whole, from the cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from haori.cluster import KubernetesClient, NotFoundError
from haori.delivery.controller.cache import ClusterCache, Live
from haori.delivery.controller.commits import Commits
from haori.delivery.controller.memory import Assessment, Row
from haori.delivery.controller.why import Commit, explain, with_commit
from haori.delivery.health import Health, is_built_in
from haori.delivery.model import Application, Condition, OperationState
from haori.delivery.plan.messages import read_message
from haori.errors import PeerError
from haori.objects import Manifest, ResourceKey
from haori.resources.argo import HealthStatus, OperationPhase, SyncStatus
from haori.words import Sentence

TELLING_KINDS = frozenset({"Pod", "Job", "PersistentVolumeClaim"})
EXPLAINED_KINDS = TELLING_KINDS | {"Service"}
"""Kinds of which `explain` needs the whole object; of others it only needs the name."""
READ_AT_MOST = 6
_MOMENTARY = frozenset({"health-not-observed", "health-script-pending"})


class Reasons:
    """Finds reasons for applications of one cluster."""

    def __init__(
        self,
        client: KubernetesClient,
        cache: ClusterCache,
        commits: Commits,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._client, self._cache, self._commits, self._clock = client, cache, commits, clock
        self._read: dict[str, tuple[str, Manifest]] = {}

    async def find(
        self,
        application: Application,
        assessment: Assessment | None,
        *,
        conditions: Sequence[Condition],
        state: OperationState | None,
        waiting_for: Sequence[ResourceKey],
        revisions: Sequence[str],
    ) -> Sentence | None:
        """The sentence; None where everything is as wanted."""
        stopping = [condition for condition in conditions if condition.type.is_error]
        if assessment is None:
            return stopping[0].sentence if stopping else None
        if waiting_for and (found := await self._waits(application, state, waiting_for, revisions)) is not None:
            return found
        if assessment.status is SyncStatus.OUT_OF_SYNC and (failed := _failed_sync(state, revisions)) is not None:
            return failed
        if assessment.health.status is not HealthStatus.HEALTHY:
            return await self._ill(application, assessment, revisions)
        if stopping:
            return stopping[0].sentence
        if assessment.status is SyncStatus.OUT_OF_SYNC:
            return _differs(assessment)
        return None

    async def _waits(
        self,
        application: Application,
        state: OperationState | None,
        waiting_for: Sequence[ResourceKey],
        revisions: Sequence[str],
    ) -> Sentence | None:
        if state is None or state.phase.is_completed:
            return None
        live = self._cache.get(waiting_for[0])
        if live is None:
            return None
        reason = await self._explain(live)
        if reason is not None:
            return await self._with_commit(application, reason, state.revisions or tuple(revisions), live.key)
        parameters = {"object": str(live.key), "reason": _reason(live.health)}
        return Sentence(code="why-sync-waits", parameters=parameters)

    async def _ill(self, application: Application, assessment: Assessment, revisions: Sequence[str]) -> Sentence | None:
        own = assessment.health.sentence
        for row in _culprits(assessment):
            live = self._cache.get(row.key)
            reason = await self._explain(live) if live is not None else None
            if reason is not None:
                return await self._with_commit(application, reason, revisions, row.key)
        return own

    async def _explain(self, live: Live) -> Sentence | None:
        sentence = live.health.sentence if live.health is not None else None
        if sentence is not None and sentence.code in _MOMENTARY:
            return None  # So it is for a moment after every write: below it nothing is new yet, and a read would tell nothing.
        below = [each for each in self._cache.descendants(live) if each.key.kind in TELLING_KINDS and _is_ill(each)]
        # The newest first: what an earlier release left behind says nothing about this one.
        below.sort(key=lambda each: str(each.manifest["metadata"].get("creationTimestamp")), reverse=True)
        found = [manifest for each in below[:READ_AT_MOST] if (manifest := await self._whole(each)) is not None]
        culprit = await self._whole(live) if live.key.kind in EXPLAINED_KINDS else live.manifest
        told = explain(culprit, found) if culprit is not None else None
        return told or self._tell_below(live)

    def _tell_below(self, live: Live) -> Sentence | None:
        """What the lowest object below one of another project's kinds says of itself, as its controller works downwards (a
        Certificate makes a CertificateRequest, that an Order, that a Challenge); nothing is read for it."""
        below = [each for each in self._cache.descendants(live) if _is_ill(each) and _reason(each.health)]
        if is_built_in(live.key.group_kind) or not below:
            return None
        parameters = {"object": str(below[-1].key), "owner": str(live.key), "reason": _reason(below[-1].health)}
        return Sentence(code="why-below", parameters=parameters)

    async def _whole(self, live: Live) -> Manifest | None:
        version = str(live.manifest["metadata"].get("resourceVersion"))
        known = self._read.get(live.uid)
        if known is not None and known[0] == version:
            return known[1]
        if live.key.kind == "Secret":
            return live.manifest
        resource = (await self._client.discover()).resource_of(
            str(live.manifest["apiVersion"]), str(live.manifest["kind"])
        )
        if resource is None:
            return None
        try:
            manifest = await self._client.get(resource, live.key.name, live.key.namespace)
        except NotFoundError:
            return None
        except PeerError:
            return live.manifest  # A sentence less is better than a look that fails.
        if len(self._read) > 256:
            self._read.clear()
        manifest["metadata"].pop("managedFields", None)
        self._read[live.uid] = (version, manifest)
        return manifest

    async def _with_commit(
        self, application: Application, reason: Sentence, revisions: Sequence[str], key: ResourceKey
    ) -> Sentence:
        info = await self._commits.since(application, revisions, key)
        if info is None:
            return reason
        commit = Commit(revision=info.sha, subject=info.subject, author=info.author, at=info.at)
        return with_commit(reason, commit, application=application.name, now=self._clock())


def _is_ill(live: Live) -> bool:
    return live.health is not None and live.health.status is not HealthStatus.HEALTHY


def _culprits(assessment: Assessment) -> list[Row]:
    """The objects that make the application what it is."""
    worst = assessment.health.status
    return [
        row for row in assessment.rows if not row.is_hook and row.health is not None and row.health.status is worst
    ][:3]


def _reason(health: Health | None) -> Sentence | str:
    return "" if health is None or health.sentence is None else health.sentence


def _differs(assessment: Assessment) -> Sentence | None:
    """The first thing that differs, by the order of keys, and how many more."""
    counted = [item for item in assessment.comparisons.values() if item.counts and not item.is_synced]
    if not counted:
        return Sentence(code="why-namespace-differs") if assessment.namespace_differs else None
    first, more = counted[0], len(counted) - 1
    code = "why-missing" if first.is_missing else "why-extra" if first.is_extra else "why-differs"
    parameters: dict[str, Any] = {"object": str(first.key)}
    if code == "why-differs":
        parameters["fields"] = [difference.path for difference in first.differences[:3]]
    if more == 0:
        return Sentence(code=code, parameters=parameters)
    return Sentence(code=f"{code}-and-more", parameters={**parameters, "more": more})


def _failed_sync(state: OperationState | None, revisions: Sequence[str]) -> Sentence | None:
    """That the last sync to what Git wants failed, whether it is tried again or not."""
    if state is None or state.revisions != tuple(revisions):
        return None
    is_waiting = state.phase is OperationPhase.RUNNING and state.finished_at is not None
    if not is_waiting and not failed_operation(state):
        return None
    revision = ", ".join(item[:7] for item in state.revisions)
    return Sentence(
        code="sync-attempt-failed", parameters={"revision": revision, "message": read_message(state.message)}
    )


def failed_operation(state: OperationState | None) -> bool:
    """Whether the last operation ended badly."""
    return state is not None and state.phase in (OperationPhase.FAILED, OperationPhase.ERROR)
