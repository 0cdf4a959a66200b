"""What can go wrong with the store.

UserError
├── StoreMissingError         no PostgreSQL server on this machine, or none that may run here
├── StoreDataError            the data folder cannot be used
└── StoreSchemaError          the database is not one of this program
TransientError
└── StoreUnavailableError     the server does not answer, or not in time
"""

from __future__ import annotations

from haori.errors import TransientError, UserError


class StoreMissingError(UserError):
    """`store-server-missing`, `store-root-refused`."""


class StoreDataError(UserError):
    """`store-data-version`, `store-data-unusable`, `store-url-unreadable`, `store-run-elsewhere`."""


class StoreSchemaError(UserError):
    """`store-schema-newer`, `store-schema-changed`."""


class StoreUnavailableError(TransientError):
    """`store-unreachable`, `store-silent`, `store-too-slow`, `store-ended`, and of a keeper `store-away`, `store-opening`."""
