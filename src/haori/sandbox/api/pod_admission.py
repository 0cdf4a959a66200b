"""What admission adds to a new Pod: its ServiceAccount and token, tolerations, priority, quality of service.

see: Kubernetes `plugin/pkg/admission/{serviceaccount,defaulttolerationseconds,priority}` and
`pkg/apis/core/helper/qos` (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from haori.objects import QuantityError, nested, nested_list, nested_mapping, nested_text
from haori.objects.quantities import parse_quantity
from haori.sandbox.api import errors
from haori.sandbox.api.preparing import random_suffix

TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105
TOKEN_SECONDS = 3607
"""As Kubernetes asks for: an odd number by which the rotation of these tokens is recognised."""
ROOT_CA = "kube-root-ca.crt"
_TOLERATED_SECONDS = 300
_PREFIX = "node.kubernetes.io/"

Find = Callable[[str, str, str], Mapping[str, Any] | None]
"""An object by storage name, name and namespace."""


def admit_pod(find: Find, classes: Callable[[], list[dict[str, Any]]], pod: dict[str, Any]) -> None:
    """Completes a new Pod in place. Raises a 403 where its account or priority class is not there."""
    spec = pod["spec"] = dict(nested_mapping(pod, "spec"))
    _add_account(find, pod, spec)
    _add_tolerations(spec)
    _add_priority(find, classes, pod, spec)
    pod["status"] = {"phase": "Pending", "qosClass": quality_of_service(spec)}


def _add_account(find: Find, pod: Mapping[str, Any], spec: dict[str, Any]) -> None:
    namespace, name = nested_text(pod, "metadata", "namespace"), nested_text(pod, "metadata", "name")
    account_name = str(spec.get("serviceAccountName") or spec.get("serviceAccount") or "default")
    spec["serviceAccountName"] = spec["serviceAccount"] = account_name
    account = find("serviceaccounts", account_name, namespace)
    if account is None and account_name != "default":
        # The account `default` is made by a controller a moment after its namespace: a Pod need not wait for it.
        problem = (
            f'error looking up service account {namespace}/{account_name}: serviceaccount "{account_name}" not found'
        )
        raise errors.forbidden("pods", "", name, problem)
    if not spec.get("imagePullSecrets") and (found := nested_list(account, "imagePullSecrets")):
        spec["imagePullSecrets"] = list(found)
    wanted = spec.get("automountServiceAccountToken")
    if wanted is None:
        wanted = nested(account, "automountServiceAccountToken")
    if wanted is not False:
        _mount_token(spec)


def _mount_token(spec: dict[str, Any]) -> None:
    volume = f"kube-api-access-{random_suffix()}"
    mount = {"name": volume, "readOnly": True, "mountPath": TOKEN_PATH}
    is_used = False
    for field in ("initContainers", "containers"):
        containers = []
        for container in nested_list(spec, field):
            mounts = list(nested_list(container, "volumeMounts"))
            if all(each.get("mountPath") != TOKEN_PATH for each in mounts):
                container = {**container, "volumeMounts": [*mounts, dict(mount)]}
                is_used = True
            containers.append(container)
        if containers:
            spec[field] = containers
    if is_used:
        spec["volumes"] = [*nested_list(spec, "volumes"), _token_volume(volume)]


def _token_volume(name: str) -> dict[str, Any]:
    namespace = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
    return {
        "name": name,
        "projected": {
            "defaultMode": 420,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": TOKEN_SECONDS, "path": "token"}},
                {"configMap": {"name": ROOT_CA, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [namespace]}},
            ],
        },
    }


def _add_tolerations(spec: dict[str, Any]) -> None:
    found = list(nested_list(spec, "tolerations"))
    for key in (f"{_PREFIX}not-ready", f"{_PREFIX}unreachable"):
        if not any(_tolerates(each, key) for each in found):
            found.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": _TOLERATED_SECONDS}
            )
    spec["tolerations"] = found


def _tolerates(toleration: Mapping[str, Any], key: str) -> bool:
    return toleration.get("key") in (None, "", key) and toleration.get("effect") in (None, "", "NoExecute")


def _add_priority(
    find: Find, classes: Callable[[], list[dict[str, Any]]], pod: Mapping[str, Any], spec: dict[str, Any]
) -> None:
    name = nested_text(spec, "priorityClassName")
    found: Mapping[str, Any] | None
    if name:
        found = find("priorityclasses.scheduling.k8s.io", name, "")
        if found is None:
            problem = f"no PriorityClass with name {name} was found"
            raise errors.forbidden("pods", "", nested_text(pod, "metadata", "name"), problem)
    else:
        defaults = [each for each in classes() if each.get("globalDefault")]
        found = max(defaults, key=lambda each: int(each.get("value") or 0), default=None)
        if found is not None:
            spec["priorityClassName"] = nested_text(found, "metadata", "name")
    spec["priority"] = int(found.get("value") or 0) if found else 0
    policy = nested_text(found, "preemptionPolicy")
    spec.setdefault("preemptionPolicy", policy or "PreemptLowerPriority")


def quality_of_service(spec: Mapping[str, Any]) -> str:
    """`Guaranteed`, `Burstable` or `BestEffort`, by the containers' requests and limits of cpu and memory."""
    containers = [*nested_list(spec, "containers"), *nested_list(spec, "initContainers")]
    resources = [_amounts(each) for each in containers]
    if not any(requests or limits for requests, limits in resources):
        return "BestEffort"
    is_guaranteed = all(
        set(limits) == {"cpu", "memory"} and all(requests.get(name, limits[name]) == limits[name] for name in limits)
        for requests, limits in resources
    )
    return "Guaranteed" if is_guaranteed else "Burstable"


def _amounts(container: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    requests, limits = (
        {name: amount for name in ("cpu", "memory") if (amount := _amount(nested(container, "resources", field, name)))}
        for field in ("requests", "limits")
    )
    return requests, limits


def _amount(value: Any) -> Any:
    if value is None:
        return None
    try:
        return parse_quantity(value)
    except QuantityError:
        return None
