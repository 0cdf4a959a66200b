"""Settings of the ConfigMap `argocd-cm`, as far as delivery reads them.

see: argoproj/argo-cd `docs/operator-manual/argocd-cm.yaml` (3.6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haori.delivery.model.application import IgnoreRule
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.problems import Problem, word_of
from haori.delivery.model.tracking import Tracking, TrackingMethod
from haori.errors import UserError
from haori.objects import Manifest, nested_list, nested_mapping, nested_text
from haori.objects.quantities import parse_duration
from haori.objects.yaml import load
from haori.resources import argo
from haori.words import Sentence

ALWAYS_EXCLUDED = (("events.k8s.io", "*"), ("metrics.k8s.io", "*"), ("", "Event"), ("coordination.k8s.io", "Lease"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the control namespace says to every application."""

    tracking: Tracking = field(default_factory=Tracking)
    excluded: tuple[tuple[str, str], ...] = ALWAYS_EXCLUDED
    """(group glob, kind glob) never looked at."""
    ignore_rules: tuple[IgnoreRule, ...] = ()
    """System-wide ignoreDifferences."""
    ignore_status: bool = True
    """Whether `status` never counts as a difference (`ignoreResourceStatusField`)."""
    health_scripts: Mapping[str, str] = field(default_factory=dict)
    """Lua by `group/kind` or `kind`."""
    poll_seconds: float = 120.0
    """`timeout.reconciliation`; 0: never."""
    problems: tuple[Problem, ...] = ()

    def is_excluded(self, group: str, kind: str) -> bool:
        """Whether a type is excluded by settings."""
        return any(glob_matches(g, group) and glob_matches(k, kind) for g, k in self.excluded)


def parse_settings(config_map: Manifest | None) -> Settings:
    """The settings of `argocd-cm`; None gives the defaults. A value that cannot be read is a problem, not a failure."""
    data = nested_mapping(config_map or {}, "data")
    problems: list[Problem] = []
    method = str(data.get("application.resourceTrackingMethod") or TrackingMethod.ANNOTATION.value)
    rules, scripts = _customizations(data, problems)
    return Settings(
        tracking=Tracking(
            method=word_of(TrackingMethod, method) or TrackingMethod.ANNOTATION,
            label=str(data.get("application.instanceLabelKey") or argo.INSTANCE_LABEL),
            installation_id=str(data.get("installationID") or ""),
        ),
        excluded=ALWAYS_EXCLUDED + _exclusions(data, problems),
        ignore_rules=tuple(rules),
        ignore_status=nested_text(_yaml(data, "resource.compareoptions", problems), "ignoreResourceStatusField")
        not in ("none", "off", "crd"),
        health_scripts=scripts,
        poll_seconds=_poll(data, problems),
        problems=tuple(problems),
    )


def _exclusions(data: Mapping[str, Any], problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for entry in _yaml(data, "resource.exclusions", problems) or ():
        if nested_list(entry, "clusters") not in ((), ["*"]):
            continue
        groups, kinds = nested_list(entry, "apiGroups") or ["*"], nested_list(entry, "kinds") or ["*"]
        found.extend((str(group), str(kind)) for group in groups for kind in kinds)
    return tuple(found)


def _customizations(data: Mapping[str, Any], problems: list[Problem]) -> tuple[list[IgnoreRule], dict[str, str]]:
    rules, scripts = [], {}
    for key in sorted(data):
        name = key.removeprefix("resource.customizations.")
        if name == key:
            continue
        what, _, type_ = name.partition(".")
        group, _, kind = type_.rpartition("_")
        if type_ == "all":
            group, kind = "*", "*"
        if what == "health":
            scripts[f"{group}/{kind}" if group else kind] = str(data[key])
        elif what == "ignoreDifferences":
            body = _yaml(data, key, problems) or {}
            rules.append(
                IgnoreRule(
                    group=group,
                    kind=kind,
                    json_pointers=tuple(nested_list(body, "jsonPointers")),
                    jq_paths=tuple(nested_list(body, "jqPathExpressions")),
                    managers=tuple(nested_list(body, "managedFieldsManagers")),
                )
            )
    return rules, scripts


def _poll(data: Mapping[str, Any], problems: list[Problem]) -> float:
    text = str(data.get("timeout.reconciliation") or "120s")
    try:
        return parse_duration(text)
    except UserError as error:
        problems.append(Problem(path="data[timeout.reconciliation]", sentence=error.sentence))
        return 120.0


def _yaml(data: Mapping[str, Any], key: str, problems: list[Problem]) -> Any:
    try:
        return load(str(data.get(key) or ""), source=f"{argo.CONFIG_MAP} {key}")
    except UserError as error:
        problems.append(Problem(path=f"data[{key}]", sentence=Sentence(code=error.code, parameters=error.parameters)))
        return None
