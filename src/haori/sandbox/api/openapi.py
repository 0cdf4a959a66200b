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
OLD_ROOT = "/openapi/v2"
OLD_FORM = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OLD_DOCUMENT = b"\n\x032.0\x12\x10\n\x05haori\x12\x07v1.37.2"
"""A document that describes no type (`swagger`, `info`): kubectl asks for one before it sends what no path takes, such as
a List, and lets pass what is not in it. Each object of a List is judged when it is written."""
_FOR_EVER = int(timedelta(days=365).total_seconds())


async def answer_openapi(schemas: Schemas, request: Request, path: str) -> None:
    """The index or a document; 404 for every other path."""
    if path == OLD_ROOT:
        return await request.send_body(OLD_DOCUMENT, OLD_FORM)
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
