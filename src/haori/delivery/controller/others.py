"""Does another controller reconcile the Applications here? Two that do would undo each other's work.

The rule: an Argo CD application controller with a ready replica in the control namespace (a StatefulSet or Deployment
that says so by its name or its `app.kubernetes.io/name` label), or an Application there that such a controller wrote within
the last quarter of an hour, wherever it runs, as the record of field managers tells. Only reads; what may not be read says
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from haori.cluster import ApiError, ApiResource, KubernetesClient
from haori.cluster.well_known import APPLICATIONS, DEPLOYMENTS, STATEFUL_SETS
from haori.objects import Manifest, format_object, labels_of, nested, nested_list, nested_text
from haori.objects.times import parse_time
from haori.words import Sentence

CONTROLLER = "argocd-application-controller"
"""Its name, its label, and its name as a field manager."""
RECENT = timedelta(minutes=15)
"""Argo CD writes each Application at least that often (it looks again every two to three minutes)."""


async def find_other(client: KubernetesClient, namespace: str, *, now: datetime) -> Sentence | None:
    """The sentence that names the other controller; None where there is no sign of one. Raises TransientError."""
    for resource in (STATEFUL_SETS, DEPLOYMENTS):
        for workload in await _list(client, resource, namespace):
            if is_controller(workload):
                named = format_object(resource.kind, namespace, nested_text(workload, "metadata", "name"))
                return Sentence(code="other-controller-runs", parameters={"object": named})
    newest = newest_write(await _list(client, APPLICATIONS, namespace))
    if newest is not None and now - newest[0] < RECENT:
        parameters = {"application": newest[1], "minutes": int((now - newest[0]).total_seconds() // 60)}
        return Sentence(code="other-controller-wrote", parameters=parameters)
    return None


def is_controller(workload: Manifest) -> bool:
    """Whether it is an application controller with a ready replica."""
    name = nested_text(workload, "metadata", "name")
    is_named = name.endswith(CONTROLLER) or labels_of(workload).get("app.kubernetes.io/name") == CONTROLLER
    ready = nested(workload, "status", "readyReplicas")
    return is_named and isinstance(ready, int) and ready > 0


def newest_write(applications: Iterable[Manifest]) -> tuple[datetime, str] | None:
    """(when, which Application) another controller wrote last."""
    found = []
    for application in applications:
        name = nested_text(application, "metadata", "name")
        for entry in nested_list(application, "metadata", "managedFields"):
            at = parse_time(nested_text(entry, "time")) if nested_text(entry, "manager") == CONTROLLER else None
            if at is not None:
                found.append((at, name))
    return max(found, default=None)


async def _list(client: KubernetesClient, resource: ApiResource, namespace: str) -> list[Manifest]:
    try:
        return list((await client.list(resource, namespace)).items)
    except ApiError:
        return []  # No such type yet, or nothing that we may see.
