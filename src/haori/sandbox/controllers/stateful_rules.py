"""The Pods and claims of a StatefulSet: names, identities, volumes.

Pure. see: Kubernetes `pkg/controller/statefulset/stateful_set_utils.go` (1.37).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from haori.objects import copy_manifest, labels_of
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.ownership import is_deleting, owner_reference
from haori.sandbox.controllers.pods import is_ready, phase_of, pod_from_template
from haori.sandbox.controllers.revisions import POD_LABEL, template_of

Item = Mapping[str, Any]

POD_NAME = "statefulset.kubernetes.io/pod-name"
POD_INDEX = "apps.kubernetes.io/pod-index"
_ORDINAL = re.compile(r"(.*)-([0-9]+)\Z")


def ordinal_of(owner: Item, pod: Item) -> int | None:
    """The number in the Pod's name; None where it is no name of this set."""
    match = _ORDINAL.match(pod["metadata"]["name"])
    return int(match[2]) if match and match[1] == owner["metadata"]["name"] else None


def first_ordinal(owner: Item) -> int:
    """Where counting begins."""
    return int((owner["spec"].get("ordinals") or {}).get("start", 0))


def ordinals(owner: Item) -> range:
    """The numbers there should be."""
    start, replicas = first_ordinal(owner), owner["spec"].get("replicas")
    return range(start, start + (1 if replicas is None else int(replicas)))


def is_parallel(owner: Item) -> bool:
    """Whether Pods start and end without waiting for each other."""
    return bool(owner["spec"].get("podManagementPolicy") == "Parallel")


def is_running_and_ready(pod: Item) -> bool:
    """Whether the Pod does its work."""
    return phase_of(pod) == "Running" and is_ready(pod)


def is_healthy(pod: Item) -> bool:
    """Whether the Pod does its work and stays."""
    return is_running_and_ready(pod) and not is_deleting(pod)


def revision_of_pod(pod: Item) -> str:
    """The name of the revision that the Pod was made of."""
    return labels_of(pod).get(POD_LABEL, "")


def partition_of(owner: Item) -> int | None:
    """The ordinal from which on Pods are updated; None where a rolling update has no parameters."""
    rolling = (owner["spec"].get("updateStrategy") or {}).get("rollingUpdate")
    return None if rolling is None else int(rolling.get("partition") or 0)


def is_on_delete(owner: Item) -> bool:
    """Whether Pods are only updated when somebody deletes them."""
    return bool((owner["spec"].get("updateStrategy") or {}).get("type") == "OnDelete")


def claims_of(owner: Item, ordinal: int) -> list[Object]:
    """The PersistentVolumeClaims of one Pod."""
    labels = (owner["spec"].get("selector") or {}).get("matchLabels") or {}
    claims = []
    for template in owner["spec"].get("volumeClaimTemplates") or ():
        claim = copy_manifest(template)
        metadata = claim.get("metadata") or {}
        claims.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": claim_name(owner, metadata["name"], ordinal),
                    "namespace": owner["metadata"]["namespace"],
                    "labels": {**(metadata.get("labels") or {}), **labels},
                    **({"annotations": metadata["annotations"]} if metadata.get("annotations") else {}),
                },
                "spec": claim["spec"],
            }
        )
    return claims


def claim_name(owner: Item, template: str, ordinal: int) -> str:
    """The name of a Pod's claim."""
    return f"{template}-{owner['metadata']['name']}-{ordinal}"


def claim_owners(owner: Item, pod: Item | None, current: Sequence[Item], *, condemned: bool) -> list[dict[str, Any]]:
    """The owner references a claim should have by `persistentVolumeClaimRetentionPolicy`."""
    policy = owner["spec"].get("persistentVolumeClaimRetentionPolicy") or {}
    by_set = policy.get("whenDeleted") == "Delete"
    by_pod = policy.get("whenScaled") == "Delete" and condemned
    ours = {owner["metadata"]["uid"]} | ({pod["metadata"]["uid"]} if pod else set())
    names = (owner["metadata"]["name"], pod["metadata"]["name"] if pod else "")
    kept = [
        dict(each)
        for each in current
        if each["uid"] not in ours and not (each["kind"] in ("StatefulSet", "Pod") and each["name"] in names)
    ]
    if by_pod and pod is not None:
        metadata = pod["metadata"]
        reference = {"apiVersion": "v1", "kind": "Pod", "name": metadata["name"], "uid": metadata["uid"]}
        return [*kept, reference]
    if by_set:
        reference = owner_reference(owner)
        return [*kept, {key: value for key, value in reference.items() if key != "blockOwnerDeletion"}]
    return kept


def pod_of(owner: Item, revision: Object, ordinal: int) -> Object:
    """The Pod of one number, as `revision` remembers its template."""
    name = f"{owner['metadata']['name']}-{ordinal}"
    labels = {POD_NAME: name, POD_INDEX: str(ordinal), POD_LABEL: revision["metadata"]["name"]}
    pod = pod_from_template(owner, template_of(revision), name=name, labels=labels)
    spec = pod["spec"]
    spec["hostname"], spec["subdomain"] = name, owner["spec"].get("serviceName", "")
    claims = {
        template["metadata"]["name"]: claim_name(owner, template["metadata"]["name"], ordinal)
        for template in owner["spec"].get("volumeClaimTemplates") or ()
    }
    if claims:
        others = [volume for volume in spec.get("volumes") or () if volume["name"] not in claims]
        mine = [{"name": name, "persistentVolumeClaim": {"claimName": claim}} for name, claim in claims.items()]
        spec["volumes"] = [*others, *mine]
    return pod
