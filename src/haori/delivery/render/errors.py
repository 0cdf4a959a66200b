"""What can go wrong while rendering.

RenderError            the repository's author has to change something
└── RenderPathError    a path that is missing, or leads out of the repository
RenderDiskError        (transient) this machine has no room for the files of a render
"""

from __future__ import annotations

from haori.errors import TransientError, UserError


class RenderError(UserError):
    """The source cannot be turned into manifests."""


class RenderPathError(RenderError):
    """A path of the source does not exist, or leads out of the repository."""


class RenderDiskError(TransientError):
    """The disk is full where renders have their folders; the operator has to act, and then it goes on."""
