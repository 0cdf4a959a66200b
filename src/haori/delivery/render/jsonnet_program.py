"""Evaluates Jsonnet: what `jail.run_program` runs for `jsonnet`.

Input: JSON {"root", "scripts", "libraries", "external", "arguments"}, paths seen from `root`. Output: JSON {"outputs": [text…]},
one a script, or {"error": [script, reason]}. Standard library only, and nothing imported late: in the jail it is out of reach.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

MOST_STACK = 500
"""go-jsonnet's own default, which Argo CD leaves."""


class Importer:
    """Finds imports below one root."""

    def __init__(self, root: str, libraries: list[str]) -> None:
        self._root = os.path.realpath(root)
        self._libraries = libraries
        self.refusal = ""
        """Why the last import failed: the library forgets what a callback raised."""

    def find(self, folder: str, name: str) -> tuple[str, bytes]:
        """(path, content) of `name`, imported by a file in `folder`."""
        if name.startswith("/"):
            raise self._refuse(f"the import {name} leads out of the repository")
        for candidate in [folder, *reversed(self._libraries)]:
            path = os.path.normpath(os.path.join(candidate, name))
            real = os.path.realpath(os.path.join(self._root, path))
            if not real.startswith(f"{self._root}/"):
                raise self._refuse(f"the import {name} leads out of the repository")
            if os.path.isfile(real):
                with open(real, "rb") as file:
                    return path, file.read()
        raise self._refuse(f"the import {name} is found neither beside its file nor in the libraries")

    def _refuse(self, reason: str) -> RuntimeError:
        self.refusal = reason
        return RuntimeError(reason)


def main(modules: Mapping[str, ModuleType]) -> int:
    """Answers the one question on standard input with the late module `_gojsonnet`."""
    question = json.loads(sys.stdin.buffer.read())
    importer = Importer(question["root"], question["libraries"])
    evaluate = modules["_gojsonnet"].evaluate_snippet
    outputs = []
    for script in question["scripts"]:
        try:
            outputs.append(_evaluate(evaluate, script, question, importer))
        except Exception as error:
            # The library raises what it likes: all of it is for the script's author.
            json.dump({"error": [script, importer.refusal or str(error)]}, sys.stdout)
            return 0
    json.dump({"outputs": outputs}, sys.stdout)
    return 0


def _evaluate(evaluate: Callable[..., str], script: str, question: Mapping[str, Any], importer: Importer) -> str:
    _, content = importer.find("", script)
    options: dict[str, dict[str, str]] = {"ext_vars": {}, "ext_codes": {}, "tla_vars": {}, "tla_codes": {}}
    for kind, field in (("ext", "external"), ("tla", "arguments")):
        for name, value, is_code in question[field]:
            options[f"{kind}_{'codes' if is_code else 'vars'}"][name] = value
    return evaluate(script, content.decode(), import_callback=importer.find, max_stack=MOST_STACK, **options)
