"""The flags by which `app create` and `app set` describe an application, in Argo CD's spelling, and what they change.

see: argoproj/argo-cd `cmd/util/app.go`, `AddAppFlags`, `SetAppSpecOptions` (3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from haori.errors import UserError
from haori.objects import copy_manifest
from haori.objects.yaml import load
from haori.words import text

Function = TypeVar("Function", bound=Callable[..., Any])


class FlagError(UserError):
    """`flag-not-a-pair` (flag, value): a value that should read NAME=VALUE; `application-file-shape` (file, field)."""


FLAGS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--repo", {"metavar": "URL"}),
    ("--path", {"metavar": "PATH"}),
    ("--revision", {"metavar": "REVISION"}),
    ("--project", {"metavar": "NAME"}),
    ("--dest-server", {"metavar": "URL"}),
    ("--dest-name", {"metavar": "NAME"}),
    ("--dest-namespace", {"metavar": "NAMESPACE"}),
    ("--sync-policy", {"type": click.Choice(["none", "manual", "automated", "automatic", "auto"])}),
    ("--auto-prune/--no-auto-prune", {"default": None}),
    ("--self-heal/--no-self-heal", {"default": None}),
    ("--allow-empty/--no-allow-empty", {"default": None}),
    ("--sync-option", {"multiple": True, "metavar": "NAME=VALUE"}),
    ("--sync-retry-limit", {"type": int, "metavar": "N"}),
    ("--revision-history-limit", {"type": int, "metavar": "N"}),
    ("--helm-chart", {"metavar": "NAME"}),
    ("--release-name", {"metavar": "NAME"}),
    ("--helm-namespace", {"metavar": "NAMESPACE"}),
    ("--helm-kube-version", {"metavar": "VERSION"}),
    ("--helm-api-versions", {"multiple": True, "metavar": "VERSION"}),
    ("--helm-pass-credentials/--no-helm-pass-credentials", {"default": None}),
    ("--helm-skip-schema-validation/--no-helm-skip-schema-validation", {"default": None}),
    ("--helm-skip-tests/--no-helm-skip-tests", {"default": None}),
    ("--values", {"multiple": True, "metavar": "PATH"}),
    ("--values-literal-file", {"type": click.Path(path_type=Path, exists=True, dir_okay=False), "metavar": "FILE"}),
    ("--helm-set", {"multiple": True, "metavar": "NAME=VALUE"}),
    ("--helm-set-string", {"multiple": True, "metavar": "NAME=VALUE"}),
    ("--helm-set-file", {"multiple": True, "metavar": "NAME=PATH"}),
    ("--helm-skip-crds/--no-helm-skip-crds", {"default": None}),
    ("--ignore-missing-value-files/--no-ignore-missing-value-files", {"default": None}),
    ("--kustomize-image", {"multiple": True, "metavar": "IMAGE"}),
    ("--nameprefix", {"metavar": "TEXT"}),
    ("--namesuffix", {"metavar": "TEXT"}),
    ("--kustomize-namespace", {"metavar": "NAMESPACE"}),
    ("--kustomize-common-label", {"multiple": True, "metavar": "NAME=VALUE"}),
    ("--kustomize-common-annotation", {"multiple": True, "metavar": "NAME=VALUE"}),
    ("--directory-recurse/--no-directory-recurse", {"default": None}),
    ("--directory-include", {"metavar": "GLOB"}),
    ("--directory-exclude", {"metavar": "GLOB"}),
)


def application_options(function: Function) -> Function:
    """All of FLAGS, given to the command under their own names."""
    for flag, settings in reversed(FLAGS):
        name = flag.partition("/")[0].removeprefix("--")
        function = click.option(flag, help=text(f"cli.app.flag.{name}"), **settings)(function)
    return function


def change_spec(spec: Mapping[str, Any], flags: Mapping[str, Any]) -> dict[str, Any]:
    """`spec` with what the flags say put in; flags that were not given change nothing. Raises FlagError."""
    changed: dict[str, Any] = copy_manifest(spec)
    source = changed.setdefault("source", {}) if "sources" not in changed else {}
    put(changed, ("project",), flags.get("project"))
    put(changed, ("revisionHistoryLimit",), flags.get("revision_history_limit"))
    _change_destination(changed, flags)
    for flag, path in (("repo", "repoURL"), ("path", "path"), ("helm_chart", "chart"), ("revision", "targetRevision")):
        put(source, (path,), flags.get(flag))
    _change_helm(source, flags)
    _change_kustomize(source, flags)
    for flag in ("recurse", "include", "exclude"):
        put(source, ("directory", flag), flags.get(f"directory_{flag}"))
    _change_policy(changed, flags)
    return changed


def put(mapping: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Sets a value at a path, making mappings on the way; None and nothing given leave all as it is."""
    if value is None or value == ():
        return
    *above, last = path
    for name in above:
        mapping = mapping.setdefault(name, {})
    mapping[last] = list(value) if isinstance(value, tuple) else value


def pair(flag: str, value: str) -> tuple[str, str]:
    """NAME=VALUE taken apart. Raises FlagError."""
    name, equals, rest = value.partition("=")
    if not name or not equals:
        raise FlagError("flag-not-a-pair", flag=flag, value=value)
    return name, rest


def _change_destination(spec: dict[str, Any], flags: Mapping[str, Any]) -> None:
    put(spec, ("destination", "server"), flags.get("dest_server"))
    put(spec, ("destination", "name"), flags.get("dest_name"))
    put(spec, ("destination", "namespace"), flags.get("dest_namespace"))
    destination = spec.get("destination") or {}
    if flags.get("dest_name"):
        destination.pop("server", None)
    elif flags.get("dest_server"):
        destination.pop("name", None)


def _change_helm(source: dict[str, Any], flags: Mapping[str, Any]) -> None:
    put(source, ("helm", "releaseName"), flags.get("release_name"))
    put(source, ("helm", "valueFiles"), flags.get("values"))
    for flag in ("skip_crds", "skip_tests", "skip_schema_validation", "pass_credentials", "namespace", "kube_version",
                 "api_versions"):  # fmt: skip
        head, *rest = flag.split("_")
        put(source, ("helm", head + "".join(map(str.capitalize, rest))), flags.get(f"helm_{flag}"))
    put(source, ("helm", "ignoreMissingValueFiles"), flags.get("ignore_missing_value_files"))
    if literal := flags.get("values_literal_file"):
        put(source, ("helm", "valuesObject"), load(literal.read_bytes(), source=str(literal)) or {})
    for flag, extra in (("helm_set", {}), ("helm_set_string", {"forceString": True})):
        for value in flags.get(flag) or ():
            name, given = pair(f"--{flag.replace('_', '-')}", value)
            _put_named(source, ("helm", "parameters"), {"name": name, "value": given, **extra})
    for value in flags.get("helm_set_file") or ():
        name, given = pair("--helm-set-file", value)
        _put_named(source, ("helm", "fileParameters"), {"name": name, "path": given})


def _put_named(source: dict[str, Any], path: tuple[str, str], entry: dict[str, Any]) -> None:
    known = [item for item in (source.get(path[0]) or {}).get(path[1]) or [] if item.get("name") != entry["name"]]
    put(source, path, [*known, entry])


def _change_kustomize(source: dict[str, Any], flags: Mapping[str, Any]) -> None:
    for flag, name in (
        ("nameprefix", "namePrefix"), ("namesuffix", "nameSuffix"), ("kustomize_namespace", "namespace")
    ):  # fmt: skip
        put(source, ("kustomize", name), flags.get(flag))
    for image in flags.get("kustomize_image") or ():
        known = (source.get("kustomize") or {}).get("images") or []
        put(source, ("kustomize", "images"), [*(item for item in known if _image(item) != _image(image)), image])
    for flag, name in (
        ("kustomize_common_label", "commonLabels"),
        ("kustomize_common_annotation", "commonAnnotations"),
    ):
        for value in flags.get(flag) or ():
            key, given = pair(f"--{flag.replace('_', '-')}", value)
            put(source, ("kustomize", name, key), given)


def _image(text_: str) -> str:
    """The name that an image override is about."""
    name, equals, _ = text_.partition("=")
    if equals:
        return name
    plain = text_.partition("@")[0]
    head, colon, tag = plain.rpartition(":")
    return head if colon and "/" not in tag else plain


def _change_policy(spec: dict[str, Any], flags: Mapping[str, Any]) -> None:
    policy = flags.get("sync_policy")
    if policy in ("none", "manual"):
        (spec.get("syncPolicy") or {}).pop("automated", None)
    elif policy is not None:
        put(spec, ("syncPolicy", "automated"), (spec.get("syncPolicy") or {}).get("automated") or {})
    for flag, name in (("auto_prune", "prune"), ("self_heal", "selfHeal"), ("allow_empty", "allowEmpty")):
        put(spec, ("syncPolicy", "automated", name), flags.get(flag))
    put(spec, ("syncPolicy", "retry", "limit"), flags.get("sync_retry_limit"))
    for option in flags.get("sync_option") or ():
        _put_option(spec, option)


def _put_option(spec: dict[str, Any], option: str) -> None:
    """Adds a sync option in place of one of its name; `!NAME=VALUE` takes that one away, as in Argo CD."""
    known = [str(item) for item in (spec.get("syncPolicy") or {}).get("syncOptions") or []]
    if option.startswith("!"):
        put(spec, ("syncPolicy", "syncOptions"), [item for item in known if item != option[1:]])
        return
    name = option.partition("=")[0]
    kept = [item for item in known if item.partition("=")[0] != name]
    put(spec, ("syncPolicy", "syncOptions"), [*kept, option])
