"""The engine's internal listener: JSON over HTTP below /internal/v1/, for the command and the console's server.

Takes requests that carry the token of D/engine/listener.json and name this listener as their Host; gives what `EngineView`
says. It reads and changes no cluster itself. Every failure has one shape, {"error": {"code", "parameters", "message"}}.

    GET  applications                              {"items": [row], "leading": bool}
    GET  applications/NAME                         row with its resources
    GET  applications/NAME/tree                    {"nodes": [...]}
    GET  applications/NAME/resources               {"items": [...]}; group, kind, namespace, name choose
    GET  applications/NAME/diff                    {"items": [...]}; revision, hard
    GET  applications/NAME/manifests               {"items": [...]}; revision, live
    GET  applications/NAME/commit                  {"author", "date", "message", "tags"}; revision
    GET  applications/NAME/plan                    plan; revision, prune, dryRun, force, unpinned; POST {"operation": {...}}
    GET  applications/NAME/history                 {"items": [release]}, the newest first
    GET  applications/NAME/releases                {"from", "to", "items"}; from, to (none: what is wanted now)
    POST applications/NAME/ignore                  {"items", "reach"}; a rule of ignoreDifferences
    POST applications/NAME/refresh                 {}; {"hard": bool}
    POST applications/NAME/rollback                {"commits": [...]}; {"id", "reason", "author": {"name", "email"}}: by a commit
    POST search                                    {"items": [...], "total", "counts"}; see `view.SearchQuery`
    GET  figures                                   how the engine does; everything in it is a metric as well
    GET  statistics                                counts, and `isolation` of the jail
    POST repositories/changed                      {"applications": n}; {"url"}
    GET  repositories/refs                         {"branches", "tags"}; url
    GET  repositories/charts                       {"items": [{"name", "versions"}]}; url
    POST repositories/folders                      {"items": [{"path", "type"}]}; {"application": manifest}
    POST repositories/details                      {"type", ...}: what its source takes; {"application": manifest}
    POST repositories/check                        {}, where it can be opened; {"url", "kind", "given": {...}}

Every path with NAME takes `appNamespace`; without it the control namespace is meant.
"""

from haori.delivery.controller.listener.routes import Rollbacks
from haori.delivery.controller.listener.server import ListenerSettings, open_listener

__all__ = ["ListenerSettings", "Rollbacks", "open_listener"]
