"""The layer's door to `schema`: reading, completing and checking what is written, and who owns it.

Everything that `schema` refuses becomes the Status a Kubernetes API would answer with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from haori.cluster import PatchType
from haori.objects import Manifest, copy_manifest, nested_text
from haori.sandbox.api import errors
from haori.sandbox.api.decoding import decoding_problem
from haori.sandbox.api.object_rules import pod_problems
from haori.sandbox.api.options import FieldValidation, WriteOptions
from haori.sandbox.api.registry import ServedType
from haori.schema import (
    FieldProblem,
    Schemas,
    TypeSchema,
    apply_defaults,
    object_warnings,
    prune_unknown,
    unknown_fields,
    validate,
    validate_object,
)
from haori.schema.fieldset import FieldSet
from haori.schema.jsonpatch import json_patch
from haori.schema.managed import reset_fields, server_side_apply, track_update
from haori.schema.mergepatch import merge_patch
from haori.schema.patch_errors import ApplyConflictError, JsonPatchError, PatchError, TypedValueError
from haori.schema.strategic import strategic_merge_patch

LOOPBACK = "may not be in the loopback range"
WHOLE = frozenset({"", "resize", "ephemeralcontainers"})
"""Writes (by subresource, "" is none) that change what the rules about whole objects judge."""

Change = Callable[[dict[str, Any]], dict[str, Any]]


def schema_of(schemas: Schemas, type_: ServedType) -> TypeSchema | None:
    """What is known of the type."""
    return schemas.type_for(type_.api_version, type_.kind)


def read(
    schemas: Schemas, type_: ServedType, manifest: dict[str, Any], validation: FieldValidation
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the manifest without fields the type does not know, warnings about them).

    A 400 where they are refused, and where a built-in type cannot hold a value at all.
    """
    schema = schema_of(schemas, type_)
    if schema is None:
        return manifest, ()
    if not type_.is_custom and (problem := decoding_problem(schema, manifest)):
        what = f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'
        raise errors.bad_request(f"{what}: {problem}")
    unknown = unknown_fields(schema, manifest)
    if not unknown:
        return manifest, ()
    problems = [f'unknown field "{path}"' for path in unknown]
    if validation is FieldValidation.STRICT:
        what = f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'
        raise errors.bad_request(f"{what}: strict decoding error: {', '.join(problems)}")
    warnings = tuple(problems) if validation is FieldValidation.WARN else ()
    return prune_unknown(schema, manifest), warnings


def complete(schemas: Schemas, type_: ServedType, manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest with the type's defaults."""
    schema = schema_of(schemas, type_)
    return manifest if schema is None else apply_defaults(schema, manifest)


def check(schemas: Schemas, type_: ServedType, manifest: Manifest, *, old: Manifest | None = None) -> None:
    """Raises a 422 with what in a custom resource does not fit its schema, but for what was so before.

    Built-in objects have been decoded, and are judged as a whole.
    """
    schema = schema_of(schemas, type_)
    if schema is None or not type_.is_custom:
        return
    _refuse_problems(type_, manifest, validate(schema, manifest, old=old))


def check_whole(
    schemas: Schemas, type_: ServedType, manifest: Manifest, old: Manifest | None = None, *, subresource: str = ""
) -> tuple[str, ...]:
    """Warnings about the object. Raises a 422 with every rule that it as a whole, or its change, breaks."""
    # A Pod's subresources change what the Pod itself may not: `pod_problems` judges such changes.
    before = None if type_.storage == "pods" and subresource else old
    # Everything in the sandbox listens on loopback, which a real cluster's endpoints must not.
    problems = [each for each in validate_object(schemas, manifest, before) if LOOPBACK not in each.message]
    _refuse_problems(type_, manifest, problems)
    if type_.storage == "pods" and old is not None and (causes := pod_problems(old, manifest, subresource)):
        raise errors.invalid(type_.kind, type_.group, name_of(manifest), causes)
    return object_warnings(schemas, manifest, old)


def _refuse_problems(type_: ServedType, manifest: Manifest, problems: Sequence[FieldProblem]) -> None:
    if problems:
        causes = [errors.Cause(reason=each.reason, field=each.path, message=each.message) for each in problems]
        raise errors.invalid(type_.kind, type_.group, name_of(manifest), causes)


def track(
    schemas: Schemas,
    type_: ServedType,
    before: Manifest | None,
    after: dict[str, Any],
    options: WriteOptions,
    now: datetime,
    *,
    subresource: str = "",
) -> dict[str, Any]:
    """`after` with managedFields that say what this write owns."""
    return track_update(
        schema_of(schemas, type_),
        before,
        after,
        manager=options.field_manager or "unknown",
        now=now,
        subresource=subresource,
        reset=_reset(type_, subresource),
    )


def _reset(type_: ServedType, subresource: str) -> FieldSet:
    return reset_fields(subresource, has_status=type_.has_status, is_custom=type_.is_custom)


def patch_change(schemas: Schemas, type_: ServedType, name: str, body: Any, patch_type: PatchType) -> Change:
    """The change a patch makes; raises the Status of a patch that is malformed or does not fit when applied."""
    match patch_type:
        case PatchType.JSON:
            if not isinstance(body, list):
                raise errors.bad_request(
                    "error decoding patch: json: cannot unmarshal: a JSON patch is a list of operations"
                )
            return _decoded(schemas, type_, _refusing(type_, name, lambda old: json_patch(old, body)))
        case PatchType.MERGE:
            if not isinstance(body, Mapping):
                raise errors.bad_request("error decoding patch: a merge patch is an object")
            return _decoded(schemas, type_, _refusing(type_, name, lambda old: merge_patch(old, body)))
        case PatchType.STRATEGIC if not type_.is_custom and (schema := schema_of(schemas, type_)) is not None:
            if not isinstance(body, Mapping):
                raise errors.bad_request("error decoding patch: a strategic merge patch is an object")
            return _refusing(type_, name, lambda old: strategic_merge_patch(schema, old, body))
        case PatchType.STRATEGIC | PatchType.APPLY:
            raise errors.unsupported_media_type(patch_type, (PatchType.JSON, PatchType.MERGE, PatchType.APPLY))


def _refusing(type_: ServedType, name: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    def refusing(old: dict[str, Any]) -> dict[str, Any]:
        try:
            new = change(old)
        except JsonPatchError as error:
            raise _patch_failed(error) from error
        except PatchError as error:
            raise errors.bad_request(error.problem) from error
        if not isinstance(new, Mapping):
            raise errors.bad_request("the patch leaves no object")
        copied: dict[str, Any] = copy_manifest(new)
        return copied

    return refusing


def _decoded(schemas: Schemas, type_: ServedType, change: Change) -> Change:
    """The same change; 422 where its outcome is none of the built-in type, as Kubernetes answers such a patch."""
    schema = None if type_.is_custom else schema_of(schemas, type_)

    def decoded(old: dict[str, Any]) -> dict[str, Any]:
        new = change(old)
        if schema is not None and (problem := decoding_problem(schema, new)):
            shown = json.dumps(orjson.dumps(new).decode(), ensure_ascii=False)
            cause = errors.invalid_field("patch", f"Invalid value: {shown}: {problem}")
            raise errors.invalid("", "", "", [cause])
        return new

    return decoded


def _patch_failed(error: JsonPatchError) -> errors.ApiStatusError:
    """Kubernetes says no more than the first half; which operation failed is ours."""
    what = f"operation {error.index} ({error.operation} {error.path}): {error.problem}"
    message = f"the server rejected our request due to an error in our request: {what}"
    return errors.ApiStatusError(422, "Invalid", message, {})


def read_applied(type_: ServedType, name: str, namespace: str, body: Any, options: WriteOptions) -> dict[str, Any]:
    """The applied configuration with its type and place filled in. Raises the 400s of server-side apply."""
    if not isinstance(body, Mapping):
        raise errors.bad_request("error decoding YAML: an applied configuration is an object")
    if not options.field_manager:
        problem = "Required value: is required for apply patch"
        cause = errors.Cause(reason="FieldValueRequired", field="fieldManager", message=problem)
        raise errors.invalid("PatchOptions", "meta.k8s.io", "", [cause])
    value: dict[str, Any] = copy_manifest(body)
    if not value.get("apiVersion") or not value.get("kind"):
        raise errors.bad_request("invalid object type: apiVersion and kind are required")
    if value["apiVersion"] != type_.api_version or value["kind"] != type_.kind:
        raise errors.bad_request(
            f"invalid object type: {value['apiVersion']}, Kind={value['kind']}; expected {type_.api_version}, Kind={type_.kind}"
        )
    metadata = value.get("metadata") or {}
    if metadata.get("managedFields"):
        raise errors.bad_request("metadata.managedFields must be nil")
    if nested_text(value, "metadata", "name") not in ("", name):
        raise errors.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        )
    value["metadata"] = {**metadata, "name": name}
    value["metadata"].pop("managedFields", None)
    if type_.namespaced:
        if metadata.get("namespace") not in (None, "", namespace):
            raise errors.bad_request(
                "the namespace of the provided object does not match the namespace sent on the request"
            )
        value["metadata"]["namespace"] = namespace
    return value


def apply(
    schemas: Schemas,
    type_: ServedType,
    live: dict[str, Any] | None,
    applied: Manifest,
    options: WriteOptions,
    now: datetime,
    subresource: str,
) -> dict[str, Any]:
    """The object after server-side apply; 409 with every conflict, 500 (as Kubernetes has it) for a broken structure."""
    try:
        return server_side_apply(
            schema_of(schemas, type_),
            live,
            applied,
            manager=options.field_manager,
            force=options.force,
            now=now,
            subresource=subresource,
            reset=_reset(type_, subresource),
        )
    except ApplyConflictError as error:
        raise _apply_conflict(error) from error
    except TypedValueError as error:
        place = "/".join(part for part in (nested_text(applied, "metadata", "namespace"), name_of(applied)) if part)
        what = f"failed to create typed patch object ({place}; {type_.api_version}, Kind={type_.kind})"
        raise errors.ApiStatusError(500, "", f"{what}: {error.message}") from error
    except PatchError as error:
        raise errors.bad_request(error.problem) from error


def name_of(manifest: Manifest) -> str:
    """The name in the metadata, empty where there is none."""
    return nested_text(manifest, "metadata", "name")


def _apply_conflict(error: ApplyConflictError) -> errors.ApiStatusError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {each.holder}", "field": each.path}
        for each in error.conflicts
    ]
    return errors.ApiStatusError(409, "Conflict", error.message, {"causes": causes})
