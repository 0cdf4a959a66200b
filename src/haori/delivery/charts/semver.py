"""Versions and ranges as Helm reads them.

Helm and Argo CD ask Masterminds/semver: a version may lack its minor and patch numbers and may begin with `v`; a range is
comparisons joined by spaces or commas, alternatives by `||`; comparisons none of
which names a pre-release take none.
see: Masterminds/semver v3 `constraints.go`, `version.go` (3.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

_LABELS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_VERSION = re.compile(rf"v?(\d{{1,18}})(?:\.(\d{{1,18}}))?(?:\.(\d{{1,18}}))?(?:-({_LABELS}))?(?:\+({_LABELS}))?")
_PART = r"(?:\d{1,18}|[xX*])"
_PATTERN = rf"v?{_PART}(?:\.{_PART})?(?:\.{_PART})?(?:-{_LABELS})?(?:\+{_LABELS})?"
_OPERATOR = r"=>|=<|!=|>=|<=|~>|=|>|<|~|\^|"
_COMPARISON = re.compile(rf"\s*({_OPERATOR})\s*({_PATTERN})\s*")
_BETWEEN = re.compile(rf"\s*({_PATTERN})\s+-\s+({_PATTERN})\s*")
_TAKEN_APART = re.compile(rf"v?({_PART})(?:\.({_PART}))?(?:\.({_PART}))?(?:-({_LABELS}))?(?:\+{_LABELS})?")
LONGEST = 256


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """A version; build metadata does not count in comparisons."""

    numbers: tuple[int, int, int]
    pre: str = ""
    text: str = ""
    """As it was written."""

    def __lt__(self, other: Version) -> bool:
        return self._rank() < other._rank()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._rank() == other._rank()

    def __hash__(self) -> int:
        return hash((self.numbers, self.pre))

    def _rank(self) -> tuple[tuple[int, int, int], bool, tuple[tuple[bool, int, str], ...]]:
        labels = self.pre.split(".") if self.pre else ()
        ranked = tuple(
            (not label.isdigit(), int(label) if label.isdigit() else 0, "" if label.isdigit() else label)
            for label in labels
        )
        return self.numbers, not self.pre, ranked


def parse_version(text: str) -> Version | None:
    """The version that `text` is, None where it is none (a range, a word)."""
    match = _VERSION.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        return None
    major, minor, patch = (int(part or 0) for part in match.groups()[:3])
    pre = match[4] or ""
    if any(label.isdigit() and len(label) > 1 and label[0] == "0" for label in pre.split(".")):
        return None
    return Version((major, minor, patch), pre, text.strip())


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison; `given` is how many of the three numbers were written out."""

    operator: str
    version: Version
    given: int

    def holds(self, version: Version, *, takes_pre: bool) -> bool:
        """Whether `version` passes; `takes_pre`: some comparison beside this one names a pre-release."""
        wanted = self.version
        if version.pre and not takes_pre and not (self.operator == "!=" and self.given == 3):
            return False
        match self.operator:
            case "" | "=":
                return version == wanted if self.given == 3 else self._is_near(version)
            case "!=":
                return version != wanted if self.given == 3 else not self._is_within(version)
            case ">":
                return version > wanted if self.given == 3 else version.numbers[: self.given] > self._head
            case ">=" | "=>":
                return version >= wanted
            case "<":
                return version < wanted
            case "<=" | "=<":
                return version <= wanted if self.given == 3 else version.numbers[: self.given] <= self._head
            case "^":
                return version >= wanted and self._is_compatible(version)
        return self._is_near(version)

    @property
    def _head(self) -> tuple[int, ...]:
        return self.version.numbers[: self.given]

    def _is_within(self, version: Version) -> bool:
        return version.numbers[: self.given] == self._head

    def _is_near(self, version: Version) -> bool:
        """`~`: the minor number stays, or the major one where that alone was given; `~0.0.0` is anything."""
        if version < self.version:
            return False
        if self.given in (0, 3) and self.version.numbers == (0, 0, 0):
            return True
        kept = 1 if self.given == 1 else 2
        return version.numbers[:kept] == self.version.numbers[:kept]

    def _is_compatible(self, version: Version) -> bool:
        """`^`: the first number that is not zero stays."""
        major, minor, _ = self.version.numbers
        if major > 0 or self.given == 1:
            return version.numbers[0] == major
        if minor > 0 or self.given == 2:
            return version.numbers[:2] == (0, minor)
        return version.numbers == self.version.numbers


@dataclass(frozen=True, slots=True)
class Range:
    """Alternatives, each of comparisons that all hold."""

    alternatives: tuple[tuple[_Comparison, ...], ...]

    def holds(self, version: Version) -> bool:
        """Whether `version` is within."""
        return any(_all_hold(alternative, version) for alternative in self.alternatives)

    def newest(self, texts: Iterable[str]) -> str | None:
        """The greatest of the versions within, as it is written; of equal ones the first. What is no version is passed over."""
        best: Version | None = None
        for text in texts:
            version = parse_version(text)
            if version is not None and self.holds(version) and (best is None or version > best):
                best = version
        return None if best is None else best.text


def _all_hold(comparisons: tuple[_Comparison, ...], version: Version) -> bool:
    takes_pre = any(each.version.pre for each in comparisons)
    return all(each.holds(version, takes_pre=takes_pre) for each in comparisons)


def parse_range(text: str) -> Range | None:
    """The range that `text` is; None where it is none. "" is any release."""
    if len(text) > LONGEST:
        return None
    alternatives = []
    for part in text.split("||"):
        comparisons = _comparisons(_BETWEEN.sub(r" >=\1 <=\2 ", part))
        if comparisons is None:
            return None
        alternatives.append(comparisons)
    return Range(tuple(alternatives))


def _comparisons(text: str) -> tuple[_Comparison, ...] | None:
    if not text.strip():
        return (_Comparison("", Version((0, 0, 0)), 0),)
    found = []
    at = 0
    while at < len(text):
        match = _COMPARISON.match(text, at)
        if match is None or match.end() == at:
            return None
        comparison = _comparison(match[1], match[2])
        if comparison is None:
            return None
        found.append(comparison)
        at = match.end()
        if at < len(text) and text[at] == ",":
            at += 1
            if not text[at:].strip():
                return None
        elif at < len(text) and not text[at - 1].isspace():
            return None
    return tuple(found)


def _comparison(operator: str, pattern: str) -> _Comparison | None:
    match = _TAKEN_APART.fullmatch(pattern)
    if match is None:
        return None
    numbers: list[int] = []
    for part in match.groups()[:3]:
        if part is None or not part.isdigit():
            break
        numbers.append(int(part))
    given = len(numbers)
    padded = (*numbers, 0, 0, 0)
    return _Comparison(operator, Version((padded[0], padded[1], padded[2]), match[4] or ""), given)
