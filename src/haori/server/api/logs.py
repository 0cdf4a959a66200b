"""Logs of an application's Pods, as they are or as they grow.

Several containers are told together: what is there already in the order of its times, what comes as it comes. Each is
bounded, so that a container that writes without end costs its own reader only.
see: argoproj/argo-cd `server/application/application.go` PodLogs, and `logs.go` (3.x).
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from haori.cluster import HttpClient
from haori.cluster.well_known import PODS
from haori.errors import PeerError
from haori.objects import nested_list, nested_mapping
from haori.objects.trees import pods_below
from haori.server.answering import EVENTS, JSON, answer_stream, format_event, format_line, wants_events
from haori.server.api.reading import APP_QUERY, APPLICATION, ask_tree
from haori.server.asking import Ask, application_object
from haori.server.errors import Kind, RefusedError
from haori.server.routing import Query, Route, Rule
from haori.server.streams import STREAM_SECONDS

STREAMS_AT_MOST = 50
"""Containers read at once: each costs the API server a connection."""
TAIL_LINES, MOST_TAIL_LINES = 1000, 50_000
"""Of a container: lines told where nobody says how many, and the most."""
LONGEST_LINE = 256 << 10
LINE_BYTES = 200
"""What a line takes beside its text."""
WAITING_LINES = 1000
"""Lines that wait for a slow reader; beyond them their containers wait."""
WHOLE_BYTES = 32 << 20
"""Held of an answer that is not followed, shared among its containers: of longer logs the last lines are told."""
LOOK_SECONDS = 5.0
"""How often it is asked whether who follows may still do so."""
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-]\d\d:\d\d)\Z")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Line:
    """One line of one container."""

    time: str
    pod: str
    content: str

    def to_json(self) -> dict[str, Any]:
        """As Argo CD's LogEntry."""
        return {
            "result": {
                "content": self.content, "timeStamp": self.time, "timeStampStr": self.time, "podName": self.pod,
                "last": False,
            }
        }  # fmt: skip


LAST = {"result": {"content": "", "last": True}}


def read_line(pod: str, raw: bytes) -> Line:
    """A line that begins with its time, as the API writes it when asked to; one that does not is told whole."""
    text = raw[:LONGEST_LINE].decode(errors="replace").rstrip("\r")
    time, _, content = text.partition(" ")
    return Line(time=time, pod=pod, content=content) if _TIME.match(time) else Line(time="", pod=pod, content=text)


class Wanted:
    """Which lines are told: those that hold a text, or, behind `!`, those that do not."""

    def __init__(self, ask: Ask) -> None:
        text, self._matches_case = ask.text("filter"), ask.flag("matchCase")
        self._is_inverted = text.startswith("!")
        self._text = self._plain(text.removeprefix("!"))
        self._until = ask.text("untilTime")

    def _plain(self, text: str) -> str:
        return text if self._matches_case else text.lower()

    def __call__(self, line: Line) -> bool:
        """Whether the line is told."""
        if self._until and line.time > self._until:
            return False
        return not self._text or (self._text in self._plain(line.content)) is not self._is_inverted


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Where a log comes from."""

    namespace: str
    pod: str
    name: str


async def _logs(ask: Ask) -> Response:
    application = await ask.application()
    ask.demand("applications", "get", await application_object(ask))
    ask.context.streams.check_room()
    pods = pods_below((await ask_tree(ask))["nodes"], _chosen(ask))
    if not pods:
        raise RefusedError(Kind.NOT_FOUND, "logs-no-pods", application=ask.application_name)
    client = await ask.context.destinations.client_for(application)
    containers = await _containers(client, pods, ask.text("container"))
    is_events = wants_events(ask.request)
    flags = _flags(ask)
    content = _tell(ask, client, containers, flags, is_events=is_events)
    return answer_stream(content, media_type=EVENTS if is_events else JSON, language=ask.language)


def _chosen(ask: Ask) -> dict[str, str]:
    pod = ask.parameters.get("podName") or ask.text("podName")
    if pod:
        return {"group": "", "kind": "Pod", "namespace": ask.text("namespace"), "name": pod}
    names = {"group": "group", "kind": "kind", "namespace": "namespace", "name": "resourceName"}
    return {field: ask.text(name) for field, name in names.items()}


async def _containers(client: HttpClient, pods: Iterable[tuple[str, str]], wanted: str) -> list[Container]:
    found = []
    for namespace, pod in pods:
        spec = nested_mapping(await client.get(PODS, pod, namespace), "spec")
        parts = ("containers", "initContainers") if wanted else ("containers",)
        names = [str(each["name"]) for part in parts for each in nested_list(spec, part)]
        found += [Container(namespace=namespace, pod=pod, name=each) for each in names if wanted in ("", each)]
    if len(found) > STREAMS_AT_MOST:
        raise RefusedError(Kind.INVALID, "logs-too-many", count=len(found), limit=STREAMS_AT_MOST)
    return found


def _flags(ask: Ask) -> dict[str, Any]:
    since = ask.number("sinceSeconds", 0) or _seconds_since(ask)
    return {
        "follow": ask.flag("follow"),
        "previous": ask.flag("previous"),
        # Argo CD's clients send 0 for what they do not limit.
        "tail_lines": ask.number("tailLines", 0, most=MOST_TAIL_LINES) or TAIL_LINES,
        "since_seconds": since or None,
    }


def _seconds_since(ask: Ask) -> int:
    """How long ago `sinceTime` was, as grpc-gateway takes it apart; at least a second where it is given."""
    began = ask.number("sinceTime.seconds", 0, most=1 << 40)
    return max(1, int(ask.context.clock().timestamp()) - began) if began else 0


async def _tell(
    ask: Ask, client: HttpClient, containers: Iterable[Container], flags: Mapping[str, Any], *, is_events: bool
) -> AsyncIterator[bytes]:
    wanted, write = Wanted(ask), format_event if is_events else format_line
    if flags["follow"]:
        async for line in _followed(ask, client, containers, flags):
            if wanted(line):
                yield write(line.to_json())
    else:
        async with ask.context.streams.hold():
            containers = tuple(containers)
            read = [_whole(client, each, flags, WHOLE_BYTES // len(containers)) for each in containers]
            for line in sorted(line for lines in await asyncio.gather(*read) for line in lines):
                if wanted(line):
                    yield write(line.to_json())
    yield write(LAST)


async def _whole(client: HttpClient, container: Container, flags: Mapping[str, Any], most_bytes: int) -> list[Line]:
    found, size = deque[Line](), 0
    async for line in _lines(client, container, flags):
        found.append(line)
        size += len(line.content) + LINE_BYTES
        while size > most_bytes and len(found) > 1:
            size -= len(found.popleft().content) + LINE_BYTES
    return list(found)


async def _followed(
    ask: Ask, client: HttpClient, containers: Iterable[Container], flags: Mapping[str, Any]
) -> AsyncIterator[Line]:
    """Lines of all containers as they come, until they end, the stream's time is over or the server ends."""
    queue: asyncio.Queue[Line | None] = asyncio.Queue(WAITING_LINES)

    async def read(container: Container) -> None:
        async for line in _lines(client, container, flags):
            await queue.put(line)

    async def read_all() -> None:
        await asyncio.gather(*(read(each) for each in containers))
        await queue.put(None)

    loop, getting = asyncio.get_running_loop(), None
    async with ask.context.streams.hold():
        reading = asyncio.create_task(read_all())
        stopping = asyncio.create_task(ask.context.streams.stopping.wait())
        try:
            async with asyncio.timeout(STREAM_SECONDS):
                look_again = loop.time() + LOOK_SECONDS
                while not stopping.done():
                    getting = getting or asyncio.create_task(queue.get())
                    await asyncio.wait(
                        {getting, stopping}, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED
                    )  # fmt: skip
                    if loop.time() >= look_again:
                        look_again = loop.time() + LOOK_SECONDS
                        if not await _may_go_on(ask):
                            return
                    if not getting.done():
                        continue
                    line, getting = getting.result(), None
                    if line is None:
                        return
                    yield line
        except TimeoutError:
            return
        finally:
            tasks = {each for each in (reading, stopping, getting) if each is not None}
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _may_go_on(ask: Ask) -> bool:
    """Whether the sender is still who they were, and may still read these logs."""
    object_ = await application_object(ask)
    may = ask.may("applications", "get", object_) and ask.may("logs", "get", object_)
    return may and await ask.is_still_known()


async def _lines(client: HttpClient, container: Container, flags: Mapping[str, Any]) -> AsyncIterator[Line]:
    """A container's lines; one that cannot be read says so in a line of its own, for the others go on."""
    rest = b""
    try:
        async for chunk in client.logs(
            container.pod, container.namespace, container=container.name, timestamps=True, **flags
        ):
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[:LONGEST_LINE]
            for raw in lines:
                yield read_line(container.pod, raw)
    except PeerError as error:
        yield Line(time="", pod=container.pod, content=error.sentence.text())
    if rest:
        yield read_line(container.pod, rest)


_QUERY = (
    *APP_QUERY,
    *(Query(name=each, help="Of the object whose Pods are meant.") for each in ("group", "kind", "resourceName")),
    Query(name="namespace", help="Of the Pod, or of the object."),
    Query(name="podName", help="One Pod."),
    Query(name="container", help="One container of each Pod; else all that are no init containers."),
    Query(name="follow", help="Goes on with what comes.", type="boolean"),
    Query(name="previous", help="Of the container before its last restart.", type="boolean"),
    Query(name="tailLines", help="The last lines of each container; 1000 unless told.", type="integer"),
    Query(name="sinceSeconds", help="Only lines that are younger.", type="integer"),
    Query(name="sinceTime.seconds", help="Only lines since then, in seconds since 1970.", type="integer"),
    Query(name="untilTime", help="Only lines until then (RFC 3339)."),
    Query(name="filter", help="Only lines that hold this text; with ! before it, those that do not."),
    Query(name="matchCase", help="Whether capitals count in the filter.", type="boolean"),
)
_READ = Rule(resource="logs", action="get", object_of=application_object)
ROUTES = tuple(
    Route(
        method="GET",
        path=f"{APPLICATION}/{path}",
        handler=_logs,
        access=_READ,
        summary=summary,
        query=_QUERY,
        streams=True,
    )
    for path, summary in (("logs", "Logs of its Pods"), ("pods/{podName}/logs", "Logs of one of its Pods"))
)
