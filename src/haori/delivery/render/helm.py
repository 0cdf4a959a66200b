"""Helm charts, rendered by `helm template`: no release object, hooks left as annotations, as Argo CD does.

Values may hold secrets, so they go into files of the jail's own folder, never onto a command line. Parameters become a
last values file; an indexed name (`hosts[0]`) therefore replaces the whole list where `--set` would change one entry.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.render.errors import RenderError
from haori.delivery.render.paths import existing_inside, resolve_inside
from haori.objects.yaml import dump

VALUES_FOLDER = ".haori-values"
_KEY = re.compile(r"((?:[^.\[\\]|\\.)+)|\[(\d+)\]|\.")
LARGEST_INDEX = 1000
RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?")
"""As Helm bounds it; a name that begins with a dash would be an option."""
PARAMETER_NAME = re.compile(r"[^=,{}\x00-\x1f-][^=,{}\x00-\x1f]*")
"""A name with `=` or `,` in it would name a second parameter, and a file of its own choice."""


def helm_command(
    work: Path,
    root: Path,
    folder: Path,
    source: Source,
    helm: Path,
    *,
    name: str,
    namespace: str,
    kube: tuple[str, tuple[str, ...]],
) -> list[str]:
    """The command line, run in `work`, which holds `root`; writes value files beside `root`.

    `kube` is the Kubernetes version and the API versions that templates are told.
    """
    options = source.helm or {}
    chart = folder.relative_to(work).as_posix()
    release = str(options.get("releaseName") or name)
    if not RELEASE_NAME.fullmatch(release):
        raise RenderError("render-helm-release-name", name=release[:80])
    command = [str(helm), "template", release, f"./{chart}", "--namespace", namespace]
    kube_version = str(options.get("kubeVersion") or kube[0])
    if kube_version:
        command += ["--kube-version", kube_version]
    for api_version in options.get("apiVersions") or kube[1]:
        command += ["--api-versions", str(api_version)]
    if not options.get("skipCrds"):
        command.append("--include-crds")
    if options.get("skipTests"):
        command.append("--skip-tests")
    if options.get("skipSchemaValidation"):
        command.append("--skip-schema-validation")
    for path in value_files(root, folder, options):
        command += ["--values", path.relative_to(work).as_posix()]
    for number, values in enumerate(_inline_values(options)):
        (work / VALUES_FOLDER).mkdir(mode=0o700, exist_ok=True)
        relative = f"{VALUES_FOLDER}/{number}.yaml"
        (work / relative).write_text(values)
        command += ["--values", relative]
    for item in options.get("fileParameters") or []:
        path = existing_inside(root, folder, str(item.get("path") or ""))
        if not PARAMETER_NAME.fullmatch(str(item.get("name") or "")):
            raise RenderError("render-helm-parameter-name", name=str(item.get("name") or "")[:80])
        command += ["--set-file", f"{item['name']}={path.relative_to(work).as_posix()}"]
    return command


def value_files(root: Path, folder: Path, options: Mapping[str, Any]) -> list[Path]:
    """The value files in order, globs opened and sorted; missing ones are left out where the source says so."""
    found: list[Path] = []
    for entry in map(str, options.get("valueFiles") or []):
        if "://" in entry:
            raise RenderError("render-remote-values", path=entry)
        if any(mark in entry for mark in "*?["):
            start = root if entry.startswith("/") else folder
            matches = sorted(start.glob(entry.lstrip("/")))
            found += [resolve_inside(root, root, str(path.relative_to(root))) for path in matches]
        elif not options.get("ignoreMissingValueFiles") or resolve_inside(root, folder, entry).exists():
            found.append(existing_inside(root, folder, entry))
    return found


def _inline_values(options: Mapping[str, Any]) -> list[str]:
    texts = []
    if options.get("valuesObject"):
        texts.append(dump(options["valuesObject"]))
    elif options.get("values"):
        texts.append(str(options["values"]))
    if parameters := options.get("parameters"):
        texts.append(dump(parameter_values(parameters)))
    return texts


def parameter_values(parameters: list[Mapping[str, Any]]) -> dict[str, Any]:
    """The values that a list of {name, value, forceString} stands for; later entries win. Raises RenderError."""
    values: dict[str, Any] = {}
    for parameter in parameters:
        text = str(parameter.get("value", ""))
        value = text if parameter.get("forceString") else typed(text)
        _put(values, parse_key(str(parameter.get("name", ""))), value)
    return values


def parse_key(name: str) -> list[str | int]:
    """The steps of `a.b\\.c[0]`. Raises RenderError where it is none."""
    steps: list[str | int] = []
    at = 0
    while at < len(name):
        match = _KEY.match(name, at)
        if match is None:
            raise RenderError("render-bad-parameter", name=name)
        if match[1] is not None:
            steps.append(match[1].replace("\\.", "."))
        elif match[2] is not None:
            steps.append(int(match[2]))
        at = match.end()
    if not steps or isinstance(steps[0], int) or any(isinstance(step, int) and step > LARGEST_INDEX for step in steps):
        raise RenderError("render-bad-parameter", name=name)
    return steps


def typed(text: str) -> Any:
    """The value that helm's `--set` reads in `text`: true, false, null, whole numbers, `{a,b}` lists, else text."""
    words: dict[str, Any] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    if text.startswith("{") and text.endswith("}"):
        return [typed(part.strip()) for part in text[1:-1].split(",")] if text != "{}" else []
    if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text):
        return int(text)
    return text


def _put(values: dict[str, Any], steps: list[str | int], value: Any) -> None:
    current: Any = values
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        empty: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(step, int):
            if not isinstance(current, list):
                raise RenderError("render-bad-parameter", name=str(steps))
            current += [None] * (step + 1 - len(current))
            if following is None or not isinstance(current[step], type(empty)):
                current[step] = empty
        elif not isinstance(current, dict):
            raise RenderError("render-bad-parameter", name=str(steps))
        elif following is None or not isinstance(current.get(step), type(empty)):
            current[step] = empty
        current = current[step]
