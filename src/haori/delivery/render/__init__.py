"""Sources to desired manifests: a directory of YAML, a Kustomize overlay, a Helm chart.

Takes a folder that holds a repository's files and a typed source, gives manifests in a stable order. helm and kubectl
are the real programs, run in the jail: no network, no credentials, bounded. It never talks to a cluster. `Renderer`
takes a commit's tree instead of a folder and renders each content once, in whatever process.
"""

from haori.delivery.render.bases import PLACE, Bases, BaseSettings
from haori.delivery.render.detect import KUSTOMIZATION_NAMES, SourceType, detect_source_type
from haori.delivery.render.errors import RenderError
from haori.delivery.render.folder import RenderContext, Rendered, render_folder
from haori.delivery.render.renderer import Renderer, RendererSettings
from haori.delivery.render.request import Inputs, RenderRequest
from haori.delivery.render.sealing import load_instance_key

__all__ = [
    "KUSTOMIZATION_NAMES",
    "PLACE",
    "BaseSettings",
    "Bases",
    "Inputs",
    "RenderContext",
    "RenderError",
    "RenderRequest",
    "Rendered",
    "Renderer",
    "RendererSettings",
    "SourceType",
    "detect_source_type",
    "load_instance_key",
    "render_folder",
]
