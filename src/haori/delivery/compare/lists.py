"""How the items of a list are matched where ownership does not say: by its type, else by the field that holds it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.schema import Kind, ListType, TypeSchema

_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    **dict.fromkeys(
        ("containers", "initContainers", "ephemeralContainers", "volumes", "env", "imagePullSecrets", "secrets"),
        (("name",),),
    ),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "resourceClaims": (("name",),),
    "webhooks": (("name",),),
}
_DEFAULTS = {"protocol": "TCP"}
_SETS = frozenset({"finalizers"})


def keys_for(schema: TypeSchema | None, name: str, *lists: Sequence[Any]) -> tuple[str, ...]:
    """The key fields of a list of that type, or in field `name`; empty for one that is compared as a set or a whole."""
    items = [item for list_ in lists for item in list_]
    if not all(isinstance(item, Mapping) for item in items):
        return ()
    if schema is not None and schema.kind is Kind.LIST:
        return schema.list_keys if schema.list_type is ListType.MAP else ()
    for keys in _KEYS.get(name, ()):
        if all(all(key in item or key in _DEFAULTS for key in keys) for item in items):
            return keys
    return ()


def is_set(schema: TypeSchema | None, name: str) -> bool:
    """Whether the order of a list of that type, or in field `name`, means nothing."""
    if schema is not None and schema.kind is Kind.LIST:
        return schema.list_type is ListType.SET
    return name in _SETS


def key_values(item: Any, keys: Sequence[str], type_: TypeSchema | None = None) -> dict[str, Any]:
    """The key values of an item (`type_` is what is known of it), defaults filled in."""
    if not isinstance(item, Mapping):
        return {}
    fields = type_.fields if type_ is not None else {}
    return {key: item[key] if key in item else _default(key, fields.get(key)) for key in keys}


def has_twins(items: Sequence[Any], keys: Sequence[str], type_: TypeSchema | None = None) -> bool:
    """Whether two items have the same keys, so that keys cannot match them."""
    return len({repr(key_values(item, keys, type_)) for item in items}) < len(items)


def _default(key: str, type_: TypeSchema | None) -> Any:
    return type_.default if type_ is not None and type_.has_default else _DEFAULTS.get(key)
