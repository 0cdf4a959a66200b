"""Asks of everything an operation is about to write whether the cluster would take it, before anything is written.

Nearly all of that is told here, from the types (`plan.validation`). The server is asked by a dry run only where it alone
knows: of types that nothing is known of or that have rules in CEL, and of a change to an object that looks wrong while
others may have added what makes it right. What cannot be tried yet (its type or its namespace comes in the same sync) is
left to the apply.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from haori.cluster import KubernetesClient, NotFoundError
from haori.delivery.apply import Applier, ApplyError, Outcome, Task
from haori.delivery.apply.migrate import is_owned
from haori.delivery.apply.results import failed_result
from haori.delivery.plan import Plan, Step
from haori.delivery.plan.validation import Judgement, steps_to_validate, validate_steps, without_unknown_fields
from haori.objects import Manifest, ResourceKey, format_object
from haori.objects.masking import is_secret
from haori.schema import Schemas
from haori.schema.builtin import KUBERNETES_MINOR

Types = Callable[[Iterable[Manifest]], Awaitable[Schemas]]
"""The types of a cluster, those of these manifests among them."""

PROBLEMS_SHOWN = 10


class Validator:
    """Validates the plans of one cluster."""

    def __init__(
        self, client: KubernetesClient, types: Types, *, manager: str, kube_version: Callable[[], str]
    ) -> None:
        """`kube_version` gives the cluster's, empty while it is not known."""
        self._client, self._types, self._manager = client, types, manager
        self._kube_version = kube_version

    async def refused(self, plan: Plan, live: Mapping[ResourceKey, Manifest], trial: Applier) -> list[Outcome]:
        """What the cluster would refuse, in the plan's order; `trial` makes dry runs. Raises PeerError."""
        steps = steps_to_validate(plan)
        if not steps:
            return []
        schemas = await self._types(step.manifest for step in steps)
        ours = {key: manifest for key, manifest in live.items() if is_owned(manifest, self._manager)}
        judgements = validate_steps(schemas, steps, ours)
        in_doubt = [judgement.step for judgement in judgements if self._is_in_doubt(judgement)]
        asked = {(each.result.key, each.result.phase): each for each in await self._ask(plan, in_doubt, live, trial)}
        found = []
        for judgement in judgements:
            if (outcome := asked.get((judgement.step.key, judgement.step.phase))) is not None:
                found.append(outcome)
            elif judgement.problems and not self._is_in_doubt(judgement):
                found.append(_refusal(judgement))
        return found

    async def fitted(self, steps: Sequence[Step]) -> Sequence[Step]:
        """The steps, those with `Validate=false` without fields that their type does not know.

        Server-side apply refuses such fields whatever is asked of it; every other write drops them.
        """
        if all(step.options.validate for step in steps):
            return steps
        schemas = await self._types(step.manifest for step in steps)
        return [step if step.options.validate else without_unknown_fields(schemas, step) for step in steps]

    def _is_in_doubt(self, judgement: Judgement) -> bool:
        return not judgement.is_certain or (bool(judgement.problems) and self._is_newer())

    def _is_newer(self) -> bool:
        """Whether the cluster may know fields that we do not."""
        minor = self._kube_version().lstrip("v").split(".")[1:2]
        return bool(minor) and minor[0].isdecimal() and int(minor[0]) > KUBERNETES_MINOR

    async def _ask(
        self, plan: Plan, steps: Sequence[Step], live: Mapping[ResourceKey, Manifest], trial: Applier
    ) -> list[Outcome]:
        if not steps or plan.is_dry_run:  # A dry run asks the same question at once.
            return []
        may_try = await self.triable(plan)
        outcomes = await trial.run_steps([step for step in steps if may_try(step)], live)
        return [outcome for outcome in outcomes if _is_refusal(outcome)]

    async def triable(self, plan: Plan) -> Callable[[Step], bool]:
        """Whether a step can be tried on the server now: its type and its namespace do not come in the same sync."""
        coming = {step.key.name for step in plan.steps if step.key.kind == "Namespace" and not step.is_live}
        discovery = await self._client.discover()

        def may_try(step: Step) -> bool:
            served = discovery.resource_of(str(step.manifest.get("apiVersion")), step.key.kind)
            return served is not None and step.key.namespace not in coming

        return may_try


def _is_refusal(outcome: Outcome) -> bool:
    error = outcome.error
    return error is not None and not error.transient and not isinstance(error.__cause__, NotFoundError)


def _refusal(judgement: Judgement) -> Outcome:
    """The outcome of a step that is not even sent, as if the server had refused it."""
    step, problems = judgement.step, judgement.problems
    object_ = format_object(step.key.kind, step.key.namespace, step.key.name)
    if is_secret(step.manifest):
        paths = sorted({problem.path for problem in problems if problem.path}) or ["-"]
        error = ApplyError("validation-refused-secret", object=object_, fields=paths)
    else:
        shown = [str(problem) for problem in problems[:PROBLEMS_SHOWN]]
        if len(problems) > len(shown):
            shown.append(f"… (+{len(problems) - len(shown)})")
        error = ApplyError("validation-refused", object=object_, message="; ".join(shown))
    task = Task.of(step)
    return Outcome(task=task, result=failed_result(task, error), error=error)
