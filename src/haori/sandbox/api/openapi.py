"""`/openapi/v3`: the index, and a document for each group and version, made when asked for and named by a hash.

A client that has the document of a hash never asks for it again, so nothing is kept here.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import orjson

from haori.sandbox.api.errors import no_such_path
from haori.sandbox.api.exchange import JSON, Request
from haori.schema import Schemas
from haori.schema.openapi import openapi_v3_document, openapi_v3_index

ROOT = "/openapi/v3"
_FOR_EVER = int(timedelta(days=365).total_seconds())


async def answer_openapi(schemas: Schemas, request: Request, path: str) -> None:
    """The index or a document; 404 for every other path."""
    if path == ROOT:
        body = await asyncio.to_thread(lambda: orjson.dumps(openapi_v3_index(schemas)))
    elif path.startswith(f"{ROOT}/"):
        # Put together in a thread: the core's takes tens of milliseconds.
        found = await asyncio.to_thread(openapi_v3_document, schemas, path.removeprefix(f"{ROOT}/"))
        if found is None:
            raise no_such_path()
        body = found
    else:
        raise no_such_path()
    etag = f'"{hashlib.sha256(body).hexdigest().upper()}"'
    headers = {"etag": etag, "vary": "Accept-Encoding, Accept", "cache-control": "no-cache, private"}
    if "hash" in request.query:
        headers["cache-control"] = f"public, immutable, max-age={_FOR_EVER}"
    if request.headers.get("if-none-match") == etag:
        return await request.send_body(b"", JSON, 304, headers)
    await request.send_body(body, JSON, 200, headers)
