"""What a Pod refers to and cannot run without."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from haori.cluster import ApiResource
from haori.cluster.well_known import CONFIG_MAPS, PERSISTENT_VOLUME_CLAIMS, SECRETS
from haori.objects import nested, nested_list, nested_mapping, nested_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """An object that has to be there, and the keys it has to hold."""

    resource: ApiResource
    name: str
    keys: tuple[str, ...] = ()
    volume: str = ""


def environment_requirements(container: Mapping[str, Any], *, optional: bool = False) -> Iterator[Requirement]:
    """What a container's variables are read from; what is optional only where `optional` says so."""
    for source in nested_list(container, "envFrom"):
        for field, resource in (("configMapRef", CONFIG_MAPS), ("secretRef", SECRETS)):
            reference = nested_mapping(source, field)
            if reference.get("name") and (optional or not reference.get("optional")):
                yield Requirement(resource=resource, name=str(reference["name"]))
    for variable in nested_list(container, "env"):
        for field, resource in (("configMapKeyRef", CONFIG_MAPS), ("secretKeyRef", SECRETS)):
            reference = nested_mapping(variable, "valueFrom", field)
            if reference.get("name") and (optional or not reference.get("optional")):
                yield Requirement(resource=resource, name=str(reference["name"]), keys=(str(reference.get("key")),))


def volume_requirements(pod: Mapping[str, Any]) -> Iterator[Requirement]:
    """What the Pod's volumes are made of, the optional left out."""
    for volume in nested_list(pod, "spec", "volumes"):
        name = str(volume.get("name"))
        yield from _source_requirements(volume, name, secret_name="secretName")  # noqa: S106  # a field's name
        for source in nested_list(volume, "projected", "sources"):
            yield from _source_requirements(source, name, secret_name="name")  # noqa: S106  # a field's name
        if claim := nested_text(volume, "persistentVolumeClaim", "claimName"):
            yield Requirement(resource=PERSISTENT_VOLUME_CLAIMS, name=claim, volume=name)


def _source_requirements(source: Mapping[str, Any], volume: str, *, secret_name: str) -> Iterator[Requirement]:
    for field, name_field, resource in (("configMap", "name", CONFIG_MAPS), ("secret", secret_name, SECRETS)):
        reference = nested_mapping(source, field)
        name = nested_text(reference, name_field)
        if name and not reference.get("optional") and name != "kube-root-ca.crt":
            keys = tuple(str(nested(item, "key")) for item in nested_list(reference, "items"))
            yield Requirement(resource=resource, name=name, keys=keys, volume=volume)
