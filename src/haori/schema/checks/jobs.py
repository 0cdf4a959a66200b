"""Jobs and CronJobs.

see: Kubernetes `pkg/apis/batch/validation/validation.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest, nested_list
from haori.schema.checks.common import (
    IMMUTABLE,
    Problems,
    does_select,
    not_negative,
    one_of,
    part,
    selector,
    unchanged,
)
from haori.schema.checks.pods import check_template
from haori.schema.checks.schedules import schedule_complaints, time_zone_complaint
from haori.schema.problems import invalid, required, unsupported, unsupported_in_order

_UID_LABEL, _OLD_UID_LABEL = "batch.kubernetes.io/controller-uid", "controller-uid"
_NUMBERS = ("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished")
_FREE_METADATA = frozenset({"labels", "annotations"})
_FREE_SPEC = frozenset({"nodeSelector", "tolerations", "affinity", "schedulingGates"})
"""What may change in the template of a Job that waits and has not begun."""


def check_job(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Job, whose selector and labels have been generated unless it brought them."""
    spec = part(manifest, "spec")
    if old is None:
        yield from _selector(manifest, spec)
    yield from check_job_spec(spec, "spec")
    chosen = spec.get("selector")
    labels = part(spec, "template", "metadata", "labels")
    if chosen is not None and does_select(chosen, labels) is False:
        detail = "`selector` does not match template `labels`"
        yield invalid("spec.template.metadata.labels", dict(sorted(labels.items())) or None, detail)
    if old is not None:
        yield from _change(manifest, old)


def _selector(manifest: Manifest, spec: Mapping[str, Any]) -> Problems:
    chosen = spec.get("selector")
    if spec.get("manualSelector"):
        if chosen is None:
            yield required("spec.selector")
        return
    uid = part(manifest, "metadata").get("uid")
    generated = {"matchLabels": {_UID_LABEL: uid}}
    if uid and chosen is not None and chosen != generated:
        yield invalid("spec.selector", chosen, "`selector` not auto-generated")


def check_job_spec(spec: Mapping[str, Any], path: str) -> Problems:
    """What a Job and a CronJob's template have in common."""
    yield from not_negative(spec, path, *_NUMBERS)
    yield from selector(spec.get("selector"), f"{path}.selector")
    mode = spec.get("completionMode")
    if mode is not None:
        yield from one_of(f"{path}.completionMode", mode, ("NonIndexed", "Indexed"))
        if mode == "Indexed" and spec.get("completions") is None:
            yield required(f"{path}.completions", "when completion mode is Indexed")
    if (replacement := spec.get("podReplacementPolicy")) is not None:
        yield from one_of(f"{path}.podReplacementPolicy", replacement, ("Failed", "TerminatingOrFailed"))
    yield from check_template(part(spec, "template"), f"{path}.template")
    policy = part(spec, "template", "spec").get("restartPolicy") or "Always"
    if policy == "Always":
        yield required(f"{path}.template.spec.restartPolicy", 'valid values: "OnFailure", "Never"')
    else:
        yield from one_of(f"{path}.template.spec.restartPolicy", policy, ("OnFailure", "Never"))


def _change(manifest: Manifest, old: Manifest) -> Problems:
    new, before = part(manifest, "spec"), part(old, "spec")
    if not _may_set_completions(new, before):
        yield from unchanged("spec.completions", new.get("completions"), before.get("completions"))
    yield from unchanged("spec.selector", new.get("selector"), before.get("selector"))
    yield from _template_change(new, before, is_waiting=_is_waiting(old))
    for field in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        yield from unchanged(f"spec.{field}", new.get(field), before.get(field))


def _may_set_completions(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    """An indexed Job may grow and shrink where its parallelism does so too."""
    is_indexed = new.get("completionMode") == "Indexed" and new.get("completions") is not None
    return (
        is_indexed and new["completions"] == new.get("parallelism") and old.get("completions") == old.get("parallelism")
    )


def _is_waiting(job: Manifest) -> bool:
    """Whether it is suspended and has not begun, or has stopped for it."""
    conditions = nested_list(job, "status", "conditions")
    is_suspended = any(each.get("type") == "Suspended" and each.get("status") == "True" for each in conditions)
    has_begun = part(job, "status").get("startTime") is not None
    return bool(part(job, "spec").get("suspend")) and (not has_begun or is_suspended)


def _template_change(new: Mapping[str, Any], old: Mapping[str, Any], *, is_waiting: bool) -> Problems:
    after, before = part(new, "template"), part(old, "template")
    if not is_waiting:
        yield from unchanged("spec.template", after, before)
        return
    spec = part(after, "spec")
    if _without_resources(spec) != _without_resources(part(before, "spec")):
        yield invalid("spec.template.spec", spec, IMMUTABLE)
    metadata = {key: value for key, value in part(after, "metadata").items() if key not in _FREE_METADATA}
    if metadata != {key: value for key, value in part(before, "metadata").items() if key not in _FREE_METADATA}:
        yield invalid("spec.template", after, IMMUTABLE)


def _without_resources(spec: Mapping[str, Any]) -> dict[str, Any]:
    fixed = {key: value for key, value in spec.items() if key not in _FREE_SPEC}
    for field in ("containers", "initContainers"):
        if field in fixed:
            fixed[field] = [{k: v for k, v in each.items() if k != "resources"} for each in fixed[field]]
    return fixed


def check_cron_job(manifest: Manifest, old: Manifest | None) -> Problems:
    """A CronJob."""
    spec = part(manifest, "spec")
    schedule = spec.get("schedule") or ""
    if not schedule:
        yield required("spec.schedule")
    elif old is None or schedule != part(old, "spec").get("schedule"):
        for complaint in schedule_complaints(schedule):
            yield invalid("spec.schedule", schedule, complaint)
    yield from not_negative(
        spec, "spec", "startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"
    )
    concurrency = spec.get("concurrencyPolicy") or ""
    if not concurrency:
        yield required("spec.concurrencyPolicy")
    elif concurrency not in ("Allow", "Forbid", "Replace"):
        yield unsupported("spec.concurrencyPolicy", concurrency, ("Allow", "Forbid", "Replace"))
    zone = spec.get("timeZone")
    if zone is not None and (complaint := time_zone_complaint(zone)):
        yield invalid("spec.timeZone", zone, complaint)
    template = part(spec, "jobTemplate", "spec")
    yield from check_job_spec(template, "spec.jobTemplate.spec")
    if template.get("manualSelector"):
        yield unsupported_in_order("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
