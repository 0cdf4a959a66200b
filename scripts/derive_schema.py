#!/usr/bin/env python3
"""Derives what Haori knows of Kubernetes' own types and writes it to src/haori/schema/data/.

    KUBECONFIG=... scripts/derive_schema.py --modules "$(go env GOMODCACHE)/k8s.io" --version v0.37.2

Two published sources: the OpenAPI v3 and discovery documents of a running API server (asked with kubectl) say fields,
defaults, list types and resources; the Go modules k8s.io/api, apimachinery, apiextensions-apiserver and kube-aggregator
(fetched beforehand with `go mod download`) say how the same types travel as protobuf: numbers and types from
generated.proto, JSON names and what a zero value means from the tags in types.go.

The files are blocks compressed one by one behind an index (see haori.schema.archive), so that reading one type costs one
block. Running this twice on the same sources writes the same bytes.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "src/haori/schema/data"
REF = "#/components/schemas/"
LEFT_OUT_GROUPS = ("flowcontrol.apiserver.k8s.io", "storagemigration.k8s.io", "resource.k8s.io")
"""Groups the sandbox does not serve."""
KEPT = (
    "type", "format", "required", "enum", "default", "oneOf", "x-kubernetes-group-version-kind", "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys", "x-kubernetes-map-type", "x-kubernetes-patch-strategy", "x-kubernetes-patch-merge-key",
    "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource",
    "x-kubernetes-unions",
)  # fmt: skip

JSON = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--modules", type=Path, required=True, help="the folder that holds api@VERSION and its neighbours"
    )
    parser.add_argument("--version", default="v0.37.2", help="the modules' version")
    options = parser.parse_args()
    server = raw("/version")["gitVersion"]
    definitions, descriptions = read_definitions()
    messages = read_messages(options.modules, options.version)
    check_messages(messages, definitions)
    mark_omitted(messages, definitions)
    write_archive("definitions.bin", definitions, {"version": server, "gvks": kinds(definitions)})
    write_archive("descriptions.bin", descriptions, {"version": server})
    write_archive("protobuf.bin", messages, {"version": options.version})
    resources = read_resources()
    (DATA / "resources.json").write_text(
        "[\n" + ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in resources) + "\n]\n", encoding="utf-8"
    )
    print(f"{server}: {len(definitions)} definitions, {len(messages)} messages, {len(resources)} resources")


def raw(path: str) -> JSON:
    answer = subprocess.run(["kubectl", "get", "--raw", path], check=True, capture_output=True).stdout
    document: JSON = json.loads(answer)
    return document


def read_definitions() -> tuple[JSON, JSON]:
    """Definitions by name in the catalogue's form, and their descriptions: {"": its own, FIELD: the field's}."""
    definitions: JSON = {}
    descriptions: JSON = {}
    for path, entry in sorted(raw("/openapi/v3")["paths"].items()):
        if not is_group_version(path):
            continue
        for name, schema in raw(entry["serverRelativeURL"]).get("components", {}).get("schemas", {}).items():
            definitions[name] = trim(schema)
            texts = {"": schema.get("description", "")}
            texts.update({key: value.get("description", "") for key, value in schema.get("properties", {}).items()})
            descriptions[name] = {key: text for key, text in texts.items() if text}
    return dict(sorted(definitions.items())), dict(sorted(descriptions.items()))


def is_group_version(path: str) -> bool:
    if path == "api/v1":
        return True
    match = re.fullmatch(r"apis/([^/]+)/v[^/]+", path)
    return match is not None and is_served(match[1])


def is_served(group: str) -> bool:
    """Whether the group is Kubernetes' own and wanted; a server may hold custom ones too."""
    return group not in LEFT_OUT_GROUPS and ("." not in group or group.endswith(".k8s.io"))


def trim(schema: JSON) -> JSON:
    """A schema without prose; `allOf` around one `$ref`, which OpenAPI needs for siblings, becomes the `$ref`."""
    result: JSON = {key: schema[key] for key in KEPT if key in schema}
    reference = schema.get("$ref") or (schema.get("allOf") or [{}])[0].get("$ref")
    if reference:
        result["$ref"] = reference.removeprefix(REF)
    if "properties" in schema:
        result["properties"] = {key: trim(value) for key, value in sorted(schema["properties"].items())}
    if "items" in schema:
        result["items"] = trim(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = trim(schema["additionalProperties"])
    return result


def kinds(definitions: JSON) -> JSON:
    """ "group/version/kind" to the definition's name."""
    return {
        f"{gvk['group']}/{gvk['version']}/{gvk['kind']}": name
        for name, schema in definitions.items()
        for gvk in schema.get("x-kubernetes-group-version-kind", ())
    }


# ---- protobuf ----


PACKAGES = {
    "api": ("apps/v1", "core/v1", "batch/v1", "autoscaling/v1", "autoscaling/v2", "networking/v1", "policy/v1", "rbac/v1",
            "discovery/v1", "coordination/v1", "events/v1", "storage/v1", "scheduling/v1", "scheduling/v1alpha3", "node/v1",
            "admissionregistration/v1", "authentication/v1", "authorization/v1", "certificates/v1"),
    "apimachinery": ("pkg/apis/meta/v1", "pkg/runtime", "pkg/api/resource", "pkg/util/intstr"),
    "apiextensions-apiserver": ("pkg/apis/apiextensions/v1",),
    "kube-aggregator": ("pkg/apis/apiregistration/v1",),
}  # fmt: skip
SCALARS = frozenset({"string", "bool", "int32", "int64", "uint32", "double", "bytes"})
# Types whose JSON is written by hand in Go; haori.schema.protobuf does the same.
BY_HAND = frozenset({
    "Quantity", "QuantityValue", "IntOrString", "Time", "MicroTime", "Timestamp", "RawExtension", "FieldsV1", "Duration",
    "List", "JSON", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray", "Unknown", "TypeMeta",
})  # fmt: skip


def read_messages(modules: Path, version: str) -> JSON:
    """Messages by definition name: a list of [number, JSON name, type, flags].

    Type is a scalar's or a message's name, or "map:" and the values' type. Flags: r repeated, p pointer (a zero was meant),
    o left out of JSON when empty (a struct never is), z when zero, i its fields stand in the outer object. A message that
    stands for a bare list has one field named "".
    """
    messages: JSON = {}
    for module, folders in PACKAGES.items():
        for folder in folders:
            place = modules / f"{module}@{version}" / folder
            go = dict(go_tags(place))
            messages.update(proto_messages((place / "generated.proto").read_text(encoding="utf-8"), go))
    return dict(sorted(messages.items()))


def go_tags(place: Path) -> Iterator[tuple[tuple[str, int], tuple[str, str]]]:
    """(struct, number) to (JSON name, flags), from the struct tags of the package's Go files."""
    for path in sorted(place.glob("*.go")):
        struct = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if match := re.match(r"type (\w+) struct", line):
                struct = match[1]
            tag = re.match(r"\s+([^`/]+?)\s+`(.*)`", line)
            protobuf = re.search(r'protobuf:"\w+,(\d+)', tag[2]) if tag else None
            if not struct or tag is None or protobuf is None:
                continue
            name, *more = (re.search(r'json:"([^"]*)"', tag[2]) or re.match("()", ""))[1].split(",")  # type: ignore[index]
            flags = "p" if tag[1].split()[-1].startswith("*") else ""
            flags += "o" if "omitempty" in more else ""
            flags += "z" if "omitzero" in more else ""
            yield (struct, int(protobuf[1])), (name, flags + ("" if name else "i"))


def proto_messages(text: str, go: Mapping[tuple[str, int], tuple[str, str]]) -> Iterator[tuple[str, list[list[Any]]]]:
    package = re.search(r"^package (.*);", text, re.M)[1]  # type: ignore[index]
    prefix = definition_name(package)
    for name, body in re.findall(r"^message (\w+) \{\n(.*?)^\}", text, re.M | re.S):
        fields = []
        for label, kind, field, number in re.findall(
            r"^  (optional |repeated |)(map<string, [\w.]+>|[\w.]+) (\w+) = (\d+);", body, re.M
        ):
            mapped = kind.startswith("map<")
            inner = kind[len("map<string, ") : -1] if mapped else kind
            if inner not in SCALARS:
                inner = definition_name(inner[1:]) if inner.startswith(".") else f"{prefix}.{inner}"
            tag = None if name in BY_HAND else go.get((name, int(number)))
            if tag is None and name not in BY_HAND and field != "items":
                raise SystemExit(f"{package}.{name}.{field}: no Go tag")
            json_name, flags = tag or (field if name in BY_HAND else "", "")
            flags += "r" if label == "repeated " else ""
            fields.append([int(number), json_name, f"map:{inner}" if mapped else inner, flags])
        yield f"{prefix}.{name}", fields


def definition_name(proto: str) -> str:
    return "io.k8s." + proto.removeprefix("k8s.io.").replace("_", "-")


def check_messages(messages: JSON, definitions: JSON) -> None:
    """Every published field has a number and the other way round."""
    problems = []
    for name, schema in definitions.items():
        short = name.rpartition(".")[2]
        if name not in messages or short in BY_HAND or "properties" not in schema:
            if name not in messages and "properties" in schema:
                print(f"no message for {name}")
            continue
        there = set(json_names(messages, name))
        published = set(schema["properties"]) - {"apiVersion", "kind"}
        if published - there or there - published - {"apiVersion", "kind"}:
            problems.append(f"{name}: only OpenAPI {published - there}, only proto {there - published}")
    if problems:
        raise SystemExit("\n".join(problems))


def mark_omitted(messages: JSON, definitions: JSON) -> None:
    """Marks the properties that Go leaves out of JSON when they hold a zero value (`omit`)."""
    for name, schema in definitions.items():
        if name not in messages or name.rpartition(".")[2] in BY_HAND:
            continue
        for field, flags in json_fields(messages, name):
            shape = schema.get("properties", {}).get(field)
            if shape is not None and "p" not in flags and ("z" in flags or ("o" in flags and "$ref" not in shape)):
                shape["omit"] = True


def json_fields(messages: JSON, name: str) -> Iterator[tuple[str, str]]:
    for _, field, kind, flags in messages[name]:
        if "i" in flags:
            yield from json_fields(messages, kind)
        else:
            yield field, flags


def json_names(messages: JSON, name: str) -> Iterator[str]:
    for _, field, kind, flags in messages[name]:
        if "i" in flags:
            yield from json_names(messages, kind)
        else:
            yield field


# ---- discovery ----


def read_resources() -> list[JSON]:
    """One entry a resource, in the order of discovery, its subresources inside."""
    result: list[JSON] = []
    groups = [("", "v1", "/api/v1")]
    for group in raw("/apis")["groups"]:
        if is_served(group["name"]):
            groups += [(group["name"], v["version"], f"/apis/{v['groupVersion']}") for v in group["versions"]]
    for group_name, version, path in groups:
        entries: dict[str, JSON] = {}
        for resource in raw(path)["resources"]:
            plural, _, sub = resource["name"].partition("/")
            if sub:
                entries[plural]["subresources"].append({
                    "name": sub, "group": resource.get("group", group_name), "version": resource.get("version", version),
                    "kind": resource["kind"], "verbs": resource["verbs"],
                })  # fmt: skip
                continue
            entries[plural] = {
                "group": group_name, "version": version, "kind": resource["kind"], "plural": plural,
                "singular": resource["singularName"], "namespaced": resource["namespaced"],
                "shortNames": resource.get("shortNames", []), "categories": resource.get("categories", []),
                "verbs": resource["verbs"], "subresources": [],
            }  # fmt: skip
        result += entries.values()
    return result


# ---- writing ----


def write_archive(name: str, values: Mapping[str, Any], head: JSON) -> None:
    """The head's length, the head, a dictionary all blocks share, the blocks: see haori.schema.archive."""
    texts = {
        key: json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() for key, value in values.items()
    }
    shared = shared_text(list(texts.values()))
    blocks, index, offset = [], {}, 0
    for key, text in texts.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, shared)
        block = packer.compress(text) + packer.flush()
        blocks.append(block)
        index[key] = [offset, len(block)]
        offset += len(block)
    top = zlib.compress(json.dumps({**head, "index": index}, separators=(",", ":")).encode(), 9)
    packed = zlib.compress(shared, 9)
    (DATA / name).write_bytes(
        len(top).to_bytes(4, "big") + len(packed).to_bytes(4, "big") + top + packed + b"".join(blocks)
    )


def shared_text(texts: list[bytes]) -> bytes:
    """Up to 32 KiB of what many blocks have in common: the most usual of their pieces, the most usual last."""
    counts: dict[bytes, int] = {}
    for text in texts:
        for piece in set(re.findall(rb'"[^"]{3,}":\{[^{}]*\}|"[^"]{12,200}"|\[[^\[\]]{12,}\]', text)):
            counts[piece] = counts.get(piece, 0) + 1
    usual = sorted((piece for piece, count in counts.items() if count > 2), key=lambda p: ((counts[p] - 1) * len(p), p))
    return b"".join(usual)[-32000:]


if __name__ == "__main__":
    main()
