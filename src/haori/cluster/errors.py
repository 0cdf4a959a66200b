"""What a cluster can answer that is not what was asked for.

PeerError
├── ApiError                  the API server refused; carries its Status
│   ├── NotFoundError         404
│   ├── AlreadyExistsError    409, reason AlreadyExists
│   ├── ConflictError         409, every other reason
│   ├── GoneError             410, or a watch that ended with Expired
│   ├── ForbiddenError        401 and 403
│   └── InvalidError          400, 415 and 422
└── TransientError
    ├── TooManyRequestsError  429 still, after the waits it asked for
    └── UnreachableError      no answer, a broken one, or 5xx
UserError
└── KubeconfigError           a kubeconfig that cannot be used
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from haori.errors import PeerError, TransientError, UserError

MESSAGE_LIMIT = 4000
"""Characters kept of a foreign message."""


class KubeconfigError(UserError):
    """`kubeconfig-unreadable`, `kubeconfig-context-unknown`, `kubeconfig-incomplete`, `exec-plugin-failed`."""


class ApiError(PeerError):
    """The API server's refusal: HTTP `status`, and `reason`, `message`, `details` of its Status object."""

    def __init__(
        self,
        code: str = "api-refused",
        /,
        *,
        status: int = 0,
        reason: str = "",
        message: str = "",
        details: Mapping[str, Any] | None = None,
        cluster: str = "",
        action: str = "",
    ) -> None:
        message = message[:MESSAGE_LIMIT]
        super().__init__(
            code, status=status, reason=reason or str(status), message=message, cluster=cluster, action=action
        )
        self.status = status
        self.reason = reason
        self.message = message
        self.details: Mapping[str, Any] = details or {}

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        """`details.causes`: one mapping of reason, field, message for every problem found."""
        causes = self.details.get("causes")
        return causes if isinstance(causes, list) else ()


class NotFoundError(ApiError):
    """The object, or the type, is not there."""


class AlreadyExistsError(ApiError):
    """An object of that name is there already."""


class ConflictError(ApiError):
    """The object changed meanwhile, or another manager owns a field."""


class GoneError(ApiError):
    """The resourceVersion is too old to resume from; list again."""


class ForbiddenError(ApiError):
    """The credentials are missing, wrong or not enough."""


class InvalidError(ApiError):
    """The object or the request is not valid; `causes` names the fields."""


class TooManyRequestsError(TransientError):
    """The API server asked us to wait longer than the request's deadline allows (`cluster`, `action`)."""

    def __init__(self, code: str = "api-too-many-requests", /, *, retry_after: float = 1.0, **parameters: Any) -> None:
        super().__init__(code, retry_after=retry_after, **parameters)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """No usable answer (`cluster`, `action`, `problem`); whether a write happened is unknown."""

    def __init__(self, code: str = "api-unreachable", /, **parameters: Any) -> None:
        super().__init__(code, **parameters)


class ReadOnlyError(PeerError):
    """A request that may change something, on a client that only reads (`cluster`, `action`); nothing was sent."""

    def __init__(self, code: str = "api-read-only", /, **parameters: Any) -> None:
        super().__init__(code, **parameters)


_TYPED_PATCH = "failed to create typed patch object"
"""How server-side apply begins to say that an object does not fit its type: a 500, and yet no use in trying again."""


def error_of_status(
    status: int, body: Mapping[str, Any] | str, *, cluster: str = "", action: str = "", retry_after: float = 1.0
) -> ApiError | TransientError:
    """The error for an HTTP status and the Status object (or plain text) that came with it."""
    document: Mapping[str, Any] = body if not isinstance(body, str) else {"message": body}
    reason = str(document.get("reason") or "")
    message = str(document.get("message") or "")
    if status == 429:
        return TooManyRequestsError(retry_after=retry_after, cluster=cluster, action=action)
    is_about_types = status == 500 and message.startswith(_TYPED_PATCH)
    if (status >= 500 or status < 100) and not is_about_types:
        return UnreachableError(cluster=cluster, action=action, problem=(message or f"HTTP {status}")[:MESSAGE_LIMIT])
    kind, code = (InvalidError, "api-invalid") if is_about_types else _kind_of(status, reason)
    details = document.get("details")
    return kind(
        code,
        status=status,
        reason=reason,
        message=message,
        details=details if isinstance(details, Mapping) else None,
        cluster=cluster,
        action=action,
    )


def _kind_of(status: int, reason: str) -> tuple[type[ApiError], str]:
    match status:
        case 401 | 403:
            return ForbiddenError, "api-forbidden"
        case 404:
            return NotFoundError, "api-not-found"
        case 409 if reason == "AlreadyExists":
            return AlreadyExistsError, "api-already-exists"
        case 409:
            return ConflictError, "api-conflict"
        case 410:
            return GoneError, "api-gone"
        case 400 | 415 | 422:
            return InvalidError, "api-invalid"
        case _:
            return ApiError, "api-refused"
