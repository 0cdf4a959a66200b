"""`argocd-rbac-cm` as Argo CD reads it.

`policy.csv` first, then every other `policy.*.csv`, by name; `policy.default`, `policy.matchMode`, `scopes`.
see: argoproj/argo-cd `docs/operator-manual/rbac.md` (3.x).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from haori.access.lines import Compile, Problem
from haori.access.patterns import compile_glob, compile_regex
from haori.objects.errors import YamlError
from haori.objects.yaml import load
from haori.words import Sentence

DEFAULT_SCOPES = ("groups",)


class MatchMode(StrEnum):
    """How patterns are read."""

    GLOB = "glob"
    REGEX = "regex"

    @property
    def compile_pattern(self) -> Compile:
        """What makes a pattern of this mode."""
        return compile_regex if self is MatchMode.REGEX else compile_glob


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Who may do what, as it is written down."""

    texts: tuple[tuple[str, str], ...] = ()
    """(key, lines), in the order they count."""
    default_role: str = ""
    """The role everybody who is signed in has besides; empty: none."""
    match_mode: MatchMode = MatchMode.GLOB
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    """Claims of OIDC tokens whose values are groups."""
    inherits_sub_actions: bool = False
    """Whether `update` and `delete` of an application reach its resources, as in Argo CD before 3.0
    (`server.rbac.disableApplicationFineGrainedRBACInheritance: "false"` in `argocd-cm`)."""
    problems: tuple[Problem, ...] = ()


def parse_settings(data: Mapping[str, str], *, inherits_sub_actions: bool = False) -> PolicySettings:
    """The settings in the data of `argocd-rbac-cm`; an unknown word is a problem and taken as Argo CD takes it."""
    problems: list[Problem] = []
    mode = data.get("policy.matchMode", "") or MatchMode.GLOB
    if mode not in list(MatchMode):
        parameters = {"text": mode[:100], "known": list(MatchMode)}
        sentence = Sentence(code="policy-match-mode-unknown", parameters=parameters)
        problems.append(Problem(where="policy.matchMode", line=1, sentence=sentence))
        mode = MatchMode.GLOB
    extra = sorted(key for key in data if key.startswith("policy.") and key.endswith(".csv") and key != "policy.csv")
    return PolicySettings(
        texts=tuple((key, data[key]) for key in ["policy.csv", *extra] if key in data),
        default_role=data.get("policy.default", "").strip(),
        match_mode=MatchMode(mode),
        scopes=_scopes(data.get("scopes", ""), problems),
        inherits_sub_actions=inherits_sub_actions,
        problems=tuple(problems),
    )


def _scopes(text: str, problems: list[Problem]) -> tuple[str, ...]:
    if not text.strip():
        return DEFAULT_SCOPES
    try:
        value = load(text)
    except YamlError:
        value = None
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    sentence = Sentence(code="policy-scopes-unreadable", parameters={"text": text[:100]})
    problems.append(Problem(where="scopes", line=1, sentence=sentence))
    return ()
