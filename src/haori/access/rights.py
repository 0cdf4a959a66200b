"""The resources and actions that policies and scopes speak of.

see: argoproj/argo-cd `docs/operator-manual/rbac.md` (3.x).
"""

from __future__ import annotations

RESOURCES = frozenset(
    {
        "applications", "applicationsets", "clusters", "projects", "repositories", "write-repositories", "certificates",
        "accounts", "gpgkeys", "logs", "exec", "extensions",
    }
)  # fmt: skip
ACTIONS = frozenset({"get", "create", "update", "delete", "sync", "rollback", "override", "invoke", "action"})
"""The first part of an action; `action/GROUP/KIND/NAME` and kin say more behind a slash."""
