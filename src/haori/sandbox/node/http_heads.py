"""The heads of HTTP/1.1 messages as a proxy needs them: read strictly, framed unambiguously, handed on. Pure.

Whatever two readers could frame differently is refused (RFC 9112, 6.3): both lengths at once, lengths that differ, other
transfer codings than chunked, folded lines. What belongs to one connection alone is not handed on (RFC 9110, 7.6.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_REQUEST = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_RESPONSE = re.compile(rb"HTTP/1\.[01] ([1-9][0-9][0-9])(?: (.*))?")
_FORBIDDEN = re.compile(rb"[\x00\r\n]")
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"})
_FORWARDED = frozenset({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"})
LARGEST_LENGTH = 1 << 62

Header = tuple[bytes, bytes]
"""(name as it was written, value)."""


class HeadProblem(Exception):
    """A head that is not passed on; `status` is what its sender is told."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Framing(StrEnum):
    """Where a body ends."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Headers:
    """The fields of a head, in their order."""

    fields: tuple[Header, ...]

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field; the name in lower case."""
        return [value for each, value in self.fields if each.lower() == name]

    def tokens(self, name: bytes) -> set[bytes]:
        """The elements of a list field, in lower case."""
        return {part.strip().lower() for value in self.values(name) for part in value.split(b",") if part.strip()}

    def end_to_end(self, *, without: Iterable[bytes] = ()) -> list[Header]:
        """What is handed on: neither the connection's own fields, nor those it names, nor `without`."""
        dropped = _HOP_BY_HOP | (self.tokens(b"connection") - {b"transfer-encoding", b"content-length"}) | set(without)
        return [field for field in self.fields if field[0].lower() not in dropped]

    def framing(self) -> tuple[Framing, int]:
        """How a body is framed, and its length; HeadProblem where that is not clear."""
        codings, lengths = self.values(b"transfer-encoding"), set(self.values(b"content-length"))
        if codings:
            if lengths or [each.strip().lower() for each in codings] != [b"chunked"]:
                raise HeadProblem(400, "the length of the body is not clear")
            return Framing.CHUNKED, 0
        if not lengths:
            return Framing.NONE, 0
        text = lengths.pop()
        if lengths or not text.isdigit() or int(text) > LARGEST_LENGTH:
            raise HeadProblem(400, "the length of the body is not clear")
        return Framing.LENGTH, int(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The head of a request."""

    method: bytes
    target: bytes
    """In origin form."""
    is_old: bool
    """HTTP/1.0."""
    host: bytes
    headers: Headers

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition(b"?")[0].decode("latin-1")

    @property
    def wants_upgrade(self) -> bool:
        """Whether another protocol is asked for, as WebSocket does."""
        return b"upgrade" in self.headers.tokens(b"connection") and bool(self.headers.values(b"upgrade"))

    @property
    def stays_open(self) -> bool:
        """Whether the client may send another request on the connection."""
        return not self.is_old and b"close" not in self.headers.tokens(b"connection")

    def forwarded(self, client: str) -> bytes:
        """The head as it goes to the endpoint; `client` is who asked."""
        fields = self.headers.end_to_end(without={*_FORWARDED, b"host"})
        fields = [(b"Host", self.host), *fields]
        fields += [
            (b"X-Forwarded-For", client.encode()),
            (b"X-Forwarded-Proto", b"http"),
            (b"X-Forwarded-Host", self.host),
            (b"X-Real-IP", client.encode()),
        ]
        if self.wants_upgrade:
            fields += [(b"Upgrade", value) for value in self.headers.values(b"upgrade")]
        fields.append((b"Connection", b"upgrade" if self.wants_upgrade else b"close"))
        version = b"HTTP/1.0" if self.is_old else b"HTTP/1.1"
        return write_head(b" ".join((self.method, self.target, version)), fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The head of a response."""

    status: int
    reason: bytes
    headers: Headers

    def framing(self, method: bytes) -> tuple[Framing, int]:
        """How the body of this answer to `method` is framed."""
        if method == b"HEAD" or self.status in (204, 304):
            return Framing.NONE, 0
        framing, length = self.headers.framing()
        return (Framing.CLOSE if framing is Framing.NONE else framing), length

    def forwarded(self, *, stays_open: bool) -> bytes:
        """The head as it goes to the client."""
        fields = self.headers.end_to_end()
        if self.status == 101:
            fields += [(b"Upgrade", value) for value in self.headers.values(b"upgrade")]
            fields.append((b"Connection", b"upgrade"))
        elif self.status >= 200:
            fields.append((b"Connection", b"keep-alive" if stays_open else b"close"))
        return write_head(b"HTTP/1.1 %d %s" % (self.status, self.reason), fields)


def write_head(first: bytes, fields: Iterable[Header]) -> bytes:
    """A head with its empty line."""
    return b"\r\n".join((first, *(name + b": " + value for name, value in fields), b"", b""))


def read_request(raw: bytes) -> Request:
    """A request's head, with its empty line; HeadProblem for what is none."""
    first, headers = _split(raw)
    match = _REQUEST.fullmatch(first)
    if match is None:
        raise HeadProblem(400, "this is no HTTP/1.1 request")
    method, target, minor = match.groups()
    hosts = headers.values(b"host")
    is_old = minor == b"0"
    if len(hosts) > 1 or (not hosts and not is_old):
        raise HeadProblem(400, "a request names one host")
    host = hosts[0] if hosts else b""
    if method == b"CONNECT":
        raise HeadProblem(405, "this proxy makes no tunnels")
    if target[:7].lower() == b"http://":
        host, slash, rest = target[7:].partition(b"/")
        target = slash + rest if slash else b"/"
    elif not target.startswith(b"/") and target != b"*":
        raise HeadProblem(400, "this is no path")
    if is_old and headers.values(b"transfer-encoding"):
        raise HeadProblem(400, "the length of the body is not clear")
    headers.framing()
    return Request(method=method, target=target, is_old=is_old, host=host, headers=headers)


def read_response(raw: bytes) -> Response:
    """A response's head, with its empty line; HeadProblem (502) for what is none."""
    try:
        first, headers = _split(raw)
        headers.framing()
    except HeadProblem as problem:
        raise HeadProblem(502, str(problem)) from problem
    match = _RESPONSE.fullmatch(first)
    if match is None:
        raise HeadProblem(502, "the endpoint does not speak HTTP/1.1")
    return Response(status=int(match[1]), reason=match[2] or b"", headers=headers)


def _split(raw: bytes) -> tuple[bytes, Headers]:
    first, *lines = raw.removesuffix(b"\r\n\r\n").split(b"\r\n")
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not _TOKEN.fullmatch(name) or _FORBIDDEN.search(value):
            raise HeadProblem(400, "this is no header field")
        fields.append((name, value.strip(b" \t")))
    return first, Headers(fields=tuple(fields))
