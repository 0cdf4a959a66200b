"""What is produced and has to be found again: one PostgreSQL, given by URL or run from the instance's data folder.

Takes settings, gives a `Store`: a pool of connections to a database whose schema is the one this program knows, and the
append-only events that audit and timeline share. Git and Kubernetes hold what is declared; delivery works with the store
down. A server that does not answer is a `StoreUnavailableError`, which is transient and names it.
"""

from haori.store.embedded import Embedded, run_embedded
from haori.store.errors import StoreDataError, StoreMissingError, StoreSchemaError, StoreUnavailableError
from haori.store.events import Event, Events, StoredEvent, Stream
from haori.store.settings import StoreSettings
from haori.store.store import Store, open_store

__all__ = [
    "Embedded",
    "Event",
    "Events",
    "Store",
    "StoreDataError",
    "StoreMissingError",
    "StoreSchemaError",
    "StoreSettings",
    "StoreUnavailableError",
    "StoredEvent",
    "Stream",
    "open_store",
    "run_embedded",
]
