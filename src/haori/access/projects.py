"""Roles that an AppProject brings itself.

A role's lines speak of this project only: their subject is `proj:PROJECT:ROLE` and their object starts with the project's
name. Argo CD refuses the whole project otherwise; here the line grants nothing and is said. Members of a role's groups and its
tokens have the role, and may read the project. see: argoproj/argo-cd `docs/user-guide/projects.md` (3.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haori.access.lines import SHOWN, Compile, Grouping, Lines, Problem, Rule, parse_lines
from haori.objects.access import nested_list, nested_mapping, nested_text
from haori.words import Sentence

SUBJECT_PREFIX = "proj:"
SCOPED = frozenset({"applications", "applicationsets", "repositories", "clusters", "logs", "exec"})
"""Resources that a role of a project may speak of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRole:
    """One role as it is written down."""

    name: str
    policies: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    token_ids: frozenset[str] = frozenset()
    """Ids of the tokens that are valid; one that is taken out of the AppProject is revoked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRoles:
    """All roles of one project."""

    project: str
    roles: tuple[ProjectRole, ...] = ()

    def has_token(self, subject: str, token_id: str) -> bool:
        """Whether `subject` (`proj:PROJECT:ROLE`) has a token of this id."""
        return any(token_id in role.token_ids for role in self.roles if self.subject_of(role) == subject)

    def subject_of(self, role: ProjectRole) -> str:
        """What lines call the role."""
        return f"{SUBJECT_PREFIX}{self.project}:{role.name}"


def parse_project(manifest: Mapping[str, Any]) -> ProjectRoles:
    """The roles of an AppProject; tokens of both `spec.roles` and `status.jwtTokensByRole`."""
    by_role = nested_mapping(manifest, "status", "jwtTokensByRole")
    return ProjectRoles(
        project=nested_text(manifest, "metadata", "name"),
        roles=tuple(_role(role, by_role) for role in nested_list(manifest, "spec", "roles")),
    )


def _role(role: Any, by_role: Mapping[str, Any]) -> ProjectRole:
    name = nested_text(role, "name")
    tokens = [*nested_list(role, "jwtTokens"), *nested_list(by_role, name, "items")]
    return ProjectRole(
        name=name,
        policies=_texts(role, "policies"),
        groups=_texts(role, "groups"),
        token_ids=frozenset(found for token in tokens if (found := nested_text(token, "id"))),
    )


def _texts(role: Any, field: str) -> tuple[str, ...]:
    return tuple(item for item in nested_list(role, field) if isinstance(item, str))


def read_roles(roles: ProjectRoles, compile_pattern: Compile) -> Lines:
    """What the roles of a project say."""
    rules: list[Rule] = []
    groupings: list[Grouping] = []
    problems: list[Problem] = []
    is_closed = False
    for role in roles.roles:
        subject, where = roles.subject_of(role), f"AppProject {roles.project} spec.roles {role.name}"
        lines = parse_lines("\n".join(role.policies), where, compile_pattern)
        rules.append(_may_read(roles.project, subject))
        rules.extend(rule for rule in lines.rules if _is_own(rule, subject, roles.project))
        groupings.extend(Grouping(subject=group, role=subject) for group in role.groups)
        foreign = [rule.line for rule in lines.rules if not _is_own(rule, subject, roles.project)]
        foreign += [f"g, {grouping.subject}, {grouping.role}" for grouping in lines.groupings]
        problems.extend([*lines.problems, *(_foreign(where, line, role) for line in foreign)])
        is_closed = is_closed or lines.is_closed
    return Lines(rules=tuple(rules), groupings=tuple(groupings), problems=tuple(problems), is_closed=is_closed)


def _may_read(project: str, subject: str) -> Rule:
    return Rule(
        subject=subject,
        allows=True,
        resource="projects".__eq__,
        action="get".__eq__,
        object=project.__eq__,
        patterns=("projects", "get", project),
        line=f"p, {subject}, projects, get, {project}, allow",
    )


def _is_own(rule: Rule, subject: str, project: str) -> bool:
    """Whether a line speaks of its role, and grants within its project only; a restriction may be wider."""
    resource, _, object = rule.patterns
    return rule.subject == subject and (not rule.allows or (resource in SCOPED and object.startswith(f"{project}/")))


def _foreign(where: str, line: str, role: ProjectRole) -> Problem:
    number = next((number for number, text in enumerate(role.policies, start=1) if text.strip() == line), 0)
    parameters = {"where": where, "line": number, "text": line[:SHOWN]}
    return Problem(where=where, line=number, sentence=Sentence(code="policy-line-foreign", parameters=parameters))
