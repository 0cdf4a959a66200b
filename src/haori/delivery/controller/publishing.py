"""The status of an Application as one mapping: everything the engine says of it, built from what it found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from haori.delivery.controller.memory import Desired, Findings
from haori.delivery.controller.progress import state_json
from haori.delivery.controller.status import build_conditions
from haori.delivery.model import Application, Condition, Pin, format_pin
from haori.delivery.plan import append_history
from haori.objects import nested, nested_list, nested_mapping, nested_text
from haori.objects.images import images_of
from haori.objects.times import format_time
from haori.resources.argo import HealthStatus
from haori.words import Language, Sentence

OURS = "haori"
"""The key of `status` below which our own additions stand."""


def build_status(application: Application, found: Findings, now: datetime) -> dict[str, Any]:
    """The whole status, what we do not know of kept as it is."""
    before = nested_mapping(application.manifest, "status")
    spec = application.spec
    status: dict[str, Any] = dict(before)
    compared: dict[str, Any] = {"destination": dict(nested_mapping(application.manifest, "spec", "destination"))}
    sources = [dict(source.raw) for source in spec.sources]
    compared |= {"sources": sources} if spec.has_many else {"source": sources[0]} if sources else {}
    if rules := nested_list(application.manifest, "spec", "ignoreDifferences"):
        compared["ignoreDifferences"] = list(rules)
    sync: dict[str, Any] = {"status": found.sync.value, "comparedTo": compared}
    if found.revisions:
        sync |= {"revisions": list(found.revisions)} if spec.has_many else {"revision": found.revisions[0]}
    status["sync"] = sync
    why = _stable_why(before, found.why)
    status["health"] = _health(before, found, why, now)
    if found.assessment is not None:
        status["resources"] = [row.to_json() for row in found.assessment.rows]
    status["conditions"] = build_conditions(application, found.conditions, now=now)
    if found.desired is not None:
        status |= _summary(found.desired, found.urls, has_many=spec.has_many)
    if found.state is not None:
        status["operationState"] = state_json(found.state, has_many=spec.has_many)
        if found.has_ended:
            history = append_history(
                application.history, found.state, limit=spec.revision_history_limit, has_many=spec.has_many
            )
            status["history"] = [entry.to_json() for entry in history]
    ours = {
        "why": why,
        "pin": dict(found.pin) if found.pin else None,
        "conditions": [_coded(condition) for condition in _ordered(found.conditions)] or None,
    }
    status[OURS] = {name: value for name, value in ours.items() if value is not None}
    return {name: value for name, value in status.items() if value not in ({}, []) or name in before}


def _health(before: Mapping[str, Any], found: Findings, why: Mapping[str, Any] | None, now: datetime) -> dict[str, Any]:
    known = nested_mapping(before, "health")
    health: dict[str, Any] = {"status": found.health.value}
    message = found.health_message
    if why is not None and found.health is not HealthStatus.HEALTHY:
        message = nested_text(why, "text")
    if message:
        health["message"] = message
    is_same = known.get("status") == found.health.value and known.get("lastTransitionTime")
    health["lastTransitionTime"] = known["lastTransitionTime"] if is_same else format_time(now)
    return health


def _summary(desired: Desired, urls: Sequence[str], *, has_many: bool) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    if images := images_of(desired.targets.manifests.values()):
        summary["images"] = images
    if urls:
        summary["externalURLs"] = list(urls)
    found: dict[str, Any] = {"summary": summary}
    if desired.source_types:
        types = list(desired.source_types)
        found |= {"sourceTypes": types} if has_many else {"sourceType": types[0]}
    return found


def pin_json(pin: Pin) -> dict[str, Any]:
    """A pin as `status` and rows carry it."""
    value: dict[str, Any] = orjson.loads(format_pin(pin))
    return value


def plain(sentence: Sentence) -> dict[str, Any]:
    """Code, parameters and English text, as JSON gives them back."""
    value: dict[str, Any] = orjson.loads(orjson.dumps(sentence.to_json(Language.ENGLISH), default=str))
    return value


def _ordered(conditions: Iterable[Condition]) -> list[Condition]:
    """As `status.conditions` has them: sorted, each once."""
    found = {(item.type.value, item.sentence.text(Language.ENGLISH)): item for item in conditions}
    return [found[key] for key in sorted(found)]


def _coded(condition: Condition) -> dict[str, Any]:
    """What `status.conditions` has no field for: the code and parameters of its message, for readers of other languages."""
    value = plain(condition.sentence)
    return {"type": condition.type.value, "code": value["code"], "parameters": value["parameters"]}


def _stable_why(before: Mapping[str, Any], why: Sentence | None) -> dict[str, Any] | None:
    """The reason; one that differs from the last only in how long ago its commit is, is the last."""
    if why is None:
        return None
    value = plain(why)
    known = nested(before, OURS, "why")
    if isinstance(known, Mapping) and _timeless(known) == _timeless(value):
        return dict(known)
    return value


def _timeless(why: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    parameters = nested_mapping(why, "parameters")
    return why.get("code"), {name: value for name, value in parameters.items() if name != "ago"}
