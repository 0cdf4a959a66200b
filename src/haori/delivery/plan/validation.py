"""Whether the API server would take an object, told from its type before anything is sent.

Of an object that is not there yet everything is known, so the judgement is certain. Of one that lives we know what we
wrote and what we are about to write, not what others added to it: where that looks wrong, only the server can tell. The
same holds for types that nothing is known of, and for rules written in CEL, which are not evaluated here.

Deliberately narrower than the server: of built-in kinds whose rules `haori.schema.checks` does not hold only the shapes
of values count, since their published schema asks for fields that the server itself does without. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from haori.delivery.plan.types import Action, Plan, Step
from haori.objects import GroupKind, Manifest, ResourceKey, nested_mapping, nested_text
from haori.resources.argo import HookDeletePolicy
from haori.schema import (
    FieldProblem,
    Schemas,
    TypedValueError,
    TypeSchema,
    apply_defaults,
    prune_unknown,
    unknown_fields,
)
from haori.schema import validate_object as validate_whole
from haori.schema.checks.table import is_judged
from haori.schema.typed import check_structure

_WRITES = frozenset({Action.CREATE_NAMESPACE, Action.CREATE, Action.CONFIGURE, Action.REPLACE, Action.HOOK})
_LOOPBACK = "may not be in the loopback range"
_CEL = "x-kubernetes-validations"
_NEW_UID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is wrong with one step's object; `is_certain` False: only the server can tell whether it is."""

    step: Step
    problems: tuple[FieldProblem, ...] = ()
    is_certain: bool = True

    @property
    def is_refused(self) -> bool:
        """Whether it need not be sent to know that it would be refused."""
        return bool(self.problems) and self.is_certain


def steps_to_validate(plan: Plan) -> list[Step]:
    """All steps that write an object, those for a failure among them, but for what is excepted by `Validate=false`."""
    steps = (*plan.steps, *(step for wave in plan.on_failure for step in wave.steps))
    return [step for step in steps if step.action in _WRITES and step.options.validate]


def validate_steps(schemas: Schemas, steps: Iterable[Step], live: Mapping[ResourceKey, Manifest]) -> list[Judgement]:
    """The judgements of `steps`, in their order; definitions among them count for objects of the kinds they define.

    `live` holds what we wrote of objects that are there; an object may be missing in it although it lives.
    """
    given = list(steps)
    definitions = {id(step): validate_step(schemas, step, live.get(step.key)) for step in given if is_definition(step)}
    good = [judgement.step.manifest for judgement in definitions.values() if not judgement.problems]
    types = schemas.with_crds(good) if good else schemas
    coming = {defined_kind(manifest) for manifest in good}
    return [
        definitions.get(id(step)) or validate_step(types, step, live.get(step.key), coming=coming) for step in given
    ]


def validate_step(
    schemas: Schemas, step: Step, live: Manifest | None, *, coming: Collection[GroupKind] = ()
) -> Judgement:
    """The judgement of one step; `coming`: kinds whose definition is applied in the same sync."""
    manifest = step.manifest
    schema = schemas.type_for(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if schema is None:
        return Judgement(step=step, is_certain=False)
    is_applied = step.options.server_side_apply is not False and step.action is not Action.REPLACE
    if shapes := tuple(_structure(schema, manifest) if is_applied else _decoding(schema, manifest)):
        return Judgement(step=step, problems=shapes)
    is_new = _is_new(step)
    old = None if is_new or step.options.force or live is None else apply_defaults(schema, live)
    problems = tuple(_rules(schemas, schema, manifest, old))
    if problems:
        return Judgement(step=step, problems=problems, is_certain=is_new)
    has_cel = _CEL in schema.rules and step.key.group_kind not in coming
    return Judgement(step=step, is_certain=not has_cel)


def without_unknown_fields(schemas: Schemas, step: Step) -> Step:
    """The step without fields that the type of its object does not have."""
    manifest = step.manifest
    schema = schemas.type_for(str(manifest.get("apiVersion")), str(manifest.get("kind")))
    if schema is None or step.action not in _WRITES or not unknown_fields(schema, manifest):
        return step
    return replace(step, manifest=prune_unknown(schema, manifest))


def is_definition(step: Step) -> bool:
    """Whether a step writes a CustomResourceDefinition."""
    return (step.key.kind, step.key.group) == ("CustomResourceDefinition", "apiextensions.k8s.io")


def defined_kind(definition: Manifest) -> GroupKind:
    """The kind that a CustomResourceDefinition defines."""
    return GroupKind(nested_text(definition, "spec", "group"), nested_text(definition, "spec", "names", "kind"))


def _is_new(step: Step) -> bool:
    """Whether nothing of the object will be there when the step is carried out."""
    return not step.is_live or HookDeletePolicy.BEFORE_CREATION in step.delete_policies


def _structure(schema: TypeSchema, manifest: Manifest) -> Iterator[FieldProblem]:
    """What server-side apply cannot read: undeclared fields, wrong types, entries that stand twice."""
    try:
        check_structure(schema, manifest)
    except TypedValueError as error:
        for path, problem in error.problems:
            yield FieldProblem(path=path, reason="FieldValueTypeInvalid", message=problem)


def _decoding(schema: TypeSchema, manifest: Manifest) -> Iterator[FieldProblem]:
    """Fields that strict decoding refuses, as kubectl asks for it."""
    for path in unknown_fields(schema, manifest):
        yield FieldProblem(path="", reason="FieldValueTypeInvalid", message=f'unknown field "{path}"')


def _rules(schemas: Schemas, schema: TypeSchema, manifest: Manifest, old: Manifest | None) -> Iterator[FieldProblem]:
    kind = str(manifest.get("kind"))
    if schema.name and "status" in manifest:
        # A write of the object itself leaves its status alone, whatever it says of it.
        manifest = {name: value for name, value in manifest.items() if name != "status"}
    fitted = apply_defaults(schema, manifest)
    if kind == "Job" and schema.name and old is None:
        fitted = _with_generated_selector(fitted)
    only_shapes = bool(schema.name) and not is_judged(kind)
    for problem in validate_whole(schemas, fitted, old):
        is_shape = problem.reason == "FieldValueTypeInvalid"
        # What an address may be depends on the cluster: everything of a sandbox listens on loopback.
        if (is_shape or not only_shapes) and _LOOPBACK not in problem.message:
            yield problem


def _with_generated_selector(job: dict[str, Any]) -> dict[str, Any]:
    """A Job as the server judges it: with the selector and labels that it makes up. see: `pkg/registry/batch/job`."""
    spec = nested_mapping(job, "spec")
    if spec.get("manualSelector"):
        return job
    own = {"batch.kubernetes.io/controller-uid": _NEW_UID}
    template = nested_mapping(spec, "template")
    metadata = nested_mapping(template, "metadata")
    labels = {**nested_mapping(metadata, "labels"), **own}
    selector = {
        **nested_mapping(spec, "selector"),
        "matchLabels": {**nested_mapping(spec, "selector", "matchLabels"), **own},
    }
    template = {**template, "metadata": {**metadata, "labels": labels}}
    given = {**nested_mapping(job, "metadata"), "uid": _NEW_UID}
    return {**job, "metadata": given, "spec": {**spec, "selector": selector, "template": template}}
