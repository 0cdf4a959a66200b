"""What is produced and has to be found again: one PostgreSQL, given by URL or run from the instance's data folder.

Takes settings, gives a `Store`: a pool of connections to a database whose schema is the one this program knows, and the
append-only events that audit and timeline share. Git and Kubernetes hold what is declared; delivery works with the store
down. A server that does not answer is a `StoreUnavailableError`, which is transient and names it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haori.store.binaries import is_server_here
    from haori.store.embedded import Embedded, run_embedded, serve_embedded
    from haori.store.errors import StoreDataError, StoreMissingError, StoreSchemaError, StoreUnavailableError
    from haori.store.events import Event, Events, StoredEvent, Stream, Transaction
    from haori.store.keeper import StoreKeeper
    from haori.store.settings import StoreSettings
    from haori.store.store import Connection, Store, check_cancelled, open_store

__all__ = [
    "Connection",
    "Embedded",
    "Event",
    "Events",
    "Store",
    "StoreDataError",
    "StoreKeeper",
    "StoreMissingError",
    "StoreSchemaError",
    "StoreSettings",
    "StoreUnavailableError",
    "StoredEvent",
    "Stream",
    "Transaction",
    "check_cancelled",
    "is_server_here",
    "open_store",
    "run_embedded",
    "serve_embedded",
]

_HOMES = {
    "check_cancelled": "store",
    "is_server_here": "binaries",
    "Embedded": "embedded",
    "run_embedded": "embedded",
    "serve_embedded": "embedded",
    "StoreDataError": "errors",
    "StoreMissingError": "errors",
    "StoreSchemaError": "errors",
    "StoreUnavailableError": "errors",
    "Connection": "store",
    "Event": "events",
    "Events": "events",
    "StoredEvent": "events",
    "StoreKeeper": "keeper",
    "Stream": "events",
    "Transaction": "events",
    "StoreSettings": "settings",
    "Store": "store",
    "open_store": "store",
}


def __getattr__(name: str) -> Any:
    """The driver is loaded by who opens the store: a supervisor that only asks whether there is one stays small."""
    if name in _HOMES:
        import importlib

        return getattr(importlib.import_module(f"haori.store.{_HOMES[name]}"), name)
    raise AttributeError(name)
