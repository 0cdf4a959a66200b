"""Which types there are: Kubernetes' own and those that CustomResourceDefinitions add.

A `Schemas` is a value: adding definitions gives another one, which shares everything already read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from haori.objects import Manifest, format_api_version, parse_api_version
from haori.schema.archive import open_archive
from haori.schema.builtin import definition, definition_name
from haori.schema.crd import custom_list_type, custom_type, served_versions
from haori.schema.types import TypeSchema

_TypeKey = tuple[str, str]


class Schemas:
    """The types known to one API. Make one with `Schemas.builtin()`."""

    __slots__ = ("_crds", "_made", "_versions")

    def __init__(self, crds: tuple[Manifest, ...] = (), known: Schemas | None = None) -> None:
        self._crds = crds
        self._made: dict[_TypeKey, TypeSchema] = {}
        self._versions: dict[_TypeKey, Mapping[str, Any]] = {}
        for crd in crds:
            for group, version, kind, entry in served_versions(crd):
                key = (format_api_version(group, version), kind)
                self._versions[key] = entry
                if known is not None and known._versions.get(key) is entry and key in known._made:
                    self._made[key] = known._made[key]

    @classmethod
    def builtin(cls) -> Schemas:
        """Kubernetes' own types, nothing else."""
        return _builtin()

    def with_crds(self, crds: Iterable[Manifest]) -> Schemas:
        """These types and all that the definitions serve; a later definition of the same kind wins.

        The definitions are kept as they are handed in and must not be changed afterwards.
        """
        return Schemas((*self._crds, *crds), known=self)

    @property
    def crds(self) -> tuple[Manifest, ...]:
        """The definitions that were added."""
        return self._crds

    def type_for(self, api_version: str, kind: str) -> TypeSchema | None:
        """The type, None where nothing is known of it. Lists of a kind ("PodList") are types too."""
        key = (api_version, kind)
        if key in self._versions:
            return self._custom(key)
        if kind.endswith("List") and (api_version, kind[:-4]) in self._versions:
            return custom_list_type(self._custom((api_version, kind[:-4])))
        group, version = parse_api_version(api_version)
        name = definition_name(group, version, kind)
        return definition(name) if name is not None else None

    def group_versions(self) -> Iterator[str]:
        """Every apiVersion with at least one type of its own, sorted; built-in ones among them."""
        builtin = {key.rpartition("/")[0].strip("/") for key in open_archive("definitions").head["gvks"]}
        return iter(sorted(builtin | {api_version for api_version, _ in self._versions}))

    def _custom(self, key: _TypeKey) -> TypeSchema:
        if key not in self._made:
            self._made[key] = custom_type(self._versions[key])
        return self._made[key]


@cache
def _builtin() -> Schemas:
    return Schemas()
