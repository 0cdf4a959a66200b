"""Secrets that may be shown and compared without being told.

Two forms. For people: every value becomes a run of plus signs; within one call equal values get equal runs and distinct
ones differ by four, so that a change is seen and its content is not (Argo CD's rule; fluxcd masks with stars instead).
For caches: `SecretHasher` puts a keyed hash in place of each value, so that a stored object still compares with a fresh
one and tells nothing to who reads the cache without the key. The hash covers where the value stands: the same password
in two Secrets gives two hashes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from typing import Any

import orjson

from haori.objects.access import annotations_of, copy_manifest, nested_mapping
from haori.objects.keys import Manifest

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
HASH_PREFIX = "haori-hash:"
_SHORTEST, _STEP = 8, 4


def is_secret(manifest: Manifest) -> bool:
    """Whether it is a core Secret."""
    return manifest.get("kind") == "Secret" and "/" not in str(manifest.get("apiVersion") or "v1")


def mask_manifest(manifest: Manifest) -> dict[str, Any]:
    """A copy in which a Secret's values are runs of plus signs; any other object is just copied."""
    return mask_manifests(manifest)[0]


def mask_manifests(*manifests: Manifest) -> list[dict[str, Any]]:
    """Copies masked together (desired and live, say): a data key with one value in both gets the same run in both."""
    return Masks(*manifests).manifests


class Masks:
    """What is masked together: `manifests` are the copies, and a value that is told apart from them has its run there."""

    def __init__(self, *manifests: Manifest) -> None:
        self._runs: dict[str, dict[bytes, str]] = {}
        self.manifests = [
            _masked(manifest, self._runs) if is_secret(manifest) else copy_manifest(manifest) for manifest in manifests
        ]

    def mask_value(self, key: str, value: Any) -> str:
        """The run of a value of `data`, which may be one that no manifest has."""
        return _run(self._runs.setdefault(key, {}), _plain("data", value))


def fold_string_data(manifest: Manifest) -> dict[str, Any]:
    """A copy of a Secret as the API stores it: `stringData` in `data`, base64, over what stood there; null is empty."""
    folded: dict[str, Any] = copy_manifest(manifest)
    texts = folded.pop("stringData", None)
    if not isinstance(texts, Mapping):
        texts = {}
    if texts or folded.get("data") is not None:
        data = {key: "" if value is None else value for key, value in nested_mapping(folded, "data").items()}
        data.update({key: _encode(value) for key, value in texts.items()})
        folded["data"] = data
    return folded


class SecretHasher:
    """Keyed hashes for Secret values; `key` is the instance key, at least 16 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("the key is too short")
        self._key = key

    def hash_value(self, scope: str, value: bytes) -> str:
        """The hash of one value in one place (`scope`), as text that no base64 value can equal."""
        message = len(scope.encode()).to_bytes(4, "big") + scope.encode() + value
        return HASH_PREFIX + hmac.digest(self._key, message, "sha256").hex()[:32]

    def hash_manifest(self, manifest: Manifest) -> dict[str, Any]:
        """A Secret with `stringData` folded, hashes for values, no last-applied text; twice changes nothing."""
        folded = fold_string_data(manifest)
        metadata = nested_mapping(folded, "metadata")
        place = f"{metadata.get('namespace', '')}/{metadata.get('name', '')}"
        if "data" in folded:
            folded["data"] = {
                key: value if _is_hash(value) else self.hash_value(f"{place}/{key}", _decode(value))
                for key, value in folded["data"].items()
            }
        if LAST_APPLIED in annotations_of(folded):
            del folded["metadata"]["annotations"][LAST_APPLIED]
        return folded


def _masked(manifest: Manifest, runs: dict[str, dict[bytes, str]]) -> dict[str, Any]:
    masked: dict[str, Any] = copy_manifest(manifest)
    # In the order of what counts, so that runs are the same once a Secret's `stringData` is folded.
    for field in ("stringData", "data"):
        values = masked.get(field)
        if isinstance(values, dict):
            for key, value in values.items():
                values[key] = _run(runs.setdefault(str(key), {}), _plain(field, value))
    last_applied = annotations_of(masked).get(LAST_APPLIED)
    if last_applied is not None:
        masked["metadata"]["annotations"][LAST_APPLIED] = _mask_text(last_applied, runs)
    return masked


def _mask_text(text: Any, runs: dict[str, dict[bytes, str]]) -> str:
    try:
        inner = orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        return "+" * _SHORTEST
    return orjson.dumps(_masked(inner, runs)).decode() if isinstance(inner, dict) else "+" * _SHORTEST


def _run(known: dict[bytes, str], value: bytes) -> str:
    return known.setdefault(value, "+" * (_SHORTEST + _STEP * len(known)))


def _plain(field: str, value: Any) -> bytes:
    return _decode(value) if field == "data" else _as_bytes(value)


def _as_bytes(value: Any) -> bytes:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else orjson.dumps(value)


def _encode(value: Any) -> str:
    return base64.b64encode(_as_bytes(value) if value is not None else b"").decode()


def _decode(value: Any) -> bytes:
    """The bytes of a `data` value; what is no base64 (the API would refuse it) stands for itself."""
    if value is None:
        return b""
    try:
        # Lines may break anywhere, as `encoding/base64` has it; text from a YAML block ends in one.
        text = value.replace("\n", "").replace("\r", "") if isinstance(value, str) else value
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return _as_bytes(value)


def _is_hash(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(HASH_PREFIX)
