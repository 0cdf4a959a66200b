"""The one patch by which the engine answers on an Application.

The custom resource has no status subresource, so annotation, operation and status go in one merge patch: refresh asked
for and answered, operation taken, status changed, in one request, or none at all where nothing differs. The patch carries
the resourceVersion it was made from, so that what somebody wrote meanwhile is a conflict and not lost.
`reconciledAt` alone is no change: it moves only with one, or when a refresh was asked for. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from haori.delivery.model import Application, Condition
from haori.objects import nested_list, nested_mapping, nested_text
from haori.objects.times import format_time
from haori.resources import argo, haori
from haori.words import Language


def build_status_patch(
    application: Application,
    status: Mapping[str, Any],
    *,
    now: datetime,
    term: int,
    takes_operation: bool = False,
    requests_operation: Mapping[str, Any] | None = None,
    finalizers: Sequence[str] | None = None,
) -> dict[str, Any] | None:
    """The merge patch that makes the status `status` (whole, without reconciledAt); None where nothing is to be written.

    `takes_operation` clears `operation` (its state is in `status`), `requests_operation` sets it; `finalizers`, where given,
    replace those that are there.
    """
    before = nested_mapping(application.manifest, "status")
    wanted = {**status, "reconciledAt": before.get("reconciledAt")}
    if wanted["reconciledAt"] is None:
        del wanted["reconciledAt"]
    changes = merge_difference(before, wanted)
    is_refresh = application.refresh is not None
    is_asked = is_refresh or takes_operation or requests_operation is not None or finalizers is not None
    if not changes and not is_asked:
        return None
    annotations: dict[str, Any] = {haori.TERM: str(term)}
    if is_refresh:
        annotations[argo.REFRESH] = None
    metadata: dict[str, Any] = {"annotations": annotations}
    if finalizers is not None:
        metadata["finalizers"] = list(finalizers)
    if version := nested_text(application.manifest, "metadata", "resourceVersion"):
        metadata["resourceVersion"] = version
    patch: dict[str, Any] = {"metadata": metadata, "status": {**changes, "reconciledAt": format_time(now)}}
    if takes_operation:
        patch["operation"] = None
    elif requests_operation is not None:
        patch["operation"] = dict(requests_operation)
    return patch


def build_conditions(
    application: Application, conditions: Iterable[Condition], *, now: datetime
) -> list[dict[str, str]]:
    """`status.conditions`, sorted; one that stood before with the same words keeps its lastTransitionTime."""
    before = {
        (nested_text(row, "type"), nested_text(row, "message")): nested_text(row, "lastTransitionTime")
        for row in nested_list(application.manifest, "status", "conditions")
    }
    rows = {(item.type.value, item.sentence.text(Language.ENGLISH)) for item in conditions}
    return [
        {"type": type_, "message": message, "lastTransitionTime": before.get((type_, message)) or format_time(now)}
        for type_, message in sorted(rows)
    ]


def merge_difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest JSON merge patch (RFC 7386) from `before` to `after`; empty where they are equal. Lists are replaced.

    A value of None in `after` cannot be told from absence in a merge patch; nothing we write holds one.
    """
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        known = before.get(name)
        if isinstance(value, Mapping) and isinstance(known, Mapping):
            if below := merge_difference(known, value):
                patch[name] = below
        elif name not in before or known != value:
            patch[name] = value
    return patch
