"""The one shape in which the listener says no."""

from __future__ import annotations

import logging
from typing import Any

from haori.delivery.controller.view import ApplicationMissingError
from haori.errors import HaoriError, PeerError, TransientError, UserError
from haori.words import Sentence

log = logging.getLogger(__name__)


class RequestError(UserError):
    """The request itself is wrong; `status` is the HTTP status to answer with."""

    def __init__(self, status: int, code: str, /, **parameters: Any) -> None:
        super().__init__(code, **parameters)
        self.status = status


def describe_error(error: Exception) -> tuple[int, dict[str, Any]]:
    """(HTTP status, body) for a failure; what is no HaoriError is logged and answered without its text."""
    if not isinstance(error, HaoriError):
        log.error("listener request failed", exc_info=error)
        return 500, _body(Sentence(code="listener-failed", parameters={"kind": type(error).__name__}))
    return _status(error), _body(error.sentence)


def _status(error: HaoriError) -> int:
    match error:
        case RequestError():
            return error.status
        case ApplicationMissingError():
            return 404
        case UserError():
            return 422
        case TransientError():
            return 503
        case PeerError():
            return 502
        case _:
            return 500


def _body(sentence: Sentence) -> dict[str, Any]:
    told = sentence.to_json()
    return {"error": {"code": sentence.code, "parameters": told.get("parameters", {}), "message": sentence.text()}}
