"""Cases of what an API refuses: a good object of a kind, mistakes made in it, and what a real server said of each.

A file of cases/refused/ holds `server` (its version), `base` (a good object) and `cases`. A case puts the values of
`set` into the base (by path; null takes away) and creates the object; with `change` it is created first, gets `status`
if that is there (while the objects of `also` stand beside it), and is then replaced with the values of `change` put in.
Both are dry runs. `answer` is what came
back: `code`, `reason`, `message`, `causes` ([field, reason, message], sorted), `warnings`.

Left out of an answer: uids, and the Go structures that the server prints, as a difference after a message's first line or as a
value ("{…}"). Their field names are those of its own code, and the difference is not even the same twice.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from haori.objects import copy_manifest, gvk_of
from haori.schema import builtin_resources

CASES = Path(__file__).parent / "cases" / "refused"
_ATTEMPTS = 30
_GO_VALUE = re.compile(r'Invalid value: \[?\{[^\n]*?"([A-Z]\w*|spec|containers)":.*?\}\]?: ')
_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LATER_LINES = re.compile(r"\n.*", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer: its code, its JSON, the texts of its `Warning` headers."""

    code: int
    body: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


Send = Callable[[str, str, Mapping[str, Any] | None], Awaitable[Reply]]
"""(method, path with query, body) to an answer; a PATCH is a merge patch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One case."""

    id: str
    given: dict[str, Any]
    change: Mapping[str, Any] | None
    status: Mapping[str, Any] | None
    also: list[Mapping[str, Any]]
    answer: Mapping[str, Any]


def refusals() -> list[Refusal]:
    """All cases, by file and name."""
    return [case for path in sorted(CASES.glob("*.yaml")) for case in cases_in(path)]


def cases_in(path: Path) -> Iterator[Refusal]:
    """The cases of one file."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    for name, case in document["cases"].items():
        yield Refusal(
            id=f"{path.stem}-{name}",
            given=with_values(document["base"], case.get("set") or {}),
            change=case.get("change"),
            status=case.get("status"),
            also=case.get("also") or [],
            answer=case.get("answer") or {},
        )


def with_values(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with each value at its path; None takes the field away, the index after the last appends."""
    result: dict[str, Any] = copy_manifest(base)
    for path, value in values.items():
        place: Any = result
        *steps, last = _steps(path)
        for step in steps:
            place = place[int(step)] if isinstance(place, list) else place.setdefault(step, {})
        if isinstance(place, list):
            place[int(last) :] = [copy_manifest(value), *place[int(last) + 1 :]]
        elif value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return result


def _steps(path: str) -> list[str]:
    return path.split(".")


def path_of(manifest: Mapping[str, Any]) -> str:
    """Where objects of that type are created, in the namespace `default`."""
    gvk = gvk_of(manifest)
    found = next(r for r in builtin_resources() if (r.group, r.version, r.kind) == (gvk.group, gvk.version, gvk.kind))
    root = f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"
    return f"{root}{'/namespaces/default' if found.namespaced else ''}/{found.plural}"


async def ask(send: Send, case: Refusal) -> dict[str, Any]:
    """What the server answers to the case, as `answer` has it; nothing is left behind."""
    for other in case.also:
        await send("POST", path_of(other), other)
    try:
        return await _ask(send, case)
    finally:
        for other in case.also:
            await _remove(send, other)


async def _ask(send: Send, case: Refusal) -> dict[str, Any]:
    path = path_of(case.given)
    if case.change is None:
        return answer_of(await send("POST", f"{path}?dryRun=All", case.given))
    name = case.given["metadata"]["name"]
    made = await send("POST", path, case.given)
    if made.code != 201:
        raise AssertionError(f"{case.id}: could not be created: {made.body.get('message')}")
    try:
        reply = await _replace(send, case, f"{path}/{name}")
        return answer_of(reply)
    finally:
        await _remove(send, case.given)


async def _replace(send: Send, case: Refusal, path: str) -> Reply:
    """The answer to the change, once the object has the status it is to have. Controllers may write meanwhile."""
    for _ in range(_ATTEMPTS):
        if case.status is not None:
            await send("PATCH", f"{path}/status", {"status": case.status})
        live = (await send("GET", path, None)).body
        if any((live.get("status") or {}).get(key) != value for key, value in (case.status or {}).items()):
            continue
        reply = await send("PUT", f"{path}?dryRun=All", with_values(live, case.change or {}))
        if reply.body.get("reason") != "Conflict":
            return reply
    raise AssertionError(f"{case.id}: the object does not stay as it is to be")


async def _remove(send: Send, manifest: Mapping[str, Any]) -> None:
    path = f"{path_of(manifest)}/{manifest['metadata']['name']}"
    await send("PATCH", path, {"metadata": {"finalizers": None}})
    await send("DELETE", f"{path}?gracePeriodSeconds=0&propagationPolicy=Background", None)
    for _ in range(_ATTEMPTS):
        if (await send("GET", path, None)).code == 404:
            return
        await send("PATCH", path, {"metadata": {"finalizers": None}})


def answer_of(reply: Reply) -> dict[str, Any]:
    """The reply as a case holds it."""
    if reply.code < 400:
        return {"code": 200} | ({"warnings": list(reply.warnings)} if reply.warnings else {})
    causes = (reply.body.get("details") or {}).get("causes") or []
    found = sorted([cause.get("field", ""), cause.get("reason", ""), plain(cause["message"])] for cause in causes)
    return {
        "code": reply.code,
        "reason": reply.body.get("reason", ""),
        "message": plain(reply.body["message"]),
    } | ({"causes": found} if found else {})


def plain(message: str) -> str:
    """The message without Go structures."""
    return _UID.sub("UID", _GO_VALUE.sub("Invalid value: {…}: ", _LATER_LINES.sub("", message)))


def same(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Whether two answers say the same; the order in which a message names several causes is free."""
    return _unordered(recorded) == _unordered(found)


def _unordered(answer: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(answer)
    if len(result.get("causes") or ()) > 1:
        result["message"] = str(result["message"]).partition(" is invalid: [")[0]
    return result
