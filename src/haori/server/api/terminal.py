"""A terminal in a container, as Argo CD's page speaks it: JSON messages over a WebSocket at `/terminal`.

`{"operation": "stdin", "data"}` and `{"operation": "resize", "cols", "rows"}` come, `{"operation": "stdout", "data"}` goes. It is
there where `exec.enabled` in `argocd-cm` says so, for who may `exec, create` and see the application; who loses that, or whose
sign-in ends, is out within seconds. Opening and closing leave records.
see: argoproj/argo-cd `server/application/terminal.go` (3.x).
"""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from haori.access import Outcome
from haori.cluster import HttpClient
from haori.cluster.exec_channels import RemoteCommand
from haori.cluster.well_known import PODS
from haori.errors import HaoriError
from haori.objects import nested_list, nested_text
from haori.server.api.reading import demand_object
from haori.server.asking import Ask, application_object, is_name, project_of
from haori.server.errors import Kind, RefusedError, describe_error
from haori.server.routing import Query, Route, Rule
from haori.server.sockets import CLOSED_BY_RULE, GOING_AWAY, Conversation
from haori.server.streams import STREAM_SECONDS

ENABLED, SHELLS = "exec.enabled", "exec.shells"
DEFAULT_SHELLS = "bash,sh,powershell,cmd"
NOT_THERE = frozenset({126, 127})
"""Exit codes of a shell that is not in the image: the next one is tried."""
LOOK_SECONDS = 5.0
"""How often it is asked whether the sender may still do this."""
LARGEST_SIZE = 1000
WAITING_MESSAGES = 100
"""What was typed and not read; beyond it the page waits."""


def is_enabled(ask: Ask) -> bool:
    """Whether `argocd-cm` allows terminals."""
    return str(ask.context.entrance.book.config.get(ENABLED, "")).strip().lower() == "true"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a terminal is opened."""

    client: HttpClient
    namespace: str
    pod: str
    container: str
    shells: tuple[str, ...]


async def _object(ask: Ask) -> str:
    """The application that the query names, as policies name it."""
    ask.parameters = {"name": ask.text("appName")}
    application = await ask.application()
    named = ask.text("projectName")
    if named and named != project_of(application):
        raise RefusedError(Kind.INVALID, "terminal-other-project", project=named[:100])
    return await application_object(ask)


async def _plain(ask: Ask) -> Response:
    raise RefusedError(Kind.INVALID, "websocket-wanted")


async def _open(ask: Ask) -> Callable[[Conversation], Awaitable[None]]:
    """Checks what can be checked before. Raises RefusedError."""
    place = await _place(ask)
    ask.context.streams.check_room()

    async def talk(conversation: Conversation) -> None:
        await _talk(ask, place, conversation)

    return talk


async def _place(ask: Ask) -> Place:
    if not is_enabled(ask):
        raise RefusedError(Kind.NOT_FOUND, "terminal-disabled")
    pod, container, namespace = ask.text("pod"), ask.text("container"), ask.text("namespace")
    for field, value in (("pod", pod), ("container", container), ("namespace", namespace)):
        if not is_name(value):
            raise RefusedError(Kind.INVALID, "field-unusable", field=field)
    application = await ask.application()
    names = {"group": "", "kind": "Pod", "namespace": namespace, "name": pod}
    await demand_object(ask, names, exactly=("group", "namespace"))
    client = await ask.context.destinations.client_for(application)
    live = await client.get(PODS, pod, namespace)
    known = [nested_text(each, "name") for each in nested_list(live, "spec", "containers")]
    if container not in known:
        raise RefusedError(Kind.INVALID, "terminal-no-container", container=container, known=known)
    if nested_text(live, "status", "phase") != "Running":
        raise RefusedError(Kind.PRECONDITION, "terminal-pod-not-running", pod=pod)
    return Place(client=client, namespace=namespace, pod=pod, container=container, shells=_shells(ask))


def _shells(ask: Ask) -> tuple[str, ...]:
    """Those to try, in order: the one asked for where it is allowed, else all that are."""
    text = str(ask.context.entrance.book.config.get(SHELLS) or DEFAULT_SHELLS)
    allowed = tuple(each.strip() for each in text.split(",") if each.strip())
    asked = ask.text("shell")
    return (asked,) if asked in allowed else allowed


async def _talk(ask: Ask, place: Place, conversation: Conversation) -> None:
    """The whole of it: records, the shell, and what ends it."""
    await conversation.accept()
    _record(ask, place, "exec/open", Outcome.DONE)
    outcome = Outcome.DONE
    try:
        async with ask.context.streams.hold(), asyncio.timeout(STREAM_SECONDS):
            typed, stopping = _Typed(conversation), ask.context.streams.stopping
            await _first_done(_shell(place, conversation, typed), typed.read(), _watch(ask), stopping.wait())
        await conversation.close(GOING_AWAY if ask.context.streams.stopping.is_set() else 1000)
    except TimeoutError:
        await conversation.close(GOING_AWAY)
    except HaoriError as error:
        outcome = Outcome.FAILED
        text = describe_error(error).sentence.text(ask.language)
        await conversation.write({"operation": "stdout", "data": f"{text}\r\n"})
        await conversation.close(CLOSED_BY_RULE)
    finally:
        _record(ask, place, "exec/close", outcome)


async def _first_done(*coroutines: Awaitable[Any]) -> None:
    """Until the first of them ends; the others are ended. Raises what it raised."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Typed:
    """What the reader sends. What came before a shell has spoken is kept for the next one, if that shell is not there."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(WAITING_MESSAGES)
        self._early: list[dict[str, Any]] = []
        self.is_settled = False
        """Whether the shell is found: nothing is kept any more."""

    async def read(self) -> None:
        """Takes messages until the reader is gone; one that types faster than the shell reads waits."""
        while (message := await self._conversation.read()) is not None:
            if message.get("operation") not in ("stdin", "resize"):
                raise RefusedError(Kind.INVALID, "terminal-message-unknown")
            await self._queue.put(message)

    async def hand_on(self, command: RemoteCommand) -> None:
        """Everything so far, then whatever comes, until cancelled."""
        for message in tuple(self._early):
            await _apply(command, message)
        while True:
            message = await self._queue.get()
            if not self.is_settled and len(self._early) < WAITING_MESSAGES:
                self._early.append(message)
            await _apply(command, message)


async def _apply(command: RemoteCommand, message: Mapping[str, Any]) -> None:
    if message["operation"] == "stdin":
        await command.write(str(message.get("data") or "").encode())
    else:
        await command.resize(_size(message.get("cols")), _size(message.get("rows")))


async def _shell(place: Place, conversation: Conversation, typed: _Typed) -> None:
    """The first shell that the image has."""
    problem = ""
    for shell in place.shells:
        async with place.client.execute(place.pod, place.namespace, place.container, [shell]) as command:
            await _first_done(_show(command, conversation, typed), typed.hand_on(command))
        if typed.is_settled or not (command.problem and command.exit_code in (None, *NOT_THERE)):
            return
        problem = command.problem
    raise RefusedError(Kind.PRECONDITION, "terminal-no-shell", shells=list(place.shells), problem=problem)


async def _show(command: RemoteCommand, conversation: Conversation, typed: _Typed) -> None:
    """Until the command ends."""
    decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
    async for chunk in command.output():
        if text := decode(chunk):
            typed.is_settled = True
            await conversation.write({"operation": "stdout", "data": text})


def _size(value: Any) -> int:
    return min(max(value, 1), LARGEST_SIZE) if isinstance(value, int) else 80


async def _watch(ask: Ask) -> None:
    """Until the sender may not do this any more, or is not who they were. Raises RefusedError then."""
    object_ = await application_object(ask)
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        may = ask.may("applications", "get", object_) and ask.may("exec", "create", object_)
        if not (is_enabled(ask) and may and await ask.is_still_known()):
            facts = {"resource": "exec", "action": "create", "object": object_, "subject": ask.who.subject}
            raise RefusedError(Kind.FORBIDDEN, "permission-denied", **facts)


def _record(ask: Ask, place: Place, action: str, outcome: Outcome) -> None:
    facts = {"pod": place.pod, "container": place.container, "namespace": place.namespace}
    object_ = f"Application {ask.application_namespace}/{ask.application_name}"
    ask.context.trail.record(ask.who, action, object_, outcome, facts)


ROUTES = (
    Route(
        method="GET",
        path="/terminal",
        handler=_plain,
        socket=_open,
        changes=True,
        access=Rule(resource="exec", action="create", object_of=_object),
        summary="A terminal in a container, over a WebSocket",
        query=tuple(
            Query(name=name, help=text)
            for name, text in (
                ("pod", "The Pod."),
                ("container", "One of its containers."),
                ("namespace", "Of the Pod."),
                ("appName", "The application that the Pod is of."),
                ("appNamespace", "The application's namespace, where it is not the control namespace."),
                ("projectName", "The application's project."),
                ("shell", "One of exec.shells; else they are tried in turn."),
            )
        ),
    ),
)
