"""ControllerRevisions: the templates a StatefulSet or DaemonSet has had.

see: Kubernetes `pkg/controller/history/controller_history.go` (1.37).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from haori.cluster import AlreadyExistsError, ApiResource
from haori.cluster.well_known import CONTROLLER_REVISIONS
from haori.objects import copy_manifest, labels_of
from haori.sandbox.controllers.deployment_rules import short_hash
from haori.sandbox.controllers.informers import Informer, Object
from haori.sandbox.controllers.ownership import claim, owner_reference
from haori.sandbox.controllers.world import World

POD_LABEL = "controller-revision-hash"
HASH_LABEL = "controller.kubernetes.io/hash"


def template_data(owner: Object) -> dict[str, Any]:
    """What a revision remembers: a patch that brings the template back."""
    return {"spec": {"template": {**copy_manifest(owner["spec"]["template"]), "$patch": "replace"}}}


def template_of(revision: Object) -> dict[str, Any]:
    """The template that a revision remembers."""
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


async def find_revisions(world: World, owner_type: ApiResource, owner: Object, known: Informer) -> list[Object]:
    """The owner's revisions, oldest first."""
    return sorted(await claim(world, owner_type, owner, known), key=lambda each: int(each["revision"]))


async def current_revision(world: World, owner: Object, revisions: list[Object], *, label: str = POD_LABEL) -> Object:
    """The revision of the owner's template, made or made the newest where it is not; `revisions` follows."""
    data = template_data(owner)
    newest = max((int(each["revision"]) for each in revisions), default=0)
    same = [each for each in revisions if each["data"] == data]
    if same:
        found = same[-1]
        if int(found["revision"]) < newest:
            raised = await world.replace(CONTROLLER_REVISIONS, {**found, "revision": newest + 1})
            revisions.remove(found)
            revisions.append(raised)
            return raised
        return found
    collisions = (owner.get("status") or {}).get("collisionCount") or 0
    while True:
        try:
            made = await world.create(CONTROLLER_REVISIONS, _manifest(owner, data, newest + 1, collisions, label))
        except AlreadyExistsError:
            collisions += 1
            if collisions > 100:
                raise
            continue
        revisions.append(made)
        return made


def _manifest(owner: Object, data: dict[str, Any], number: int, collisions: int, label: str) -> Object:
    hash_ = short_hash(data, collisions)
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{owner['metadata']['name'][:223]}-{hash_}",
            "namespace": owner["metadata"]["namespace"],
            "labels": {**labels_of(owner["spec"]["template"]), label: hash_},
            "ownerReferences": [owner_reference(owner)],
        },
        "data": data,
        "revision": number,
    }


async def forget_old_revisions(world: World, owner: Object, revisions: Sequence[Object], used: Collection[str]) -> None:
    """Deletes the oldest revisions beyond `revisionHistoryLimit`; those named in `used` are kept and not counted."""
    limit = owner["spec"].get("revisionHistoryLimit", 10)
    idle = [each for each in revisions if each["metadata"]["name"] not in used]
    for each in idle[: max(0, len(idle) - limit)]:
        await world.delete(CONTROLLER_REVISIONS, each)
