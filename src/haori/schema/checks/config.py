"""ConfigMaps and Secrets.

see: Kubernetes `pkg/apis/core/validation/validation.go`, ValidateConfigMap and ValidateSecret (1.37).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from haori.objects import Manifest
from haori.schema.checks import words
from haori.schema.checks.common import IMMUTABLE, Problems, part, said
from haori.schema.problems import forbidden, invalid, required, too_long

_TOTAL_LIMIT = 1024 * 1024
_KEPT = "field is immutable when `immutable` is set"
_REDACTED = "<secret contents redacted>"
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"


def check_config_map(manifest: Manifest, old: Manifest | None) -> Problems:
    """A ConfigMap."""
    data, binary = part(manifest, "data"), part(manifest, "binaryData")
    for key in data:
        yield from said(f"data[{key}]", key, words.config_key(key))
        if key in binary:
            yield invalid(f"data[{key}]", key, "duplicate of key present in binaryData")
    for key in binary:
        yield from said(f"binaryData[{key}]", key, words.config_key(key))
    size = sum(len(str(value).encode()) for value in data.values()) + sum(map(_decoded_size, binary.values()))
    if size > _TOTAL_LIMIT:
        yield too_long("", _TOTAL_LIMIT)
    yield from _kept(manifest, old, ("data", "binaryData"))


def check_secret(manifest: Manifest, old: Manifest | None) -> Problems:
    """A Secret."""
    data, kind = part(manifest, "data"), str(manifest.get("type") or "")
    for key in data:
        yield from said(f"data[{key}]", key, words.config_key(key))
    if sum(map(_decoded_size, data.values())) > _TOTAL_LIMIT:
        yield too_long("data", _TOTAL_LIMIT)
    for key in _NEEDED.get(kind, ()):
        if key not in data:
            yield required(f"data[{key}]")
        elif key.startswith(".docker") and (complaint := _not_json(data[key])):
            yield invalid(f"data[{key}]", _REDACTED, complaint)
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(data):
        yield required("data[username]")
        yield required("data[password]")
    if kind == "kubernetes.io/service-account-token" and not part(manifest, "metadata", "annotations").get(_ACCOUNT):
        yield required(f"metadata.annotations[{_ACCOUNT}]")
    if old is not None and manifest.get("type") != old.get("type"):
        yield invalid("type", manifest.get("type"), IMMUTABLE)
    yield from _kept(manifest, old, ("data",))


def _kept(manifest: Manifest, old: Manifest | None, fields: tuple[str, ...]) -> Problems:
    if old is None or not old.get("immutable"):
        return
    if not manifest.get("immutable"):
        yield forbidden("immutable", _KEPT)
    for field in fields:
        if part(manifest, field) != part(old, field):
            yield forbidden(field, _KEPT)


def _decoded_size(text: Any) -> int:
    return len(str(text)) * 3 // 4


def _not_json(text: Any) -> str:
    """What Go's decoder says of the first letter that does not fit; empty where the text is JSON."""
    content = base64.b64decode(str(text)).decode(errors="replace")
    try:
        json.loads(content)
    except json.JSONDecodeError as error:
        if error.pos >= len(content):
            return "unexpected end of JSON input"
        return f"invalid character '{content[error.pos]}' looking for beginning of value"
    return ""
