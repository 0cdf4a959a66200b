"""Who owns which fields, read from `metadata.managedFields`.

A fieldsV1 tree is a mapping; its keys are `f:NAME` (a field), `k:{JSON}` (a list item with these keys),
`v:VALUE` (a set's member) and `.` (the thing itself). It names list keys, so lists can be matched without a schema.
see: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from haori.objects import Manifest, nested_list, nested_mapping

Tree = Mapping[str, Any]
_NOTHING: Tree = {}


def owned_tree(live: Manifest, manager: str) -> Tree | None:
    """What `manager` owns by apply, None where it never applied the object."""
    for entry in nested_list(live, "metadata", "managedFields"):
        same = entry.get("manager") == manager and entry.get("operation") == "Apply"
        if same and not entry.get("subresource"):
            return nested_mapping(entry, "fieldsV1")
    return None


def trees_of(live: Manifest, managers: tuple[str, ...]) -> Iterator[Tree]:
    """What each of `managers` owns, by whatever operation."""
    for entry in nested_list(live, "metadata", "managedFields"):
        if entry.get("manager") in managers:
            yield nested_mapping(entry, "fieldsV1")


def child(tree: Tree | None, name: str) -> Tree | None:
    """The tree below a field, None where it is not owned."""
    found = None if tree is None else tree.get(f"f:{name}")
    return found if isinstance(found, Mapping) else None


def fields(tree: Tree | None) -> Iterator[str]:
    """The names of the owned fields."""
    yield from (key[2:] for key in (tree or _NOTHING) if key.startswith("f:"))


def item_keys(tree: Tree | None) -> list[tuple[dict[str, Any], Tree]]:
    """(key values, tree) for each owned list item."""
    pairs = (tree or _NOTHING).items()
    return [(orjson.loads(key[2:]), value or _NOTHING) for key, value in pairs if key.startswith("k:")]


def set_members(tree: Tree | None) -> list[Any]:
    """The owned members of a set."""
    return [orjson.loads(key[2:]) for key in (tree or _NOTHING) if key.startswith("v:")]


def owner_of(live: Manifest, path: tuple[str, ...], ours: str) -> tuple[str, str]:
    """(the other manager that owns the field at `path`, when that manager last wrote the object), empty for none.

    Only mapping steps are followed exactly.
    """
    for entry in nested_list(live, "metadata", "managedFields"):
        if entry.get("manager") != ours and _has_path(nested_mapping(entry, "fieldsV1"), path):
            return str(entry.get("manager") or ""), str(entry.get("time") or "")
    return "", ""


def _has_path(tree: Tree, path: tuple[str, ...]) -> bool:
    if not path:
        return True
    step, rest = path[0], path[1:]
    if step.startswith("["):
        return any(_has_path(below, rest) for _, below in item_keys(tree) if format_keys(_) == step)
    below = tree.get(f"f:{step}")
    return isinstance(below, Mapping) and (not rest or not below or _has_path(below, rest))


def format_keys(keys: Mapping[str, Any]) -> str:
    """`[name=web]`: a list item in a path."""
    return "[" + ",".join(f"{name}={value}" for name, value in sorted(keys.items())) + "]"
