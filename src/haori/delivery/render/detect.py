"""Which tool renders a folder."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from haori.delivery.model.application import Source

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class SourceType(StrEnum):
    """The tools, spelled as `status.sourceType` has them."""

    HELM = "Helm"
    KUSTOMIZE = "Kustomize"
    DIRECTORY = "Directory"
    PLUGIN = "Plugin"


def detect_source_type(source: Source, names: Collection[str]) -> SourceType:
    """The tool for a folder that holds files of `names`: what the source says, else what the files say.

    The order of the files is Argo CD's (reposerver/repository, util/app/discovery, 3.6): Chart.yaml, a kustomization
    file, else a directory.
    """
    for written, source_type in (
        (source.plugin, SourceType.PLUGIN),
        (source.helm, SourceType.HELM),
        (source.kustomize, SourceType.KUSTOMIZE),
        (source.directory, SourceType.DIRECTORY),
    ):
        if written is not None:
            return source_type
    if "Chart.yaml" in names:
        return SourceType.HELM
    if any(name in names for name in KUSTOMIZATION_NAMES):
        return SourceType.KUSTOMIZE
    return SourceType.DIRECTORY
