"""Kubernetes objects as plain mappings: keys, YAML, quantities, times, selectors, masking.

Takes bytes, texts and manifests, gives manifests and plain values. It knows how objects are written, never what a kind
means (that is `schema`). No network, no files, no clock; nothing handed in is ever changed.
"""

from haori.objects.access import (
    annotations_of,
    copy_manifest,
    labels_of,
    nested,
    nested_list,
    nested_mapping,
    nested_mappings,
    nested_text,
    nested_texts,
)
from haori.objects.errors import ObjectsError, QuantityError, SelectorError, YamlError
from haori.objects.keys import (
    GroupKind,
    GroupVersionKind,
    Manifest,
    ResourceKey,
    format_api_version,
    format_object,
    gvk_of,
    key_of,
    parse_api_version,
)

__all__ = [
    "GroupKind",
    "GroupVersionKind",
    "Manifest",
    "ObjectsError",
    "QuantityError",
    "ResourceKey",
    "SelectorError",
    "YamlError",
    "annotations_of",
    "copy_manifest",
    "format_api_version",
    "format_object",
    "gvk_of",
    "key_of",
    "labels_of",
    "nested",
    "nested_list",
    "nested_mapping",
    "nested_mappings",
    "nested_text",
    "nested_texts",
    "parse_api_version",
]
