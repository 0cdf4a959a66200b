"""What an operation is given: its revisions, its desired state, its plan; and what happens when one of these fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from haori.cluster import KubernetesClient
from haori.delivery.controller import progress
from haori.delivery.controller.assessing import Assessor
from haori.delivery.controller.beginning import Beginning
from haori.delivery.controller.declared import Declared
from haori.delivery.controller.desired import DesiredStates, namespaced_of, operation_sources, served_version_of
from haori.delivery.controller.keeping import Keeper
from haori.delivery.controller.memory import Desired, Memory, Run
from haori.delivery.controller.operations import SUPERSEDED, OperationRunner, Pass, fail
from haori.delivery.model import Application, Condition, Operation, OperationState, Project, Source
from haori.delivery.model.application import deletion_approved_at
from haori.delivery.model.options import parse_sync_options
from haori.delivery.plan import Plan, PlanRequest, plan_sync
from haori.delivery.plan.next import TERMINATED
from haori.delivery.plan.timeouts import timeout_of
from haori.errors import HaoriError
from haori.objects import Manifest, ResourceKey, annotations_of, gvk_of, nested_mapping
from haori.resources import argo, haori
from haori.resources.argo import ConditionType, OperationPhase
from haori.words import Language, Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Where an operation stands after a pass."""

    state: OperationState
    waiting_for: tuple[ResourceKey, ...] = ()
    again_at: datetime | None = None
    """When its next try is due."""
    look_at: datetime | None = None
    """When a time-out of a step is due."""


Store = Callable[[Application, OperationState], Awaitable[OperationState]]
StoreState = Callable[[OperationState], Awaitable[OperationState]]


class Operating:
    """Prepares operations and lets the runner carry them out."""

    def __init__(
        self,
        client: KubernetesClient,
        declared: Declared,
        desired: DesiredStates,
        assessor: Assessor,
        runner: OperationRunner,
        store: Store,
        *,
        check_sources: Callable[[Application, Sequence[Source]], tuple[Condition, ...]],
        clock: Callable[[], datetime],
        server: str = argo.IN_CLUSTER_SERVER,
        cluster_name: str = argo.IN_CLUSTER_NAME,
    ) -> None:
        """`server` and `cluster_name` are how projects know the cluster."""
        self._client, self._declared, self._desired = client, declared, desired
        self._server, self._cluster_name = server, cluster_name
        self._keeper = Keeper(client, manager=haori.FIELD_MANAGER)
        self._assessor, self._runner, self._store, self._clock = assessor, runner, store, clock
        self._check_sources = check_sources

    async def resolve(
        self, state: OperationState, sources: Sequence[Source], wanted: Desired | None
    ) -> tuple[str, ...]:
        """The revisions an operation runs at, resolved once; empty where they cannot be."""
        operation = state.operation
        asked = operation.revisions or ((operation.revision,) if operation.revision else ())
        if not asked and not operation.sources and wanted is not None:
            return wanted.revisions
        try:
            return await self._desired.resolve(sources, revisions=asked)
        except HaoriError:
            return tuple(asked)  # The pass that follows meets the same error and says it.

    async def advance(
        self,
        application: Application,
        state: OperationState,
        memory: Memory,
        wanted: Desired | None,
        conditions: Sequence[Condition],
        beginning: Beginning | None = None,
    ) -> Outcome:
        """One pass of the operation in `state`, which began in this look where there is a `beginning`."""
        now = self._clock()

        async def store(newer: OperationState) -> OperationState:
            if beginning is not None:
                await beginning.write()
            return await self._store(application, newer)

        is_ending = state.phase is OperationPhase.TERMINATING
        is_superseded = self._is_superseded(state, wanted)
        if (at := progress.next_try_at(state)) is not None:
            if is_superseded:
                return Outcome(state=replace(state, phase=OperationPhase.FAILED, message=SUPERSEDED))
            if now < at:
                return Outcome(state=state, again_at=at)
            state = progress.try_again(state, await self._revisions_of_retry(application, state, wanted))
            memory.run = None
        stopping = [item for item in conditions if item.type is ConditionType.INVALID_SPEC]
        stopping.extend(self._check_own_sources(application, state.operation))
        if stopping and not is_ending:
            message = "; ".join(item.sentence.text(Language.ENGLISH) for item in stopping)
            return self._outcome(fail(state, message, now))
        try:
            run, approved_at = memory.run, deletion_approved_at(application)
            if run is not None and run.operation_id != progress.operation_id(application, state):
                run = None  # Another engine has begun, or tried, another operation meanwhile.
            if run is None or run.approved_at != approved_at:
                was_validated = run is not None and run.validated
                run = memory.run = await self._prepare(application, state, memory, wanted, conditions)
                run.approved_at, run.validated = approved_at, was_validated
        except HaoriError as error:
            if is_ending:
                return Outcome(state=(await self._terminate_unplanned(application, state, store)).state)
            return self._outcome(fail(state, str(error), now, error=error))
        if run.refusal and not is_ending:
            return self._outcome(fail(state, run.refusal, now))

        if beginning is not None and not run.plan.is_repeatable:
            await beginning.write()
        done = await self._runner.advance(run, state, store)
        if done.waiting is None:
            return self._outcome(done.state)
        if is_superseded:
            ended = await self._runner.terminate(run, done.state, SUPERSEDED, store)
            return Outcome(state=ended.state)
        return Outcome(state=done.state, waiting_for=done.waiting.waiting_for, look_at=done.waiting.look_at)

    async def would_be(self, application: Application, revisions: Sequence[str]) -> Desired:
        """What the application is at other revisions. Raises HaoriError where they cannot be had any more."""
        return await self._desired.build(
            application,
            application.spec.sources,
            revisions,
            discovery=await self._client.discover(),
            settings=self._declared.settings,
        )

    async def _terminate_unplanned(self, application: Application, state: OperationState, store: StoreState) -> Pass:
        name, id_ = self._assessor.name_of(application), progress.operation_id(application, state)
        return await self._runner.terminate_unplanned(name, state, id_, TERMINATED, store)

    async def plan(
        self, application: Application, operation: Operation, desired: Desired, *, prune: bool | None = None
    ) -> Plan:
        """The plan of an operation that was not begun: what the console shows before a sync."""
        return await self._plan(application, operation, desired, Memory(desired=desired), None, prune=prune)

    def _check_own_sources(self, application: Application, operation: Operation) -> tuple[Condition, ...]:
        """What the project says of sources that an operation brings with it (a rollback to another repository)."""
        if not operation.sources:
            return ()
        return self._check_sources(application, operation_sources(application, operation.sources))

    def _outcome(self, state: OperationState) -> Outcome:
        return Outcome(state=state, again_at=progress.next_try_at(state))

    def _is_superseded(self, state: OperationState, wanted: Desired | None) -> bool:
        """Whether Git has moved on from what an automated operation is stuck with: the mend must not wait for it."""
        if not state.operation.automated or wanted is None or not state.revisions:
            return False
        return state.phase is OperationPhase.RUNNING and wanted.revisions != state.revisions

    async def _revisions_of_retry(
        self, application: Application, state: OperationState, wanted: Desired | None
    ) -> tuple[str, ...]:
        policy = progress.retry_of(state)
        if policy is None or not policy.refresh or wanted is None or state.operation.sources:
            return state.revisions
        return wanted.revisions

    async def _prepare(
        self,
        application: Application,
        state: OperationState,
        memory: Memory,
        wanted: Desired | None,
        conditions: Sequence[Condition],
    ) -> Run:
        desired = await self._desired_of(application, state, wanted)
        plan = await self._plan(application, state.operation, desired, memory, state)
        shared = [item for item in conditions if item.type is ConditionType.SHARED_RESOURCE]
        refusal = ""
        texts = (*application.spec.sync_policy.option_texts, *state.operation.option_texts)
        if shared and parse_sync_options(texts).fail_on_shared:
            refusal = f"Shared resource found: {shared[0].sentence.text(Language.ENGLISH)}"
        reasons = _remembered(application, plan)
        return Run(plan=plan, operation_id=plan.operation_id, refusal=refusal, reasons=reasons)

    async def _desired_of(self, application: Application, state: OperationState, wanted: Desired | None) -> Desired:
        operation = state.operation
        sources = operation_sources(application, operation.sources)
        is_same = not operation.sources and not operation.manifests
        if is_same and wanted is not None and wanted.revisions == state.revisions:
            return wanted
        revisions = await self._desired.resolve(sources, revisions=state.revisions)
        return await self._desired.build(
            application,
            sources,
            revisions,
            discovery=await self._client.discover(),
            settings=self._declared.settings,
            manifests=operation.manifests,
        )

    async def _plan(
        self,
        application: Application,
        operation: Operation,
        desired: Desired,
        memory: Memory,
        state: OperationState | None,
        *,
        prune: bool | None = None,
    ) -> Plan:
        assessment = await self._assessor.assess(application, desired, memory)
        discovery = await self._client.discover()
        targets = desired.targets
        if any(discovery.resource(gvk_of(manifest)) is None for manifest in targets.manifests.values()):
            discovery = await self._client.discover(refresh=True)
        manifests: Mapping[ResourceKey, Manifest] = targets.manifests
        texts = (*application.spec.sync_policy.option_texts, *operation.option_texts)
        if parse_sync_options(texts).respect_ignore_differences:
            rules, schemas = self._assessor.ignore_rules(application), await self._assessor.types(manifests.values())
            manifests = await self._keeper.keep(manifests, assessment.live, rules, schemas)
        project = self._declared.project_of(application) or Project(name=application.spec.project)
        destination = application.spec.destination
        request = PlanRequest(
            desired=manifests,
            generated=targets.generated,
            live=assessment.live,
            owned=assessment.owned,
            comparisons=assessment.comparisons,
            project=project,
            policy=application.spec.sync_policy,
            operation=operation,
            namespaced=namespaced_of(discovery),
            served_version=served_version_of(discovery),
            server=self._server,
            cluster_name=self._cluster_name,
            namespace=destination.namespace,
            namespace_exists=assessment.namespace_exists,
            namespace_differs=assessment.namespace_differs,
            revision=desired.revisions[0] if desired.revisions else "",
            started_at=state.started_at if state is not None else self._clock(),
            approved_at=deletion_approved_at(application),
            operation_id=progress.operation_id(application, state) if state is not None else "",
            waits_for_last=annotations_of(application.manifest).get(haori.WAIT_FOR_LAST_WAVE) == "true",
            prune=prune,
            default_timeout=timeout_of(application.manifest),
            begun=frozenset(row.key for row in state.resources) if state is not None else frozenset(),
            itself=ResourceKey(argo.ARGO_GROUP, argo.APPLICATION, application.namespace, application.name),
        )
        return plan_sync(request)


def _remembered(application: Application, plan: Plan) -> dict[ResourceKey, Sentence]:
    """What an object was found to wait for before this engine took over, as the status tells it."""
    why = nested_mapping(application.manifest, "status", "haori", "why")
    cause = nested_mapping(why, "parameters", "reason") if why.get("code") == "why-with-commit" else why
    parameters = nested_mapping(cause, "parameters")
    named = {str(parameters.get(name)) for name in ("owner", "object")}
    if why.get("code") == "why-sync-waits" or not cause.get("code"):
        return {}
    sentence = Sentence(code=str(cause["code"]), parameters=parameters)
    return {step.key: sentence for step in plan.steps if str(step.key) in named}
