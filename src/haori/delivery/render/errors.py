"""What can go wrong while rendering.

RenderError            the repository's author has to change something
└── RenderPathError    a path that is missing, or leads out of the repository
"""

from __future__ import annotations

from haori.errors import UserError


class RenderError(UserError):
    """The source cannot be turned into manifests."""


class RenderPathError(RenderError):
    """A path of the source does not exist, or leads out of the repository."""
