"""What an installation is made of, what of it a cluster lacks, and putting it there.

The objects are those of `deploy/`; two Secrets come beside them, which no file can hold: the URL of PostgreSQL, and the
token that engines and servers share. Types, namespace and Secrets that are there already are left as they are, whoever
made them; the rest is ours and is brought to what this version says.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from haori import __version__
from haori.cluster import ApiResource, KubernetesClient, NotFoundError
from haori.errors import UserError
from haori.objects import Manifest, nested_text
from haori.objects.yaml import load, load_documents

FIELD_MANAGER = "haori-install"
IMAGE = "haori"
"""What the manifests call the image; its tag stands in the kustomization."""
STORE_SECRET, TOKEN_SECRET = "haori-store", "haori-engine-token"
NAMESPACE = "argocd"
"""What the manifests call the control namespace."""
_MADE_ONCE = frozenset({"Namespace", "CustomResourceDefinition", "Secret"})
_SERVER_FIELDS = ("managedFields", "resourceVersion", "generation")


class InstallError(UserError):
    """`install-no-store` (namespace), `install-type-missing` (object), `install-incomplete` (path)."""


class Action(StrEnum):
    """What installing does to one object."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One object of the installation and what happens to it."""

    action: Action
    resource: ApiResource
    manifest: Manifest


def deploy_folder() -> Path:
    """The folder of the manifests: beside this module in a wheel, at the top of a checkout."""
    packed = Path(__file__).with_name("deploy")
    return packed if packed.is_dir() else Path(__file__).parents[3] / "deploy"


def load_deployment(folder: Path, *, namespace: str = NAMESPACE, image: str = "") -> list[dict[str, Any]]:
    """The objects in the order they are applied, for this namespace and image (empty: the version's own tag).

    Raises InstallError for a folder that is not whole.
    """
    try:
        kustomization = load((folder / "kustomization.yaml").read_bytes(), source="kustomization.yaml")
        contents = [(name, (folder / name).read_bytes()) for name in kustomization["resources"]]
    except OSError as error:
        raise InstallError("install-incomplete", path=str(folder)) from error
    found = [document for name, content in contents for document in load_documents(content, source=name)]
    return [_placed(document, namespace, image or f"{IMAGE}:{__version__}") for document in found]


def _placed(value: Any, namespace: str, image: str) -> Any:
    """The same with the control namespace and the image of this installation."""
    if isinstance(value, list):
        return [_placed(each, namespace, image) for each in value]
    if not isinstance(value, dict):
        return value
    changed = {name: _placed(each, namespace, image) for name, each in value.items()}
    if changed.get("namespace") == NAMESPACE:
        changed["namespace"] = namespace
    if changed.get("image") == IMAGE:
        changed["image"] = image
    if changed.get("kind") == "Namespace":
        changed["metadata"] = {**changed["metadata"], "name": namespace}
    return changed


def needed_secrets(namespace: str, store_url: str) -> Iterator[dict[str, Any]]:
    """The Secrets that an installation has beside its manifests; the store's only where a URL is given."""
    yield _secret(TOKEN_SECRET, namespace, "token", secrets.token_urlsafe(48))
    if store_url:
        yield _secret(STORE_SECRET, namespace, "url", store_url)


def _secret(name: str, namespace: str, key: str, value: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app.kubernetes.io/name": "haori"}},
        "type": "Opaque",
        "data": {key: base64.b64encode(value.encode()).decode()},
    }


def with_secrets(manifests: Sequence[Manifest], made: Iterable[Manifest]) -> list[Manifest]:
    """All in the order they are applied: Secrets behind the namespace and the types, before what mounts them."""
    first = [each for each in manifests if each["kind"] in _MADE_ONCE]
    return [*first, *made, *(each for each in manifests if each["kind"] not in _MADE_ONCE)]


async def plan_installation(client: KubernetesClient, manifests: Sequence[Manifest], namespace: str) -> list[Step]:
    """What happens to each object, in order; asks the cluster by reads and dry runs alone.

    Raises InstallError where the cluster lacks a type, or the store's Secret and no URL was given for it.
    """
    discovery = await client.discover()
    steps = []
    for manifest in manifests:
        resource = discovery.resource_of(manifest["apiVersion"], manifest["kind"])
        if resource is None:
            raise InstallError("install-type-missing", object=f"{manifest['apiVersion']} {manifest['kind']}")
        steps.append(Step(action=await _decide(client, resource, manifest), resource=resource, manifest=manifest))
    names = {nested_text(step.manifest, "metadata", "name") for step in steps if step.resource.kind == "Secret"}
    if STORE_SECRET not in names and not await _is_there(client, "Secret", STORE_SECRET, namespace):
        raise InstallError("install-no-store", namespace=namespace)
    return steps


async def _decide(client: KubernetesClient, resource: ApiResource, manifest: Manifest) -> Action:
    name, namespace = nested_text(manifest, "metadata", "name"), nested_text(manifest, "metadata", "namespace")
    try:
        live = await client.get(resource, name, namespace)
    except NotFoundError:
        return Action.CREATE
    if resource.kind in _MADE_ONCE:
        return Action.LEAVE
    after = await client.apply(resource, manifest, field_manager=FIELD_MANAGER, force=True, dry_run=True)
    return Action.UNCHANGED if _content(live) == _content(after) else Action.CHANGE


async def _is_there(client: KubernetesClient, kind: str, name: str, namespace: str) -> bool:
    resource = (await client.discover()).resource_of("v1", kind)
    assert resource is not None
    try:
        await client.get(resource, name, namespace)
    except NotFoundError:
        return False
    return True


def _content(manifest: Manifest) -> dict[str, Any]:
    metadata = {name: value for name, value in manifest["metadata"].items() if name not in _SERVER_FIELDS}
    return {**manifest, "metadata": metadata}


async def carry_out(client: KubernetesClient, steps: Sequence[Step]) -> None:
    """Applies what the plan creates and changes, in its order."""
    for step in steps:
        if step.action in (Action.CREATE, Action.CHANGE):
            await client.apply(step.resource, step.manifest, field_manager=FIELD_MANAGER, force=True)
