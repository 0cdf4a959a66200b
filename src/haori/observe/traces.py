"""Spans, for whoever gave an OTLP endpoint; for everybody else a call that does nothing.

The OpenTelemetry SDK is imported only when the standard variables name an endpoint. Spans go out in batches from a thread of
its own with a bounded queue: a collector that is away costs spans, never time. Attributes are names and numbers, what is
bound (`context`) among them; no manifest, no message of a peer.
see: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from haori.observe.context import facts

Opened = AbstractContextManager[Any]

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
STOP_SECONDS = 2.0
"""How long what is still queued may take to go out when the process ends."""
_NONE: Opened = nullcontext()


class _Tracing:
    """Whether and how this process traces."""

    def __init__(self) -> None:
        self.open: Callable[[str, Mapping[str, str | int]], Opened] | None = None


_tracing = _Tracing()


def span(name: str, **attributes: str | int) -> Opened:
    """A span around the work within."""
    opened = _tracing.open
    return _NONE if opened is None else opened(name, attributes)


def is_wanted(environ: Mapping[str, str]) -> bool:
    """Whether the variables ask for traces over OTLP."""
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    return environ.get("OTEL_TRACES_EXPORTER", "otlp") == "otlp" and any(environ.get(name) for name in ENDPOINTS)


@contextmanager
def tracing(service: str, environ: Mapping[str, str]) -> Iterator[bool]:
    """Sends spans while it lasts, if the variables want them; gives whether it does.

    Raises ImportError where they want them and the SDK (`haori[traces]`) is not there.
    """
    if not is_wanted(environ):
        yield False
        return
    provider, tracer = _start(service, environ)

    def opened(name: str, attributes: Mapping[str, str | int]) -> Opened:
        about = {f"haori.{key}": value for key, value in (*facts().items(), *attributes.items())}
        # A failure is told by its type: a message may quote what a peer said.
        span_ = tracer.start_as_current_span(
            name, attributes=about, record_exception=False, set_status_on_exception=False
        )
        return _named_failures(span_)

    _tracing.open = opened
    try:
        yield True
    finally:
        _tracing.open = None
        # An exporter whose collector is away retries for longer than a process has to end.
        stopping = threading.Thread(target=provider.shutdown, daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS)


@contextmanager
def _named_failures(span_: Opened) -> Iterator[Any]:
    with span_ as current:
        try:
            yield current
        except Exception as error:
            from opentelemetry.trace import Status, StatusCode

            current.set_attribute("error.type", str(getattr(error, "code", "") or type(error).__name__))
            current.set_status(Status(StatusCode.ERROR))
            raise


def _start(service: str, environ: Mapping[str, str]) -> tuple[Any, Any]:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    # The resource of OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, where they are given, is the SDK's own reading.
    named = {} if environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider, provider.get_tracer("haori")
