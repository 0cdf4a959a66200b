"""The audit of requests: one place that every change passes, whatever its route.

A route that changes something leaves one record: who, by which token or session, what was asked of which object, how it
ended, and the line of the policy that decided. Refused and failed ones leave theirs too, of whoever is known; of nobody only
a sign-in that failed does. Of a body only fields are told that never hold a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haori.access import Identity, Outcome
from haori.access.projects import SCOPED
from haori.access.trail import AuditTrail
from haori.server.asking import Ask
from haori.server.errors import Kind, describe_kind
from haori.server.routing import Route, Rule

NOBODY = Identity(subject="", issuer="")
TOLD = frozenset(
    {
        "id", "revision", "revisions", "prune", "dryRun", "resources", "strategy", "reason", "for", "git", "expiresIn",
        "action", "group", "version", "kind", "namespace", "resourceName", "name", "scopes", "upsert", "cascade",
        "patchType", "project", "appNamespace", "server", "username", "type",
    }
)  # fmt: skip
"""Fields of bodies that are told, and no others."""
KINDS: Mapping[str, str] = {
    "applications": "Application", "logs": "Application", "exec": "Application", "projects": "AppProject",
    "clusters": "Cluster", "repositories": "Repository", "certificates": "Certificate", "accounts": "Account",
}  # fmt: skip
"""Resources of policies to what an object of theirs is called."""


@dataclass(frozen=True, slots=True)
class _Deed:
    action: str
    object: str
    project: str
    rule: str


def record_request(trail: AuditTrail, ask: Ask, route: Route, request_id: str, error: Exception | None) -> None:
    """Keeps what a request came to; `error` is why it came to nothing."""
    who = ask.actor or ask.identity
    kind = describe_kind(error) if error is not None else None
    if not route.is_change or kind is Kind.TOO_MANY or (who is None and not ask.about):
        return
    deed = _deed(ask, route)
    trail.record(
        who or NOBODY,
        deed.action,
        deed.object,
        _outcome(kind),
        _details(ask, route, kind),
        project=deed.project,
        rule=deed.rule,
        request_id=request_id,
    )


def _outcome(kind: Kind | None) -> Outcome:
    if kind is None:
        return Outcome.DONE
    return Outcome.REFUSED if kind in (Kind.FORBIDDEN, Kind.UNAUTHENTICATED) else Outcome.FAILED


def _deed(ask: Ask, route: Route) -> _Deed:
    if ask.demanded:
        # The last is the one that decided: a refused one, or the permission of what was done in the end.
        resource, action, object_, decision = ask.demanded[-1]
        project = _project(resource, object_)
        return _Deed(f"{resource}/{action}", ask.about or _object(ask, resource, object_), project, decision.rule)
    action = f"{route.access.resource}/{route.access.action}" if isinstance(route.access, Rule) else route.deed
    return _Deed(action, ask.about or _own(ask, route), "", "")


def _own(ask: Ask, route: Route) -> str:
    """What a route is about that needed no permission, or did not come to asking for one."""
    if not isinstance(route.access, Rule):
        return ""
    named = ask.parameters.get("name") or ask.parameters.get("project") or ""
    return _object(ask, route.access.resource, named)


def _object(ask: Ask, resource: str, object_: str) -> str:
    kind = KINDS.get(resource, resource)
    if kind != "Application":
        return f"{kind} {object_}"
    parts = object_.split("/")
    namespace = parts[1] if len(parts) == 3 else ask.context.namespace
    return f"{kind} {namespace}/{parts[-1]}"


def _project(resource: str, object_: str) -> str:
    if resource == "projects":
        return object_
    return object_.partition("/")[0] if resource in SCOPED and "/" in object_ and "://" not in object_ else ""


def _details(ask: Ask, route: Route, kind: Kind | None) -> dict[str, Any]:
    queries = {query.name for query in route.query}
    told: dict[str, Any] = {"route": f"{route.method} {route.path}", "from": ask.address}
    if query := {name: value for name, value in ask.query if name in queries}:
        told["query"] = query
    if isinstance(ask.value, dict) and (body := {name: ask.value[name] for name in sorted(TOLD & set(ask.value))}):
        told["body"] = body
    if kind is not None:
        told["status"] = kind.status
    return told
