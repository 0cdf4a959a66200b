"""What the API server would take is taken, and what it would refuse is refused where that can be known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from haori.delivery.model.options import parse_sync_options
from haori.delivery.plan import Action, Step, plan_sync
from haori.delivery.plan.validation import (
    Judgement,
    steps_to_validate,
    validate_step,
    validate_steps,
    without_unknown_fields,
)
from haori.objects import key_of
from haori.resources.argo import HookDeletePolicy, HookType, SyncPhase
from haori.schema import Schemas
from tests.delivery.plan.test_plan import make, request
from tests.schema.refusals import Refusal, refusals, with_values

SCHEMAS = Schemas.builtin()
TAKEN = Path(__file__).parents[2] / "schema" / "cases" / "defaults"
CREATED = [
    case
    for case in refusals()
    if case.change is None and case.answer["code"] in (200, 400, 422) and "loopback" not in case.id
]


def step_of(manifest: dict[str, Any], *options: str, is_live: bool = False, **fields: Any) -> Step:
    action = Action.CONFIGURE if is_live else Action.CREATE
    return Step(
        key=key_of(manifest),
        phase=SyncPhase.SYNC,
        wave=0,
        manifest=manifest,
        options=parse_sync_options(options),
        is_live=is_live,
        **{"action": action, **fields},
    )


def judge(manifest: dict[str, Any], *options: str, live: dict[str, Any] | None = None, **fields: Any) -> Judgement:
    step = step_of(manifest, *options, **fields)
    return validate_step(SCHEMAS, step, live)


@pytest.mark.parametrize("case", CREATED, ids=lambda case: case.id)
def test_an_object_that_is_new_is_judged_as_the_server_judged_it(case: Refusal):
    judgement = judge(with_values(case.given, {"metadata.namespace": "default"}), "ServerSideApply=false")

    assert judgement.is_certain
    assert judgement.is_refused == (case.answer["code"] != 200), judgement.problems


def deployment(**values: Any) -> dict[str, Any]:
    base = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "web", "image": "web:1"}]},
            },
        },
    }
    return with_values(base, {path.replace("__", "."): value for path, value in values.items()})


@pytest.mark.parametrize("path", sorted(TAKEN.glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("option", ["ServerSideApply=true", "ServerSideApply=false"])
def test_what_a_real_server_took_is_taken(path: Path, option: str):
    document = yaml.safe_load(path.read_text(encoding="utf-8"))

    for manifest in (document["given"], document["expected"]):
        assert judge(manifest, option).problems == ()


def test_what_an_address_may_be_is_the_clusters_to_say():
    """In a sandbox everything listens on loopback."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}}

    assert not judge({**service, "spec": {"ports": [{"port": 80}], "externalIPs": ["127.0.0.1"]}}).problems
    assert judge({**service, "spec": {"ports": [{"port": 80}], "externalIPs": ["nowhere"]}}).is_refused


def texts(judgement: Judgement) -> list[str]:
    return [str(problem) for problem in judgement.problems]


SHAPES = [
    pytest.param({"spec__replicas": "1"}, ".spec.replicas: expected numeric (int or float), got string", id="type"),
    pytest.param({"spec__replica": 1}, ".spec.replica: field not declared in schema", id="unknown"),
    pytest.param(
        {"spec__template__spec__containers__0__env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
        '.spec.template.spec.containers[name="web"].env: duplicate entries for key [name="A"]',
        id="twice",
    ),
]


@pytest.mark.parametrize(("values", "problem"), SHAPES)
def test_server_side_apply_reads_shapes_in_the_servers_words(values: dict[str, Any], problem: str):
    judgement = judge(deployment(**values))

    assert judgement.is_refused
    assert texts(judgement) == [problem]


def test_without_server_side_apply_unknown_fields_are_refused_as_kubectl_does():
    judgement = judge(deployment(spec__replica=1), "ServerSideApply=false")

    assert texts(judgement) == ['unknown field "spec.replica"']


def test_of_a_living_object_only_the_server_knows_whether_rules_are_kept():
    """Somebody else may have given what the rule misses."""
    partial = deployment(spec__template__spec__containers=[])

    assert judge(partial).is_refused
    judgement = judge(partial, is_live=True, live=deployment())
    assert judgement.problems
    assert not judgement.is_certain


def test_a_change_that_no_object_may_undergo_is_doubted_unless_it_is_made_anew():
    changed = deployment(spec__selector__matchLabels={"app": "x"}, spec__template__metadata__labels={"app": "x"})

    assert texts(judge(changed, is_live=True, live=deployment())) != []
    assert texts(judge(changed, "Force=true", is_live=True, live=deployment())) == []
    assert texts(judge(changed, is_live=True)) == []


def test_a_hook_that_is_deleted_before_it_runs_is_judged_as_new():
    old = make("Job", "migrate")
    hook: dict[str, Any] = {"hook_type": HookType.PRE_SYNC, "action": Action.HOOK, "is_live": True}

    fresh = judge(old, delete_policies=(HookDeletePolicy.BEFORE_CREATION,), **hook)
    kept = judge(old, delete_policies=(HookDeletePolicy.FAILED,), **hook)

    assert fresh.is_refused
    assert kept.problems
    assert not kept.is_certain


def test_kinds_without_rules_of_ours_are_held_to_shapes_alone():
    """Their published schema asks for more than the server does."""
    manifest = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "p"}}

    assert judge(manifest).problems == ()
    assert judge({**manifest, "value": "high"}).is_refused


def test_a_type_that_nothing_is_known_of_is_left_to_the_server():
    judgement = judge({"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "t"}})

    assert (judgement.problems, judgement.is_certain) == ((), False)


def definition(**root: Any) -> dict[str, Any]:
    spec = {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer", "maximum": 5}}}
    schema = {"type": "object", "properties": {"spec": spec}, **root}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.org"},
        "spec": {
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def thing(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.org/v1",
        "kind": "Thing",
        "metadata": {"name": "t", "namespace": "shop"},
        "spec": spec,
    }


CUSTOM = [
    pytest.param({"size": 1}, [], id="good"),
    pytest.param({}, ["spec.size: Required value"], id="required"),
    pytest.param({"size": 1, "colour": "red"}, [".spec.colour: field not declared in schema"], id="unknown"),
]


@pytest.mark.parametrize(("spec", "problems"), CUSTOM)
def test_objects_of_a_definition_of_the_same_sync_are_judged_by_it(spec: dict[str, Any], problems: list[str]):
    judgements = validate_steps(SCHEMAS, [step_of(definition()), step_of(thing(**spec))], {})

    assert [texts(judgement) for judgement in judgements] == [[], problems]
    assert all(judgement.is_certain for judgement in judgements)


def test_a_broken_definition_is_refused_and_judges_nothing():
    broken = definition()
    broken["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["required"] = 5

    refused, left = validate_steps(SCHEMAS, [step_of(broken), step_of(thing())], {})

    assert refused.is_refused
    assert (left.problems, left.is_certain) == ((), False)


def test_what_git_says_of_a_status_is_not_judged():
    """Older generators wrote such definitions, and the server takes them."""
    status = {"storedVersions": ["v9"], "conditions": [], "acceptedNames": {"kind": "", "plural": ""}}

    assert judge({**definition(), "status": status}).problems == ()


def test_rules_in_cel_are_left_to_the_server():
    rules = [{"rule": "self.spec.size > 0"}]
    known = SCHEMAS.with_crds([definition(**{"x-kubernetes-validations": rules})])

    assert not validate_step(known, step_of(thing(size=1)), None).is_certain
    assert validate_step(known, step_of(thing()), None).is_refused


def test_everything_that_is_written_is_validated_but_what_is_excepted():
    manifests = [
        make("ConfigMap", "a"),
        make("ConfigMap", "b", options="Validate=false"),
        make("Job", "f", hook="SyncFail"),
    ]
    plan = plan_sync(request(manifests))

    assert [step.key.name for step in steps_to_validate(plan)] == ["a", "f"]


def test_fields_that_no_type_knows_are_dropped_where_asked():
    step = step_of(deployment(spec__replica=1))

    assert without_unknown_fields(SCHEMAS, step).manifest == deployment()
    assert without_unknown_fields(SCHEMAS, replace(step, action=Action.PRUNE)).manifest is step.manifest
