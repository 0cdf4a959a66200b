"""What `spec.source.kustomize` changes in a kustomization, as Argo CD changes it: by `kustomize edit` in the source's folder.

The kustomization itself is edited, not wrapped in another: a prefix takes the place of the one that stands there, an image or
a number of replicas the place of the entry of its name, and patches and components come into the order of its own fields.
see: argoproj/argo-cd `util/kustomize/kustomize.go` (3.6), kubernetes-sigs/kustomize `kustomize/commands/edit` (v5). Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from haori.delivery.render.errors import RenderError

KEEP = "*"
"""In an image override: what stands there stays."""
_TAGGED = re.compile(r"(.*):([a-zA-Z0-9._-]*|\*)")
_PLAIN = {"namePrefix": "namePrefix", "nameSuffix": "nameSuffix", "namespace": "namespace"}


def edit_kustomization(
    kustomization: Mapping[str, Any], options: Mapping[str, Any], *, exists: Callable[[str], bool]
) -> dict[str, Any] | None:
    """The kustomization with the options put in; None where they change nothing.

    `exists` says of a component's path whether it is there. Raises RenderError for what `kustomize edit` refuses.
    """
    edited = dict(kustomization)
    for option, field in _PLAIN.items():
        if options.get(option):
            edited[field] = str(options[option])
    if images := _list(options, "images"):
        edited["images"] = _put_images(_entries(edited, "images"), [parse_image(str(image)) for image in images])
    if replicas := _list(options, "replicas"):
        edited["replicas"] = _put_replicas(_entries(edited, "replicas"), replicas)
    if labels := _mapping(options, "commonLabels"):
        _put_labels(edited, labels, options)
    if annotations := _mapping(options, "commonAnnotations"):
        _add(edited, "commonAnnotations", annotations, is_forced=bool(options.get("forceCommonAnnotations")))
    if patches := _list(options, "patches"):
        edited["patches"] = [*_entries(edited, "patches"), *patches]
    if components := [str(each) for each in _list(options, "components")]:
        if options.get("ignoreMissingComponents"):
            components = [each for each in components if exists(each)]
        present = edited.get("components") or []
        edited["components"] = [*present, *(each for each in components if each not in present)]
    return edited if edited != kustomization else None


def parse_image(text: str) -> dict[str, str]:
    """An image override, `[NAME=]IMAGE[:TAG][@DIGEST]`, as an entry of `images`; `*` keeps what stands there.

    Raises RenderError where it changes nothing.
    """
    name, equals, image = text.partition("=")
    if not equals:
        name, image = "", text
    image, _, digest = image.partition("@")
    tagged = _TAGGED.fullmatch(image)
    repository, tag = (tagged[1], tagged[2]) if tagged else (image, "")
    entry = {"name": name or repository}
    if name:
        entry["newName"] = repository
    if tag:
        entry["newTag"] = tag
    if digest:
        entry["digest"] = digest
    if len(entry) == 1 or not entry["name"]:
        raise RenderError("render-image-invalid", image=text)
    return entry


def _put_images(present: list[Any], given: list[dict[str, str]]) -> list[Any]:
    by_name = {str(entry.get("name")): entry for entry in present if isinstance(entry, Mapping)}
    for entry in given:
        before = by_name.get(entry["name"], {})
        values = {field: before.get(field) if value == KEEP else value for field, value in entry.items()}
        by_name[entry["name"]] = {field: value for field, value in values.items() if value}
    return [by_name[name] for name in sorted(by_name)]


def _put_replicas(present: list[Any], given: list[Any]) -> list[Any]:
    by_name = {str(entry.get("name")): entry for entry in present if isinstance(entry, Mapping)}
    for entry in given:
        name, count = (entry.get("name"), entry.get("count")) if isinstance(entry, Mapping) else (None, None)
        if not name or not re.fullmatch(r"[0-9]+", str(count)):
            raise RenderError("render-option-invalid", field="kustomize.replicas")
        by_name[str(name)] = {"name": str(name), "count": int(str(count))}
    return list(by_name.values())


def _put_labels(edited: dict[str, Any], labels: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    is_forced = bool(options.get("forceCommonLabels"))
    if not options.get("labelWithoutSelector"):
        _add(edited, "commonLabels", labels, is_forced=is_forced)
        return
    present = _entries(edited, "labels")
    for entry in present:
        pairs = entry.get("pairs") if isinstance(entry, Mapping) else None
        _refuse_present("labels", pairs if isinstance(pairs, Mapping) else {}, labels, is_forced=is_forced)
    kept = [_without(entry, labels) for entry in present]
    templates = bool(options.get("labelIncludeTemplates"))
    added = {"pairs": dict(labels), "includeSelectors": False, "includeTemplates": templates}
    edited["labels"] = [*(entry for entry in kept if entry.get("pairs")), added]


def _without(entry: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, Any]:
    pairs = {name: value for name, value in (entry.get("pairs") or {}).items() if name not in labels}
    return {**entry, "pairs": pairs}


def _add(edited: dict[str, Any], field: str, given: Mapping[str, Any], *, is_forced: bool) -> None:
    present = edited.get(field) or {}
    _refuse_present(field, present, given, is_forced=is_forced)
    edited[field] = {**present, **{name: str(value) for name, value in given.items()}}


def _refuse_present(field: str, present: Mapping[str, Any], given: Mapping[str, Any], *, is_forced: bool) -> None:
    again = sorted(set(present) & set(given))
    if again and not is_forced:
        option = "forceCommonAnnotations" if field == "commonAnnotations" else "forceCommonLabels"
        raise RenderError("render-kustomize-present", field=field, names=again, option=option)


def _entries(kustomization: Mapping[str, Any], field: str) -> list[Any]:
    found = kustomization.get(field) or []
    return found if isinstance(found, list) else []


def _list(options: Mapping[str, Any], field: str) -> list[Any]:
    found = options.get(field) or []
    if not isinstance(found, list):
        raise RenderError("render-option-invalid", field=f"kustomize.{field}")
    return found


def _mapping(options: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    found = options.get(field) or {}
    if not isinstance(found, Mapping):
        raise RenderError("render-option-invalid", field=f"kustomize.{field}")
    return found
