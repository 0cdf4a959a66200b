"""Forwards TCP connections, bytes unseen, to targets that take turns."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5.0


class _Side(asyncio.Protocol):
    """One of the two connections; reading on one waits while the other cannot take more."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _Side | None = None
        self._early: list[bytes] = []
        self._early_end = False
        self.has_ended = False
        """Whether nothing more comes from here."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def join(self, other: _Side) -> None:
        """From now on what comes here goes there."""
        self.other = other
        for each in self._early:
            self._pass_on(each)
        self._early = []
        if self._early_end:
            self.eof_received()

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
            if self.transport is not None:
                self.transport.pause_reading()
        else:
            self._pass_on(data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is not None and self.other.transport is not None and not self.other.transport.is_closing():
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        if self.other is None:
            self._early_end = True
        else:
            self.has_ended = True
            if self.other.transport is not None and not self.other.transport.is_closing():
                self.other.transport.write_eof()
            if self.other.has_ended and self.transport is not None:
                self.transport.close()
        return True

    def pause_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class _Incoming(_Side):
    def __init__(self, forwarder: Forwarder) -> None:
        super().__init__()
        self._forwarder = forwarder

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._forwarder.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._forwarder.lost(self)


class Forwarder:
    """One listener. `targets` may change at any time; connections that are open stay with theirs."""

    def __init__(self, address: str, port: int) -> None:
        self.targets: list[tuple[str, int]] = []
        self._address, self._port = address, port
        self._server: asyncio.Server | None = None
        self._turn = 0
        self._open: dict[_Incoming, asyncio.Task[None]] = {}

    async def listen(self) -> None:
        """Begin; OSError where the address cannot be listened on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Incoming(self), self._address, self._port, reuse_address=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """End listening and everything that is open."""
        if self._server is not None:
            self._server.close()
        for side, task in list(self._open.items()):
            task.cancel()
            if side.transport is not None:
                side.transport.abort()

    def opened(self, side: _Incoming) -> None:
        """Somebody came."""
        self._open[side] = asyncio.ensure_future(self._connect(side))

    def lost(self, side: _Incoming) -> None:
        """Somebody left."""
        task = self._open.pop(side, None)
        if task is not None:
            task.cancel()

    async def _connect(self, side: _Incoming) -> None:
        """Joins the connection to the next target that answers; closes it where none does."""
        targets = list(self.targets)
        self._turn += 1
        for number in range(len(targets)):
            address, port = targets[(self._turn + number) % len(targets)]
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    _, other = await asyncio.get_running_loop().create_connection(_Side, address, port)
            except OSError as problem:
                log.debug("endpoint does not answer", extra={"target": f"{address}:{port}", "problem": str(problem)})
                continue
            if side.transport is None:
                if other.transport is not None:
                    other.transport.abort()
                return
            other.join(side)
            side.join(other)
            side.transport.resume_reading()
            return
        if side.transport is not None:
            side.transport.abort()
