"""Names of our own on the wire, all below `haori.dev/`."""

from __future__ import annotations

PIN = "haori.dev/pin"
"""Annotation of an Application: a rollback without a commit (JSON, see delivery.model.pin)."""
TERM = "haori.dev/term"
"""Annotation: the term of the Lease under which the last write was made."""
OPERATION_ID = "haori.dev/operation-id"
"""Annotation on hooks: which operation made it."""
HOOK_PHASE = "haori.dev/hook-phase"
"""Annotation on hooks: for which phase of that operation."""
WAIT_FOR_LAST_WAVE = "haori.dev/wait-for-last-wave"
"""Annotation of an Application, `"true"`: a sync ends only when its last wave is healthy too."""
HEALTH_BY_CONDITIONS = "haori.dev/health-by-conditions"
"""Annotation of any object, `"false"`: its conditions are not read where its kind has no rule."""

SETTING_BY_CONDITIONS = "haori.health.byConditions"
"""Key of `argocd-cm`, `"false"`: the same for all objects."""
SETTING_APPLICATIONS = "haori.health.applications"
"""Key of `argocd-cm`, `"true"`: an Application is as healthy for its parent as its own status says."""

SANDBOX_COMMAND_PREFIX = "sandbox.haori.dev/command."
"""Annotation of a Pod template, with the container's name behind it: the JSON list of the real process."""
SANDBOX_NODE = "sandbox.haori.dev/node"
"""Label and taint of our node."""

FIELD_MANAGER = "haori"
"""The field manager we apply with."""
LEASE = "haori-engine"
"""Name of the Lease in the control namespace."""
HOME = "https://haori.dev"
