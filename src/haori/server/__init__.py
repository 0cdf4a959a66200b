"""The HTTP API: what browsers, the console and Argo CD's clients speak to.

Takes requests on one listener, says who may do what by one table of routes, and gives Argo CD's REST paths and JSON below
/api/v1 and our own below /api/haori/v1. Rows of applications come from a reflector of its own; trees, diffs, plans and
manifests are asked of the engine's internal listener; what is declared is read and written in the cluster. It decides
nothing about delivery, keeps no truth, and holds no credential longer than the answer it is for.

The parts: `routing` (the table and its router), `guard` (what every request passes), `asking` and `answering` (one
request, one answer), `table` (rows with indexes and a cursor), `engine` (the engine's client), `api` (the handlers, one
module a subject), `serving` (the process).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from haori.server.settings import ServerSettings

if TYPE_CHECKING:
    from haori.server.app import build_app
    from haori.server.context import ServerContext
    from haori.server.serving import serve

__all__ = ["ServerContext", "ServerSettings", "build_app", "serve"]

_HOMES = {"build_app": "app", "ServerContext": "context", "serve": "serving"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"haori.server.{_HOMES[name]}"), name)
    raise AttributeError(name)
