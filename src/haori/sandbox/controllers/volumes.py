"""PersistentVolumeClaims: bound at once to a volume that fits, or to one made for them.

A volume of the sandbox is a name; where its files are is the node's business. see: Kubernetes
`pkg/controller/volume/persistentvolume/pv_controller.go`, `pvcprotection`, `pvprotection` (1.37). Binding that waits for
the first consumer is done at once too, as there is nothing to choose between.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.cluster import AlreadyExistsError, ApiResource, NotFoundError
from haori.cluster.well_known import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS
from haori.objects import annotations_of, labels_of
from haori.objects.quantities import parse_quantity
from haori.objects.selectors import label_selector_of
from haori.sandbox.controllers.informers import Object
from haori.sandbox.controllers.listening import asks, asks_also_when_gone
from haori.sandbox.controllers.ownership import Key, is_deleting, key_of_object
from haori.sandbox.controllers.pods import is_terminal
from haori.sandbox.controllers.queue import KeyedQueue
from haori.sandbox.controllers.world import World

COMPONENT = "persistentvolume-controller"
PROVISIONER = "sandbox.haori.dev/volumes"
DRIVER = "sandbox.haori.dev"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"
CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
VOLUME_PROTECTION = "kubernetes.io/pv-protection"
STORAGE_CLASSES = ApiResource(
    group="storage.k8s.io", version="v1", kind="StorageClass", plural="storageclasses", namespaced=False
)
_DONE = {"pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes"}


class VolumesController:
    """Binds claims, makes and removes volumes, keeps both while they are used."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._claims = world.informer(PERSISTENT_VOLUME_CLAIMS)
        self._volumes = world.informer(PERSISTENT_VOLUMES)
        self._classes = world.informer(STORAGE_CLASSES)
        self._pods = world.informer(PODS)
        self.queue: KeyedQueue[Key] = KeyedQueue("volumes", self.reconcile, workers=1)

    def start(self) -> None:
        """Listens to claims, volumes, classes and to Pods that end; a key without namespace is a volume's."""
        self._claims.subscribe(asks_also_when_gone(self._ask_claim))
        self._volumes.subscribe(asks(self.queue.ask))
        self._classes.subscribe(lambda before, after: self._ask_pending())
        self._pods.subscribe(self._pod_changed)
        if self._world.settings.storage_class and self._world.informers.is_served(STORAGE_CLASSES):
            self.queue.ask(("", ""))

    def _ask_claim(self, key: Key) -> None:
        self.queue.ask(key)
        for volume in self._volumes.everywhere():
            if _claim_key(volume) == key:
                self.queue.ask(key_of_object(volume))

    def _ask_pending(self) -> None:
        for claim in self._claims.everywhere():
            if not claim["spec"].get("volumeName"):
                self.queue.ask(key_of_object(claim))

    def _pod_changed(self, before: Object | None, after: Object | None) -> None:
        if before is not None and (after is None or is_terminal(after)):
            for name in claims_of_pod(before):
                claim = self._claims.get(name, before["metadata"]["namespace"])
                if claim is not None and is_deleting(claim):
                    self.queue.ask(key_of_object(claim))

    async def reconcile(self, key: Key) -> None:
        """One look at one claim or volume."""
        if key == ("", ""):
            await self._ensure_class()
        elif not key[0]:
            if (volume := self._volumes.get(key[1])) is not None:
                await self._keep_volume(volume)
        elif (claim := self._claims.get(key[1], key[0])) is not None:
            await self._keep_claim(claim)

    async def _ensure_class(self) -> None:
        if any(annotations_of(each).get(IS_DEFAULT) == "true" for each in self._classes.everywhere()):
            return
        name = self._world.settings.storage_class
        manifest = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": {"name": name, "annotations": {IS_DEFAULT: "true"}},
            "provisioner": PROVISIONER,
            "reclaimPolicy": "Delete",
            "volumeBindingMode": "Immediate",
            "allowVolumeExpansion": True,
        }
        try:
            await self._world.create(STORAGE_CLASSES, manifest)
        except AlreadyExistsError:
            return

    async def _keep_claim(self, claim: Object) -> None:
        if is_deleting(claim):
            if not self._is_used(claim):
                await self._let_go(PERSISTENT_VOLUME_CLAIMS, claim, CLAIM_PROTECTION)
            return
        volume = self._volumes.get(claim["spec"].get("volumeName") or "")
        if claim["spec"].get("volumeName"):
            if volume is None and (claim.get("status") or {}).get("phase") == "Bound":
                await self._world.write_status(PERSISTENT_VOLUME_CLAIMS, claim, {"phase": "Lost"})
                self._world.events.warning(COMPONENT, claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!")  # fmt: skip  # noqa: E501
            elif volume is not None:
                await self._bind(claim, volume)
            return
        claim = await self._with_class(claim)
        volume = self._find_volume(claim) or await self._provision(claim)
        if volume is not None:
            await self._bind(claim, volume)

    async def _with_class(self, claim: Object) -> Object:
        if claim["spec"].get("storageClassName") is not None:
            return claim
        default = next(
            (each for each in self._classes.everywhere() if annotations_of(each).get(IS_DEFAULT) == "true"), None
        )
        if default is None:
            return claim
        spec = {**claim["spec"], "storageClassName": default["metadata"]["name"]}
        return await self._world.replace(PERSISTENT_VOLUME_CLAIMS, {**claim, "spec": spec})

    def _find_volume(self, claim: Object) -> Object | None:
        fitting = [volume for volume in self._volumes.everywhere() if fits(claim, volume)]
        reserved = [volume for volume in fitting if volume["spec"].get("claimRef")]
        return min(reserved or fitting, key=_capacity, default=None)

    async def _provision(self, claim: Object) -> Object | None:
        class_ = self._classes.get(claim["spec"].get("storageClassName") or "")
        if class_ is None:
            name = claim["spec"].get("storageClassName")
            text = f'storageclass.storage.k8s.io "{name}" not found' if name else ""
            text = text or "no persistent volumes available for this claim and no storage class is set"
            reason = "ProvisioningFailed" if name else "FailedBinding"
            (self._world.events.warning if name else self._world.events.normal)(COMPONENT, claim, reason, text)
            return None
        if class_["provisioner"] != PROVISIONER:
            text = (
                f"Waiting for a volume to be created either by the external provisioner '{class_['provisioner']}' or manually "
                "by the system administrator. If volume creation is delayed, please verify that the provisioner is running "
                "and correctly registered."
            )
            self._world.events.normal(COMPONENT, claim, "ExternalProvisioning", text)
            return None
        manifest = volume_for(claim, class_)
        try:
            volume = await self._world.create(PERSISTENT_VOLUMES, manifest)
        except AlreadyExistsError:
            return await self._world.client.get(PERSISTENT_VOLUMES, manifest["metadata"]["name"])
        name = volume["metadata"]["name"]
        text = f"Successfully provisioned volume {name}"
        self._world.events.normal(COMPONENT, claim, "ProvisioningSucceeded", text)
        return volume

    async def _bind(self, claim: Object, volume: Object) -> None:
        reference = _reference(claim)
        known = volume["spec"].get("claimRef") or {}
        if known.get("uid") not in (None, "", reference["uid"]):
            return
        if known.get("uid") != reference["uid"]:
            spec = {**volume["spec"], "claimRef": {**known, **reference}}
            volume = await self._world.replace(PERSISTENT_VOLUMES, {**volume, "spec": spec})
        if (volume.get("status") or {}).get("phase") != "Bound":
            volume = await self._world.write_status(PERSISTENT_VOLUMES, volume, {"phase": "Bound"})
        name = volume["metadata"]["name"]
        annotations = {**annotations_of(claim), **_DONE}
        if claim["spec"].get("volumeName") != name or annotations != annotations_of(claim):
            metadata = {**claim["metadata"], "annotations": annotations}
            spec = {**claim["spec"], "volumeName": name}
            claim = await self._world.replace(PERSISTENT_VOLUME_CLAIMS, {**claim, "metadata": metadata, "spec": spec})
        wanted = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        status = claim.get("status") or {}
        if status.get("phase") != "Bound":
            await self._world.write_status(PERSISTENT_VOLUME_CLAIMS, claim, {**status, **wanted})

    async def _keep_volume(self, volume: Object) -> None:
        reference = volume["spec"].get("claimRef") or {}
        phase = (volume.get("status") or {}).get("phase")
        if is_deleting(volume):
            if phase != "Bound" or self._claim_of(reference) is None:
                await self._let_go(PERSISTENT_VOLUMES, volume, VOLUME_PROTECTION)
            return
        if not reference:
            if phase != "Available":
                await self._world.write_status(PERSISTENT_VOLUMES, volume, {"phase": "Available"})
                self._ask_pending()
            return
        if not reference.get("uid"):
            self._ask_pending()
            return
        if self._claim_of(reference) is not None:
            return
        if phase != "Released":
            volume = await self._world.write_status(PERSISTENT_VOLUMES, volume, {"phase": "Released"})
        driver = (volume["spec"].get("csi") or {}).get("driver")
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete" and driver == DRIVER:
            await self._world.delete(PERSISTENT_VOLUMES, volume)

    def _claim_of(self, reference: Mapping[str, Any]) -> Object | None:
        return self._claims.by_uid(str(reference.get("uid") or ""))

    def _is_used(self, claim: Object) -> bool:
        namespace, name = key_of_object(claim)
        pods = self._pods.in_namespace(namespace)
        return any(name in claims_of_pod(pod) and not is_terminal(pod) for pod in pods)

    async def _let_go(self, resource: ApiResource, item: Object, finalizer: str) -> None:
        finalizers = item["metadata"].get("finalizers") or []
        if finalizer not in finalizers:
            return
        kept = [each for each in finalizers if each != finalizer]
        try:
            await self._world.client.replace(resource, {**item, "metadata": {**item["metadata"], "finalizers": kept}})
        except NotFoundError:
            self._world.informer(resource).remove(item)


def claims_of_pod(pod: Mapping[str, Any]) -> set[str]:
    """The names of the claims a Pod mounts."""
    found = set()
    for volume in pod["spec"].get("volumes") or ():
        if claim := volume.get("persistentVolumeClaim"):
            found.add(claim["claimName"])
        elif volume.get("ephemeral"):
            found.add(f"{pod['metadata']['name']}-{volume['name']}")
    return found


def fits(claim: Mapping[str, Any], volume: Mapping[str, Any]) -> bool:
    """Whether the volume can be the claim's: free or reserved for it, large enough, of its class, modes and labels."""
    spec, offered = claim["spec"], volume["spec"]
    reference = offered.get("claimRef")
    if is_deleting(volume) or (reference and not _is_reserved_for(reference, claim)):
        return False
    if (offered.get("storageClassName") or "") != (spec.get("storageClassName") or ""):
        return False
    if offered.get("volumeMode", "Filesystem") != spec.get("volumeMode", "Filesystem"):
        return False
    if not set(spec.get("accessModes") or ()) <= set(offered.get("accessModes") or ()):
        return False
    if spec.get("selector") and not label_selector_of(spec["selector"]).matches(labels_of(volume)):
        return False
    asked = parse_quantity(((spec.get("resources") or {}).get("requests") or {}).get("storage", "0"))
    return bool(_capacity(volume) >= asked)


def _is_reserved_for(reference: Mapping[str, Any], claim: Mapping[str, Any]) -> bool:
    if (reference.get("namespace"), reference.get("name")) != key_of_object(claim):
        return False
    return reference.get("uid") in (None, "", claim["metadata"]["uid"])


def _capacity(volume: Mapping[str, Any]) -> Any:
    return parse_quantity((volume["spec"].get("capacity") or {}).get("storage", "0"))


def _claim_key(volume: Mapping[str, Any]) -> Key:
    reference = volume["spec"].get("claimRef") or {}
    return str(reference.get("namespace") or ""), str(reference.get("name") or "")


def _reference(claim: Mapping[str, Any]) -> dict[str, Any]:
    namespace, name = key_of_object(claim)
    uid = claim["metadata"]["uid"]
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": namespace, "name": name, "uid": uid}


def volume_for(claim: Mapping[str, Any], class_: Mapping[str, Any]) -> Object:
    """The volume made for a claim; its name is made of the claim's uid, so that no claim gets two."""
    name = f"pvc-{claim['metadata']['uid']}"
    spec = claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER}},
        "spec": {
            "capacity": {"storage": ((spec.get("resources") or {}).get("requests") or {}).get("storage", "1Gi")},
            "accessModes": [*(spec.get("accessModes") or ["ReadWriteOnce"])],
            "persistentVolumeReclaimPolicy": class_.get("reclaimPolicy", "Delete"),
            "storageClassName": class_["metadata"]["name"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "csi": {"driver": DRIVER, "volumeHandle": name},
            "claimRef": _reference(claim),
        },
    }
