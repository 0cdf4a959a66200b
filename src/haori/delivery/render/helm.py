"""Helm charts, rendered by `helm template`: no release object, hooks left as annotations, as Argo CD does.

Values may hold secrets, so they go into files of the jail's own folder, never onto a command line. Parameters become a
last values file; where one names an entry of a list (`hosts[0]`) the list is taken from the values so far, as `--set` does.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from haori.delivery.model.application import Source
from haori.delivery.render.errors import RenderError
from haori.delivery.render.paths import existing_inside, resolve_inside
from haori.objects.yaml import dump, load

VALUES_FOLDER = ".haori-values"
_KEY = re.compile(r"((?:[^.\[\\]|\\.)+)|\[(\d+)\]|\.")
LARGEST_INDEX = 1000
LARGEST_VALUES = 1 << 20
"""Letters of a values file that is looked into for its lists."""
RELEASE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,51}[a-z0-9])?")
"""As Helm bounds it; a name that begins with a dash would be an option."""
NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
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
    if str(options.get("version") or "v3") != "v3":
        raise RenderError("render-helm-version", version=str(options["version"])[:80])
    chart = folder.relative_to(work).as_posix()
    release = str(options.get("releaseName") or name)
    if not RELEASE_NAME.fullmatch(release):
        raise RenderError("render-helm-release-name", name=release[:80])
    given = str(options.get("namespace") or namespace)
    if not NAMESPACE.fullmatch(given):
        raise RenderError("render-helm-namespace", name=given[:80])
    command = [str(helm), "template", release, f"./{chart}", "--namespace", given]
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
    files = value_files(root, folder, options)
    for path in files:
        command += ["--values", path.relative_to(work).as_posix()]
    for number, values in enumerate(_inline_values(options, files)):
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


def _inline_values(options: Mapping[str, Any], files: list[Path]) -> list[str]:
    texts = []
    if options.get("valuesObject"):
        texts.append(dump(options["valuesObject"]))
    elif options.get("values"):
        texts.append(str(options["values"]))
    if parameters := options.get("parameters"):
        is_indexed = any("[" in str(parameter.get("name")) for parameter in parameters)
        lists = _merged([*(path.read_text(errors="replace") for path in files), *texts]) if is_indexed else {}
        texts.append(dump(parameter_values(parameters, lists)))
    return texts


def _merged(texts: list[str]) -> dict[str, Any]:
    """The values of several files together, as Helm merges them: mappings grow into each other, all else is replaced."""
    merged: dict[str, Any] = {}
    for text in texts:
        if len(text) > LARGEST_VALUES:
            raise RenderError("render-too-large", path="helm.valueFiles", limit=LARGEST_VALUES)
        value = load(text, source="values")
        merged = _grow(merged, value) if isinstance(value, dict) else merged
    return merged


def _grow(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    grown = dict(below)
    for name, value in above.items():
        known = grown.get(name)
        grown[name] = _grow(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return grown


def parameter_values(parameters: list[Mapping[str, Any]], given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The values that a list of {name, value, forceString} stands for; later entries win, forced strings over others.

    `given` are the values so far: an indexed name changes one entry of a list that is there. Raises RenderError.
    """
    values: dict[str, Any] = {}
    for parameter in sorted(parameters, key=lambda each: bool(each.get("forceString"))):
        text = str(parameter.get("value", ""))
        value = unescape(text) if parameter.get("forceString") else typed(text)
        _put(values, parse_key(str(parameter.get("name", ""))), value, given or {})
    return values


def unescape(text: str) -> str:
    """`text` as `--set` takes it: a backslash stands for the letter after it."""
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


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
        return [typed(part.strip()) for part in re.split(r"(?<!\\),", text[1:-1])]
    if re.fullmatch(r"0|-?[1-9][0-9]{0,17}", text):
        return int(text)
    return unescape(text)


def _put(values: dict[str, Any], steps: list[str | int], value: Any, given: Any) -> None:
    current: Any = values
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        given = _step(given, step)
        empty: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(following, int) and isinstance(given, list):
            empty = copy.deepcopy(given)
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


def _step(given: Any, step: str | int) -> Any:
    """What `given` holds at a step, None where nothing."""
    if isinstance(step, int):
        return given[step] if isinstance(given, list) and step < len(given) else None
    return given.get(step) if isinstance(given, Mapping) else None
