"""CustomResourceDefinitions: what they are called and which versions they have.

see: apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go` (v0.37). Whether a schema is structural and
whether its rules are well-formed is not looked into.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import IMMUTABLE, Problems, entries, in_code, part, said, unchanged
from haori.schema.problems import invalid, required, unsupported

_SCOPES = ("Cluster", "Namespaced")
_MIXED_CASE = "may have mixed case, but should otherwise match: "


def check_definition(manifest: Manifest, old: Manifest | None) -> Problems:
    """A CustomResourceDefinition."""
    spec = part(manifest, "spec")
    group, names = spec.get("group") or "", part(spec, "names")
    wanted, name = f"{names.get('plural') or ''}.{group}", part(manifest, "metadata").get("name")
    before = part(old, "spec") if old is not None else spec
    if (plural := names.get("plural")) != part(before, "names").get("plural"):
        yield invalid("spec.names.plural", plural, IMMUTABLE)
    elif name != wanted:
        yield invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group')
    if not group:
        yield required("spec.group")
    elif "." not in group:
        yield invalid("spec.group", group, "should be a domain with at least one dot")
    else:
        yield from said("spec.group", group, words.subdomain(group))
    scope = spec.get("scope") or ""
    if not scope:
        yield required("spec.scope")
    elif scope not in _SCOPES:
        yield unsupported("spec.scope", scope, _SCOPES)
    yield from _names(names, "spec.names")
    yield from _versions(manifest, spec)
    if old is not None and _is_established(old):
        before = part(old, "spec")
        yield from unchanged("spec.scope", scope, before.get("scope"))
        yield from unchanged("spec.names.kind", names.get("kind"), part(before, "names").get("kind"))


def _is_established(definition: Manifest) -> bool:
    conditions = part(definition, "status").get("conditions") or ()
    return any(each.get("type") == "Established" and each.get("status") == "True" for each in conditions)


def _names(names: Mapping[str, Any], path: str) -> Problems:
    for field in ("plural", "singular"):
        text = names.get(field) or ""
        if not text:
            yield required(f"{path}.{field}")
        else:
            yield from said(f"{path}.{field}", text, words.old_label(text))
    for field in ("kind", "listKind"):
        text = names.get(field) or ""
        if not text:
            yield required(f"{path}.{field}")
        else:
            complaints = words.old_label(text.lower())
            yield from said(f"{path}.{field}", text, (_MIXED_CASE + each for each in complaints))
    for position, text in enumerate(names.get("shortNames") or ()):
        yield from said(f"{path}.shortNames[{position}]", text, words.old_label(text))
    if names.get("kind") and names.get("kind") == names.get("listKind"):
        yield invalid(f"{path}.listKind", names["listKind"], "kind and listKind may not be the same")


def _versions(manifest: Manifest, spec: Mapping[str, Any]) -> Problems:
    versions = [version for _, version in entries(spec, "versions")]
    stored = [version.get("name") for version in versions if version.get("storage")]
    if len({version.get("name") for version in versions}) < len(versions):
        yield invalid("spec.versions", _as_in_code(versions), "must contain unique version names")
    for position, version in enumerate(versions):
        name = version.get("name") or ""
        yield from said(f"spec.versions[{position}].name", name, words.old_label(name))
        if not position:
            # The first version is checked a second time as the one that `spec.version` once named.
            yield from said("spec.version", name, words.old_label(name))
        yield from _schema(version, f"spec.versions[{position}].schema.openAPIV3Schema", is_alone=len(versions) == 1)
    if len(stored) != 1:
        detail = "must have exactly one version marked as storage version"
        yield invalid("spec.versions", _as_in_code(versions), detail)
    yield from _stored(manifest, stored)


def _schema(version: Mapping[str, Any], path: str, *, is_alone: bool) -> Problems:
    found = part(version, "schema").get("openAPIV3Schema")
    if found is None:
        yield required(path)
    elif not found.get("type"):
        # A schema that all versions share is reported where it stood in v1beta1.
        place = "spec.validation.openAPIV3Schema" if is_alone else path
        yield required(f"{place}.type", "must not be empty at the root")


def _stored(manifest: Manifest, names: list[Any]) -> Problems:
    """What the object's status says of stored versions; it begins with the first version marked."""
    kept = list(part(manifest, "status").get("storedVersions") or names[:1])
    if not kept:
        yield invalid("status.storedVersions", None, "must have at least one stored version")
    for name in names:
        if name not in kept:
            yield invalid("status.storedVersions", kept, f"must have the storage version {name}")


def _as_in_code(versions: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Versions as the server prints them, by the names of its own code; schemas are left out."""
    shown = ("name", "served", "storage")
    return [in_code({name: version.get(name) for name in shown}) for version in versions]
