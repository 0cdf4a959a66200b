"""What one connection may cost before it has said who it is: seconds and bytes for the head of each request.

Uvicorn bounds what an idle connection may do, not one that sends a request for ever. Imported only where a server is
started, since it brings all of Uvicorn along.
"""

from __future__ import annotations

import asyncio
import logging

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 20.0
"""From the first byte (of a connection: from when it was made) to the end of the head."""
HEAD_BYTES = 64 << 10
CONNECTIONS = 500
"""At once, and as many requests; more are answered 503. Every watch of every client is one of each."""

log = logging.getLogger(__name__)


class HeadTooLargeError(Exception):
    """Raised out of the parser's callback, which answers 400 for it."""


class BoundedProtocol(HttpToolsProtocol):
    """HTTP/1.1 with the bounds of this module."""

    _timer: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _size = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._end_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Hands data on, unless the head it belongs to is too large already."""
        if self._timer is not None:
            self._head_bytes += len(data)
        super().data_received(data)
        # Judged afterwards: of a head that is whole by now, `on_header` has counted what belongs to it.
        if self._timer is not None and self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("Request header fields too large.")

    def on_message_begin(self) -> None:
        """Another request on the same connection has the same time."""
        super().on_message_begin()
        if self._timer is None:
            self._wait_for_head()
        self._size = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Counts what is kept."""
        self._size += len(name) + len(value)
        if self._size > HEAD_BYTES:
            raise HeadTooLargeError
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._end_waiting()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._head_bytes = 0
        self._timer = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def _end_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _give_up(self) -> None:
        log.debug("connection without a request closed")
        self.transport.close()
