"""Files of many small JSON values, each compressed by itself, so that one is read without the others.

A file: the head's and the shared text's lengths (4 bytes each, big endian), the head (zlib; JSON with `index`: name to
offset and length), the shared text (zlib) that every block may refer back to, then the blocks (raw deflate). They are
written by `scripts/derive_schema.py`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson


class Archive:
    """One file of blocks. Keeps the compressed bytes, never what was read from them."""

    __slots__ = ("_blocks", "_index", "_shared", "head")

    def __init__(self, data: bytes) -> None:
        top, shared = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        self.head: dict[str, Any] = orjson.loads(zlib.decompress(data[8 : 8 + top]))
        self._index: dict[str, list[int]] = self.head.pop("index")
        self._shared = zlib.decompress(data[8 + top : 8 + top + shared])
        self._blocks = data[8 + top + shared :]

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self._index)

    def read(self, name: str) -> Any:
        """The value of that name, made anew at each call. Raises KeyError."""
        offset, length = self._index[name]
        unpacker = zlib.decompressobj(-15, zdict=self._shared)
        return orjson.loads(unpacker.decompress(self._blocks[offset : offset + length]))


@cache
def open_archive(name: str) -> Archive:
    """The archive `data/NAME.bin` of this room, opened once in a process."""
    return Archive(data_file(f"{name}.bin"))


def data_file(name: str) -> bytes:
    """The bytes of a file in this room's `data` folder."""
    return (Path(__file__).parent / "data" / name).read_bytes()
