"""The layer's door to `schema`: reading, completing and checking what is written, and who owns it.

Everything that `schema` refuses becomes the Status a Kubernetes API would answer with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from haori.cluster import PatchType
from haori.objects import Manifest, copy_manifest, nested, nested_text
from haori.sandbox.api import errors, preparing
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
from haori.schema.go_text import go_text
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
    schemas: Schemas, type_: ServedType, manifest: dict[str, Any], options: WriteOptions
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """(the manifest without fields the type does not know, warnings about them and about fields that came twice).

    A 400 where they are refused, and where a built-in type cannot hold a value at all.
    """
    schema = schema_of(schemas, type_)
    if schema is None:
        return manifest, ()
    if not type_.is_custom and (problem := decoding_problem(schema, manifest)):
        what = f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'
        raise errors.bad_request(f"{what}: {problem}")
    unknown = unknown_fields(schema, manifest)
    if not unknown and not options.duplicates:
        return manifest, ()
    problems = [f'duplicate field "{path}"' for path in options.duplicates]
    problems += [f'unknown field "{path}"' for path in unknown]
    if options.field_validation is FieldValidation.STRICT:
        what = f'{type_.kind} in version "{type_.version}" cannot be handled as a {type_.kind}'
        raise errors.bad_request(f"{what}: strict decoding error: {', '.join(problems)}")
    warnings = tuple(problems) if options.field_validation is FieldValidation.WARN else ()
    return prune_unknown(schema, manifest) if unknown else manifest, warnings


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
    _refuse_problems(type_, manifest, [*validate(schema, manifest, old=old), *_scale_problems(type_, manifest)])


_GO_TYPES = {str: "string", bool: "bool", float: "float64", dict: "map[string]interface {}", list: "[]interface {}"}


def _scale_problems(type_: ServedType, manifest: Manifest) -> Iterator[FieldProblem]:
    """Replicas of a custom resource that are no number."""
    path = type_.scale.spec_replicas if type_.scale else ()
    value = nested(manifest, *path) if path else None
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return
    place = "." + ".".join(path)
    shown = go_text(value)
    problem = f"{place} accessor error: {shown} is of the type {_GO_TYPES.get(type(value), 'float64')}, expected int64"
    yield FieldProblem(path=place, reason="FieldValueInvalid", message=f"Invalid value: 0: {problem}")


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


def patch_change(
    schemas: Schemas, type_: ServedType, name: str, body: Any, patch_type: PatchType, options: WriteOptions
) -> Change:
    """The change a patch makes; raises the Status of a patch that is malformed or does not fit when applied."""
    match patch_type:
        case PatchType.JSON:
            if not isinstance(body, list):
                raise _no_patch(body, "[]handlers.jsonPatchOp")
            return _decoded(schemas, type_, _refusing(type_, name, lambda old: json_patch(old, body)), options)
        case PatchType.MERGE:
            if not isinstance(body, Mapping):
                raise _no_patch(body, "map[string]interface {}")
            return _decoded(schemas, type_, _refusing(type_, name, lambda old: merge_patch(old, body)), options)
        case PatchType.STRATEGIC if not type_.is_custom and (schema := schema_of(schemas, type_)) is not None:
            if not isinstance(body, Mapping):
                raise _no_patch(body, "map[string]interface {}")
            return _strict(
                schemas, type_, _refusing(type_, name, lambda old: strategic_merge_patch(schema, old, body)), options
            )
        case PatchType.STRATEGIC | PatchType.APPLY:
            raise errors.unsupported_media_type(patch_type, (PatchType.JSON, PatchType.MERGE, PatchType.APPLY))


def _no_patch(body: Any, wanted: str) -> errors.ApiStatusError:
    found = "array" if isinstance(body, list) else "object" if isinstance(body, Mapping) else type(body).__name__
    return errors.bad_request(f"error decoding patch: json: cannot unmarshal {found} into Go value of type {wanted}")


def _refusing(type_: ServedType, name: str, change: Callable[[dict[str, Any]], Any]) -> Change:
    def refusing(old: dict[str, Any]) -> dict[str, Any]:
        try:
            new = change(old)
        except JsonPatchError as error:
            raise _patch_failed() from error
        except PatchError as error:
            raise errors.bad_request(error.problem) from error
        if not isinstance(new, Mapping):
            raise errors.bad_request("the patch leaves no object")
        copied: dict[str, Any] = copy_manifest(new)
        return copied

    return refusing


def _decoded(schemas: Schemas, type_: ServedType, change: Change, options: WriteOptions) -> Change:
    """The same change; 422 where its outcome is none of the built-in type, as Kubernetes answers such a patch."""
    schema = None if type_.is_custom else schema_of(schemas, type_)

    def decoded(old: dict[str, Any]) -> dict[str, Any]:
        new = change(old)
        if schema is not None:
            is_other = (new.get("apiVersion"), new.get("kind")) != (type_.api_version, type_.kind)
            problem = preparing.conversion_problem(type_, new) if is_other else decoding_problem(schema, new)
            if problem:
                raise _bad_outcome(new, problem)
        return new

    return _strict(schemas, type_, decoded, options)


def _strict(schemas: Schemas, type_: ServedType, change: Change, options: WriteOptions) -> Change:
    """The same change; 422 where its outcome has fields that the type does not know and these are not to be."""
    schema = schema_of(schemas, type_)
    if schema is None or options.field_validation is not FieldValidation.STRICT:
        return change

    def strict(old: dict[str, Any]) -> dict[str, Any]:
        new = change(old)
        if unknown := unknown_fields(schema, new):
            listed = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise _bad_outcome(new, f"strict decoding error: {listed}")
        return new

    return strict


def _bad_outcome(new: Manifest, problem: str) -> errors.ApiStatusError:
    shown = json.dumps(orjson.dumps(new).decode(), ensure_ascii=False)
    return errors.invalid("", "", "", [errors.invalid_field("patch", f"Invalid value: {shown}: {problem}")])


def _patch_failed() -> errors.ApiStatusError:
    """Kubernetes does not say which operation failed."""
    message = "the server rejected our request due to an error in our request"
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
    if value.get("apiVersion") != type_.api_version or value.get("kind") != type_.kind:
        raise errors.bad_request(f"invalid object type: {_go_kind(value)}")
    metadata = value.get("metadata") or {}
    if metadata.get("managedFields"):
        raise errors.bad_request("metadata.managedFields must be nil")
    if nested_text(value, "metadata", "name") not in ("", name):
        raise errors.bad_request(
            f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
        )
    value["metadata"] = {**metadata, "name": name}
    value["metadata"].pop("managedFields", None)
    if type_.namespaced and metadata.get("namespace") not in (None, "", namespace):
        raise errors.bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    return value


def _placed(applied: Manifest, namespace: str) -> Manifest:
    """In the request's namespace, which it need not name itself."""
    return {**applied, "metadata": {**applied["metadata"], "namespace": namespace}} if namespace else applied


def forget_scale_times(manifest: Mapping[str, Any]) -> None:
    """Takes the times of those who own replicas by the scale subresource: the server keeps none, in place."""
    for entry in manifest["metadata"].get("managedFields") or ():
        if entry.get("subresource") == "scale":
            entry.pop("time", None)


def apply(
    schemas: Schemas,
    type_: ServedType,
    live: dict[str, Any] | None,
    applied: Manifest,
    options: WriteOptions,
    now: datetime,
    subresource: str,
    namespace: str = "",
) -> dict[str, Any]:
    """The object after server-side apply; 409 with every conflict, 500 (as Kubernetes has it) for a broken structure."""
    try:
        return server_side_apply(
            schema_of(schemas, type_),
            live,
            _placed(applied, namespace) if type_.namespaced else applied,
            manager=options.field_manager,
            force=options.force,
            now=now,
            subresource=subresource,
            reset=_reset(type_, subresource),
        )
    except ApplyConflictError as error:
        raise _apply_conflict(error) from error
    except TypedValueError as error:
        place = f"{nested_text(applied, 'metadata', 'namespace')}/{name_of(applied)}"
        what = f"failed to create typed patch object ({place}; {_go_kind(applied)})"
        raise errors.ApiStatusError(500, "", f"{what}: {error.message}") from error
    except PatchError as error:
        raise errors.bad_request(error.problem) from error


def _go_kind(manifest: Manifest) -> str:
    """A type as the server prints one: `apps/v1, Kind=Deployment`, `/v1, Kind=Secret`."""
    group, _, version = str(manifest.get("apiVersion") or "").rpartition("/")
    return f"{group}/{version}, Kind={manifest.get('kind') or ''}"


def name_of(manifest: Manifest) -> str:
    """The name in the metadata, empty where there is none."""
    return nested_text(manifest, "metadata", "name")


def _apply_conflict(error: ApplyConflictError) -> errors.ApiStatusError:
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {each.holder}", "field": each.path}
        for each in error.conflicts
    ]
    return errors.ApiStatusError(409, "Conflict", error.message, {"causes": causes})
