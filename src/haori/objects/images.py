"""The images that Pods of an object run: of a Pod itself, of what has a template of one, of a CronJob."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from haori.objects.access import nested_list, nested_text
from haori.objects.keys import Manifest

_PATHS = (("spec",), ("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"))


def images_of(manifests: Iterable[Manifest]) -> list[str]:
    """Sorted, each once. The texts are shared, since many objects run the same few images."""
    found = set()
    for manifest in manifests:
        for path in _PATHS:
            for part in ("containers", "initContainers"):
                for container in nested_list(manifest, *path, part):
                    if image := nested_text(container, "image"):
                        found.add(sys.intern(image))
    return sorted(found)
