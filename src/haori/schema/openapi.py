"""The OpenAPI v3 documents an API serves, one a group and version, good for kubectl's explain, validation and apply.

A document is put together when it is asked for, from the compressed definitions and descriptions, and not kept: the
core's is 1 MB. Paths name the operations and kinds; of the parameters only those that kubectl looks for are there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import orjson

from haori.objects import Manifest, nested_mapping, parse_api_version
from haori.schema.archive import data_file, open_archive
from haori.schema.builtin import LIST_META, META, OBJECT_META, builtin_resources
from haori.schema.catalog import Schemas
from haori.schema.crd import served_versions

_REF = "#/components/schemas/"
_PATCHES = (
    "application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)  # fmt: skip
_ANSWERS = ("application/json", "application/yaml", "application/vnd.kubernetes.protobuf")
_METHODS = {"get": "get", "create": "post", "update": "put", "patch": "patch", "delete": "delete"}
_NAMESPACE = {"name": "namespace", "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "uniqueItems": True}}


def openapi_v3_index(schemas: Schemas) -> dict[str, Any]:
    """The body of `/openapi/v3`: each group version's path and the address of its document, which names its content."""
    paths = {_place(api_version): _digest(schemas, api_version) for api_version in schemas.group_versions()}
    return {
        "paths": {
            place: {"serverRelativeURL": f"/openapi/v3/{place}?hash={digest}"}
            for place, digest in sorted(paths.items())
        }
    }


def openapi_v3_document(schemas: Schemas, group_version: str) -> bytes | None:
    """The document of `api/v1`, `apis/apps/v1`, ... as JSON; None where no such group version is known."""
    api_version = group_version.removeprefix("apis/").removeprefix("api/")
    if api_version not in set(schemas.group_versions()) or _place(api_version) != group_version:
        return None
    components: dict[str, Any] = {}
    paths: dict[str, Any] = {}
    for name in _definitions_of(api_version):
        _add(components, name)
    for path, item, spoken in _builtin_paths(api_version):
        paths[path] = item
        if spoken is not None:
            _add(components, spoken)
    for crd in schemas.crds:
        _add_custom(components, paths, crd, api_version)
    for name in ("Patch", "DeleteOptions", "Status"):
        _add(components, META + name)
    return orjson.dumps(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": open_archive("definitions").head["version"]},
            "paths": paths,
            "components": {
                "schemas": components,
                "securitySchemes": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
            },
        }
    )


def _place(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


@cache
def _data_digest() -> str:
    return hashlib.sha256(data_file("definitions.bin") + data_file("descriptions.bin")).hexdigest()


def _digest(schemas: Schemas, api_version: str) -> str:
    found = hashlib.sha256(f"{_data_digest()} {api_version}".encode())
    for crd in schemas.crds:
        for group, version, _, entry in served_versions(crd):
            if f"{group}/{version}" == api_version:
                found.update(orjson.dumps([nested_mapping(crd, "spec", "names"), entry], option=orjson.OPT_SORT_KEYS))
    return found.hexdigest().upper()


def _definitions_of(api_version: str) -> Iterator[str]:
    for key, name in open_archive("definitions").head["gvks"].items():
        if key.rpartition("/")[0].strip("/") == api_version:
            yield name


# ---- definitions ----


def _add(components: dict[str, Any], name: str) -> None:
    """A definition and all it refers to, as published."""
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in components or current not in open_archive("definitions"):
            continue
        texts = open_archive("descriptions").read(current)
        schema = open_archive("definitions").read(current)
        refers: list[str] = []
        served = _served(schema, texts.get("", ""), refers)
        for field, inner in served.get("properties", {}).items():
            if field in texts:
                served["properties"][field] = {"description": texts[field], **inner}
        components[current] = served
        waiting += refers


def _served(schema: Mapping[str, Any], description: str, refers: list[str]) -> dict[str, Any]:
    """A schema in the form OpenAPI wants: `$ref` beside others inside `allOf`."""
    result: dict[str, Any] = {"description": description} if description else {}
    for key, value in schema.items():
        match key:
            case "omit":
                pass
            case "$ref":
                refers.append(value)
                reference = {"$ref": _REF + value}
                result.update(reference if len(schema) == 1 else {"allOf": [reference]})
            case "properties":
                result[key] = {name: _served(inner, "", refers) for name, inner in value.items()}
                for name, inner in result[key].items():
                    if "$ref" in inner:
                        # A description will stand beside it.
                        result[key][name] = {"allOf": [inner]}
            case "items" | "additionalProperties":
                result[key] = _served(value, "", refers)
            case _:
                result[key] = value
    return result


# ---- paths ----


def _builtin_paths(api_version: str) -> Iterator[tuple[str, dict[str, Any], str | None]]:
    """(path, item, definition) of everything below one apiVersion, subresources of other groups among them."""
    gvks = open_archive("definitions").head["gvks"]
    for resource in builtin_resources():
        if (f"{resource.group}/{resource.version}" if resource.group else resource.version) != api_version:
            continue
        gvk = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        schema = gvks.get(f"{resource.group}/{resource.version}/{resource.kind}")
        for path, item in _paths(api_version, resource.plural, resource.namespaced, resource.verbs, gvk, schema):
            yield path, item, schema
        for sub in resource.subresources:
            gvk = {"group": sub.group, "version": sub.version, "kind": sub.kind}
            name = gvks.get(f"{sub.group}/{sub.version}/{sub.kind}")
            root = f"/{_place(api_version)}" + ("/namespaces/{namespace}" if resource.namespaced else "")
            yield (
                f"{root}/{resource.plural}/{{name}}/{sub.name}",
                _item(sub.verbs, gvk, name, namespaced=resource.namespaced, named=True),
                name,
            )


def _paths(
    api_version: str, plural: str, namespaced: bool, verbs: Iterable[str], gvk: Mapping[str, str], schema: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    verbs = frozenset(verbs)
    root = f"/{_place(api_version)}"
    place = f"{root}/namespaces/{{namespace}}" if namespaced else root
    collection = verbs & {"create", "list", "deletecollection"}
    if namespaced and "list" in verbs:
        yield f"{root}/{plural}", _item({"list"}, gvk, schema, namespaced=False, named=False)
    if collection:
        yield f"{place}/{plural}", _item(collection, gvk, schema, namespaced=namespaced, named=False)
    single = verbs & {"get", "update", "patch", "delete"}
    if single:
        yield f"{place}/{plural}/{{name}}", _item(single, gvk, schema, namespaced=namespaced, named=True)


def _item(
    verbs: Iterable[str], gvk: Mapping[str, str], schema: str | None, *, namespaced: bool, named: bool
) -> dict[str, Any]:
    item: dict[str, Any] = {"parameters": [_NAME] * named + [_NAMESPACE] * namespaced}
    for verb in sorted(verbs):
        method = {"list": "get", "deletecollection": "delete"}.get(verb, _METHODS.get(verb))
        if method is not None:
            item[method] = _operation(verb, gvk, schema)
    return item


def _operation(verb: str, gvk: Mapping[str, str], schema: str | None) -> dict[str, Any]:
    content = {"schema": {"$ref": _REF + schema}} if schema else {}
    operation: dict[str, Any] = {
        "responses": {"200": {"description": "OK", "content": dict.fromkeys(_ANSWERS, content)}},
        "x-kubernetes-action": {"create": "post", "update": "put"}.get(verb, verb),
        "x-kubernetes-group-version-kind": gvk,
    }
    if verb in ("create", "update", "patch"):
        names = ["dryRun", "fieldManager", "fieldValidation"] + ["force"] * (verb == "patch")
        operation["parameters"] = [
            {"name": name, "in": "query", "schema": {"type": "boolean" if name == "force" else "string", "uniqueItems": True}}
            for name in names
        ]  # fmt: skip
        patch = {"schema": {"$ref": _REF + META + "Patch"}}
        kinds = dict.fromkeys(_PATCHES, patch) if verb == "patch" else {"*/*": content}
        operation["requestBody"] = {"content": kinds, "required": True}
    return operation


# ---- custom resources ----


def _add_custom(components: dict[str, Any], paths: dict[str, Any], crd: Manifest, api_version: str) -> None:
    for group, version, kind, entry in served_versions(crd):
        if parse_api_version(api_version) != (group, version):
            continue
        gvk = {"group": group, "version": version, "kind": kind}
        name = ".".join([*reversed(group.split(".")), version, kind])
        schema = dict(nested_mapping(entry, "schema", "openAPIV3Schema"))
        schema["properties"] = {
            **schema.get("properties", {}),
            **{field: {"type": "string"} for field in ("apiVersion", "kind")},
            "metadata": {"allOf": [{"$ref": _REF + OBJECT_META}]},
        }
        components[name] = {**schema, "x-kubernetes-group-version-kind": [gvk]}
        components[f"{name}List"] = {
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"allOf": [{"$ref": _REF + LIST_META}]},
                "items": {"type": "array", "items": {"allOf": [{"$ref": _REF + name}]}},
            },
            "x-kubernetes-group-version-kind": [{**gvk, "kind": f"{kind}List"}],
        }
        _add(components, OBJECT_META)
        _add(components, LIST_META)
        spec = nested_mapping(crd, "spec")
        verbs = ("create", "delete", "deletecollection", "get", "list", "patch", "update")
        plural = str(nested_mapping(spec, "names").get("plural", ""))
        paths.update(_paths(api_version, plural, spec.get("scope") != "Cluster", verbs, gvk, name))
