"""Settings of the ConfigMaps `argocd-cm` and `argocd-cmd-params-cm`, as far as delivery reads them.

see: argoproj/argo-cd `docs/operator-manual/argocd-cm.yaml` (3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from haori.delivery.model.application import IgnoreRule
from haori.delivery.model.globs import glob_matches
from haori.delivery.model.problems import Fields, Problem
from haori.delivery.model.tracking import Tracking, TrackingMethod
from haori.errors import UserError
from haori.objects import GroupKind, Manifest, nested_mapping
from haori.objects.quantities import parse_duration
from haori.objects.yaml import load
from haori.resources import argo, haori
from haori.words import Sentence

IMPERSONATION = "application.sync.impersonation.enabled"
"""Each sync by a service account that its project names, which has fewer rights than we have."""
ALWAYS_EXCLUDED = (("events.k8s.io", "*"), ("metrics.k8s.io", "*"), ("", "Event"), ("coordination.k8s.io", "Lease"))


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthScript:
    """One Lua script that judges objects."""

    text: str
    has_libraries: bool = False
    """Whether it may use more than the reduced library (`useOpenLibs`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """What of `kustomize.buildOptions` is harmless and therefore done."""

    inflates_charts: bool = False
    """`--enable-helm`: charts that lie in the repository are rendered by a kustomization."""
    loads_anywhere: bool = False
    """`--load-restrictor LoadRestrictionsNone`: files may lie anywhere in the repository."""


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
    health_scripts: Mapping[str, HealthScript] = field(default_factory=dict)
    """Lua by `group/kind` or `kind`, either of which may be a glob."""
    judges_by_conditions: bool = True
    """Whether kinds without a rule are judged by their conditions (`haori.health.byConditions`)."""
    judges_applications: bool = False
    """Whether a parent counts its child Applications (`haori.health.applications`); Argo CD 1.8 and later do not."""
    build: BuildOptions = field(default_factory=BuildOptions)
    poll_seconds: float | None = None
    """`timeout.reconciliation`: the pause between two looks at a repository; 0: never, None: not said."""
    application_namespaces: tuple[str, ...] = ()
    """Globs of further namespaces whose Applications count, by `argocd-cmd-params-cm`."""
    restrictions: tuple[str, ...] = ()
    """Settings that restrict every application and are not enforced: nothing is synced while there are any."""
    value_schemes: tuple[str, ...] = ("https", "http")
    """`helm.valuesFileSchemes`: what URLs of value files may begin with."""
    problems: tuple[Problem, ...] = ()

    def is_excluded(self, group: str, kind: str) -> bool:
        """Whether a type is excluded by settings."""
        return any(glob_matches(g, group) and glob_matches(k, kind) for g, k in self.excluded)

    def health_script(self, type_: GroupKind) -> HealthScript | None:
        """The script for a kind: under its very name, else under the first glob that fits, in the order of their text.

        Argo CD takes any that fits, in no order. see: argoproj/argo-cd `util/lua/lua.go`.
        """
        name = f"{type_.group}/{type_.kind}" if type_.group else type_.kind
        found = self.health_scripts.get(name)
        if found is not None:
            return found
        return next((each for glob, each in self._globs() if glob_matches(glob, name)), None)

    def _globs(self) -> list[tuple[str, HealthScript]]:
        return [(glob, script) for glob, script in sorted(self.health_scripts.items()) if set("*?[{") & set(glob)]


def parse_settings(config_map: Manifest | None) -> Settings:
    """The settings of `argocd-cm`; None gives the defaults. A value that cannot be read is a problem, not a failure."""
    data = nested_mapping(config_map or {}, "data")
    problems: list[Problem] = []
    key = "application.resourceTrackingMethod"
    method = _known_word(str(data.get(key) or ""), [each.value for each in TrackingMethod], f"data[{key}]", problems)
    rules, scripts = _customizations(data, problems)
    return Settings(
        tracking=Tracking(
            method=TrackingMethod(method),
            label=str(data.get("application.instanceLabelKey") or argo.INSTANCE_LABEL),
            installation_id=str(data.get("installationID") or ""),
        ),
        excluded=ALWAYS_EXCLUDED + _exclusions(data, problems),
        ignore_rules=tuple(rules),
        ignore_status=_compare_options(data, problems) not in ("none", "off", "crd"),
        health_scripts=scripts,
        judges_by_conditions=_switch(data, haori.SETTING_BY_CONDITIONS) != "false",
        judges_applications=_switch(data, haori.SETTING_APPLICATIONS) == "true",
        build=parse_build_options(str(data.get("kustomize.buildOptions") or ""), problems),
        poll_seconds=_poll(data, problems),
        restrictions=(IMPERSONATION,) if str(data.get(IMPERSONATION)).lower() == "true" else (),
        value_schemes=_schemes(data),
        problems=tuple(problems),
    )


def parse_application_namespaces(config_map: Manifest | None) -> tuple[str, ...]:
    """`application.namespaces` of `argocd-cmd-params-cm`: a list with commas, of names and globs."""
    text = str(nested_mapping(config_map or {}, "data").get("application.namespaces") or "")
    return tuple(name for each in text.split(",") if (name := each.strip()))


def _schemes(data: Mapping[str, Any]) -> tuple[str, ...]:
    text = data.get("helm.valuesFileSchemes")
    return (
        Settings().value_schemes
        if text is None
        else tuple(part.strip() for part in str(text).split(",") if part.strip())
    )


def _exclusions(data: Mapping[str, Any], problems: list[Problem]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    entries = _yaml(data, "resource.exclusions", problems)
    given = entries if isinstance(entries, list) else []
    if (entries is not None and entries is not given) or not all(isinstance(entry, Mapping) for entry in given):
        sentence = Sentence(code="setting-not-a-list", parameters={"setting": "resource.exclusions"})
        problems.append(Problem(path="data[resource.exclusions]", sentence=sentence))
    for number, entry in enumerate(given):
        path = f"data[resource.exclusions][{number}]"
        wrong: list[Problem] = []
        unknown: list[str] = []
        fields = Fields(entry if isinstance(entry, Mapping) else {}, path, wrong, unknown)
        groups, kinds, clusters = fields.texts("apiGroups"), fields.texts("kinds"), fields.texts("clusters")
        _close(fields, unknown, wrong)
        problems.extend(wrong)
        # An entry that says something else than it meant would exclude everything.
        if isinstance(entry, Mapping) and not wrong and clusters in ((), ("*",)):
            found.extend((group, kind) for group in groups or ("*",) for kind in kinds or ("*",))
    return tuple(found)


_PREFIX = "resource.customizations"
_BLOCK_KEYS = {
    "health.lua": "health",
    "health.lua.useOpenLibs": "useOpenLibs",
    "ignoreDifferences": "ignoreDifferences",
}
_NOT_READ = frozenset({"actions", "knownTypeFields", "ignoreResourceUpdates"})
"""What else Argo CD keeps in the block."""


def _customizations(
    data: Mapping[str, Any], problems: list[Problem]
) -> tuple[list[IgnoreRule], dict[str, HealthScript]]:
    """From the keys `resource.customizations.WHAT.GROUP_KIND`, and from the one block of YAML that came before them.

    A key of its own wins over the block, as in Argo CD.
    """
    rules: list[IgnoreRule] = []
    scripts: dict[str, HealthScript] = {}
    open_names: set[str] = set()
    for path, what, name, value in [*_block(data, problems), *_keys(data)]:
        match what:
            case "health":
                scripts[name] = HealthScript(text=str(value))
            case "useOpenLibs" if str(value).strip().lower() == "true":
                open_names.add(name)
            case "ignoreDifferences":
                rules.append(_ignore_rule(name, _loaded(str(value), path, problems), f"data[{path}]", problems))
    opened = {name: replace(script, has_libraries=name in open_names) for name, script in scripts.items()}
    return rules, opened


_Customization = tuple[str, str, str, Any]
"""(where it stands, what it customizes, `group/kind` or `kind`, its value)."""


def _keys(data: Mapping[str, Any]) -> Iterator[_Customization]:
    for key in sorted(data):
        if not key.startswith(f"{_PREFIX}."):
            continue
        what, _, type_ = key.removeprefix(f"{_PREFIX}.").partition(".")
        group, _, kind = ("*", "", "*") if type_ == "all" else type_.rpartition("_")
        yield key, what, f"{group}/{kind}" if group else kind, data[key]


def _block(data: Mapping[str, Any], problems: list[Problem]) -> Iterator[_Customization]:
    block = _mapping(_yaml(data, _PREFIX, problems), f"data[{_PREFIX}]", problems)
    for name in sorted(block, key=str):
        path = f"data[{_PREFIX}].{name}"
        body = _mapping(block[name], path, problems)
        unknown: list[str] = []
        read = {str(key): _plain(value) for key, value in body.items() if key not in _NOT_READ}
        fields = Fields(read, path, problems, unknown)
        for key, what in _BLOCK_KEYS.items():
            if value := fields.text(key):
                yield f"{_PREFIX} {name}", what, str(name), value
        _close(fields, unknown, problems)


def _plain(value: Any) -> Any:
    """`true` without quotes is meant as the word."""
    return str(value).lower() if isinstance(value, bool) else value


def _ignore_rule(name: str, body: Any, path: str, problems: list[Problem]) -> IgnoreRule:
    group, _, kind = name.rpartition("/")
    unknown: list[str] = []
    fields = Fields(_mapping(body, path, problems), path, problems, unknown)
    rule = IgnoreRule(
        group=group,
        kind=kind,
        json_pointers=fields.texts("jsonPointers"),
        jq_paths=fields.texts("jqPathExpressions"),
        managers=fields.texts("managedFieldsManagers"),
    )
    _close(fields, unknown, problems)
    return rule


def _close(fields: Fields, unknown: list[str], problems: list[Problem]) -> None:
    """What nobody asked for is a problem here: it is misspelled."""
    fields.done()
    problems.extend(Problem(path=each, sentence=Sentence(code="setting-unknown-field")) for each in unknown)


STATUS_WORDS = ("all", "crd", "none", "off")
"""Of `ignoreResourceStatusField`; `crd` has been as good as `none` since status is a subresource of custom resources."""


def _compare_options(data: Mapping[str, Any], problems: list[Problem]) -> str:
    key, name = "resource.compareoptions", "ignoreResourceStatusField"
    given = dict(_mapping(_yaml(data, key, problems), f"data[{key}]", problems))
    if given.get(name) is False:  # `off` without quotes.
        given[name] = "off"
    unknown: list[str] = []
    fields = Fields(given, f"data[{key}]", problems, unknown)
    word = fields.text(name)
    for other in ("ignoreAggregatedRoles", "ignoreDifferencesOnResourceUpdates"):
        fields.flag(other)
    _close(fields, unknown, problems)
    return _known_word(word, STATUS_WORDS, f"data[{key}].{name}", problems)


def _known_word(word: str, known: Sequence[str], path: str, problems: list[Problem]) -> str:
    """The word where it is known, the first of the known ones where it is not; then that is a problem."""
    if word and word not in known:
        sentence = Sentence(code="setting-unknown-word", parameters={"value": word[:100], "known": list(known)})
        problems.append(Problem(path=path, sentence=sentence))
    return word if word in known else known[0]


def _mapping(value: Any, path: str, problems: list[Problem]) -> Mapping[str, Any]:
    """A mapping, empty where there is none; anything else is a problem."""
    if isinstance(value, Mapping):
        return value
    if value is not None:
        sentence = Sentence(code="setting-not-a-mapping", parameters={"found": type(value).__name__})
        problems.append(Problem(path=path, sentence=sentence))
    return {}


def _switch(data: Mapping[str, Any], key: str) -> str:
    return str(data.get(key) or "").strip().lower()


def parse_build_options(text: str, problems: list[Problem]) -> BuildOptions:
    """What of the options is done; any other is a problem: plugins, functions and foreign programs are never run."""
    words = iter(text.replace("=", " ").split())
    charts = anywhere = False
    refused = []
    for word in words:
        if word == "--enable-helm":
            charts = True
        elif word == "--load-restrictor":
            anywhere = next(words, "") == "LoadRestrictionsNone"
        elif word != "true":
            refused.append(word)
    if refused:
        sentence = Sentence(code="build-options-refused", parameters={"options": refused})
        problems.append(Problem(path="data[kustomize.buildOptions]", sentence=sentence))
    return BuildOptions(inflates_charts=charts, loads_anywhere=anywhere)


def _poll(data: Mapping[str, Any], problems: list[Problem]) -> float | None:
    text = str(data.get("timeout.reconciliation") or "").strip()
    if not text:
        return None
    try:
        seconds = parse_duration(text)
    except UserError as error:
        problems.append(Problem(path="data[timeout.reconciliation]", sentence=error.sentence))
        return None
    if seconds < 0:
        sentence = Sentence(code="duration-invalid", parameters={"value": text})
        problems.append(Problem(path="data[timeout.reconciliation]", sentence=sentence))
        return None
    return seconds


def _yaml(data: Mapping[str, Any], key: str, problems: list[Problem]) -> Any:
    return _loaded(str(data.get(key) or ""), key, problems)


def _loaded(text: str, key: str, problems: list[Problem]) -> Any:
    try:
        return load(text, source=f"{argo.CONFIG_MAP} {key}")
    except UserError as error:
        problems.append(Problem(path=f"data[{key}]", sentence=Sentence(code=error.code, parameters=error.parameters)))
        return None
