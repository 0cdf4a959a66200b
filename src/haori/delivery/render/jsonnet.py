"""Jsonnet, evaluated by the library that Argo CD uses (go-jsonnet), in the jail.

An import names a file by a literal text, so what a script reads is known without evaluating it (`imports_of`). Imports are
found as Argo CD finds them: beside the importing file, then in the libraries (the last one first), then in the source's own
folder; and never outside the repository.
see: argoproj/argo-cd `reposerver/repository/repository.go`, `makeJsonnetVm`; google/go-jsonnet `imports.go`, `FileImporter`.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from haori.delivery.render.errors import RenderError
from haori.delivery.render.parsing import Bounds
from haori.delivery.render.tools import find_jsonnet
from haori.jail import JailError, run_program
from haori.words import Sentence

JSONNET_SUFFIX = ".jsonnet"
PROGRAM = Path(__file__).with_name("jsonnet_program.py")
LONGEST_REASON = 2000
_SPACE = r"(?:\s|//[^\n]*\n|\#[^\n]*\n|/\*.*?\*/)*"
_IMPORT = re.compile(
    rf"""\bimport(?:str|bin)?\b{_SPACE}(?:@'((?:[^']|'')*)'|@"((?:[^"]|"")*)"|'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonnetOptions:
    """`directory.jsonnet`, read."""

    external: tuple[tuple[str, str, bool], ...] = ()
    """(name, value, whether the value is code)."""
    arguments: tuple[tuple[str, str, bool], ...] = ()
    libraries: tuple[str, ...] = ()
    """Folders, seen from the root of the repository."""


def jsonnet_options(directory: Mapping[str, Any]) -> JsonnetOptions:
    """The options of `source.directory`. Raises RenderError where they are not of the documented shape."""
    given = directory.get("jsonnet") or {}
    if not isinstance(given, Mapping):
        raise RenderError("render-option-invalid", field="directory.jsonnet")
    libraries = given.get("libs") or []
    if not isinstance(libraries, list):
        raise RenderError("render-option-invalid", field="directory.jsonnet.libs")
    return JsonnetOptions(
        external=_variables(given, "extVars"), arguments=_variables(given, "tlas"), libraries=tuple(map(str, libraries))
    )


def _variables(given: Mapping[str, Any], field: str) -> tuple[tuple[str, str, bool], ...]:
    items = given.get(field) or []
    if not isinstance(items, list) or not all(isinstance(item, Mapping) and item.get("name") for item in items):
        raise RenderError("render-option-invalid", field=f"directory.jsonnet.{field}")
    return tuple((str(item["name"]), str(item.get("value") or ""), bool(item.get("code"))) for item in items)


async def evaluate_jsonnet(
    work: Path, root: Path, folder: Path, scripts: Sequence[str], options: JsonnetOptions, bounds: Bounds
) -> dict[str, list[Any]]:
    """By script (seen from `folder`): the objects it gives, one or a list. `root` is free of links.

    Raises RenderError, ToolMissingError.
    """
    base = folder.relative_to(root).as_posix()
    question = {
        "root": str(root),
        "scripts": [posixpath.normpath(posixpath.join(base, script)) for script in scripts],
        # The last one is asked first.
        "libraries": [base, *(posixpath.normpath(each.strip("/") or ".") for each in options.libraries)],
        "external": options.external,
        "arguments": options.arguments,
    }
    late = {"_gojsonnet": find_jsonnet()}
    name = posixpath.normpath(posixpath.join(base, scripts[0])) if len(scripts) == 1 else base
    try:
        done = await run_program(
            PROGRAM, stdin=orjson.dumps(question), cwd=work, limits=bounds.limits, using=bounds.isolation, late=late
        )
    except JailError as error:
        stopped = Sentence(code=error.code, parameters={**error.parameters, "command": "Jsonnet"})
        raise RenderError("render-stopped", tool="Jsonnet", path=name, reason=stopped) from error
    if done.exit_code != 0:
        reason = done.stderr.decode(errors="replace").strip()[-LONGEST_REASON:]
        raise RenderError("render-failed", tool="Jsonnet", path=name, reason=reason)
    answer = orjson.loads(done.stdout)
    if "error" in answer:
        script, reason = answer["error"]
        reason = reason.replace(f"{root}/", "").strip()[:LONGEST_REASON]
        raise RenderError("render-failed", tool="Jsonnet", path=script, reason=reason)
    return {script: _objects(text) for script, text in zip(scripts, answer["outputs"], strict=True)}


def _objects(text: str) -> list[Any]:
    value = orjson.loads(text)
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=512)
def imports_of(content: bytes) -> tuple[str, ...] | None:
    """What a script imports, as written, each once; None where that cannot be told without evaluating it.

    A text or comment that looks like an import is taken for one: that costs a render at most, never a wrong one.
    """
    found = []
    for verbatim_one, verbatim_two, one, two in _IMPORT.findall(content.decode(errors="replace")):
        if "\\" in one + two:
            return None
        found.append(verbatim_one.replace("''", "'") or verbatim_two.replace('""', '"') or one or two)
    return tuple(dict.fromkeys(found))
