"""Why something is not as wanted, in one sentence: walks from an object down to the Pod or claim that holds it up.

Takes whole live objects (the caller fetches them, children of the culprit only), gives the most telling reason: one that
names a cause (an image that cannot be pulled) before one that names a symptom (not ready yet). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haori.objects import Manifest, key_of, nested_list, nested_mapping, nested_text
from haori.objects.quantities import format_duration
from haori.words import Sentence

IMAGE_REASONS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
LONGEST_REASON = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The commit since which something may be wrong."""

    revision: str
    subject: str
    author: str
    at: datetime


def explain(culprit: Manifest, below: Iterable[Manifest] = ()) -> Sentence | None:
    """The reason why `culprit` is not healthy, given the objects it owns (directly or not); None where none shows."""
    found = [reason for each in (culprit, *below) if (reason := _reason(each, culprit)) is not None]
    return min(found, key=lambda item: item[0])[1] if found else None


def with_commit(reason: Sentence, commit: Commit, *, application: str, now: datetime) -> Sentence:
    """The reason with since when, by whom, and the way back."""
    ago = format_duration(float(max(0, int((now - commit.at).total_seconds()))))
    parameters = {
        "reason": reason,
        "revision": commit.revision[:7],
        "subject": commit.subject,
        "author": commit.author,
        "ago": ago,
        "application": application,
    }
    return Sentence(code="why-with-commit", parameters=parameters)


def signs_of(manifest: Manifest) -> tuple[str, ...]:
    """What `explain` would find in a Pod and its health does not tell: why containers wait, why no node takes it."""
    if manifest.get("kind") != "Pod":
        return ()
    status = nested_mapping(manifest, "status")
    containers = [*nested_list(status, "initContainerStatuses"), *nested_list(status, "containerStatuses")]
    found = [nested_text(each, "state", "waiting", "reason") for each in containers]
    found += [
        nested_text(each, "reason") for each in nested_list(status, "conditions") if each.get("type") == "PodScheduled"
    ]
    return tuple(reason for reason in found if reason)


_Ranked = tuple[int, Sentence]


def _reason(manifest: Manifest, culprit: Manifest) -> _Ranked | None:
    match manifest.get("kind"):
        case "Pod":
            return _of_pod(manifest, culprit)
        case "Job":
            return _of_job(manifest)
        case "PersistentVolumeClaim" if nested_text(manifest, "status", "phase") == "Pending":
            return 5, _say("why-claim-pending", object=str(key_of(manifest)))
        case "Service" if nested_text(manifest, "spec", "type") == "LoadBalancer":
            if not nested_list(manifest, "status", "loadBalancer", "ingress"):
                return 6, _say("why-load-balancer-pending", object=str(key_of(manifest)))
    return None


def _of_pod(pod: Manifest, culprit: Manifest) -> _Ranked | None:
    names = {"object": str(key_of(pod)), "owner": str(key_of(culprit))}
    status = nested_mapping(pod, "status")
    containers = [*nested_list(status, "initContainerStatuses"), *nested_list(status, "containerStatuses")]
    found = [reason for each in containers if (reason := _of_container(each, pod, names)) is not None]
    for condition in nested_list(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            found.append((3, _say("why-unschedulable", **names, reason=_cut(condition.get("message")))))
    return min(found, key=lambda item: item[0]) if found else None


def _of_container(container: Mapping[str, Any], pod: Manifest, names: Mapping[str, str]) -> _Ranked | None:
    name = str(container.get("name") or "")
    waiting = nested_mapping(container, "state", "waiting")
    reason = str(waiting.get("reason") or "")
    if reason in IMAGE_REASONS:
        text = _cut(waiting.get("message")) or reason
        return 0, _say("why-image-pull", **names, image=_image(pod, name, container), reason=text)
    if reason in CONFIG_REASONS:
        return 1, _say("why-container-config", **names, container=name, reason=_cut(waiting.get("message")) or reason)
    if reason == "CrashLoopBackOff":
        ended = nested_mapping(container, "lastState", "terminated")
        code = ended.get("exitCode")
        return 2, _say(
            "why-crash-loop",
            **names,
            container=name,
            count=int(container.get("restartCount") or 0),
            exit_code="?" if code is None else str(code),
        )
    if nested_mapping(container, "state", "running") and container.get("ready") is False:
        return 7, _say("why-not-ready", **names, container=name)
    return None


def _of_job(job: Manifest) -> _Ranked | None:
    for condition in nested_list(job, "status", "conditions"):
        if condition.get("type") == "Failed" and condition.get("status") == "True":
            reason = _cut(condition.get("message")) or str(condition.get("reason") or "")
            return 4, _say("why-job-failed", object=str(key_of(job)), reason=reason)
    return None


def _image(pod: Manifest, name: str, container: Mapping[str, Any]) -> str:
    """As the spec writes it; the status may hold another form."""
    for part in ("containers", "initContainers"):
        for each in nested_list(pod, "spec", part):
            if each.get("name") == name:
                return str(each.get("image") or "")
    return str(container.get("image") or "")


def _cut(text: Any) -> str:
    return str(text or "").strip()[:LONGEST_REASON]


def _say(code: str, /, **parameters: Any) -> Sentence:
    return Sentence(code=code, parameters=parameters)
