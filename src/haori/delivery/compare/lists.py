"""How the items of a list are matched where ownership does not say: by the field that holds the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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
SETS = frozenset({"finalizers"})


def keys_for(name: str, *lists: Sequence[Any]) -> tuple[str, ...]:
    """The key fields of the list in field `name`, empty for one that is compared as a whole."""
    items = [item for list_ in lists for item in list_]
    if not all(isinstance(item, Mapping) for item in items):
        return ()
    for keys in _KEYS.get(name, ()):
        if all(all(key in item or key in _DEFAULTS for key in keys) for item in items):
            return keys
    return ()


def key_values(item: Any, keys: Sequence[str]) -> dict[str, Any]:
    """The key values of an item, defaults filled in."""
    return {key: item.get(key, _DEFAULTS.get(key)) for key in keys} if isinstance(item, Mapping) else {}
