"""Patterns of policy lines, compiled once.

Argo CD matches with gobwas/glob without separators (`*` crosses `/`) or, by `policy.matchMode: regex`, with Go's regexp,
which finds its pattern anywhere in the text. Both are RE2 here: a project's own roles bring patterns too, and with RE2 none
of them can make a check take more than linear time. Most globs are plain texts with a star and need no engine at all.
"""

from __future__ import annotations

from collections.abc import Callable

Matcher = Callable[[str], bool]

MAX_PATTERN = 1000
"""Characters: longer than any name that could be matched."""

_SPECIAL = frozenset("*?[{\\")


class PatternError(ValueError):
    """A pattern that is none."""


def compile_glob(pattern: str) -> Matcher:
    """Whether a whole text is matched by a glob: `*`, `**`, `?`, `[abc]`, `[a-z]`, `[!a]`, `{a,b}`, `\\` before a character."""
    if not _SPECIAL.intersection(pattern):
        return pattern.__eq__
    if pattern in ("*", "**"):
        return lambda text: True
    if pattern.endswith("*") and not _SPECIAL.intersection(pattern[:-1]):
        prefix = pattern[:-1]
        return lambda text: text.startswith(prefix)
    if not (_SPECIAL - {"*"}).intersection(pattern):
        return _compile_stars(*pattern.split("*"))
    return _compile(_Glob(pattern).translate(), whole=True)


def _compile_stars(first: str, *rest: str) -> Matcher:
    """Plain texts with anything between them. The leftmost place of each is enough: what comes later has the more room."""
    middle, last = [each for each in rest[:-1] if each], rest[-1]
    ends = len(first) + len(last)

    def matches(text: str) -> bool:
        if len(text) < ends or not text.startswith(first) or not text.endswith(last):
            return False
        at, end = len(first), len(text) - len(last)
        for piece in middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    return matches


def compile_regex(pattern: str) -> Matcher:
    """Whether a regular expression (RE2, as Go's) is found anywhere in a text."""
    return _compile(pattern, whole=False)


def _compile(expression: str, *, whole: bool) -> Matcher:
    import re2  # loaded by the first policy that needs it

    if len(expression) > MAX_PATTERN:
        raise PatternError("too long")
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = whole
    try:
        compiled = re2.compile(expression, options)
    except re2.error as error:
        raise PatternError(str(error)) from error
    find = compiled.fullmatch if whole else compiled.search
    return lambda text: find(text) is not None


class _Glob:
    """One glob on its way to a regular expression."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._depth = 0

    def translate(self) -> str:
        out: list[str] = []
        while self._at < len(self._pattern):
            character = self._pattern[self._at]
            self._at += 1
            out.append(self._one(character))
        if self._depth:
            raise PatternError("missing }")
        return "".join(out)

    def _one(self, character: str) -> str:
        match character:
            case "*":
                return ".*"
            case "?":
                return "."
            case "[":
                return self._class()
            case "{":
                self._depth += 1
                return "(?:"
            case "}" if self._depth:
                self._depth -= 1
                return ")"
            case "," if self._depth:
                return "|"
            case "\\":
                return _quote(self._next())
            case _:
                return _quote(character)

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise PatternError("ends too early")
        self._at += 1
        return self._pattern[self._at - 1]

    def _class(self) -> str:
        end = self._pattern.find("]", self._at)
        inner = self._pattern[self._at : end]
        self._at = end + 1
        negated = inner.startswith("!")
        inner = inner.removeprefix("!")
        if end < 0 or not inner:
            raise PatternError("missing ]")
        is_range = len(inner) == 3 and inner[1] == "-"
        body = f"{_quote(inner[0])}-{_quote(inner[2])}" if is_range else "".join(map(_quote, inner))
        return f"[{'^' if negated else ''}{body}]"


def _quote(character: str) -> str:
    return character if character.isalnum() or ord(character) > 127 else f"\\x{ord(character):02x}"
