"""Who may do what, decided.

Argo CD evaluates by Casbin: for one subject, the lines of the subject and of all roles it has are looked at; one that denies
beats all that allow. It asks in turn for the default role, the subject and each of its groups, and the first yes counts: the
default role cannot be denied to anyone, and a line that denies something to a user does not bind what a group grants.

The evaluator is our own, since Casbin takes milliseconds where a list of ten thousand applications has microseconds. The
lines that can matter are gathered once for a subject and a project, then each check is a walk over a few compiled patterns.

Three things are closed that Casbin leaves open. Names from outside that look like a role (`role:…`, `proj:…`) are nobody: an
issuer that calls a group `role:admin` makes no administrator. Nor does one that calls it `admin`: it is not the account. A
project's own lines count for its own objects only, whatever their patterns match.
see: argoproj/argo-cd `server/rbacpolicy/rbacpolicy.go`, `util/rbac/rbac.go` (3.x).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from haori.access.builtin import ADMIN, BUILTIN_ROLES, builtin_policy
from haori.access.identity import TOKEN_ISSUER, Identity
from haori.access.lines import Lines, Problem, Rule, parse_lines
from haori.access.patterns import PatternError, compile_glob
from haori.access.projects import SCOPED, SUBJECT_PREFIX, ProjectRoles, read_roles
from haori.access.settings import MatchMode, PolicySettings

ROLE_PREFIX = "role:"
ADMIN_ACCOUNT = "admin"
GROUP_ADMIN = "role: a group admin"
"""A group that is called like the account: what lines give to that name it has, the built-in role it has not."""
INHERITING = ("update/", "delete/")
REMEMBERED = 10_000
"""Pairs of subject and project whose lines are kept at hand; the least used is forgotten first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a policy says."""

    allowed: bool
    rule: str = ""
    """The line that decided; empty where none speaks of what was asked."""


_SILENT = Decision(allowed=False)
BEYOND_SCOPES = Decision(allowed=False, rule="the scopes of the token")


class Policy:
    """One state of the settings and of all projects; a change of either makes a new policy."""

    def __init__(self, settings: PolicySettings, projects: Iterable[ProjectRoles] = ()) -> None:
        self._settings = settings
        self._projects = {roles.project: roles for roles in projects}
        compile_pattern = settings.match_mode.compile_pattern
        own = [parse_lines(text, key, compile_pattern) for key, text in settings.texts]
        read = {name: read_roles(roles, compile_pattern) for name, roles in self._projects.items()}
        is_closed = any(lines.is_closed for lines in own)
        self._common = _Book([_builtin(), *(_restricting(lines) if is_closed else lines for lines in own)])
        self._own = {
            name: _Book([_restricting(lines) if is_closed or lines.is_closed else lines])
            for name, lines in read.items()
        }
        self.problems: tuple[Problem, ...] = (
            *settings.problems,
            *(problem for lines in [*own, *read.values()] for problem in lines.problems),
        )
        """Lines that could not be taken as they stand."""
        self._rules_of = lru_cache(maxsize=REMEMBERED)(self._gather)

    @classmethod
    def parse(cls, policy_csv: str, default_role: str = "", *, match_mode: MatchMode = MatchMode.GLOB) -> Policy:
        """The policy of these lines alone."""
        return cls(
            PolicySettings(texts=(("policy.csv", policy_csv),), default_role=default_role, match_mode=match_mode)
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """Claims of OIDC tokens whose values are groups."""
        return self._settings.scopes

    def decide(self, identity: Identity, resource: str, action: str, object: str) -> Decision:
        """Whether `identity` may do `action` (`delete/apps/Deployment/shop/web` of a resource inside an application) to the
        `object` (`PROJECT/NAME`, `PROJECT/NAMESPACE/NAME` outside the control namespace) of `resource`."""
        if not is_within_scopes(identity.scopes, resource, action, object):
            return BEYOND_SCOPES
        if self._settings.inherits_sub_actions and action.startswith(INHERITING):
            whole = self._decide(identity, resource, action.partition("/")[0], object)
            if whole.allowed:
                return whole
        return self._decide(identity, resource, action, object)

    def _decide(self, identity: Identity, resource: str, action: str, object: str) -> Decision:
        project = _project_of(resource, object)
        denied = _SILENT
        for subject in self._subjects(identity):
            decision = _weigh(self._rules_of(subject, project), resource, action, object)
            if decision.allowed:
                return decision
            denied = denied if denied.rule else decision
        return denied

    def is_listed(self, identity: Identity) -> bool:
        """Whether the name may stand for somebody now: a project's role only as long as the project lists the token."""
        return self._is_known(identity)

    def _subjects(self, identity: Identity) -> Iterator[str]:
        """Those who are asked for, in turn."""
        if self._is_known(identity):
            if self._settings.default_role:
                yield self._settings.default_role
            yield identity.subject
        for group in identity.groups:
            if not group.startswith((ROLE_PREFIX, SUBJECT_PREFIX)):
                yield GROUP_ADMIN if group == ADMIN_ACCOUNT else group

    def _is_known(self, identity: Identity) -> bool:
        """Whether the name may stand for somebody: a role of a project only by a token that the project still lists."""
        if identity.subject.startswith(SUBJECT_PREFIX):
            roles = self._projects.get(identity.subject.split(":")[1])
            return (
                identity.issuer == TOKEN_ISSUER
                and roles is not None
                and roles.has_token(identity.subject, identity.token_id)
            )
        return bool(identity.subject) and not identity.subject.startswith(ROLE_PREFIX)

    def _gather(self, subject: str, project: str) -> tuple[Rule, ...]:
        """The lines of a subject and of all its roles, those that deny first."""
        books = [self._common, *([self._own[project]] if project in self._own else [])]
        start = ADMIN_ACCOUNT if subject == GROUP_ADMIN else subject
        seen, left = {start}, [start]
        rules: list[Rule] = []
        while left:
            name = left.pop()
            built_in = [ADMIN] if name == ADMIN_ACCOUNT and subject != GROUP_ADMIN else []
            for book in books:
                rules.extend(book.rules.get(name, ()))
                new = [role for role in (*built_in, *book.roles.get(name, ())) if role not in seen]
                seen.update(new)
                left.extend(new)
        return tuple(sorted(rules, key=lambda rule: rule.allows))


class _Book:
    """Lines, found by whom they are about."""

    def __init__(self, parts: Iterable[Lines]) -> None:
        self.rules: dict[str, list[Rule]] = {}
        self.roles: dict[str, list[str]] = {}
        for lines in parts:
            for rule in lines.rules:
                self.rules.setdefault(rule.subject, []).append(rule)
            for grouping in lines.groupings:
                self.roles.setdefault(grouping.subject, []).append(grouping.role)


@lru_cache(maxsize=1)
def _builtin() -> Lines:
    """The built-in roles are globs in either mode, so that they mean the same."""
    return parse_lines(builtin_policy(), "built-in", compile_glob)


def _restricting(lines: Lines) -> Lines:
    """What is left of lines among which a restriction may have been lost: those that restrict."""
    return replace(
        lines,
        rules=tuple(rule for rule in lines.rules if not rule.allows),
        groupings=tuple(grouping for grouping in lines.groupings if grouping.role not in (*BUILTIN_ROLES, "admin")),
    )


def _weigh(rules: tuple[Rule, ...], resource: str, action: str, object: str) -> Decision:
    for rule in rules:
        if rule.matches(resource, action, object):
            return Decision(allowed=rule.allows, rule=rule.line)
    return _SILENT


def _project_of(resource: str, object: str) -> str:
    """The project whose own lines count, empty where none do."""
    if resource == "projects":
        return object
    return object.partition("/")[0] if resource in SCOPED and "/" in object else ""


def is_within_scopes(scopes: tuple[str, ...] | None, resource: str, action: str, object: str) -> bool:
    """Whether the scopes of a token, if it has any, cover what is asked."""
    return scopes is None or any(_reaches(scope, (resource, action, object)) for scope in scopes)


@lru_cache(maxsize=REMEMBERED)
def _reaches(scope: str, asked: tuple[str, str, str]) -> bool:
    """Whether one scope covers what is asked; one that cannot be read covers nothing."""
    parts = scope.split(":", 2)
    if len(parts) < 2:
        return False
    try:
        return all(compile_glob(part)(value) for part, value in zip(parts, asked, strict=False))
    except PatternError:
        return False
