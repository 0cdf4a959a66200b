"""What a Pod's securityContext asks for that processes of the sandbox do not get. Pure.

They are an unprivileged user of their Pod's own, with no capability and no way to a new one (`no_new_privs`), see the
system's files read-only, and no other Pod's. What asks for less than that holds anyway; what asks for another user or for
more is not done, and said once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import nested, nested_list, nested_mapping

_USERS = ("runAsUser", "runAsGroup", "fsGroup", "supplementalGroups")
_PLACES = ("initContainers", "containers")


def ignored_requests(pod: Mapping[str, Any]) -> list[str]:
    """The fields (below `securityContext`) that change nothing here, sorted; empty where all that is asked for holds."""
    contexts = [nested_mapping(pod, "spec", "securityContext")]
    contexts += [
        nested_mapping(each, "securityContext") for place in _PLACES for each in nested_list(pod, "spec", place)
    ]
    found = {name for context in contexts for name in _USERS if context.get(name) is not None}
    for context in contexts:
        if context.get("privileged"):
            found.add("privileged")
        if nested(context, "capabilities", "add"):
            found.add("capabilities.add")
    return sorted(found)
