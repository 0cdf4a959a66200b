"""Answers in a form that two runs share: what is made up by the server is named by a placeholder.

Uids and resourceVersions are numbered as they come up in a story, so that whether two are the same is still told. Several
causes of one refusal come in no order. A field that is null is as one that is not there, to every client. Not compared:
objects and Go structures that the server prints into a message; a number that only its own store knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.requests.stories import Reply

_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_AGE = re.compile(r"\d+(ms|s)")
_OBJECT = re.compile(r'Invalid value: "\{\\"(?:[^"\\]|\\.)*": ')
_GO_VALUE = re.compile(r'Invalid value: \[\{"[A-Z].*?\}\]: ')
_RECORD = re.compile(r"in record \(\d+\)")
_GIVEN = re.compile(r"(clusterIPs?|nodePort|healthCheckNodePort)$")
_KEPT_HEADERS = ("allow", "warning", "retry-after")


class Placeholders:
    """The numbers of one story."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._uids: dict[str, str] = {}
        self._versions: dict[str, str] = {}

    def answer(self, reply: Reply, sent: Any) -> dict[str, Any]:
        """The reply as a story holds it; `sent` is the request's body."""
        headers = {name: self._text(reply.headers[name]) for name in _KEPT_HEADERS if name in reply.headers}
        media = reply.headers.get("content-type", "")
        if media != "application/json":
            headers["content-type"] = media
        body = self._value(reply.body, _given(sent))
        return {"code": reply.code} | ({"headers": headers} if headers else {}) | {"body": body}

    def _value(self, value: Any, given: frozenset[str], key: str = "") -> Any:
        match value:
            case dict():
                return self._mapping(value, given)
            case list() if key == "managedFields":
                return sorted((self._value(each, given) for each in value), key=_manager)
            case list() if key == "causes":
                return sorted((self._value(each, given) for each in value), key=lambda each: sorted(each.items()))
            case list():
                return [self._value(each, given, key) for each in value]
            case str() | int() if _GIVEN.search(key) and value not in ("", "None", 0) and str(value) not in given:
                return "<allocated>"
            case str():
                return self._text(value)
            case _:
                return value

    def _mapping(self, value: dict[str, Any], given: frozenset[str]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key in sorted(value, key=str):
            item = value[key]
            if item is None or (key == "continue" and not item):
                continue
            if key == "resourceVersion" and isinstance(item, str) and item not in ("", "0"):
                result[key] = self._version(item, value)
            elif key in ("continue", "token") and item and isinstance(item, str):
                result[key] = f"<{key}>"
            elif key == "cells":
                result[key] = ["<age>" if _AGE.fullmatch(str(each)) else self._value(each, given) for each in item]
            elif key == "name" and (prefix := value.get("generateName")):
                result[key] = f"{self._text(prefix)}<{len(item) - len(prefix)} letters>"
            else:
                result[self._text(key)] = self._value(item, given, key)
        if len(value.get("details", {}).get("causes") or () if isinstance(value.get("details"), dict) else ()) > 1:
            result["message"] = str(result["message"]).partition(": [")[0]
        return result

    def _version(self, text: str, metadata: Mapping[str, Any]) -> str:
        if not metadata.keys() & {"uid", "name"}:
            return "<of the list>"
        return self._versions.setdefault(text, f"<version {len(self._versions) + 1}>")

    def _text(self, text: str) -> str:
        text = text.replace(self._namespace, "$NS")
        text = _RECORD.sub(
            "in record (…)", _OBJECT.sub('Invalid value: "{…}": ', _GO_VALUE.sub("Invalid value: […]: ", text))
        )
        text = _UID.sub(lambda found: self._uids.setdefault(found[0], f"<uid {len(self._uids) + 1}>"), text)
        return _TIME.sub(_time, text)


def _time(found: re.Match[str]) -> str:
    moment = datetime.fromisoformat(found[0].replace("Z", "+00:00"))
    is_now = abs(datetime.now(UTC) - moment) < timedelta(hours=2)
    return ("<microtime>" if found[1] else "<time>") if is_now else found[0]


def _manager(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(entry.get(key, "")) for key in ("manager", "operation", "subresource", "apiVersion"))


def _given(sent: Any) -> frozenset[str]:
    """What was sent, as texts: such values are nothing that the server made up."""
    if isinstance(sent, Mapping):
        return frozenset().union(*map(_given, sent.values()))
    if isinstance(sent, list):
        return frozenset().union(*map(_given, sent))
    return frozenset({str(sent)})


def value_at(body: Any, path: str) -> Any:
    """The value at a dotted path; a number is an index."""
    for part in path.split("."):
        body = body[int(part)] if isinstance(body, list) else body[part]
    return body


def chosen(body: Any, only: Iterable[str] | None, but: Iterable[str] | None) -> Any:
    """The body's values at the paths of `only` (all of it where None), without those of `but`."""
    if only is not None:
        return {path: _found(body, path) for path in only}
    for path in but or ():
        body = _without(body, path.split("."))
    return body


def _found(body: Any, path: str) -> Any:
    try:
        return value_at(body, path)
    except (KeyError, IndexError, TypeError):
        return "<nothing>"


def _without(value: Any, parts: list[str]) -> Any:
    first, *rest = parts
    if isinstance(value, list):
        if first == "*":
            return [_without(each, rest) for each in value]
        return [_without(each, rest) if str(index) == first else each for index, each in enumerate(value)]
    if not isinstance(value, dict) or first not in value:
        return value
    if not rest:
        return {key: item for key, item in value.items() if key != first}
    return {**value, first: _without(value[first], rest)}
