"""Codes to sentences.

A sentence travels as its code and parameters and becomes text only where a person reads it, so that one status can be
shown in English on a terminal and in Japanese in the console. A parameter may be a sentence itself (the reason inside a
reason): it becomes text together with the one around it, in the same language.

A missing parameter is a fault of ours, found by a test that walks all codes; at run time it shows as `{name}` rather than
hide the rest of the sentence.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

_PLACE = re.compile(r"\{\{|\}\}|\{([a-z][a-z0-9_]*)(?:\|([^|{}]*)\|([^|{}]*))?\}")


DEEPEST = 8
"""Reasons inside reasons that are told: an application of applications of applications."""


class Language(StrEnum):
    """The languages the files hold."""

    ENGLISH = "en"
    JAPANESE = "ja"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence that is not yet text."""

    code: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: Language | None = None) -> str:
        """The sentence in `language` (None: the reader's, see `current_language`)."""
        return text(self.code, self.parameters, language)

    def hint(self) -> Sentence | None:
        """What to do next, where the words know it (`<code>.hint`): of the innermost reason that has one."""
        inner = _as_sentence(self.parameters.get("reason"))
        code = f"{self.code}.hint"
        found = inner.hint() if inner is not None else None
        return found or (Sentence(code=code, parameters=self.parameters) if has_code(code) else None)

    def to_json(self, language: Language | None = None) -> dict[str, Any]:
        """{"code", "parameters", "text"}: the shape every `-o json` carries a sentence in, those inside it as well."""
        parameters = {name: _to_json(value, language) for name, value in self.parameters.items()}
        return {"code": self.code, "parameters": parameters, "text": self.text(language)}


def read_sentence(value: Any, *, deepest: int = DEEPEST) -> Sentence | None:
    """A sentence from its JSON, which anybody may have written; None for what is none.

    Of sentences inside one another `deepest` are taken, and an ellipsis for the rest.
    """
    if not isinstance(value, Mapping) or not isinstance(code := value.get("code"), str) or not code:
        return None
    parameters = value.get("parameters")
    known = parameters if isinstance(parameters, Mapping) else {}
    return Sentence(code=code, parameters={str(name): _read(each, deepest - 1) for name, each in known.items()})


def _read(value: Any, deepest: int) -> Any:
    if isinstance(value, Mapping):
        return (read_sentence(value, deepest=deepest) if deepest > 0 else None) or "…"
    if isinstance(value, (list, tuple)):
        return [_read(each, deepest - 1) for each in value] if deepest > 0 else "…"
    return value


def current_language(environ: Mapping[str, str] | None = None) -> Language:
    """The reader's language: HAORI_LANG, else the locale variables in the order POSIX reads them, else English."""
    environ = os.environ if environ is None else environ
    for name in ("HAORI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        if value := environ.get(name):
            return Language.JAPANESE if value.lower().startswith("ja") else Language.ENGLISH
    return Language.ENGLISH


def text(code: str, parameters: Mapping[str, Any] | None = None, language: Language | None = None) -> str:
    """The sentence of `code` with `parameters` filled in; lists are joined with a comma.

    A parameter that is a sentence, as a value or as its JSON, is written in the same language.
    An unknown code gives the code and its parameters: nothing is lost when an older reader meets a newer writer.
    """
    known = parameters or {}
    language = language or current_language()
    template = _templates(language).get(code) or _templates(Language.ENGLISH).get(code)
    if template is None:
        facts = " ".join(f"{name}={_format_value(value, language)}" for name, value in known.items())
        return f"{code} {facts}".rstrip()

    def fill(match: re.Match[str]) -> str:
        if match[0] in ("{{", "}}"):
            return match[0][0]
        if match[1] not in known:
            return match[0]
        if match[2] is not None:
            return match[2] if _format_value(known[match[1]], language) == "1" else match[3]
        return _format_value(known[match[1]], language)

    return _PLACE.sub(fill, template)


def has_code(code: str) -> bool:
    """Whether the English file holds `code`."""
    return code in _templates(Language.ENGLISH)


def _format_value(value: Any, language: Language) -> str:
    if (inner := _as_sentence(value)) is not None:
        return inner.text(language)
    if isinstance(value, (list, tuple)):
        return ", ".join(_format_value(item, language) for item in value)
    if isinstance(value, float):
        return f"{value:g}"
    return str(value)


def _to_json(value: Any, language: Language | None) -> Any:
    if (inner := _as_sentence(value)) is not None:
        return inner.to_json(language)
    if isinstance(value, (list, tuple)):
        return [_to_json(item, language) for item in value]
    return value


def _as_sentence(value: Any) -> Sentence | None:
    """A parameter that is a sentence; one that was read from JSON is a mapping by now."""
    if isinstance(value, Sentence):
        return value
    if isinstance(value, Mapping) and isinstance(code := value.get("code"), str):
        parameters = value.get("parameters")
        return Sentence(code=code, parameters=parameters if isinstance(parameters, Mapping) else {})
    return None


@cache
def _templates(language: Language) -> Mapping[str, str]:
    loaded: dict[str, str] = json.loads(resources.files("haori.words").joinpath(f"{language.value}.json").read_bytes())
    return loaded
