"""What can be done to a live object beside writing it: restart, scale, pause and kin, as patches. Pure.

Names are those of Argo CD's built-in actions, so that its clients and policies (`action/apps/Deployment/restart`) work.
see: argoproj/argo-cd `resource_customizations/*/actions/discovery.lua` (3.x).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haori.objects import GroupKind, Manifest, copy_manifest, nested, nested_mapping, nested_text
from haori.objects.times import format_time
from haori.server.errors import Kind, RefusedError

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
MOST_REPLICAS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an action does: a merge patch of the object (or of its subresource), or another object that is made."""

    patch: Mapping[str, Any] | None = None
    subresource: str = ""
    creates: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An action with what it was given."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action of a kind."""

    name: str
    can: Callable[[Manifest], bool]
    """Whether it would change anything now."""
    change: Callable[[Manifest, Asked], Change]
    parameters: tuple[str, ...] = ()

    def to_json(self, live: Manifest) -> dict[str, Any]:
        """As Argo CD lists it."""
        told: dict[str, Any] = {"name": self.name, "displayName": self.name.replace("-", " ").capitalize()}
        if not self.can(live):
            told["disabled"] = True
        if self.parameters:
            told["params"] = [
                {"name": each, "value": "", "type": "number", "default": str(nested(live, "spec", each) or 0)}
                for each in self.parameters
            ]
        return told


def actions_of(live: Manifest) -> tuple[Action, ...]:
    """The actions of a live object's kind; none for most."""
    group = str(live.get("apiVersion", "")).rpartition("/")[0]
    return ACTIONS.get(GroupKind(group, str(live.get("kind"))), ())


def plan_action(live: Manifest, name: str, asked: Asked) -> Change:
    """What an action would do. Raises RefusedError where the kind has none of that name, or it changes nothing now."""
    known = {each.name: each for each in actions_of(live)}
    action = known.get(name)
    if action is None:
        facts = {"action": name[:100], "kind": str(live.get("kind")), "known": sorted(known)}
        raise RefusedError(Kind.NOT_FOUND, "action-unknown", **facts)
    if not action.can(live):
        facts = {"action": name, "object": f"{live.get('kind')} {nested_text(live, 'metadata', 'name')}"}
        raise RefusedError(Kind.PRECONDITION, "action-without-effect", **facts)
    return action.change(live, asked)


def _always(live: Manifest) -> bool:
    return True


def _is(*path: str) -> Callable[[Manifest], bool]:
    return lambda live: nested(live, *path) is True


def _is_not(*path: str) -> Callable[[Manifest], bool]:
    return lambda live: nested(live, *path) is not True


def _patch(*path: str, value: Any, subresource: str = "") -> Callable[[Manifest, Asked], Change]:
    def change(live: Manifest, asked: Asked) -> Change:
        patch: Any = value
        for step in reversed(path):
            patch = {step: patch}
        return Change(patch=patch, subresource=subresource)

    return change


def _restart(live: Manifest, asked: Asked) -> Change:
    annotations = {RESTARTED_AT: format_time(asked.now)}
    return Change(patch={"spec": {"template": {"metadata": {"annotations": annotations}}}})


def _restart_rollout(live: Manifest, asked: Asked) -> Change:
    return Change(patch={"spec": {"restartAt": format_time(asked.now)}})


def _scale(live: Manifest, asked: Asked) -> Change:
    given = asked.parameters.get("replicas", "")
    if not (given.isascii() and given.isdigit() and len(given) < 6 and int(given) <= MOST_REPLICAS):
        raise RefusedError(
            Kind.INVALID, "parameter-out-of-range", parameter="replicas", least=0, most=MOST_REPLICAS
        )  # fmt: skip
    return Change(patch={"spec": {"replicas": int(given)}})


def _resume_rollout(live: Manifest, asked: Asked) -> Change:
    if nested(live, "spec", "paused") is True:
        return Change(patch={"spec": {"paused": False}})
    return Change(patch={"status": {"pauseConditions": None}}, subresource="status")


def _is_rollout_paused(live: Manifest) -> bool:
    return nested(live, "spec", "paused") is True or bool(nested(live, "status", "pauseConditions"))


def _create_job(live: Manifest, asked: Asked) -> Change:
    """A Job as the CronJob would make it now, owned by it."""
    template, metadata = nested_mapping(live, "spec", "jobTemplate"), nested_mapping(live, "metadata")
    name = f"{str(metadata['name'])[:52]}-{asked.now:%Y%m%d%H%M%S}"[:63]
    owner = {"apiVersion": live["apiVersion"], "kind": "CronJob", "name": metadata["name"], "uid": metadata["uid"]}
    annotations = {**nested_mapping(template, "metadata", "annotations"), "cronjob.kubernetes.io/instantiate": "manual"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": dict(nested_mapping(template, "metadata", "labels")),
            "annotations": annotations,
            "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
        },
        "spec": copy_manifest(template.get("spec") or {}),
    }
    return Change(creates=job)


def _has_ended(live: Manifest) -> bool:
    return bool(nested(live, "status", "completionTime")) or any(
        each.get("type") in ("Complete", "Failed") and each.get("status") == "True"
        for each in nested_mapping(live, "status").get("conditions") or ()
    )


def _terminate(live: Manifest, asked: Asked) -> Change:
    # What a Job does at its deadline: its Pods are ended, it has failed, and its record stays.
    return Change(patch={"spec": {"activeDeadlineSeconds": 1}})


_SCALE = Action(name="scale", can=_always, change=_scale, parameters=("replicas",))
_RESTART = Action(name="restart", can=_always, change=_restart)
_SUSPEND = Action(name="suspend", can=_is_not("spec", "suspend"), change=_patch("spec", "suspend", value=True))
_RESUME = Action(name="resume", can=_is("spec", "suspend"), change=_patch("spec", "suspend", value=False))

ACTIONS: Mapping[GroupKind, tuple[Action, ...]] = {
    GroupKind("apps", "Deployment"): (
        Action(name="pause", can=_is_not("spec", "paused"), change=_patch("spec", "paused", value=True)),
        Action(name="restart", can=_is_not("spec", "paused"), change=_restart),
        Action(name="resume", can=_is("spec", "paused"), change=_patch("spec", "paused", value=False)),
        _SCALE,
    ),
    GroupKind("apps", "StatefulSet"): (_RESTART, _SCALE),
    GroupKind("apps", "DaemonSet"): (_RESTART,),
    GroupKind("batch", "CronJob"): (Action(name="create-job", can=_always, change=_create_job), _SUSPEND, _RESUME),
    GroupKind("batch", "Job"): (
        _SUSPEND,
        _RESUME,
        Action(name="terminate", can=lambda live: not _has_ended(live), change=_terminate),
    ),
    GroupKind("argoproj.io", "Rollout"): (
        Action(
            name="abort",
            can=_is_not("status", "abort"),
            change=_patch("status", "abort", value=True, subresource="status"),
        ),
        Action(
            name="pause", can=lambda live: not _is_rollout_paused(live), change=_patch("spec", "paused", value=True)
        ),
        Action(
            name="promote-full",
            can=_is_not("status", "promoteFull"),
            change=_patch("status", "promoteFull", value=True, subresource="status"),
        ),
        Action(name="restart", can=_always, change=_restart_rollout),
        Action(name="resume", can=_is_rollout_paused, change=_resume_rollout),
        Action(
            name="retry",
            can=_is("status", "abort"),
            change=_patch("status", "abort", value=False, subresource="status"),
        ),
        _SCALE,
    ),
}
