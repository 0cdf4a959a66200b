"""Probes and lifecycle handlers of containers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from haori.schema.checks import words
from haori.schema.checks.common import Problems, entries, not_negative, part, said
from haori.schema.problems import forbidden, invalid, required, unsupported

_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_TIMES = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")


def check_probes(container: Mapping[str, Any], path: str) -> Problems:
    """The three probes of a container."""
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            yield from _probe(part(container, name), f"{path}.{name}", name)


def check_lifecycle(container: Mapping[str, Any], path: str, grace: int | None) -> Problems:
    """`postStart` and `preStop`."""
    for name in ("postStart", "preStop"):
        if part(container, "lifecycle").get(name) is not None:
            handler = part(container, "lifecycle", name)
            yield from _handler(handler, f"{path}.lifecycle.{name}", ("exec", "httpGet", "tcpSocket", "sleep"), grace)


def _probe(probe: Mapping[str, Any], path: str, name: str) -> Problems:
    yield from _handler(probe, path, _HANDLERS, None)
    yield from not_negative(probe, path, *_TIMES)
    grace, threshold = probe.get("terminationGracePeriodSeconds"), probe.get("successThreshold")
    if name == "readinessProbe":
        if grace is not None:
            detail = "must not be set for readinessProbes"
            yield invalid(f"{path}.terminationGracePeriodSeconds", grace, detail)
        return
    if grace is not None and grace <= 0:
        yield invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0")
    if threshold not in (None, 1):
        yield invalid(f"{path}.successThreshold", threshold, "must be 1")


def _handler(handler: Mapping[str, Any], path: str, known: tuple[str, ...], grace: int | None) -> Problems:
    given = [name for name in known if handler.get(name) is not None]
    if not given:
        yield required(path, "must specify a handler type")
    for number, name in enumerate(given):
        place, action = f"{path}.{name}", part(handler, name)
        if number:
            yield forbidden(place, "may not specify more than 1 handler type")
        elif name == "exec" and not action.get("command"):
            yield required(f"{place}.command")
        elif name == "httpGet":
            yield from _http(action, place)
        elif name in ("tcpSocket", "grpc"):
            yield from said(f"{place}.port", action.get("port", 0), words.port(action.get("port", 0)))
        elif name == "sleep":
            yield from _sleep(action.get("seconds") or 0, place, grace)


def _http(action: Mapping[str, Any], path: str) -> Problems:
    if not action.get("path"):
        yield required(f"{path}.path")
    yield from said(f"{path}.port", action.get("port", 0), words.port(action.get("port", 0)))
    if (scheme := action.get("scheme") or "HTTP") not in ("HTTP", "HTTPS"):
        yield unsupported(f"{path}.scheme", scheme, ("HTTP", "HTTPS"))
    for _, header in entries(action, "httpHeaders"):
        name = header.get("name") or ""
        yield from said(f"{path}.httpHeaders", name, words.header_name(name))


def _sleep(seconds: int, path: str, grace: int | None) -> Problems:
    if grace is not None and (seconds < 0 or seconds > grace):
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        yield invalid(path, seconds, detail)
