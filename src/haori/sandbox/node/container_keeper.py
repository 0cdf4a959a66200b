"""One container of a Pod: image, start, probes, end, back-off, start again.

The keeper is the only one that changes its record. `run` is cancelled when the Pod stops; what runs then is ended by
`stop`, so that a start and a stop of the same container never overlap.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from haori.errors import PeerError
from haori.objects.quantities import format_duration
from haori.sandbox.node.backoff import BackOff
from haori.sandbox.node.containers import ContainerRecord, ContainerRun, Kind, Running, Terminated, Waiting
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.references import ConfigProblem
from haori.sandbox.node.restoring import LOST_REASON
from haori.sandbox.node.statuses import restart_policy_of

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker

log = logging.getLogger(__name__)

CONFIG_RETRY_SECONDS = 10.0
API_RETRY_SECONDS = 1.0


class ContainerKeeper:
    """Keeps one container as its Pod wants it."""

    def __init__(self, parts: NodeParts, worker: PodWorker, record: ContainerRecord, spec: Mapping[str, Any]) -> None:
        self.record = record
        self.spec = spec
        self._parts = parts
        self._worker = worker
        self._run: ContainerRun | None = None
        self._started = asyncio.Event()
        self._back_off = self._earlier_back_off()

    def _fresh_back_off(self) -> BackOff:
        settings = self._parts.settings
        return BackOff(first_seconds=settings.first_back_off_seconds, longest_seconds=settings.longest_back_off_seconds)

    def _earlier_back_off(self) -> BackOff:
        """Where an earlier node left off, as far as the status says."""
        settings, record = self._parts.settings, self.record
        first, longest = settings.first_back_off_seconds, settings.longest_back_off_seconds
        if record.paused_seconds is not None:
            return BackOff.within(record.paused_seconds, first_seconds=first, longest_seconds=longest)
        last = record.last_state
        # A container that was only ended by the node's own end has failed in nothing.
        failed = last is not None and last.exit_code != 0 and last.reason != LOST_REASON
        if isinstance(record.state, Terminated):
            failed = failed and (record.state.finished_at - record.state.started_at).total_seconds() <= 2 * longest
        return BackOff(
            first_seconds=first, longest_seconds=longest, failures=min(record.restart_count, 30) if failed else 0
        )

    async def wait_started(self) -> None:
        """Until the container runs and its startup probe, where it has one, has passed."""
        await self._started.wait()

    async def run(self) -> None:
        """Keep it running as the restart policy says; returns when it has ended for good."""
        state = self.record.state
        if isinstance(state, Terminated):
            if not self._shall_restart(state):
                return
            await self._resume_pause(state)
        while True:
            ended = await self._run_once()
            if not self._shall_restart(ended):
                return
            await self._wait_before_restart(ended)

    async def run_to_success(self) -> bool:
        """An init container: whether it ended well (True), or badly in a Pod that tries nothing again."""
        state = self.record.state
        if isinstance(state, Terminated):
            if state.exit_code == 0:
                return True
            if state.reason != LOST_REASON and restart_policy_of(self._worker.pod) == "Never":
                return False
            await self._resume_pause(state)
        while True:
            ended = await self._run_once()
            if ended.exit_code == 0:
                return True
            if restart_policy_of(self._worker.pod) == "Never":
                return False
            await self._wait_before_restart(ended)

    async def stop(self, grace_seconds: float) -> None:
        """End what runs; nothing where nothing does."""
        run = self._run
        if run is None:
            return
        self._tell("Normal", "Killing", f"Stopping container {self.record.name}")
        self.record.ready = False
        self._worker.changed()
        await self._worker.runtime.stop(self.record, self.spec, run, grace_seconds)
        await self._note_end(run)

    def _shall_restart(self, ended: Terminated) -> bool:
        if self.record.kind is Kind.SIDECAR:
            return True
        policy = restart_policy_of(self._worker.pod)
        return policy == "Always" or (policy == "OnFailure" and ended.exit_code != 0)

    async def _run_once(self) -> Terminated:
        """Start it, once image and configuration are there, and wait for its end."""
        record = self.record
        if isinstance(record.state, Running):  # Taken over from an earlier node.
            self._run = self._worker.runtime.take_over(record, self.spec)
        else:
            if isinstance(record.state, Terminated):
                if record.state.reason == LOST_REASON and not self._shall_restart(record.state):
                    return record.state
                record.last_state = record.state
                record.restart_count += 1
            await self._await_image()
            await self._start()
        run = self._run
        assert run is not None
        watching = asyncio.create_task(self._worker.runtime.watch(self.record, self.spec, run, self._report))
        try:
            await run.wait()
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        return await self._note_end(run)

    def _report(self, started: bool, ready: bool) -> None:
        if started:
            self._started.set()
        if (started, ready) != (self.record.started, self.record.ready):
            self.record.started, self.record.ready = started, ready
            self._worker.changed()

    async def _note_end(self, run: ContainerRun) -> Terminated:
        ended = await run.wait()
        record = self.record
        if self._run is run:
            self._run = None
            started = record.state.started_at if isinstance(record.state, Running) else self._parts.now()
            record.state = Terminated(
                exit_code=ended.exit_code,
                reason=ended.status_reason,
                message=ended.message or self._worker.runtime.termination_message(record, self.spec, ended.exit_code),
                signal=ended.signal,
                started_at=started,
                finished_at=self._parts.now(),
                container_id=record.container_id,
            )
            record.ready = record.started = False
            self._worker.changed()
        assert isinstance(record.state, Terminated)
        return record.state

    async def _resume_pause(self, ended: Terminated) -> None:
        """The rest of the pause after an end that an earlier node saw; none where the node's end was that end."""
        if ended.reason != LOST_REASON:
            passed = (self._parts.now() - ended.finished_at).total_seconds()
            await self._wait_before_restart(ended, passed_seconds=max(0.0, passed))

    async def _wait_before_restart(self, ended: Terminated, *, passed_seconds: float = 0.0) -> None:
        ran = (ended.finished_at - ended.started_at).total_seconds()
        pause, self._back_off = self._back_off.after_end(ran)
        if pause <= passed_seconds:
            return
        record, pod = self.record, self._worker
        place = f"{record.name} in pod {pod.name}_{pod.namespace}({pod.uid})"
        record.last_state = ended
        record.state = Waiting(
            reason="CrashLoopBackOff",
            message=f"back-off {format_duration(pause)} restarting failed container={record.name} "
            f"pod={pod.name}_{pod.namespace}({pod.uid})",
        )
        self._worker.changed()
        self._tell("Warning", "BackOff", f"Back-off restarting failed container {place}")
        await asyncio.sleep(pause - passed_seconds)
        record.restart_count += 1

    async def _await_image(self) -> None:
        image = self.record.image
        back_off = self._fresh_back_off()
        while problem := self._parts.images.current().problem_of(image):
            self._tell("Normal", "Pulling", f'Pulling image "{image}"')
            self._tell("Warning", "Failed", f'Failed to pull image "{image}": {problem}')
            self._wait_for("ErrImagePull", problem)
            self._tell("Warning", "Failed", "Error: ErrImagePull")
            pause, back_off = back_off.after_failure()
            await asyncio.sleep(min(pause, 1.0))
            self._wait_for("ImagePullBackOff", f'Back-off pulling image "{image}": ErrImagePull: {problem}')
            self._tell("Normal", "BackOff", f'Back-off pulling image "{image}"')
            self._tell("Warning", "Failed", "Error: ImagePullBackOff")
            await asyncio.sleep(max(0.0, pause - 1.0))
        self._tell("Normal", "Pulled", f'Container image "{image}" is taken for present; the sandbox pulls nothing')

    async def _start(self) -> None:
        record, runtime = self.record, self._worker.runtime
        while True:
            try:
                run = await runtime.start(record, self.spec)
            except ConfigProblem as problem:
                self._wait_for(problem.reason, str(problem))
                self._tell("Warning", "Failed", f"Error: {problem}")
                await self._wait_for_reference()
                continue
            except PeerError as problem:
                # The API is away for a moment; what runs goes on, what is to start waits for it.
                log.debug("container waits for the API", extra={"pod": self._worker.uid, "code": problem.code})
                await asyncio.sleep(API_RETRY_SECONDS)
                continue
            break
        self._run = run
        record.container_id = f"haori://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        record.state = Running(started_at=self._parts.now())
        self._tell("Normal", "Created", f"Container created: {record.name}")
        self._tell("Normal", "Started", f"Container started: {record.name}")
        self._worker.changed()

    async def _wait_for_reference(self) -> None:
        await self._parts.references.wait_changed(self._worker.namespace, seconds=CONFIG_RETRY_SECONDS)

    def _wait_for(self, reason: str, message: str = "") -> None:
        self.record.state = Waiting(reason=reason, message=message)
        self._worker.changed()

    def _tell(self, type_: str, reason: str, message: str) -> None:
        init = self.record.kind is not Kind.MAIN
        self._worker.tell(type_, reason, message, self.record.name, init=init)
