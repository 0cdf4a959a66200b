"""The documents of one file, as Argo CD takes them.

A folder may hold YAML that is no manifest (values, a pipeline's settings): such a file is passed over. One that speaks of
`apiVersion`, `kind` and `metadata` was meant as a manifest, so what is wrong with it is an error. A file is passed over
whole by the mark `+argocd:skip-file-rendering` anywhere in it. A `.json` file holds one document.
see: argoproj/argo-cd `reposerver/repository/repository.go`, `getObjsFromYAMLOrJson` (3.6). Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from haori.objects.errors import YamlError
from haori.objects.yaml import load_documents

SKIP_MARK = b"+argocd:skip-file-rendering"
_MARKS = (b"apiVersion:", b"kind:", b"metadata:")
MOST_WARNINGS = 20


@dataclass(slots=True)
class Documents:
    """What one file holds."""

    documents: list[Any] = field(default_factory=list)
    warnings: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Codes and parameters of sentences: keys that stand twice, or why the file was passed over."""


def read_documents(content: bytes, name: str) -> Documents:
    """The documents of the file `name`, none where it is passed over. Raises YamlError."""
    if SKIP_MARK in content:
        return Documents()
    again: list[tuple[int, str]] = []
    try:
        documents = load_documents(content, source=name, warnings=again)
    except YamlError as error:
        if error.code != "yaml-invalid" or name.endswith(".json") or is_meant(content):
            raise
        return Documents(warnings=[("render-passed-over", {"path": name, "problem": error.parameters["problem"]})])
    if name.endswith(".json") and len(documents) > 1:
        raise YamlError("yaml-invalid", source=name, line=0, column=0, problem="more than one object in a JSON file")
    if not is_meant(content) and not name.endswith(".json") and not any(map(is_object, documents)):
        return Documents()
    warnings = [("render-duplicate-key", {"path": name, "line": line, "key": key[:100]}) for line, key in again]
    return Documents(documents=documents, warnings=warnings[:MOST_WARNINGS])


def is_meant(content: bytes) -> bool:
    """Whether a text that cannot be read was meant as a manifest."""
    return all(mark in content for mark in _MARKS)


def is_object(document: Any) -> bool:
    """Whether a document says what it is."""
    return isinstance(document, dict) and bool(document.get("kind")) and bool(document.get("apiVersion"))
