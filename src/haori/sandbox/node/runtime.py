"""How the containers of one Pod are run: simulated, or as processes of this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from haori.errors import PeerError
from haori.sandbox.node.containers import ContainerRecord, ContainerRun, Kind, Running, SimulatedRun
from haori.sandbox.node.parts import NodeParts
from haori.sandbox.node.references import ConfigProblem, missing
from haori.sandbox.node.requirements import Requirement, environment_requirements, volume_requirements
from haori.sandbox.node.simulation import Behaviour, behaviour_of
from haori.sandbox.node.statuses import restart_policy_of

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker

log = logging.getLogger(__name__)

VOLUME_RETRY_SECONDS = 10.0
NEVER_READY = "Readiness probe failed: the sandbox was asked for it (sandbox.haori.dev/simulate: never-ready)"


class SimulatedRuntime:
    """Containers that are promises and timers."""

    def __init__(self, parts: NodeParts, worker: PodWorker) -> None:
        self.parts = parts
        self.worker = worker

    def is_real(self, container: str) -> bool:
        """Whether the container is a process."""
        return False

    async def prepare(self) -> None:
        """Until the Pod's volumes can be made."""
        said: set[str] = set()
        while problem := await self._volume_problem():
            if problem not in said:
                said.add(problem)
                self.worker.tell("Warning", "FailedMount", problem)
            await self.parts.references.wait_changed(self.worker.namespace, seconds=VOLUME_RETRY_SECONDS)

    async def start(self, record: ContainerRecord, spec: Mapping[str, Any]) -> ContainerRun:
        """A run that has begun; ConfigProblem where the container refers to what is not there."""
        for requirement in environment_requirements(spec):
            await self._require(requirement)
        behaviour = self.behaviour(record)
        if not behaviour.starts:
            await asyncio.Event().wait()
        await asyncio.sleep(self.parts.settings.start_seconds)
        return SimulatedRun(behaviour)

    def take_over(self, record: ContainerRecord, spec: Mapping[str, Any]) -> ContainerRun:
        """The run of a container that an earlier node started."""
        return SimulatedRun(self.behaviour(record), ran_seconds=self._ran_seconds(record))

    async def stop(
        self, record: ContainerRecord, spec: Mapping[str, Any], run: ContainerRun, grace_seconds: float
    ) -> None:
        """End a run."""
        await run.stop(grace_seconds)

    async def watch(
        self,
        record: ContainerRecord,
        spec: Mapping[str, Any],
        run: ContainerRun,
        report: Callable[[bool, bool], None],
    ) -> None:
        """Call `report(started, ready)` at the beginning and whenever one of them changes."""
        behaviour = self.behaviour(record)
        left = behaviour.ready_after_seconds - self._ran_seconds(record)
        if left > 0 and behaviour.becomes_ready:
            report(True, False)
            await asyncio.sleep(left)
        report(True, behaviour.becomes_ready)
        if not behaviour.becomes_ready:
            self.worker.tell("Warning", "Unhealthy", NEVER_READY, record.name)

    def termination_message(self, record: ContainerRecord, spec: Mapping[str, Any], exit_code: int) -> str:
        """What a container that ended leaves to be read in its status."""
        return ""

    async def close(self) -> None:
        """The Pod is no more our concern."""

    def behaviour(self, record: ContainerRecord) -> Behaviour:
        """What the Pod's annotations ask of the container; init containers only ever end well, unless told by name."""
        pod = self.worker.pod
        ends = record.kind is Kind.INIT or (record.kind is Kind.MAIN and restart_policy_of(pod) != "Always")
        return behaviour_of(
            pod, record.name, ends=ends, main=record.kind is Kind.MAIN, job_seconds=self.parts.settings.job_seconds
        )

    def _ran_seconds(self, record: ContainerRecord) -> float:
        if not isinstance(record.state, Running):
            return 0.0
        return max(0.0, (self.parts.now() - record.state.started_at).total_seconds())

    async def _require(self, requirement: Requirement) -> None:
        data = await self.parts.references.data(requirement.resource, self.worker.namespace, requirement.name)
        if data is None:
            raise missing(requirement.resource, requirement.name)
        for key in requirement.keys:
            if key not in data:
                kind = requirement.resource.kind
                raise ConfigProblem(
                    "CreateContainerConfigError",
                    f"couldn't find key {key} in {kind} {self.worker.namespace}/{requirement.name}",
                )

    async def _volume_problem(self) -> str | None:
        """Why a volume cannot be made now, in a kubelet's words; None where all can."""
        for requirement in volume_requirements(self.worker.pod):
            resource, name = requirement.resource, requirement.name
            problem = ""
            try:
                present = await self.parts.references.get(resource, self.worker.namespace, name)
            except PeerError as error:
                problem = str(error)
            else:
                if present is None:
                    problem = f'{resource.singular} "{name}" not found'
            if problem:
                return f'MountVolume.SetUp failed for volume "{requirement.volume}" : {problem}'
        return None
