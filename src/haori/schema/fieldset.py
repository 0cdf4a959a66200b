"""Sets of fields, as `metadata.managedFields` writes them (fieldsV1). The algebra itself is in `fieldtree`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from haori.schema import fieldtree
from haori.schema.fieldtree import Tree
from haori.schema.typed import MISSING, Missing, extract, fields_of, remove
from haori.schema.types import TypeSchema


class FieldSet:
    """An immutable set of paths into an object."""

    __slots__ = ("_tree",)

    def __init__(self, tree: Tree | None = None) -> None:
        """`tree` as `fieldtree` makes it; anyone else starts from `from_v1`, `of` or `at`."""
        self._tree: Tree = tree or {}

    @staticmethod
    def from_v1(tree: Mapping[str, Any]) -> FieldSet:
        """The set that a fieldsV1 mapping stands for; what is no step in it is passed over."""
        return FieldSet(fieldtree.normalise(tree))

    @staticmethod
    def at(*paths: tuple[str, ...]) -> FieldSet:
        """The set of these paths of field names: `FieldSet.at(("metadata", "name"), ("status",))`."""
        root: Tree = {}
        for path in paths:
            node: Tree = fieldtree.LEAF
            for name in reversed(path):
                node = {f"f:{name}": node}
            root = fieldtree.unite(root, node) if root else node
        return FieldSet(root)

    @staticmethod
    def of(schema: TypeSchema | None, value: Mapping[str, Any]) -> FieldSet:
        """What a manager owns who applies `value`: leaves, list items, keys of maps, atomic lists and maps as one."""
        return FieldSet(fields_of(schema, value) if value else None)

    def to_v1(self) -> dict[str, Any]:
        """As fieldsV1: a fresh mapping, steps in order."""
        return fieldtree.copy_tree(self._tree)

    @property
    def tree(self) -> Tree:
        """The tree itself, for `fieldtree` and `typed`; never change it."""
        return self._tree

    def union(self, other: FieldSet) -> FieldSet:
        """What is in either."""
        if not self._tree or not other._tree:
            return self if self._tree else other
        return FieldSet(fieldtree.unite(self._tree, other._tree))

    def difference(self, other: FieldSet) -> FieldSet:
        """What is here and not, by the very same path, in `other`."""
        if not self._tree or not other._tree:
            return self
        return FieldSet(fieldtree.subtract(self._tree, other._tree))

    def without(self, other: FieldSet) -> FieldSet:
        """What is here and neither in `other` nor below something in it."""
        if not self._tree or not other._tree:
            return self
        return FieldSet(fieldtree.subtract_below(self._tree, other._tree))

    def intersection(self, other: FieldSet) -> FieldSet:
        """What is in both."""
        if not self._tree or not other._tree:
            return NO_FIELDS
        return FieldSet(fieldtree.intersect(self._tree, other._tree))

    def steps(self) -> Iterator[tuple[str, ...]]:
        """Every path as its fieldsV1 steps."""
        return fieldtree.walk(self._tree)

    def paths(self) -> list[str]:
        """Every path as people read it: `.spec.template.spec.containers[name="app"].image`."""
        return [fieldtree.format_path(steps) for steps in self.steps()]

    def remove_from(self, schema: TypeSchema | None, value: Mapping[str, Any]) -> dict[str, Any]:
        """`value` without these fields; mappings and lists that this empties go too."""
        left = remove(schema, value, self._tree)
        return {} if isinstance(left, Missing) else dict(left)

    def extract_from(self, schema: TypeSchema | None, value: Mapping[str, Any]) -> dict[str, Any]:
        """Only these fields of `value`, with the keys of the list items they stand in."""
        part = extract(schema, value, self._tree) if self._tree else MISSING
        return {} if isinstance(part, Missing) else dict(part)

    def __bool__(self) -> bool:
        return bool(self._tree)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldSet) and self._tree == other._tree

    def __hash__(self) -> int:
        return hash(frozenset(self.steps()))

    def __repr__(self) -> str:
        return f"FieldSet({', '.join(self.paths())})"


NO_FIELDS = FieldSet()
