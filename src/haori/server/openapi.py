"""The OpenAPI document, made from the table of routes: what is not in the table is in neither.

Answers of Argo CD's paths are told as objects, since an Application is its manifest, whose schema the cluster publishes;
our own answers, and the one shape of errors, are told whole. `x-haori-access` says who may use a route.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from haori import __version__
from haori.server.queries import COUNTED
from haori.server.routing import SAFE, Open, Query, Route, describe_access

_SEGMENT = re.compile(r"\{(\w+)\}")

Schema = dict[str, Any]


def _object(properties: Mapping[str, Any] | None = None, *required: str) -> Schema:
    found: Schema = {"type": "object"}
    if properties is not None:
        found["properties"] = dict(properties)
    if required:
        found["required"] = list(required)
    return found


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
MANIFEST = _object()
NAMED = _object({"metadata": _object({"name": TEXT}, "name"), "spec": _object()}, "metadata")
CREDENTIALS: Mapping[str, Schema] = {
    "username": TEXT, "password": TEXT, "bearerToken": TEXT, "sshPrivateKey": TEXT, "insecure": FLAG, "enableOCI": FLAG,
    "tlsClientCertData": TEXT, "tlsClientCertKey": TEXT, "type": {"enum": ["git", "helm", "oci"]},
}  # fmt: skip
SENTENCE = _object({"code": TEXT, "parameters": _object(), "text": TEXT}, "code", "parameters", "text")
NAMES = ("name", "namespace", "project", "cluster", "destinationNamespace", "repo", "path", "revision", "targetRevision", "sync",
         "health", "phase", "reconciledAt", "parent")  # fmt: skip

AUDIT_EVENT = _object(
    {
        "id": {"type": "integer"},
        **dict.fromkeys(
            ("at", "actor", "issuer", "token", "action", "object", "project", "outcome", "rule", "request", "text"), TEXT
        ),
        "details": _object(),
    },
    "id", "at", "actor", "action", "object", "outcome", "text",
)  # fmt: skip

SCHEMAS: Mapping[str, Schema] = {
    "Error": _object(
        {
            "error": TEXT,
            "code": {"type": "integer", "description": "A gRPC code, as Argo CD's clients expect."},
            "message": TEXT,
            "haori": _object(
                {"code": TEXT, "parameters": _object(), "hint": {"type": ["string", "null"]}}, "code", "parameters", "hint"
            ),
        },
        "error", "code", "message", "haori",
    ),
    "Row": _object(
        {
            **dict.fromkeys(NAMES, TEXT),
            "why": {"oneOf": [SENTENCE, {"type": "null"}]},
            "pinned": FLAG,
            "images": _list(TEXT),
            "labels": _object(),
        },
        *NAMES, "why", "pinned", "images", "labels",
    ),
    "Rows": _object(
        {
            "items": _list(_ref("Row")),
            "total": {"type": "integer"},
            "counts": _object(dict.fromkeys(COUNTED, _object())),
            "groups": _list(
                _object(
                    {"value": {"type": ["string", "null"]}, "total": {"type": "integer"}, "health": _object(), "sync": _object()},
                    "value", "total", "health", "sync",
                )
            ),
            "cursor": TEXT,
        },
        "items", "total", "counts", "groups", "cursor",
    ),
    "Found": _object(
        {
            "applications": _list(_ref("Row")),
            "resources": _list(
                _object(
                    dict.fromkeys(
                        ("cluster", "group", "version", "kind", "namespace", "name", "uid", "health", "createdAt",
                         "application", "applicationNamespace", "project"),
                        TEXT,
                    )
                )
            ),
            "total": _object({"applications": {"type": "integer"}, "resources": {"type": "integer"}}),
            "counts": _object({"kind": _object()}),
            "problem": {"oneOf": [SENTENCE, {"type": "null"}]},
        },
        "applications", "resources", "total", "counts", "problem",
    ),
    "Board": _object(
        {
            "environments": _list(TEXT),
            "apps": _list(_object({"name": TEXT, "partOf": TEXT, "cells": _object(), "drift": FLAG}, "name", "cells", "drift")),
            "total": {"type": "integer"},
        },
        "environments", "apps", "total",
    ),
    "Application": NAMED,
    "ApplicationSpec": _object(),
    "ApplicationPatch": _object({"patch": TEXT, "patchType": {"enum": ["json", "merge"]}}, "patch"),
    "SyncRequest": _object(
        {
            "revision": TEXT, "prune": FLAG, "dryRun": FLAG, "strategy": _object(), "resources": _list(_object()),
            "syncOptions": _object({"items": _list(TEXT)}), "infos": _list(_object()), "retryStrategy": _object(),
            "appNamespace": TEXT, "project": TEXT,
        }
    ),
    "RollbackRequest": _object({"id": {"type": ["integer", "string"]}, "prune": FLAG, "dryRun": FLAG, "reason": TEXT}),
    "Rollback": _object({"id": {"type": "integer"}, "reason": TEXT, "for": TEXT, "git": FLAG, "prune": FLAG}),
    "ActionRequest": _object(
        {
            **dict.fromkeys(("group", "version", "kind", "namespace", "resourceName", "action"), TEXT),
            "resourceActionParameters": _list(_object({"name": TEXT, "value": TEXT}, "name", "value")),
        },
        "kind", "resourceName", "action",
    ),
    "IgnoreRule": _object(
        {
            **dict.fromkeys(("group", "kind", "name", "namespace"), TEXT),
            **dict.fromkeys(("jsonPointers", "jqPathExpressions", "managedFieldsManagers"), _list(TEXT)),
        },
        "kind",
    ),
    "PlanRequest": _object({"operation": _object()}),
    "ProjectRequest": _object({"project": NAMED, "upsert": FLAG}, "project"),
    "Repository": _object({"repo": TEXT, "name": TEXT, "project": TEXT, **CREDENTIALS}, "repo"),
    "RepositoryCredentials": _object({"url": TEXT, **CREDENTIALS}, "url"),
    "RepositoryUrl": TEXT,
    "RepositorySource": _object({"source": _object(), "appName": TEXT, "appProject": TEXT}),
    "Cluster": _object(
        {
            "server": TEXT, "name": TEXT, "project": TEXT, "config": _object(), "namespaces": _list(TEXT),
            "clusterResources": FLAG,
        },
        "server",
    ),
    "Certificates": _object(
        {"items": _list(_object(dict.fromkeys(("serverName", "certType", "certSubType", "certData"), TEXT)))}, "items"
    ),
    "SignIn": _object({"username": TEXT, "password": TEXT}, "username", "password"),
    "LinkCode": _object({"code": TEXT}, "code"),
    "NewPassword": _object({"name": TEXT, "currentPassword": TEXT, "newPassword": TEXT}, "newPassword"),
    "TokenRequest": _object({"id": TEXT, "expiresIn": {"type": ["integer", "string"]}, "description": TEXT}),
    "ScopedToken": _object(
        {"name": TEXT, "scopes": _list(TEXT), "expiresIn": {"type": ["integer", "string"]}}, "name"
    ),
    "AuditEvent": AUDIT_EVENT,
    "AuditEvents": _object({"items": _list(_ref("AuditEvent")), "next": {"type": ["integer", "null"]}}, "items", "next"),
    "View": _object({"search": TEXT}, "search"),
    "Webhook": _object(),
    "Text": TEXT,
}  # fmt: skip
_ANSWERS: Mapping[str, str] = {
    "GET /api/haori/v1/applications": "Rows",
    "GET /api/haori/v1/search": "Found",
    "GET /api/haori/v1/board": "Board",
    "GET /api/haori/v1/audit": "AuditEvents",
}
"""Routes whose answers are told whole."""
_TEXTS = frozenset({"/livez", "/readyz", "/metrics"})


def build_document(routes: Iterable[Route]) -> dict[str, Any]:
    """The document of a table of routes (OpenAPI 3.1)."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Haori", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "argocd.token"},
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": operation_id(route),
        "summary": route.summary,
        "parameters": [_path_parameter(name) for name in _SEGMENT.findall(route.path)]
        + [_query_parameter(query) for query in route.query],
        "responses": {"200": _answer(route), "default": _content("The one shape of errors.", _ref("Error"))},
        "security": [] if route.access is Open.PUBLIC else [{"token": []}, {"cookie": []}],
        "x-haori-access": describe_access(route.access),
    }
    if route.body:
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(route.body)}}}
    return told


def operation_id(route: Route) -> str:
    """A name for generators of clients: method and path in words."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", route.path) if word]
    return "_".join([route.method.lower(), *words])


def _path_parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query_parameter(query: Query) -> dict[str, Any]:
    schema: Schema = {"type": query.type}
    if query.many:
        schema = _list(schema)
    return {"name": query.name, "in": "query", "description": query.help, "schema": schema}


def _answer(route: Route) -> dict[str, Any]:
    if route.path in _TEXTS:
        return {"description": "Text.", "content": {"text/plain": {"schema": TEXT}}}
    if route.streams:
        told = {kind: {"schema": TEXT} for kind in ("application/json", "text/event-stream")}
        return {"description": "Lines, or events for who accepts them.", "content": told}
    schema = _ref(name) if (name := _ANSWERS.get(f"{route.method} {route.path}")) else {}
    return _content("What was asked for." if route.method in SAFE else "What came of it.", schema)


def _content(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
