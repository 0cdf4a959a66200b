"""What the objects of an application need to work: configuration, Secrets, accounts, volumes, targets. Pure.

Read off what the objects say (a Pod template's volumes and environment, an autoscaler's target, an Ingress's backends and
certificates), not off what their containers do. Everything named is in the namespace of what names it, as Kubernetes has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import (
    CONFIG_MAPS,
    CRON_JOBS,
    DAEMON_SETS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    INGRESSES,
    JOBS,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    SECRETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    STATEFUL_SETS,
)
from haori.objects import Manifest, nested_list, nested_mapping, nested_text

USERS = (DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CRON_JOBS, JOBS, PODS, HORIZONTAL_POD_AUTOSCALERS, INGRESSES)
"""Kinds that need others."""
Place = tuple[str, str, str, str]
"""group, kind, namespace, name."""
_SCALED = {each.kind: each for each in (DEPLOYMENTS, STATEFUL_SETS)}
_TEMPLATES = {"CronJob": ("spec", "jobTemplate", "spec", "template", "spec"), "Pod": ("spec",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One object that another names."""

    resource: ApiResource
    name: str
    ways: tuple[str, ...]
    """`volume`, `environment`, `account`, `registry` (credentials of one), `target`, `backend` or `certificate`."""
    optional: bool = False
    """Whether it may be missing, in each of the ways."""


def needs_of(manifest: Manifest) -> list[Need]:
    """What one object names, each once, in the order in which it is named."""
    kind = str(manifest.get("kind"))
    if kind == INGRESSES.kind:
        found = _of_ingress(manifest)
    elif kind == HORIZONTAL_POD_AUTOSCALERS.kind:
        found = _of_autoscaler(manifest)
    else:
        found = _of_pod(nested_mapping(manifest, *_TEMPLATES.get(kind, ("spec", "template", "spec"))))
    needs: dict[tuple[str, str], Need] = {}
    for each in found:
        key = each.resource.kind, each.name
        if each.name:
            needs[key] = _both(needs[key], each) if key in needs else each
    return list(needs.values())


def _both(one: Need, other: Need) -> Need:
    ways = tuple(dict.fromkeys((*one.ways, *other.ways)))
    return replace(one, ways=ways, optional=one.optional and other.optional)


def _of_pod(spec: Mapping[str, Any]) -> Iterator[Need]:
    yield Need(resource=SERVICE_ACCOUNTS, name=nested_text(spec, "serviceAccountName"), ways=("account",))
    for secret in _mappings(spec, "imagePullSecrets"):
        yield Need(resource=SECRETS, name=nested_text(secret, "name"), ways=("registry",))
    for volume in _mappings(spec, "volumes"):
        yield from _of_volume(volume)
    for container in (*_mappings(spec, "initContainers"), *_mappings(spec, "containers")):
        for source in _mappings(container, "envFrom"):
            yield from _references(source, "configMapRef", "secretRef", way="environment")
        for variable in _mappings(container, "env"):
            given = nested_mapping(variable, "valueFrom")
            yield from _references(given, "configMapKeyRef", "secretKeyRef", way="environment")


def _of_volume(volume: Mapping[str, Any]) -> Iterator[Need]:
    claim = nested_text(volume, "persistentVolumeClaim", "claimName")
    yield Need(resource=PERSISTENT_VOLUME_CLAIMS, name=claim, ways=("volume",))
    for source in (volume, *_mappings(nested_mapping(volume, "projected"), "sources")):
        yield from _references(source, "configMap", "secret", way="volume")


def _references(source: Mapping[str, Any], config_map: str, secret: str, *, way: str) -> Iterator[Need]:
    for resource, field in ((CONFIG_MAPS, config_map), (SECRETS, secret)):
        given = nested_mapping(source, field)
        name = nested_text(given, "name") or nested_text(given, "secretName")
        yield Need(resource=resource, name=name, ways=(way,), optional=given.get("optional") is True)


def _of_autoscaler(manifest: Manifest) -> Iterator[Need]:
    target = nested_mapping(manifest, "spec", "scaleTargetRef")
    if (resource := _SCALED.get(nested_text(target, "kind"))) is not None:
        yield Need(resource=resource, name=nested_text(target, "name"), ways=("target",))


def _of_ingress(manifest: Manifest) -> Iterator[Need]:
    default = nested_text(manifest, "spec", "defaultBackend", "service", "name")
    yield Need(resource=SERVICES, name=default, ways=("backend",))
    for rule in _mappings(nested_mapping(manifest, "spec"), "rules"):
        for path in _mappings(nested_mapping(rule, "http"), "paths"):
            yield Need(resource=SERVICES, name=nested_text(path, "backend", "service", "name"), ways=("backend",))
    for given in _mappings(nested_mapping(manifest, "spec"), "tls"):
        yield Need(resource=SECRETS, name=nested_text(given, "secretName"), ways=("certificate",))


def _mappings(parent: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    return [each for each in nested_list(parent, field) if isinstance(each, Mapping)]


def users_among(objects: Iterable[Manifest], parents: Mapping[str, Sequence[str]]) -> list[tuple[Manifest, list[Need]]]:
    """Those that name others, with what they name. `parents`: uids by the uid of what they own.

    What another one of them made, at whatever remove (a Pod its Deployment did), names what its maker names and is left out.
    """
    known = list(objects)
    uids = {nested_text(each, "metadata", "uid") for each in known}
    first = [each for each in known if not uids & _makers(nested_text(each, "metadata", "uid"), parents)]
    return [(each, needs) for each in first if (needs := needs_of(each))]


def _makers(uid: str, parents: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    left = list(parents.get(uid, ()))
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += parents.get(each, ())
    return found


def place_of(user: Manifest, need: Need) -> Place:
    """Where it stands that `user` needs."""
    return need.resource.group, need.resource.kind, nested_text(user, "metadata", "namespace"), need.name


def places_of(nodes: Iterable[Mapping[str, Any]]) -> dict[Place, str]:
    """Uids of a tree's nodes by where they stand, empty for what is wanted and not there."""
    return {(str(n["group"]), str(n["kind"]), str(n["namespace"]), str(n["name"])): str(n["uid"]) for n in nodes}


def build_dependencies(
    users: Iterable[tuple[Manifest, Sequence[Need]]], here: Mapping[Place, str], beyond: Mapping[Place, str]
) -> list[dict[str, Any]]:
    """[{uid, kind, namespace, name, needs: [{uid, group, kind, namespace, name, ways, optional, state}]}].

    `state` is `here` for what is of the application (`here`), else what `beyond` says: `elsewhere`, `missing` or `unknown`, which
    is also what nobody looked for.
    """

    def tell(user: Manifest, need: Need) -> dict[str, Any]:
        group, kind, namespace, name = place = place_of(user, need)
        uid = here.get(place, "")
        return {
            "uid": uid, "group": group, "kind": kind, "namespace": namespace, "name": name, "ways": list(need.ways),
            "optional": need.optional, "state": "here" if uid else beyond.get(place, "unknown"),
        }  # fmt: skip

    return [
        {
            "uid": nested_text(user, "metadata", "uid"),
            "kind": str(user["kind"]),
            "namespace": nested_text(user, "metadata", "namespace"),
            "name": nested_text(user, "metadata", "name"),
            "needs": [tell(user, need) for need in needs],
        }
        for user, needs in users
    ]
