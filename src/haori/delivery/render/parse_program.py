"""Reads large YAML in a process of its own: what `jail.run_program` runs for `parsing`.

Input: a line of JSON, [[name, size in bytes]…], then the contents of the files one after another. Output: a line of JSON,
{"error"} or {"documents": [count…], "warnings": [[text…]…]}, then each document on a line: `o` and JSON as orjson writes it,
or `j` and JSON with numbers beyond 64 bits.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import orjson

from haori.delivery.render.documents import read_documents
from haori.objects.errors import YamlError


def main(modules: Mapping[str, ModuleType]) -> int:
    """Answers the one question on standard input; there are no late modules."""
    source, answer = sys.stdin.buffer, sys.stdout.buffer
    try:
        found = [read_documents(source.read(size), name) for name, size in orjson.loads(source.readline())]
    except YamlError as error:
        # What the parser could not read may hold a lone surrogate, which orjson does not write.
        answer.write(json.dumps({"error": [error.code, error.parameters]}).encode())
        return 0
    head = {"documents": [len(each.documents) for each in found], "warnings": [each.warnings for each in found]}
    answer.write(json.dumps(head).encode() + b"\n")
    for each in found:
        for document in each.documents:
            answer.write(_line(document))
    return 0


def _line(document: Any) -> bytes:
    try:
        return b"o" + orjson.dumps(document) + b"\n"
    except TypeError:
        return b"j" + json.dumps(document).encode() + b"\n"
