"""Trees of live objects as the engine tells them: nodes with `uid`, `kind`, `namespace`, `name`, and
the uids of their `parents`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def pods_below(nodes: Iterable[Mapping[str, Any]], chosen: Mapping[str, str]) -> list[tuple[str, str]]:
    """(namespace, name) of the Pods of a tree that are, or are below, a chosen object; nothing chosen: all."""
    by_uid = {str(node["uid"]): node for node in nodes if node.get("uid")}

    def is_below(node: Mapping[str, Any], seen: frozenset[str] = frozenset()) -> bool:
        if all(not value or node.get(name) == value for name, value in chosen.items()):
            return True
        further = seen | {str(node.get("uid"))}
        parents = [uid for uid in node.get("parents") or () if uid not in further]
        return any(is_below(by_uid[uid], further) for uid in parents if uid in by_uid)

    pods = [node for node in by_uid.values() if node.get("kind") == "Pod" and not node.get("group")]
    return sorted((str(pod["namespace"]), str(pod["name"])) for pod in pods if is_below(pod))
