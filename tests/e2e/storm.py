"""Syncs with waves and hooks while the engine is killed again and again; what every hook's object ever was is recorded.

The watch that records outlives the engine, so that an object which came and went between two looks is not missed. A kill
comes after a random time, or at once when a hook's object appears (its result is not stored yet) or begins to go.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from haori.cluster import EventType, WatchEvent
from haori.cluster.well_known import APPLICATIONS, JOBS
from haori.resources.argo import HOOK_FINALIZER
from haori.resources.haori import HOOK_PHASE, OPERATION_ID
from tests.e2e.delivery import Delivery, config_map, deployment, job
from tests.e2e.engine import EngineProcess

SPAN_SECONDS = 2.5
"""Within this time after a push a kill at random comes: about as long as a sync takes."""
PATIENCE_SECONDS = 90.0


class Moment(StrEnum):
    """When the engine is killed."""

    RANDOM = "random"
    CREATED = "created"
    """When the object of a hook has just appeared."""
    DELETED = "deleted"
    """When the object of an earlier hook has just begun to go, or is gone."""


def release(number: int, *, fails: bool = False) -> dict[str, str | None]:
    """Files of one release: three waves, hooks in every phase, one of them in two; a failing one fails in its Sync hook."""
    late = config_map("late", x=str(number)).replace("metadata:\n", _wave(2), 1)
    image = "work:failing" if fails else "work:1"
    return {
        "app/migrate.yaml": job("migrate", "work:1", "PreSync"),
        "app/check.yaml": _with_policy(job(f"check-{number}", "work:1", "PreSync", wave=1), "HookSucceeded"),
        "app/early.yaml": config_map("early", x=str(number)),
        "app/web.yaml": deployment("web", f"web:{number}"),
        "app/seed.yaml": _with_policy(job("seed", image, "Sync", wave=1), "BeforeHookCreation,HookFailed"),
        "app/late.yaml": late,
        "app/both.yaml": job("both", "work:1", "PreSync,PostSync", wave=3),
        "app/sorry.yaml": job("sorry", "work:1", "SyncFail"),
    }


@dataclass(slots=True)
class Witness:
    """Everything that was ever seen of Jobs and Applications."""

    uids: dict[tuple[str, str, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """By (namespace, hook, operation, phase)."""
    terms: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    """By application; who asks for a refresh leaves the term of the last write, so one says nothing of another."""
    created: asyncio.Event = field(default_factory=asyncio.Event)
    deleted: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, event: WatchEvent) -> None:
        """One event of the watch."""
        metadata = event.object.get("metadata") or {}
        notes = metadata.get("annotations") or {}
        if event.object.get("kind") == "Application":
            if (term := notes.get("haori.dev/term")) and event.type is not EventType.DELETED:
                self.terms[metadata["name"]].append(int(term))
            return
        if event.type is EventType.DELETED or metadata.get("deletionTimestamp"):
            self.deleted.set()
        elif event.type is EventType.ADDED:
            self.created.set()
        if OPERATION_ID in notes:
            place = metadata["namespace"], metadata["name"], notes[OPERATION_ID], notes.get(HOOK_PHASE, "")
            self.uids[place].add(metadata["uid"])

    async def wait(self, moment: Moment) -> None:
        """Until it has come, as seen from now."""
        event = self.created if moment is Moment.CREATED else self.deleted
        event.clear()
        await event.wait()

    def hooks_of(self, namespace: str) -> dict[str, Counter[tuple[str, str]]]:
        """By operation, how many objects each hook had in each phase."""
        found: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        for (place, name, operation, phase), uids in self.uids.items():
            if place == namespace:
                found[operation][name, phase] += len(uids)
        return dict(found)


@dataclass(slots=True)
class Storm:
    """Several applications of one repository, one engine, and somebody who kills it."""

    delivery: Delivery
    engine: EngineProcess
    witness: Witness
    applications: int
    rng: random.Random
    standby: EngineProcess | None = None
    """Takes over where there is one; the killed one comes back as the standby when the round is over."""
    commits: list[tuple[str, bool]] = field(default_factory=list)
    """With whether the release succeeds."""
    kills: Counter[Moment] = field(default_factory=Counter)

    @property
    def names(self) -> list[str]:
        return [f"shop-{number}" for number in range(self.applications)]

    def namespace(self, name: str) -> str:
        return f"{self.delivery.namespace}-{name}"

    async def begin(self) -> None:
        """The applications with their first release, unharmed."""
        self.commits.append((self.delivery.repository.commit("Begin", release(0)), True))
        policy = {"automated": {"prune": True}, "syncOptions": ["CreateNamespace=true"], "retry": {"limit": 0}}
        for name in self.names:
            destination = {"server": "https://kubernetes.default.svc", "namespace": self.namespace(name)}
            fields: dict[str, Any] = {"destination": destination, "policy": policy, "revisionHistoryLimit": 1000}
            await self.delivery.client.create(APPLICATIONS, self.delivery.application(name, "app", **fields))
        await self.settle()

    async def round(self, *, fails: bool = False, moments: Iterable[Moment] = ()) -> None:
        """One release to every application, with a kill at each of `moments`."""
        number = len(self.commits)
        watching = [asyncio.create_task(self.witness.wait(each)) for each in moments if each is not Moment.RANDOM]
        commit = self.delivery.repository.commit(f"Release {number}", release(number, fails=fails))
        self.commits.append((commit, not fails))
        for name in self.names:
            await self.delivery.refresh(name)
        for moment in moments:
            if moment is Moment.RANDOM:
                await asyncio.sleep(self.rng.uniform(0.0, SPAN_SECONDS))
            else:
                await asyncio.wait({watching.pop(0)}, timeout=PATIENCE_SECONDS)
                await asyncio.sleep(self.rng.choice((0.0, 0.0, self.rng.uniform(0.0, 0.05))))
            await self._kill(moment)
        await self.settle()
        if self.standby is not None and not self.standby.is_alive():
            await self.standby.start()

    async def _kill(self, moment: Moment) -> None:
        self.engine.kill()
        self.kills[moment] += 1
        if self.standby is None:
            await self.engine.start()
        else:
            self.engine, self.standby = self.standby, self.engine

    async def settle(self) -> None:
        """Until each application has ended with the newest release, as it should."""
        commit, succeeds = self.commits[-1]
        for name in self.names:
            found = await self.delivery.expect(name, _ended(commit), seconds=PATIENCE_SECONDS)
            self.check(name, found, succeeds=succeeds)
            await self.check_left(name, succeeds=succeeds)

    def check(self, name: str, application: dict[str, Any], *, succeeds: bool) -> None:
        """The end is the one that it would have been without any kill."""
        state = application["status"]["operationState"]
        number = len(self.commits) - 1
        assert state["phase"] == ("Succeeded" if succeeds else "Failed"), state
        rows = {(row["name"], row["syncPhase"]): row for row in state["syncResult"]["resources"]}
        rows.pop((self.namespace(name), "PreSync"), None)
        assert {place: row.get("hookPhase") for place, row in rows.items()} == _ends(number, succeeds=succeeds), state
        assert all(row["status"] == "Synced" for row in rows.values()), state
        history = [entry["revision"] for entry in application["status"]["history"]]
        assert history == [commit for commit, succeeds in self.commits if succeeds]
        operations = self.witness.hooks_of(self.namespace(name))
        assert len(operations) == len(self.commits), operations

    async def check_left(self, name: str, *, succeeds: bool) -> None:
        """The delete policies were followed, and nothing is held by us any more."""
        jobs = (await self.delivery.client.list(JOBS, self.namespace(name))).items
        standing = [each for each in jobs if not each["metadata"].get("deletionTimestamp")]
        names = {each["metadata"]["name"] for each in standing}
        number = len(self.commits) - 1
        assert f"check-{number}" not in names or not succeeds
        assert ("seed" in names) is succeeds
        assert [each for each in jobs if HOOK_FINALIZER in (each["metadata"].get("finalizers") or ())] == []

    def check_hooks(self) -> None:
        """Each hook of each operation was one object, and ran in every phase that was reached."""
        for name in self.names:
            counts = [set(each.values()) for each in self.witness.hooks_of(self.namespace(name)).values()]
            assert counts == [{1}] * len(self.commits), self.witness.hooks_of(self.namespace(name))
            hooks = [set(each) for each in self.witness.hooks_of(self.namespace(name)).values()]
            expected = [
                {place for place in _ends(number, succeeds=succeeds) if place[0] in _hooks(number)}
                for number, (_, succeeds) in enumerate(self.commits)
            ]
            assert sorted(map(sorted, hooks)) == sorted(map(sorted, expected))
        for name, terms in self.witness.terms.items():
            assert terms == sorted(terms), name

    def figures(self) -> str:
        """What was done."""
        hooks = sum(len(uids) for uids in self.witness.uids.values())
        kills = ", ".join(f"{count} {moment}" for moment, count in sorted(self.kills.items()))
        syncs = len(self.commits) * self.applications
        terms = len(set().union(*self.witness.terms.values()))
        return f"{syncs} syncs, {sum(self.kills.values())} kills ({kills}), {hooks} hook objects, {terms} terms"


def _hooks(number: int) -> set[str]:
    return {"migrate", f"check-{number}", "seed", "both", "sorry"}


def _ends(number: int, *, succeeds: bool) -> dict[tuple[str, str], str]:
    """By object and phase, how its row ends."""
    done = {
        ("migrate", "PreSync"),
        (f"check-{number}", "PreSync"),
        ("both", "PreSync"),
        ("early", "Sync"),
        ("web", "Sync"),
    }
    ends = dict.fromkeys(done, "Succeeded")
    if not succeeds:
        return ends | {("seed", "Sync"): "Failed", ("sorry", "SyncFail"): "Succeeded"}
    return ends | {("seed", "Sync"): "Succeeded", ("late", "Sync"): "Succeeded", ("both", "PostSync"): "Succeeded"}


def _ended(commit: str) -> Any:
    def has_ended(application: dict[str, Any]) -> bool:
        state = (application.get("status") or {}).get("operationState") or {}
        is_done = state.get("phase") in ("Succeeded", "Failed", "Error") and "operation" not in application
        waits = "argocd.argoproj.io/refresh" in (application["metadata"].get("annotations") or {})
        return is_done and not waits and (state.get("syncResult") or {}).get("revision") == commit

    return has_ended


def _wave(number: int) -> str:
    return f"metadata:\n  annotations: {{argocd.argoproj.io/sync-wave: '{number}'}}\n"


def _with_policy(text: str, policy: str) -> str:
    line = f"    argocd.argoproj.io/hook-delete-policy: {policy}\n"
    return text.replace("  annotations:\n", f"  annotations:\n{line}", 1)
