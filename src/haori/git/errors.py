"""What can go wrong with a repository.

RepositoryRefusedError    (user)       a URL, a path or a change we do not accept
RevisionMissingError      (user)       there is no such branch, tag or commit
RepositoryError           (peer)       the server said no, or what it holds cannot be read
RepositoryUnreachableError (transient) the server did not answer, or the branch moved under every try
"""

from __future__ import annotations

from haori.errors import PeerError, TransientError, UserError


class RepositoryRefusedError(UserError):
    """We do not accept this URL, path or change."""


class RevisionMissingError(UserError):
    """The repository has no such revision."""


class RepositoryError(PeerError):
    """The repository's server refused, or its content cannot be used."""


class RepositoryUnreachableError(TransientError):
    """The repository could not be reached now."""
