"""Stories: requests to an API server in their order, and what a real one answered to each.

A file of cases/ tells one story. `about` says what it shows, `server` the version that was asked, `steps` are requests:

- `ask`: method and path with query. `$NS` is a namespace of the story's own, which is there already with its ServiceAccount
  `default`; names that belong to no namespace carry it too. `$name` is what an earlier step has taken.
- `send`: the body; `raw` a body as it is. `type` is its media type (application/json), `accept` the Accept header.
- `as`: the user to be (`name` or `name, group, group`); else an administrator. `agent`: the User-Agent (`story`).
- `take`: names for values of the answer, by path. `events`: the request is a watch, left after so many events.
- `until`: a code; the request is made again until it is answered so. What a server does by itself is waited for like that.
- `only`: the paths of the body that are compared; `but`: the ones that are not.
- `differs`: why the sandbox is not held to this answer, on purpose.
- `answer`: `code`, `headers` that matter, `body`, with placeholders for what differs between two runs (see `answers`).

There are no controllers on either side: what the API server itself does is seen undisturbed.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import orjson
import yaml

from tests.sandbox.requests.answers import Placeholders, chosen, value_at

CASES = Path(__file__).parent / "cases"
_ATTEMPTS = 300
_NAME = re.compile(r"\$\{?([A-Za-z]+)\}?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer; a watch's body is the list of its events."""

    code: int
    headers: Mapping[str, str]
    """By names in lower case; several of one name are joined by newlines."""
    body: Any


class Wire(Protocol):
    """A way to a server, as its administrator."""

    async def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes, events: int | None) -> Reply:
        """The answer; of a watch, so many events."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One file."""

    path: Path
    document: dict[str, Any]

    @property
    def name(self) -> str:
        """The file's, which also begins its namespace."""
        return self.path.stem

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The requests."""
        found: list[dict[str, Any]] = self.document["steps"]
        return found


def stories() -> list[Story]:
    """All of them."""
    return [
        Story(path=path, document=yaml.safe_load(path.read_text(encoding="utf-8")))
        for path in sorted(CASES.glob("*.yaml"))
    ]


@dataclass(slots=True)
class _Run:
    story: Story
    wire: Wire
    namespace: str
    taken: dict[str, str] = field(default_factory=dict)

    def filled(self, value: Any) -> Any:
        """`value` with the names replaced that are known."""
        known = {"NS": self.namespace, **self.taken}
        if isinstance(value, str):
            return _NAME.sub(lambda found: known.get(found[1], found[0]), value)
        if isinstance(value, Mapping):
            return {self.filled(key): self.filled(item) for key, item in value.items()}
        return [self.filled(item) for item in value] if isinstance(value, list) else value

    async def send(self, step: Mapping[str, Any]) -> Reply:
        """The reply to a step."""
        method, _, path = self.filled(step["ask"]).partition(" ")
        headers = {"user-agent": step.get("agent", "story"), "accept": step.get("accept", "application/json")}
        body = b""
        if "send" in step or "raw" in step:
            headers["content-type"] = step.get("type", "application/json")
            body = self.filled(step["raw"]).encode() if "raw" in step else orjson.dumps(self.filled(step["send"]))
        if "as" in step:
            user, *groups = (part.strip() for part in self.filled(step["as"]).split(","))
            headers["impersonate-user"] = user
            if groups:
                headers["impersonate-group"] = "\n".join(groups)
        try:
            return await self.wire.ask(method, path, headers, body, step.get("events"))
        except TimeoutError as error:
            raise AssertionError(f"{self.story.name}: no answer to {step['ask']}") from error

    async def until(self, step: Mapping[str, Any]) -> Reply:
        """The reply, once it has the code that is waited for."""
        reply = await self.send(step)
        for _ in range(_ATTEMPTS if "until" in step else 0):
            if reply.code == step["until"]:
                break
            reply = await self.send(step)
        return reply


async def told(story: Story, wire: Wire) -> list[dict[str, Any]]:
    """What the server answers to each step of the story, in the form of `answer`."""
    run = _Run(story, wire, f"{story.name}-{secrets.token_hex(3)}")
    await _settle(run)
    placeholders = Placeholders(run.namespace)
    answers = []
    for step in story.steps:
        reply = await run.until(step)
        for name, path in (step.get("take") or {}).items():
            run.taken[name] = str(value_at(reply.body, path))
        answers.append(placeholders.answer(reply, run.filled(step.get("send"))))
    return answers


async def _settle(run: _Run) -> None:
    for path, name in (("namespaces", run.namespace), (f"namespaces/{run.namespace}/serviceaccounts", "default")):
        reply = await run.send({"ask": f"POST /api/v1/{path}", "send": {"metadata": {"name": name}}})
        assert reply.code == 201, reply


def compared(step: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an answer that is compared."""
    return {**answer, "body": chosen(answer["body"], step.get("only"), step.get("but"))}


def held(story: Story, answers: list[dict[str, Any]]) -> Iterator[tuple[str, Any, Any]]:
    """(request, what is recorded, what was answered), step by step."""
    for number, (step, found) in enumerate(zip(story.steps, answers, strict=True), 1):
        yield f"{number}. {step['ask']}", step["answer"], compared(step, found)
