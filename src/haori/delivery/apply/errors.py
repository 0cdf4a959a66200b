"""What can go wrong while a step is carried out, in words that say what to do.

PeerError
└── ApplyError      `immutable-field`, `apply-refused`, `apply-refused-secret`, `kind-not-served`, `crd-not-established`,
                    `object-not-deleted`, `validation-refused`, `validation-refused-secret`
"""

from __future__ import annotations

from haori.cluster.client import ApiError, InvalidError
from haori.errors import HaoriError, PeerError
from haori.objects import ResourceKey, format_object

_IMMUTABLE = ("field is immutable", "are forbidden", "is immutable", "may not be changed", "cannot be changed")


class ApplyError(PeerError):
    """The cluster did not take one object."""


def is_immutable(error: HaoriError) -> bool:
    """Whether the cluster refused a change to a field that cannot change (the API has no reason of its own for it)."""
    return isinstance(error, InvalidError) and any(words in error.message for words in _IMMUTABLE)


def explain(error: HaoriError, key: ResourceKey) -> HaoriError:
    """`error` as the sentence a person needs: which object, which field, what to do."""
    object_ = format_object(key.kind, key.namespace, key.name)
    if is_immutable(error) and isinstance(error, ApiError) and key.kind != "Secret":
        fields = sorted({str(cause.get("field")) for cause in error.causes if cause.get("field")}) or ["spec"]
        explained: HaoriError = ApplyError("immutable-field", object=object_, fields=fields, message=error.message)
    elif isinstance(error, InvalidError) and key.kind == "Secret":
        # An API server quotes what it refuses.
        fields = sorted({str(cause.get("field")) for cause in error.causes if cause.get("field")})
        explained = ApplyError(
            "apply-refused-secret", object=object_, fields=fields or ["-"], reason=error.reason or "Invalid"
        )
    elif isinstance(error, ApiError):
        explained = ApplyError("apply-refused", object=object_, message=error.message or error.reason)
    else:
        return error
    explained.__cause__ = error
    return explained
