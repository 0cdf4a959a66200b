"""What one render is asked for, and what it read: the values that go into and come out of `Renderer`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from haori.delivery.model.application import Source
from haori.delivery.render.detect import SourceType
from haori.delivery.render.folder import RenderContext
from haori.git import Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderRequest:
    """One source at one commit."""

    source: Source
    tree: Tree
    """The files of the commit that `source.target_revision` means now (or that a pin names)."""
    context: RenderContext
    """What the renderer is told of application and cluster; `limits` and `isolation` never change what comes out."""
    instance: str = ""
    """The application's name as `.argocd-source-NAME.yaml` spells it, with its namespace where that is not the control
    namespace; empty: as `context` has it."""
    value_schemes: tuple[str, ...] = ("https", "http")
    """The schemes that URLs of value files may have; they never change what comes out."""
    project: str = ""
    """The application's project, for `$ARGOCD_APP_PROJECT_NAME`."""
    references: Mapping[str, Tree] = field(default_factory=dict)
    """The commits of the sources that carry a `ref`, by that name: where `$NAME/path` value files are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a source reads of its repository."""

    source_type: SourceType
    paths: tuple[str, ...]
    """Files and folders, sorted; a path that is looked for and absent is among them. `("",)` is the whole repository."""
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The value files it reads of other sources' repositories, by their `ref`; `("",)` is such a repository as a whole."""
    is_whole: bool = False
    """Whether the whole repository counts, since what is read could not be listed."""
