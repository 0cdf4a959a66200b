"""A collector of traces on loopback: takes OTLP over HTTP as any does, and keeps what came."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Collected:
    """The spans by name, and the raw bodies."""

    url: str = ""
    service: str = ""
    spans: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        request = ExportTraceServiceRequest.FromString(body)
        for group in request.resource_spans:
            named = {each.key: each.value.string_value for each in group.resource.attributes}
            self.service = named["service.name"]
            for span in (span for scope in group.scope_spans for span in scope.spans):
                found = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
                told = {"attributes": found, "id": span.span_id, "parent": span.parent_span_id, "trace": span.trace_id}
                self.spans.setdefault(span.name, []).append({**told, "status": span.status.code})


@contextmanager
def collecting() -> Iterator[Collected]:
    """While it lasts, answers at `url`."""
    collected = Collected()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collected.take(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        collected.url = f"http://127.0.0.1:{server.server_port}"
        yield collected
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
