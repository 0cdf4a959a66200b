"""The console's files: read whole when the server starts, so that no path of a request ever reaches a disk.

Files below `assets/` have their content in their name and are kept by browsers; a path that is no file and none of the
API's is the page itself, which reads the path.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from haori.server.answering import is_known, takes_gzip

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
ENDPOINTS = frozenset({"api", "auth", "livez", "readyz", "metrics", "openapi.json", "swagger.json"})
"""First segments of paths that are never the page."""
FILES_AT_MOST = 2000
BYTES_AT_MOST = 64 << 20
SMALLEST_COMPRESSED = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file."""

    body: bytes
    zipped: bytes | None
    media_type: str
    etag: str
    is_lasting: bool


class Files:
    """All files, by path."""

    def __init__(self, files: dict[str, File]) -> None:
        self._files = files

    @classmethod
    def read(cls, folder: Path | None) -> Files:
        """The files of a folder; None: there are none. Raises ValueError for a folder that is no console."""
        found: dict[str, File] = {}
        size = 0
        for path in sorted(folder.rglob("*")) if folder is not None else ():
            if path.is_symlink() or not path.is_file():
                continue
            body = path.read_bytes()
            size += len(body)
            if len(found) >= FILES_AT_MOST or size > BYTES_AT_MOST:
                raise ValueError(f"{folder} holds more than a console")
            assert folder is not None
            name = path.relative_to(folder).as_posix()
            found[name] = _file(name, body)
        return cls(found)

    def find(self, request: Request, raw_path: str) -> Response | None:
        """The answer for a path of the console, None where it is the API's or there is no console."""
        name = raw_path.lstrip("/")
        if not self._files or name.partition("/")[0] in ENDPOINTS:
            return None
        file = self._files.get(name)
        if file is None:
            # A missing asset is missing; any other path is a place within the page.
            file = None if name.startswith("assets/") else self._files.get("index.html")
        return _answer(request, file) if file is not None else None


def _file(name: str, body: bytes) -> File:
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = media_type.startswith("text/") or media_type.endswith(("javascript", "json", "xml", "wasm"))
    zipped = gzip.compress(body, 9, mtime=0) if is_text and len(body) >= SMALLEST_COMPRESSED else None
    etag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    return File(body=body, zipped=zipped, media_type=media_type, etag=etag, is_lasting=name.startswith("assets/"))


def _answer(request: Request, file: File) -> Response:
    headers = {
        "ETag": file.etag,
        "Vary": "Accept-Encoding",
        "Content-Security-Policy": PAGE_POLICY,
        "Cache-Control": "public, max-age=31536000, immutable" if file.is_lasting else "no-cache",
    }
    if is_known(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    if file.zipped is not None and takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(file.zipped, headers={**headers, "Content-Encoding": "gzip"}, media_type=file.media_type)
    return Response(file.body, headers=headers, media_type=file.media_type)
