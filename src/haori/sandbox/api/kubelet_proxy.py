"""Logs, exec, attach and port-forward: asked of the API, answered by the node's kubelet.

The API knows itself to the kubelet by its client certificate, and the kubelet by the fingerprint that its Node names
(`sandbox.haori.dev/serving-cert-sha256`): no authority has to sign for nodes. Exec and attach are WebSockets from end
to end (`v5.channel.k8s.io`, `v4.channel.k8s.io`); their frames are handed through as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

import orjson

from haori.objects import annotations_of, nested, nested_list, nested_text
from haori.sandbox.api import errors
from haori.sandbox.api.exchange import Receive, Scope, Send
from haori.sandbox.api.forward import CONNECT_SECONDS, NotReachableError, Upstream, dial, forward, unreachable

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from haori.sandbox.api.app import Target

FINGERPRINT = "sandbox.haori.dev/serving-cert-sha256"
DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container"
CHANNELS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
"""The protocols whose error channel carries a Status."""
ERROR_CHANNEL = 3
MESSAGE_BYTES = 16 << 20
LOG_PARAMETERS = frozenset(
    {
        "follow", "limitBytes", "previous", "sinceSeconds", "sinceTime", "stream", "tailLines", "timestamps",
    }
)  # fmt: skip


class Kubelets:
    """The way to the kubelets of the cluster's nodes."""

    def __init__(self, client_certificate: Path) -> None:
        self._client_certificate = client_certificate
        self._contexts: dict[tuple[str, int, str], ssl.SSLContext] = {}

    async def upstream(self, target: Target, pod: Mapping[str, Any]) -> Upstream:
        """The kubelet of a Pod's node. 400 where the Pod has none yet, 503 where it does not answer as it should."""
        node_name = nested_text(pod, "spec", "nodeName")
        if not node_name:
            raise errors.bad_request(f"pod {target.name} does not have a host assigned")
        node = target.api.find("nodes", node_name)
        if node is None:
            raise errors.not_found("nodes", "", node_name)
        addresses = nested_list(node, "status", "addresses")
        host = next((str(each["address"]) for each in addresses if each.get("type") == "InternalIP"), "")
        port = nested(node, "status", "daemonEndpoints", "kubeletEndpoint", "Port")
        if not host or not port:
            raise unreachable(NotReachableError(f"node {node_name} serves no kubelet endpoints"))
        fingerprint = annotations_of(node).get(FINGERPRINT, "").lower().replace(":", "")
        try:
            return Upstream(host=host, port=int(port), tls=await self._context(host, int(port), fingerprint))
        except NotReachableError as error:
            raise unreachable(error) from error

    async def _context(self, host: str, port: int, fingerprint: str) -> ssl.SSLContext:
        """Trusts the one certificate of that fingerprint, which is fetched once. Raises NotReachableError."""
        key = (host, port, fingerprint)
        if key not in self._contexts:
            certificate = await _fetch_certificate(host, port)
            if hashlib.sha256(certificate).hexdigest() != fingerprint:
                raise NotReachableError("the kubelet's certificate is not the one its node names")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.load_verify_locations(cadata=ssl.DER_cert_to_PEM_cert(certificate))
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            context.load_cert_chain(self._client_certificate)
            # Of one node, the contexts of earlier certificates are not kept.
            self._contexts = {each: kept for each, kept in self._contexts.items() if each[:2] != key[:2]}
            self._contexts[key] = context
        return self._contexts[key]


async def _fetch_certificate(host: str, port: int) -> bytes:
    """What the server there shows, unchecked: whoever calls compares it before anything is sent."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await dial(Upstream(host=host, port=port, tls=context))
    try:
        shown: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown
    finally:
        writer.transport.abort()


class KubeletProxy:
    """The handlers of `pods/log`, `pods/exec` and `pods/attach`."""

    def __init__(self, kubelets: Kubelets) -> None:
        self._kubelets = kubelets

    async def logs(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Answers with a container's log as it comes; 400 where the container is not to be told, or did not start."""
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            raise errors.method_not_allowed()
        query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        pod = target.api.get(target.type, target.name, target.namespace).decode()
        container = choose_container(pod, query.get("container", ""))
        check_log_options(query)
        upstream = await self._kubelets.upstream(target, pod)
        kept = urlencode({name: value for name, value in query.items() if name in LOG_PARAMETERS})
        path = f"/containerLogs/{_quoted(target.namespace)}/{_quoted(target.name)}/{_quoted(container)}?{kept}"
        try:
            reader, writer = await dial(upstream)
        except NotReachableError as error:
            raise unreachable(error) from error
        await forward(scope, receive, send, reader, writer, path, {"host": f"{upstream.host}:{upstream.port}"})

    async def exec(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Runs a command in a container, over a WebSocket."""
        await self._stream("exec", scope, receive, send, target)

    async def attach(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Joins a container's own process, over a WebSocket."""
        await self._stream("attach", scope, receive, send, target)

    async def port_forward(self, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        """Joins the caller with ports of a Pod, over a WebSocket of channels."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        pod = target.api.get(target.type, target.name, target.namespace).decode()
        upstream = await self._kubelets.upstream(target, pod)
        if scope["type"] != "websocket":
            raise errors.bad_request("port-forward needs a WebSocket upgrade")
        ports = [port for name, value in pairs if name == "ports" for port in value.split(",")]
        query = urlencode([("port", port) for port in ports])
        path = f"/portForward/{_quoted(target.namespace)}/{_quoted(target.name)}?{query}"
        await bridge(scope, receive, send, upstream, path)

    async def _stream(self, verb: str, scope: Scope, receive: Receive, send: Send, target: Target) -> None:
        # A client whose WebSocket was refused asks again in an older way: it is told why, too, before that it is too old.
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        pod = target.api.get(target.type, target.name, target.namespace).decode()
        container = choose_container(pod, dict(pairs).get("container", ""))
        upstream = await self._kubelets.upstream(target, pod)
        if scope["type"] != "websocket":
            raise errors.bad_request("you must specify at least 1 of the stream protocols by a WebSocket upgrade")
        query = kubelet_query(pairs)
        path = f"/{verb}/{_quoted(target.namespace)}/{_quoted(target.name)}/{_quoted(container)}?{query}"
        await bridge(scope, receive, send, upstream, path, is_command=True)


def kubelet_query(pairs: list[tuple[str, str]]) -> str:
    """What the API calls stdin, stdout, stderr, the kubelet calls input, output, error."""
    names = {"stdin": "input", "stdout": "output", "stderr": "error", "tty": "tty"}
    kept: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == "command":
            kept.append((name, value))
        elif name in names and value in ("1", "true", "True"):
            kept.append((names[name], "1"))
    return urlencode(kept)


async def bridge(
    scope: Scope, receive: Receive, send: Send, upstream: Upstream, path: str, *, is_command: bool = False
) -> None:
    """Joins the caller's WebSocket with one to the upstream, until either ends; the upstream chooses the protocol.

    What a kubelet refuses of a command is told in the command's own error channel, where every client looks for it.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidHandshake, InvalidStatus
    from websockets.typing import Subprotocol

    await receive()
    try:
        connection = await connect(
            f"wss://{upstream.host}:{upstream.port}{path}"
            if upstream.tls
            else f"ws://{upstream.host}:{upstream.port}{path}",
            ssl=upstream.tls,
            server_hostname="" if upstream.tls else None,
            subprotocols=[Subprotocol(each) for each in scope.get("subprotocols", [])] or None,
            compression=None,
            proxy=None,
            max_size=MESSAGE_BYTES,
            open_timeout=CONNECT_SECONDS,
            ping_interval=None,
            user_agent_header=None,
        )
    except InvalidStatus as error:
        refusal = _refusal(error.response.status_code, bytes(error.response.body or b""))
        if (protocol := next((each for each in CHANNELS if each in scope.get("subprotocols", [])), "")) and is_command:
            return await _end_with(send, protocol, refusal)
        raise refusal from error
    except (OSError, TimeoutError, InvalidHandshake) as error:
        raise unreachable(NotReachableError(str(error) or type(error).__name__)) from error
    async with connection:
        await send({"type": "websocket.accept", "subprotocol": connection.subprotocol})
        up = asyncio.ensure_future(_to_upstream(receive, connection))
        down = asyncio.ensure_future(_to_caller(connection, send))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)
    with contextlib.suppress(RuntimeError):  # The caller may have closed first.
        await send({"type": "websocket.close", "code": connection.close_code or 1000})


def _refusal(status: int, body: bytes) -> errors.ApiStatusError:
    """What a kubelet answered to a request for a stream, as the API's own words."""
    message = body[:4000].decode(errors="replace").strip() or f"the kubelet answered {status}"
    match status:
        case 400:
            return errors.bad_request(message)
        case 404:
            return errors.ApiStatusError(404, "NotFound", message, {})
        case _:
            return errors.internal(message)


async def _end_with(send: Send, protocol: str, refusal: errors.ApiStatusError) -> None:
    """A stream that is accepted for nothing but to say how it ended."""
    await send({"type": "websocket.accept", "subprotocol": protocol})
    await send({"type": "websocket.send", "bytes": bytes((ERROR_CHANNEL,)) + orjson.dumps(refusal.to_status())})
    await send({"type": "websocket.close", "code": 1000})


async def _to_upstream(receive: Receive, connection: ClientConnection) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        data = message.get("bytes")
        await connection.send(message["text"] if data is None else data)


async def _to_caller(connection: ClientConnection, send: Send) -> None:
    async for data in connection:
        kind = "text" if isinstance(data, str) else "bytes"
        await send({"type": "websocket.send", kind: data})


def choose_container(pod: Mapping[str, Any], wanted: str) -> str:
    """The container that is meant: the one named, the only one, or the one an annotation makes the default. 400."""
    name = nested_text(pod, "metadata", "name")
    groups = ("containers", "initContainers", "ephemeralContainers")
    names = {group: [str(each["name"]) for each in nested_list(pod, "spec", group)] for group in groups}
    known = [each for group in groups for each in names[group]]
    if wanted:
        if wanted not in known:
            raise errors.bad_request(f"container {wanted} is not valid for pod {name}")
        return wanted
    default = annotations_of(pod).get(DEFAULT_CONTAINER, "")
    if len(names["containers"]) == 1:
        return names["containers"][0]
    if default in names["containers"]:
        return default
    problem = f"a container name must be specified for pod {name}, choose one of: [{' '.join(names['containers'])}]"
    if names["initContainers"]:
        problem += f" or one of the init containers: [{' '.join(names['initContainers'])}]"
    raise errors.bad_request(problem)


def check_log_options(query: Mapping[str, str]) -> None:
    """422 for options that cannot be."""
    causes = []
    for name, least in (("tailLines", 0), ("sinceSeconds", 1), ("limitBytes", 1)):
        text = query.get(name, "")
        if text and (not text.lstrip("-").isdecimal() or int(text) < least):
            problem = f"Invalid value: {text}: must be greater than {'or equal to ' if not least else ''}0"
            causes.append(errors.invalid_field(name, problem))
    if query.get("sinceSeconds") and query.get("sinceTime"):
        causes.append(
            errors.forbidden_field("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified")
        )
    if causes:
        raise errors.invalid("PodLogOptions", "", "", causes)


def _quoted(text: str) -> str:
    return quote(text, safe="")
