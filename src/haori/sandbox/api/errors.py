"""What the sandbox's API refuses, in the words and the shape of a Kubernetes `Status`.

These texts are the API's own English, as a real API server would say them; clients match on them.
see: https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apimachinery/pkg/api/errors/errors.go
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haori.errors import PeerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One problem with one field: `reason` as `metav1.CauseType` spells it, `message` without the field's path."""

    reason: str
    message: str
    field: str = ""

    def to_json(self) -> dict[str, str]:
        """As it stands in `details.causes`."""
        place = {"field": self.field} if self.field else {}
        return {"reason": self.reason, "message": self.message} | place


class ApiStatusError(PeerError):
    """`sandbox-refused`: a request that is answered with a Status of `status` (HTTP), `reason`, `message`, `details`."""

    def __init__(self, status: int, reason: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__("sandbox-refused", message=message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details = details

    @property
    def retry_after(self) -> int:
        """Seconds for the `Retry-After` header; 0 is none."""
        return int((self.details or {}).get("retryAfterSeconds") or 0)

    def to_status(self) -> dict[str, Any]:
        """The Status object."""
        status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            status["reason"] = self.reason
        if self.details is not None:
            status["details"] = dict(self.details)
        return status | {"code": self.status}


def success_status(**details: Any) -> dict[str, Any]:
    """The Status of a request that was carried out and has no object to show."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def qualified(plural: str, group: str) -> str:
    """`deployments.apps`, as messages name a type."""
    return f"{plural}.{group}" if group else plural


def _details(plural: str, group: str, name: str, **more: Any) -> dict[str, Any]:
    named = {"name": name, "group": group, "kind": plural}
    return {key: value for key, value in named.items() if value} | more


def not_found(plural: str, group: str, name: str) -> ApiStatusError:
    """404: there is no such object."""
    message = f'{qualified(plural, group)} "{name}" not found'
    return ApiStatusError(404, "NotFound", message, _details(plural, group, name))


def no_such_path() -> ApiStatusError:
    """404: no such type or path."""
    return ApiStatusError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(plural: str, group: str, name: str, *, is_going: bool = False) -> ApiStatusError:
    """409: there is an object of that name, or one that is about to go."""
    message = f'{"object is being deleted: " if is_going else ""}{qualified(plural, group)} "{name}" already exists'
    return ApiStatusError(409, "AlreadyExists", message, _details(plural, group, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def conflict(
    plural: str, group: str, name: str, problem: str = MODIFIED, causes: Iterable[Cause] = ()
) -> ApiStatusError:
    """409: the object is not as the writer believes, or others own what it wants to change."""
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {problem}'
    listed = [cause.to_json() for cause in causes]
    return ApiStatusError(
        409, "Conflict", message, _details(plural, group, name, **({"causes": listed} if listed else {}))
    )


def invalid(kind: str, group: str, name: str, causes: Iterable[Cause]) -> ApiStatusError:
    """422: the object breaks rules; every one of them is listed."""
    found = list(causes)
    texts = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in found]
    joined = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    message = f'{qualified(kind, group)} "{name}" is invalid: {joined}'
    details = _details(kind, group, name, causes=[cause.to_json() for cause in found])
    return ApiStatusError(422, "Invalid", message, details)


def invalid_field(field: str, message: str) -> Cause:
    """One wrong value."""
    return Cause(reason="FieldValueInvalid", field=field, message=message)


def forbidden_field(field: str, message: str) -> Cause:
    """One change that is not allowed."""
    return Cause(reason="FieldValueForbidden", field=field, message=f"Forbidden: {message}")


def bad_request(message: str) -> ApiStatusError:
    """400: the request cannot be understood."""
    return ApiStatusError(400, "BadRequest", message)


def forbidden(plural: str, group: str, name: str, problem: str) -> ApiStatusError:
    """403: this caller may not do this now."""
    shown = f'{qualified(plural, group)} "{name}"' if name else qualified(plural, group)
    return ApiStatusError(403, "Forbidden", f"{shown} is forbidden: {problem}", _details(plural, group, name))


def expired(message: str) -> ApiStatusError:
    """410: the resourceVersion or the continue token is too old."""
    return ApiStatusError(410, "Expired", message)


def method_not_allowed() -> ApiStatusError:
    """405: the type does not do this."""
    message = "the server does not allow this method on the requested resource"
    return ApiStatusError(405, "MethodNotAllowed", message, {})


def not_found_text() -> bytes:
    """What is answered, as plain text, where not even a group is there."""
    return b"404 page not found\n"


def too_many_requests(message: str, seconds: int, causes: Iterable[Cause] = ()) -> ApiStatusError:
    """429: not now; ask again after so many seconds."""
    details: dict[str, Any] = {"retryAfterSeconds": seconds} if seconds else {}
    if listed := [cause.to_json() for cause in causes]:
        details["causes"] = listed
    return ApiStatusError(429, "TooManyRequests", message, details)


def unsupported_media_type(found: str, known: Iterable[str]) -> ApiStatusError:
    """415: the body's content type is none we read."""
    message = (
        "the body of the request was in an unknown format - accepted media types include: " + ", ".join(known)
        if found
        else "the body of the request has no content type"
    )
    return ApiStatusError(415, "UnsupportedMediaType", message)


def no_patch_type() -> ApiStatusError:
    """415: the content type is none of a patch."""
    return ApiStatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def too_large(limit: int) -> ApiStatusError:
    """413: the body is beyond the bound."""
    return ApiStatusError(413, "RequestEntityTooLarge", f"Request entity too large: limit is {limit}", {})


def timed_out() -> ApiStatusError:
    """504: the request did not come to its end in time."""
    return ApiStatusError(504, "Timeout", "Timeout: request did not complete within requested timeout", {})


def internal(message: str) -> ApiStatusError:
    """500: our fault."""
    return ApiStatusError(
        500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]}
    )
