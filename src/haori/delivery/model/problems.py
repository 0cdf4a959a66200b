"""Reading untyped mappings into values, collecting every problem with its path instead of stopping at the first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from haori.resources.argo import ConditionType
from haori.words import Sentence

_Word = TypeVar("_Word", bound=StrEnum)


def word_of(enum: type[_Word], value: object) -> _Word | None:
    """The member of `enum` that is spelled `value`, None for any other value."""
    try:
        return enum(value) if isinstance(value, str) else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something wrong at `path`, e.g. `spec.source.repoURL`."""

    path: str
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One entry of `status.conditions`, before it has a time."""

    type: ConditionType
    sentence: Sentence


class Fields:
    """One mapping at one path; asks note which keys are known, `unknown` gives the others."""

    def __init__(self, value: Mapping[str, Any], path: str, problems: list[Problem], unknown: list[str]) -> None:
        self._value = value
        self._path = path
        self._problems = problems
        self._unknown = unknown
        self._asked: set[str] = set()

    @property
    def raw(self) -> Mapping[str, Any]:
        """The mapping itself."""
        return self._value

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        return str(self._typed(key, str, "a text", default))

    def flag(self, key: str, default: bool = False) -> bool:
        """True or false."""
        return bool(self._typed(key, bool, "true or false", default))

    def optional_flag(self, key: str) -> bool | None:
        """True or false, None where absent."""
        found: bool | None = self._typed(key, bool, "true or false", None)
        return found

    def integer(self, key: str, default: int) -> int:
        """A whole number."""
        return int(self._typed(key, int, "a whole number", default))

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts."""
        items = self._typed(key, list, "a list", [])
        if bad := next((item for item in items if not isinstance(item, str)), None):
            self.problem(key, "field-not-of-type", wanted="a list of texts", found=type(bad).__name__)
        return tuple(item for item in items if isinstance(item, str))

    def mapping(self, key: str) -> Mapping[str, Any]:
        """A mapping that is kept as it is."""
        found: Mapping[str, Any] = self._typed(key, Mapping, "a mapping", {})
        return found

    def text_mapping(self, key: str) -> Mapping[str, str]:
        """A mapping of texts; other scalars become text."""
        return {str(name): str(value) for name, value in self.mapping(key).items()}

    def child(self, key: str) -> Fields | None:
        """The fields of the mapping at `key`, None where absent."""
        value = self._typed(key, Mapping, "a mapping", None)
        return None if value is None else Fields(value, self._at(key), self._problems, self._unknown)

    def children(self, key: str) -> Iterator[Fields]:
        """The fields of each mapping in the list at `key`."""
        for index, item in enumerate(self._typed(key, list, "a list", [])):
            if isinstance(item, Mapping):
                yield Fields(item, f"{self._at(key)}[{index}]", self._problems, self._unknown)
            else:
                self.problem(f"{key}[{index}]", "field-not-of-type", wanted="a mapping", found=type(item).__name__)

    def problem(self, key: str, code: str, /, **parameters: Any) -> None:
        """Notes a problem at `key` (empty: at this mapping)."""
        path = self._at(key)
        self._problems.append(Problem(path=path, sentence=Sentence(code=code, parameters={"path": path, **parameters})))

    def done(self) -> None:
        """Lists the keys nobody asked for as unknown."""
        self._unknown.extend(self._at(key) for key in sorted(set(self._value) - self._asked))

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path and key else self._path or key

    def _typed(self, key: str, type_: Any, wanted: str, default: Any) -> Any:
        self._asked.add(key)
        value = self._value.get(key)
        if value is None:
            return default
        if not isinstance(value, type_) or (type_ is int and isinstance(value, bool)):
            self.problem(key, "field-not-of-type", wanted=wanted, found=type(value).__name__)
            return default
        return value
