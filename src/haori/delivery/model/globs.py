"""Globs as projects and settings write them: `*` any text (slashes too), `?` one character, `[...]`, `{a,b}`, `\\` escapes.

With a separator `*`, `?` and `[...]` stop at it and `**` does not. A pattern is a small machine that is in several states
at once, so matching costs the length of the pattern times that of the text, whoever wrote either: no pattern is
exponential. One that cannot be read (`GlobError`) matches only its own text; whoever denies by globs has to refuse it
(`glob_problem`).
see: gobwas/glob, as Argo CD's `util/glob` uses it (3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

MAX_PATTERN = 512
"""The longest pattern that is read."""
MAX_DEPTH = 8
"""How deep `{…}` may stand in each other."""
_SPECIAL = frozenset("*?[{\\")

Test = Callable[[str], bool]


class GlobError(ValueError):
    """A pattern that is no glob. Never leaves this module."""


def glob_matches(pattern: str, text: str, *, separator: str = "") -> bool:
    """Whether `text` matches; with a `separator`, `*` stops at it and `**` does not."""
    if pattern == text:
        return True
    if _SPECIAL.isdisjoint(pattern):
        return False
    if pattern == "*" and not separator:
        return True
    return _matches(pattern, text, separator)


def glob_problem(pattern: str) -> bool:
    """Whether `pattern` cannot be read: too long, too deep, or a bracket without its end."""
    return _machine(pattern, "") is None


def is_permitted(patterns: Iterable[str], text: str, *, separator: str = "") -> bool:
    """Whether a pattern allows `text` and none that begins with `!` denies it; a deny alone allows nothing.

    `*` alone is any text, whatever the separator.
    """
    allowed = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if glob_matches(pattern[1:], text, separator=separator):
                return False
        elif pattern == "*" or glob_matches(pattern, text, separator=separator):
            allowed = True
    return allowed


@lru_cache(maxsize=16384)
def _matches(pattern: str, text: str, separator: str) -> bool:
    machine = _machine(pattern, separator)
    return machine is not None and machine.accepts(text)


@lru_cache(maxsize=8192)
def _machine(pattern: str, separator: str) -> _Machine | None:
    try:
        return _Machine(pattern, separator)
    except GlobError:
        return None


class _Machine:
    """States, what leads from one to the next, and what leads on for free."""

    def __init__(self, pattern: str, separator: str) -> None:
        if len(pattern) > MAX_PATTERN:
            raise GlobError(pattern)
        self._pattern, self._separator, self._at = pattern, separator, 0
        self._moves: list[list[tuple[Test, int]]] = []
        self._free: list[list[int]] = []
        self._start = self._state()
        self._end = self._sequence(self._start, 0)

    def accepts(self, text: str) -> bool:
        """Whether a walk over the whole text ends at the end."""
        states = self._closure({self._start})
        for char in text:
            states = self._closure({to for state in states for test, to in self._moves[state] if test(char)})
            if not states:
                return False
        return self._end in states

    def _closure(self, states: set[int]) -> set[int]:
        waiting = list(states)
        while waiting:
            for state in self._free[waiting.pop()]:
                if state not in states:
                    states.add(state)
                    waiting.append(state)
        return states

    def _state(self) -> int:
        self._moves.append([])
        self._free.append([])
        return len(self._moves) - 1

    def _step(self, state: int, test: Test) -> int:
        after = self._state()
        self._moves[state].append((test, after))
        return after

    def _sequence(self, state: int, depth: int) -> int:
        """Reads up to the end, or to the `,` or `}` that ends an alternative; the state after it."""
        while self._at < len(self._pattern):
            char = self._pattern[self._at]
            if depth and char in ",}":
                return state
            self._at += 1
            match char:
                case "*":
                    state = self._star(state)
                case "?":
                    state = self._step(state, self._is_no_separator)
                case "[":
                    state = self._step(state, self._class())
                case "{":
                    state = self._alternatives(state, depth + 1)
                case _:
                    state = self._step(state, self._escaped(char).__eq__)
        if depth:
            raise GlobError(self._pattern)
        return state

    def _star(self, state: int) -> int:
        crosses = self._pattern.startswith("*", self._at)
        while self._pattern.startswith("*", self._at):
            self._at += 1
        loop = self._state()
        self._free[state].append(loop)
        self._moves[loop].append((_is_any if crosses else self._is_no_separator, loop))
        return loop

    def _alternatives(self, state: int, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise GlobError(self._pattern)
        end = self._state()
        while True:
            start = self._state()
            self._free[state].append(start)
            self._free[self._sequence(start, depth)].append(end)
            self._at += 1
            if self._pattern[self._at - 1] == "}":
                return end

    def _class(self) -> Test:
        close = self._pattern.find("]", self._at + 1)
        if close < 0:
            raise GlobError(self._pattern)
        body, self._at = self._pattern[self._at : close], close + 1
        is_negated = body[0] in "!^"
        body = body[1:] if is_negated else body
        ranges, index = [], 0
        while index < len(body):
            is_range = body[index + 1 : index + 2] == "-" and index + 2 < len(body)
            ranges.append((body[index], body[index + 2] if is_range else body[index]))
            index += 3 if is_range else 1
        if not ranges:
            raise GlobError(self._pattern)
        return lambda char: (
            char != self._separator and any(low <= char <= high for low, high in ranges) is not is_negated
        )

    def _escaped(self, char: str) -> str:
        if char != "\\":
            return char
        if self._at >= len(self._pattern):
            raise GlobError(self._pattern)
        self._at += 1
        return self._pattern[self._at - 1]

    def _is_no_separator(self, char: str) -> bool:
        return char != self._separator


def _is_any(char: str) -> bool:
    return True
