"""What a request path means: `/api/v1/namespaces/shop/pods/web/log` is a Pod's subresource.

see: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourcePath:
    """A path below a group's version; parts that are not there are empty."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str = ""
    subresource: str = ""
    rest: str = ""
    """What follows the subresource (`proxy`), with its leading slash, still quoted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPath:
    """`/api`, `/apis`, `/apis/apps`, `/apis/apps/v1`: what is asked of discovery."""

    is_core: bool
    group: str = ""
    version: str = ""


def parse_path(raw_path: str) -> ResourcePath | GroupPath | None:
    """The meaning of a quoted path; None for paths of another kind."""
    parts = [part for part in raw_path.split("/") if part]
    if not parts or parts[0] not in ("api", "apis"):
        return None
    is_core = parts[0] == "api"
    head = parts[1:2] if is_core else parts[1:3]
    rest = parts[len(head) + 1 :]
    if not rest:
        group, version = ("", "".join(head)) if is_core else (head[0] if head else "", head[1] if len(head) > 1 else "")
        return GroupPath(is_core=is_core, group=unquote(group), version=unquote(version))
    group, version = ("", head[0]) if is_core else (unquote(head[0]), unquote(head[1]))
    return _resource(group, version, rest)


def _resource(group: str, version: str, parts: list[str]) -> ResourcePath:
    namespace = ""
    # `namespaces/a/status` is a Namespace's own subresource, `namespaces/a/pods` the Pods in it.
    if parts[0] == "namespaces" and len(parts) > 2 and parts[2] not in ("status", "finalize"):
        namespace, parts = unquote(parts[1]), parts[2:]
    return ResourcePath(
        group=group,
        version=version,
        namespace=namespace,
        plural=unquote(parts[0]),
        name=unquote(parts[1]) if len(parts) > 1 else "",
        subresource=unquote(parts[2]) if len(parts) > 2 else "",
        rest="".join(f"/{part}" for part in parts[3:]),
    )
