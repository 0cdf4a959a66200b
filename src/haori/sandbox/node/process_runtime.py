"""The containers of one Pod as processes of this machine, for those that name a command; the others are simulated."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from haori.cluster import ApiResource
from haori.cluster.well_known import CONFIG_MAPS, SECRETS, SERVICES
from haori.errors import PeerError
from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.sandbox.node.cgroups import Controller, Group
from haori.sandbox.node.containers import ContainerRecord, ContainerRun
from haori.sandbox.node.environment import PodFacts, container_environment, expand, service_links
from haori.sandbox.node.health import watch_health
from haori.sandbox.node.isolation import search_path
from haori.sandbox.node.limits import ContainerLimits, watch_memory
from haori.sandbox.node.logs import LogFile
from haori.sandbox.node.parts import NodeParts, Processes
from haori.sandbox.node.pod_files import PodFiles
from haori.sandbox.node.pod_volumes import PodVolumes
from haori.sandbox.node.ports import bindable_port
from haori.sandbox.node.probes import ask_http, port_of
from haori.sandbox.node.process_run import LaunchPlan, ProcessRun, end_marked, start_process
from haori.sandbox.node.references import ConfigProblem
from haori.sandbox.node.requirements import environment_requirements
from haori.sandbox.node.runtime import SimulatedRuntime
from haori.sandbox.node.security import ignored_requests
from haori.sandbox.node.simulation import command_of

if TYPE_CHECKING:
    from haori.sandbox.node.pod_worker import PodWorker

log = logging.getLogger(__name__)

HOOK_SECONDS = 30.0
FALLBACK_MESSAGE_BYTES = 2048


class ProcessRuntime(SimulatedRuntime):
    """See the module."""

    def __init__(self, parts: NodeParts, worker: PodWorker, processes: Processes) -> None:
        super().__init__(parts, worker)
        self._processes = processes
        owner = processes.isolation.uid_for(worker.address.offset)
        self.files = PodFiles(
            worker.uid, pods_folder=parts.settings.pods_folder, isolation=processes.isolation, owner=owner
        )
        self.facts = PodFacts(pod_ip=worker.address.bindable, host_ip=parts.host_ip, node_name=parts.settings.node_name)
        self._volumes = PodVolumes(parts, worker, self.files, self.facts, processes.claims)
        self.logs: dict[str, LogFile] = {}
        self._plans: dict[str, LaunchPlan] = {}

    def is_real(self, container: str) -> bool:
        """Whether the container is a process."""
        try:
            return command_of(self.worker.pod, container) is not None
        except ValueError:
            return True  # It is meant to be one; starting it says what is wrong.

    async def prepare(self) -> None:
        """Until the Pod's folders and volumes are there; what an earlier node left of it is ended first."""
        await asyncio.to_thread(end_marked, f"SANDBOX_POD_UID={self.worker.uid}")
        await asyncio.to_thread(self.files.make)
        ignored = ignored_requests(self.worker.pod)
        if ignored and not any(record.container_id for record in self.worker.records):
            what = ", ".join(f"securityContext.{name}" for name in ignored)
            text = f"{what} not applied: processes of the sandbox run as an unprivileged user without capabilities"
            self.worker.tell("Normal", "SecurityContextIgnored", text)
        await self._volumes.prepare()

    async def start(self, record: ContainerRecord, spec: Mapping[str, Any]) -> ContainerRun:
        """A process that has begun; ConfigProblem where it cannot."""
        if not self.is_real(record.name):
            return await super().start(record, spec)
        try:
            command = command_of(self.worker.pod, record.name) or []
        except ValueError as error:
            message = f"annotation sandbox.haori.dev/command.{record.name}: {error}"
            raise ConfigProblem("CreateContainerConfigError", message) from error
        limits = ContainerLimits.of(spec)
        group = await self._group(f"{self.worker.uid}.{record.name}.{record.restart_count}", limits)
        plan = await self._plan(spec, command)
        plan = replace(plan, cgroups=group.places, is_out_of_memory=group.was_out_of_memory)
        if Controller.PIDS not in group.folders and plan.uid is not None:
            plan = replace(plan, most_processes=limits.processes)
        self._plans[record.name] = plan
        self._processes.guard.ensure()
        log_file = LogFile(
            self.files.log_file(record.name, record.restart_count), limit_bytes=self.parts.settings.log_bytes
        )
        if earlier := self.logs.pop(record.name, None):
            earlier.close()
        self.logs[record.name] = log_file
        run = await start_process(plan, log_file.write)
        accompanying = self._accompany(record, spec, run, log_file, group, limits)
        asyncio.create_task(accompanying).add_done_callback(_report)
        return run

    async def stop(
        self, record: ContainerRecord, spec: Mapping[str, Any], run: ContainerRun, grace_seconds: float
    ) -> None:
        """preStop, then SIGTERM, then SIGKILL, all within the grace."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_seconds
        hook = nested_mapping(spec, "lifecycle", "preStop")
        if hook and grace_seconds > 0 and isinstance(run, ProcessRun):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_seconds):
                    if problem := await self._hook(record.name, spec, hook):
                        self.worker.tell("Warning", "FailedPreStopHook", f"PreStopHook failed: {problem}", record.name)
            # A kubelet leaves two seconds to a container whose hook used the whole grace.
            deadline = max(deadline, loop.time() + 2)
        await run.stop(max(0.0, deadline - loop.time()))

    async def watch(
        self,
        record: ContainerRecord,
        spec: Mapping[str, Any],
        run: ContainerRun,
        report: Callable[[bool, bool], None],
    ) -> None:
        """Probes."""
        if not isinstance(run, ProcessRun):
            await super().watch(record, spec, run, report)
            return
        await watch_health(self, record, spec, run, report)

    async def execute(
        self, container: str, command: Sequence[str], output: Callable[[str, bytes], None], *, stdin: bool = False
    ) -> ProcessRun:
        """Another process in a container that runs; KeyError where none does."""
        plan = self._plans[container]
        error_file = self.files.run_file(container, f"exec-{id(output):x}.error")
        plan = replace(plan, command=tuple(command), record_file=None, error_file=error_file, is_out_of_memory=None)
        return await start_process(plan, output, stdin=stdin)

    def port(self, number: int) -> int:
        """Where a process listens that was told of port `number`."""
        return bindable_port(number)

    async def close(self) -> None:
        """Nothing of the Pod stays."""
        await self._volumes.close()
        await asyncio.to_thread(end_marked, f"SANDBOX_POD_UID={self.worker.uid}")
        for log_file in self.logs.values():
            log_file.close()
        if self.worker.is_gone:
            await asyncio.to_thread(self.files.remove)

    def termination_message(self, record: ContainerRecord, spec: Mapping[str, Any], exit_code: int) -> str:
        """What it wrote to its terminationMessagePath, else the end of its log where it asked for that."""
        if message := self.files.message(record.name):
            return message
        if exit_code == 0 or spec.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            return ""
        path = self.files.log_file(record.name, record.restart_count)
        try:
            lines = path.read_bytes()[-FALLBACK_MESSAGE_BYTES * 2 :].splitlines()[-80:]
        except OSError:
            return ""
        texts = [line.split(b" ", 3)[-1] for line in lines]
        return b"\n".join(texts)[-FALLBACK_MESSAGE_BYTES:].decode(errors="replace")

    async def _accompany(
        self,
        record: ContainerRecord,
        spec: Mapping[str, Any],
        run: ProcessRun,
        log_file: LogFile,
        group: Group,
        limits: ContainerLimits,
    ) -> None:
        """What goes on beside a process: its memory is watched, postStart runs, its log is closed at its end."""
        beside = [asyncio.create_task(self._post_start(record, spec, run))]
        if limits.memory_bytes is not None and not group.limits_memory:
            beside.append(asyncio.create_task(watch_memory(run, limits.memory_bytes)))
        try:
            await run.wait()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            log_file.close()
            await asyncio.to_thread(group.remove)
            old = self.files.log_file(record.name, record.restart_count - 2)
            for each in (old, old.with_name(f"{old.name}.1")):
                each.unlink(missing_ok=True)

    async def _post_start(self, record: ContainerRecord, spec: Mapping[str, Any], run: ProcessRun) -> None:
        if hook := nested_mapping(spec, "lifecycle", "postStart"):
            problem = await self._hook(record.name, spec, hook)
            if problem:
                self.worker.tell("Warning", "FailedPostStartHook", f"PostStartHook failed: {problem}", record.name)
                await run.stop(0)

    async def _hook(self, container: str, spec: Mapping[str, Any], hook: Mapping[str, Any]) -> str | None:
        if command := nested_list(hook, "exec", "command"):
            return await self.ask_exec(container, command)
        if action := nested_mapping(hook, "httpGet"):
            return await ask_http(self.facts.pod_ip, self.port(port_of(spec, action.get("port"))), action)
        if seconds := nested(hook, "sleep", "seconds"):
            await asyncio.sleep(float(seconds))
        return None

    async def ask_exec(self, container: str, command: Sequence[str]) -> str | None:
        """What a command in the container complains of; None where it ended well."""
        said: list[bytes] = []
        run = await self.execute(container, command, lambda stream, content: said.append(content[:1024]))
        try:
            ended = await run.wait()
        finally:
            await run.stop(0)
        if ended.exit_code == 0:
            return None
        text = b"".join(said)[:1024].decode(errors="replace").strip()
        return text or ended.message or f"command exited with {ended.exit_code}"

    async def _plan(self, spec: Mapping[str, Any], command: list[str]) -> LaunchPlan:
        name = str(spec["name"])
        data = await self._data(spec)
        own = self._own_variables(spec)
        environment = container_environment(
            self.worker.pod, spec, given=await self._given(), own=own, data=data, facts=self.facts
        )
        sources = await self._volumes.sources()
        view = await asyncio.to_thread(self.files.view, spec, sources, environment, read_only=self._volumes.read_only)
        environment |= {"SANDBOX_ROOT": view.sandbox_root, "TMPDIR": view.temporary}
        environment.setdefault("HOME", view.home)
        environment.setdefault("PATH", search_path())
        return LaunchPlan(
            command=[expand(word, environment) for word in command],
            environment=environment,
            working_folder=view.working_folder,
            error_file=self.files.run_file(name, "error"),
            record_file=self.files.run_file(name, "pid"),
            root=view.root,
            mounts=view.mounts,
            unfollowed=view.unfollowed,
            uid=self.files.owner,
        )

    async def _group(self, name: str, limits: ContainerLimits) -> Group:
        try:
            return await asyncio.to_thread(self._processes.cgroups.make, name, limits)
        except OSError as error:
            raise ConfigProblem("RunContainerError", f"failed to make a control group: {error}") from error

    def _own_variables(self, spec: Mapping[str, Any]) -> dict[str, str]:
        pod = self.worker
        own = {
            "HOSTNAME": nested_text(pod.pod, "spec", "hostname") or pod.name,
            "SANDBOX_POD_UID": pod.uid,
            "SANDBOX_CONTAINER": str(spec["name"]),
        }
        name, _, value = self._processes.mark.partition("=")
        own[name] = value
        name, _, value = self._processes.guard.mark.partition("=")
        own[name] = value
        for container in nested_list(pod.pod, "spec", "containers"):
            for each in nested_list(container, "ports"):
                number = int(each.get("containerPort") or 0)
                if self.port(number) != number:
                    own[f"SANDBOX_PORT_{number}"] = str(self.port(number))
        return own

    async def _given(self) -> dict[str, str]:
        given = dict(self._processes.api_variables)
        if nested(self.worker.pod, "spec", "enableServiceLinks") is not False:
            listed = await self.parts.client.list(SERVICES, self.worker.namespace)
            given |= service_links(self._processes.reachable_services(listed.items))
        return given

    async def _data(self, spec: Mapping[str, Any]) -> Callable[[ApiResource, str], Mapping[str, bytes] | None]:
        """Everything the container's variables may be read from, read at once."""
        wanted = {(each.resource.plural, each.name) for each in environment_requirements(spec, optional=True)}
        resources = {each.plural: each for each in (CONFIG_MAPS, SECRETS)}
        found: dict[tuple[str, str], Mapping[str, bytes] | None] = {}
        for plural, name in sorted(wanted):
            try:
                found[plural, name] = await self.parts.references.data(resources[plural], self.worker.namespace, name)
            except PeerError as problem:
                raise ConfigProblem("CreateContainerConfigError", str(problem)) from problem
        return lambda resource, name: found.get((resource.plural, name))


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a process lost its companion", exc_info=task.exception())


def read_record(text: str) -> tuple[int, int]:
    """(pid, start ticks) as the launcher wrote them; (0, 0) for what is no record."""
    try:
        value = json.loads(text)
        return int(value["pid"]), int(value["startTicks"])
    except (ValueError, KeyError, TypeError):
        return 0, 0
