"""Repositories: fetch, resolve, read trees without a checkout, push.

Takes URLs, revisions and paths; gives commits, trees and bytes out of bare mirrors that it keeps below one folder. Every
repository is hostile until shown otherwise: links are surfaced and never followed, no hook runs, git asks nobody and reads
nobody's configuration. Credentials come from a callable and go to git by its environment, never by arguments or URLs.
"""

from haori.git.credentials import Credentials, credentials_from_secret, find_credentials
from haori.git.errors import (
    RepositoryError,
    RepositoryRefusedError,
    RepositoryUnreachableError,
    RevisionMissingError,
)
from haori.git.mirror import Refs
from haori.git.objects import GitObject
from haori.git.push import Author, push_files
from haori.git.repositories import CommitInfo, Repositories, RepositorySettings
from haori.git.tree import Entry, EntryType, ExportLimits, Tree
from haori.git.urls import mirror_identity, normalize_url, redact_url, repository_place
from haori.git.watch import Refreshes, RepositoryWatch

__all__ = [
    "Author",
    "CommitInfo",
    "Credentials",
    "Entry",
    "EntryType",
    "ExportLimits",
    "GitObject",
    "Refreshes",
    "Refs",
    "Repositories",
    "RepositoryError",
    "RepositoryRefusedError",
    "RepositorySettings",
    "RepositoryUnreachableError",
    "RepositoryWatch",
    "RevisionMissingError",
    "Tree",
    "credentials_from_secret",
    "find_credentials",
    "mirror_identity",
    "normalize_url",
    "push_files",
    "redact_url",
    "repository_place",
]
