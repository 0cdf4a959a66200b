"""Lines of a policy: `p, subject, resource, action, object, effect` and `g, subject, role`.

Argo CD reads each line by itself as CSV without leading spaces. It stops at the first line that it cannot read and goes on
with the policy it had; at a start it has none. Here every other line counts, and a broken one is a problem that is said and
is never a wider right:

- of an unknown effect or with missing fields, a `p` line takes away what it names, and everything where it names nothing;
- a pattern that is none matches nothing where it grants and everything where it denies;
- a `g` line without a role takes everything from its subject, since the role may have been there to restrict;
- a line that is neither and mentions `deny` leaves nothing standing but the built-in roles (`Lines.is_closed`).

see: argoproj/argo-cd `util/rbac/rbac.go` (3.x).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from haori.access.patterns import Matcher, PatternError
from haori.words import Sentence

Compile = Callable[[str], Matcher]

ALLOW, DENY = "allow", "deny"
SHOWN = 200
"""Characters of a broken line that its problem shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One `p` line, ready to be asked."""

    subject: str
    allows: bool
    resource: Matcher
    action: Matcher
    object: Matcher
    patterns: tuple[str, str, str]
    """Resource, action and object as they are written."""
    line: str

    def matches(self, resource: str, action: str, object: str) -> bool:
        """Whether the line speaks of this."""
        return self.resource(resource) and self.action(action) and self.object(object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouping:
    """One `g` line."""

    subject: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A line that could not be taken as it stands; `where` is the key or the role it stands in."""

    where: str
    line: int
    sentence: Sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """What lines say."""

    rules: tuple[Rule, ...] = ()
    groupings: tuple[Grouping, ...] = ()
    problems: tuple[Problem, ...] = ()
    is_closed: bool = False
    """A restriction may have been lost: no right of this origin may be granted."""


def parse_lines(text: str, where: str, compile_pattern: Compile) -> Lines:
    """What the lines of `text` say, in their order; problems are numbered from line 1."""
    reader = _Reader(where, compile_pattern)
    for number, line in enumerate(text.splitlines(), start=1):
        reader.read(number, line.strip())
    return reader.lines()


class _Reader:
    def __init__(self, where: str, compile_pattern: Compile) -> None:
        self._where, self._compile = where, compile_pattern
        self._rules: list[Rule] = []
        self._groupings: list[Grouping] = []
        self._problems: list[Problem] = []
        self._is_closed = False

    def lines(self) -> Lines:
        return Lines(
            rules=tuple(self._rules),
            groupings=tuple(self._groupings),
            problems=tuple(self._problems),
            is_closed=self._is_closed,
        )

    def read(self, number: int, line: str) -> None:
        if not line or line.startswith("#"):
            return
        match _fields(line):
            case ["p", subject, resource, action, object, ("allow" | "deny") as effect] if subject:
                self._rule(number, line, subject, (resource, action, object), allows=effect == ALLOW)
            case ["p", subject, *rest] if subject:
                self._problem(number, "policy-line-incomplete", line)
                patterns = [field or "*" for field in [*rest[:3], "", "", ""][:3]]
                self._rule(number, line, subject, patterns, allows=False)
            case ["g", subject, role] if subject and role:
                self._groupings.append(Grouping(subject=subject, role=role))
            case ["g", subject, *_] if subject:
                self._problem(number, "policy-line-incomplete", line)
                self._rule(number, line, subject, ("*", "*", "*"), allows=False)
            case _:
                self._problem(number, "policy-line-unreadable", line)
                self._is_closed = self._is_closed or DENY in line.lower()

    def _rule(self, number: int, line: str, subject: str, patterns: Iterable[str], *, allows: bool) -> None:
        resource, action, object = patterns
        matchers = [
            self._matcher(number, line, pattern, otherwise=not allows) for pattern in (resource, action, object)
        ]
        rule = Rule(
            subject=subject,
            allows=allows,
            resource=matchers[0],
            action=matchers[1],
            object=matchers[2],
            patterns=(resource, action, object),
            line=line,
        )
        self._rules.append(rule)

    def _matcher(self, number: int, line: str, pattern: str, *, otherwise: bool) -> Matcher:
        try:
            return _everything if pattern == "*" else self._compile(pattern)
        except PatternError as error:
            self._problem(number, "policy-pattern-broken", line, pattern=pattern[:SHOWN], reason=str(error)[:SHOWN])
            return _everything if otherwise else _nothing

    def _problem(self, number: int, code: str, line: str, **more: str) -> None:
        parameters = {"where": self._where, "line": number, "text": line[:SHOWN], **more}
        self._problems.append(
            Problem(where=self._where, line=number, sentence=Sentence(code=code, parameters=parameters))
        )


def _fields(line: str) -> list[str]:
    """The fields of one line of CSV, none where it is not CSV."""
    try:
        return [field.strip() for field in next(csv.reader([line], skipinitialspace=True, strict=True))]
    except csv.Error:
        return []


def _everything(text: str) -> bool:
    return True


def _nothing(text: str) -> bool:
    return False
