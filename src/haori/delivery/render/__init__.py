"""Sources to desired manifests: a directory of YAML, a Kustomize overlay, a Helm chart.

Takes a folder that holds a repository's files and a typed source, gives manifests in a stable order. helm and kubectl
are the real programs, run in the jail: no network, no credentials, bounded. It never talks to a cluster.
"""

from haori.delivery.render.detect import SourceType, detect_source_type
from haori.delivery.render.errors import RenderError
from haori.delivery.render.folder import RenderContext, Rendered, render_folder

__all__ = ["RenderContext", "RenderError", "Rendered", "SourceType", "detect_source_type", "render_folder"]
