"""Ingresses: which Service a request goes to, and the proxy that takes it there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.asyncio.server import serve

from haori.sandbox.node import ingress_connection
from haori.sandbox.node.http_heads import HeadProblem, read_request, read_response
from haori.sandbox.node.ingress_proxy import IngressListener, addresses_of
from haori.sandbox.node.ingress_rules import Backend, host_name, ingress_address, is_ingress_address, routes_of
from haori.sandbox.node.service_proxy import port_names_of


def path(text, service, kind="Prefix", port=80):
    return {"path": text, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": port}}}}


def ingress(*rules, default=None):
    spec: dict[str, Any] = {"rules": [{"host": host, "http": {"paths": list(paths)}} for host, *paths in rules]}
    if default:
        spec["defaultBackend"] = {"service": {"name": default, "port": {"name": "http"}}}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec}


RULES = ingress(
    (
        "shop.example",
        path("/", "root"),
        path("/api", "api"),
        path("/api", "exact", "Exact"),
        path("/api/v2/", "v2", "ImplementationSpecific"),
        path("/only", "only", "Exact"),
    ),
    ("*.shop.example", path("/", "wild")),
    ("bare.example", path("/x", "x")),
    ("", path("/any", "any")),
    default="rest",
)


@pytest.mark.parametrize(
    ("host", "request_path", "service"),
    [
        ("shop.example", "/", "root"),
        ("shop.example", "/apiary", "root"),
        ("SHOP.example:8080", "/api/x", "api"),
        ("shop.example", "/api", "exact"),
        ("shop.example", "/api/", "api"),
        ("shop.example", "/api/v2", "v2"),
        ("shop.example", "/api/v2/x", "v2"),
        ("shop.example", "/only", "only"),
        ("shop.example", "/only/", "root"),
        ("a.shop.example", "/x", "wild"),
        ("a.b.shop.example", "/x", "rest"),
        ("bare.example", "/y", "rest"),
        ("bare.example", "/x", "x"),
        ("other.example", "/any/thing", "any"),
        ("other.example", "/", "rest"),
        ("", "/any", "any"),
        ("127.96.0.5:20080", "/any", "any"),
    ],
)
def test_host_first_then_the_longest_path(host, request_path, service):
    found = routes_of([RULES]).find(host, request_path)

    assert found is not None
    assert (found.namespace, found.service) == ("shop", service)


def test_what_no_rule_takes_goes_nowhere_without_a_default():
    assert routes_of([ingress(("a.example", path("/", "a")))]).find("b.example", "/") is None
    assert routes_of([]).find("", "/") is None


def test_a_backend_that_is_no_service_is_no_route():
    rule = {"path": "/", "pathType": "Prefix", "backend": {"resource": {"kind": "Bucket", "name": "b"}}}

    assert routes_of([ingress(("a.example", rule))]).routes == ()


@pytest.mark.parametrize(
    ("host", "name"), [("A.example.:80", "a.example"), ("[::1]:80", "::1"), ("", ""), ("a.example", "a.example")]
)
def test_the_name_in_a_host_header(host, name):
    assert host_name(host) == name


def test_an_address_is_the_ingresses_own_and_always_the_same():
    addresses = [ingress_address(f"uid-{number}") for number in range(2000)]

    assert addresses == [ingress_address(f"uid-{number}") for number in range(2000)]
    assert len(set(addresses)) > 1990
    assert all(is_ingress_address(each) and each.rpartition(".")[2] not in ("0", "255") for each in addresses)
    assert not any(map(is_ingress_address, ("127.0.0.1", "127.80.0.1", "127.64.0.1", "", "a.example")))


def test_only_addresses_of_ingresses_are_served():
    entries = [{"ip": "127.0.0.1"}, {"ip": "127.96.1.2"}, {"hostname": "lb.example"}, {"ip": "10.0.0.1"}]

    assert addresses_of({"status": {"loadBalancer": {"ingress": entries}}}) == ["127.96.1.2"]


def test_a_port_is_found_by_number_and_by_name():
    ports = [{"name": "http", "port": 80, "targetPort": 8080}, {"name": "admin", "port": 9}]

    assert port_names_of({"spec": {"ports": ports}}) == {80: "http", "http": "http", 9: "admin", "admin": "admin"}
    assert port_names_of({"spec": {"ports": [{"port": 80}]}}) == {80: ""}


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\n2\r\n\r\n", 400),
        (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_is_refused(raw, status):
    with pytest.raises(HeadProblem) as caught:
        read_request(raw)

    assert caught.value.status == status


def test_a_request_is_handed_on_without_what_is_the_connections_own():
    request = read_request(
        b"GET http://A.example/x?y=1 HTTP/1.1\r\nHost: ignored\r\nConnection: keep-alive, X-Mine\r\nX-Mine: 1\r\n"
        b"Keep-Alive: 5\r\nTE: trailers\r\nX-Forwarded-For: 6.6.6.6\r\nAccept: a\r\nAccept: b\r\n\r\n"
    )

    assert request.forwarded("127.0.0.1") == (
        b"GET /x?y=1 HTTP/1.1\r\nHost: A.example\r\nAccept: a\r\nAccept: b\r\nX-Forwarded-For: 127.0.0.1\r\n"
        b"X-Forwarded-Proto: http\r\nX-Forwarded-Host: A.example\r\nX-Real-IP: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )
    assert request.path == "/x"


def test_an_answer_is_read_and_handed_on():
    answer = read_response(b"HTTP/1.0 404 Not Found\r\nConnection: close\r\nContent-Length: 3\r\n\r\n")

    expected = b"HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"
    assert answer.forwarded(stays_open=True) == expected
    with pytest.raises(HeadProblem, match=r"HTTP/1\.1"):
        read_response(b"SSH-2.0-x\r\n\r\n")


BACKEND = Backend(namespace="shop", service="root", port=80)


@contextlib.asynccontextmanager
async def endpoint(answer) -> AsyncIterator[tuple[str, int]]:
    """An endpoint that gets a request's whole head; `answer(head, reader, writer)` does the rest."""

    async def came(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await answer(await reader.readuntil(b"\r\n\r\n"), reader, writer)
        writer.close()

    server = await asyncio.start_server(came, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()
    finally:
        server.close()


@contextlib.asynccontextmanager
async def listening(*targets, rules=RULES, room=10) -> AsyncIterator[int]:
    listener = IngressListener("127.0.0.1", 0, lambda backend: list(targets), asyncio.Semaphore(room))
    listener.routes = routes_of([rules])
    await listener.listen()
    try:
        async with asyncio.timeout(30):
            yield listener.port
    finally:
        await listener.close()


async def ask(port, *requests, more=b""):
    """All that comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"".join(requests) + more)
    answer = await reader.read()
    writer.close()
    return answer


def get(target="/", host="shop.example", **fields):
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode()


CLOSE = {"Connection": "close"}


async def test_requests_follow_each_other_on_one_connection():
    async def answer(head, reader, writer):
        body = head.partition(b"\r\n")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    async with endpoint(answer) as target, listening(target) as port:
        answers = await ask(port, get("/1"), get("/2"), get("/3", **CLOSE))

    assert [answers.count(b"GET /%d HTTP/1.1" % number) for number in (1, 2, 3)] == [1, 1, 1]
    assert answers.count(b"Connection: keep-alive") == 2


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=1\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n",
            b"5\r\nhello\r\n0\r\n\r\n",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", b"hello"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["length", "chunked", "until the end", "interim"],
)
async def test_bodies_come_as_they_were_framed(sent, received):
    async def answer(head, reader, writer):
        writer.write(sent)

    async with endpoint(answer) as target, listening(target) as port:
        answer_ = await ask(port, get(**CLOSE))

    assert answer_.endswith(b"\r\n\r\n" + received)
    assert answer_.startswith(b"HTTP/1.1 " + sent[9:12])


async def test_the_answer_to_head_has_no_body():
    async def answer(head, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")

    async with endpoint(answer) as target, listening(target) as port:
        first = get().replace(b"GET", b"HEAD")
        answers = await ask(port, first, first.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))

    assert answers.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_large_body_is_streamed_both_ways(chunked):
    """The endpoint answers with what it gets while it still gets it, so nobody may wait for a whole body."""
    pieces = [b"%07d\n" % number * 1000 for number in range(300)]
    in_chunks = b"".join(b"%x\r\n" % len(piece) + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
    expected = in_chunks if chunked else b"".join(pieces)

    async def answer(head, reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        received = 0
        while piece := await reader.read(1 << 16):
            received += len(piece)
            writer.write(piece)
            await writer.drain()
            if received == len(expected):
                break

    async with endpoint(answer) as target, listening(target) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % sum(map(len, pieces))
        writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\n" + framing + b"\r\n\r\n")

        async def send():
            for piece in pieces:
                writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n" if chunked else piece)
                await writer.drain()
            if chunked:
                writer.write(b"0\r\n\r\n")

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            answered = group.create_task(reader.read())
        writer.close()

    body = answered.result().partition(b"\r\n\r\n")[2]
    assert body == expected


async def test_an_endpoint_that_ends_early_may_say_why():
    async def answer(head, reader, writer):
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()

    async with endpoint(answer) as target, listening(target) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 100\r\n\r\n1234")
        answered = await reader.read()
        writer.close()

    assert answered.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("request_", "rules", "status"),
    [
        (get(host="nobody.example"), ingress(("a.example", path("/", "a"))), 404),
        (get(), RULES, 503),
        (b"nonsense\r\n\r\n", RULES, 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", RULES, 431),
    ],
    ids=["no rule", "no endpoint", "no request", "too large"],
)
async def test_what_cannot_be_passed_on_is_said(request_, rules, status):
    async with listening(rules=rules) as port:
        assert (await ask(port, request_)).startswith(b"HTTP/1.1 %d " % status)


async def test_an_endpoint_that_is_gone_is_passed_over():
    async def answer(head, reader, writer):
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async def hang_up(head, reader, writer):
        return

    async with endpoint(answer) as target, endpoint(hang_up) as dead:
        pass
    async with endpoint(answer) as target, listening(dead, target) as port:
        answers = [await ask(port, get(**CLOSE)) for _ in range(3)]
        assert all(each.startswith(b"HTTP/1.1 204") for each in answers)
    async with listening(dead) as port:
        assert (await ask(port, get())).startswith(b"HTTP/1.1 502")
    async with endpoint(hang_up) as target, listening(target) as port:
        assert (await ask(port, get())).startswith(b"HTTP/1.1 502")


async def test_an_endpoint_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(ingress_connection, "ANSWER_SECONDS", 0.05)

    async def answer(head, reader, writer):
        await reader.read()

    async with endpoint(answer) as target, listening(target) as port:
        assert (await ask(port, get())).startswith(b"HTTP/1.1 504")


async def test_no_more_connections_than_there_is_room_for():
    async with listening(room=1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(get()[:10])
        await writer.drain()
        answers = [await ask(port) for _ in range(2)]
        writer.close()
        await reader.read()

    assert all(each.startswith(b"HTTP/1.1 503") for each in answers)


async def test_web_sockets_pass_through():
    async def echo(socket):
        async for message in socket:
            await socket.send(f"{socket.request.headers['Host']}: {message}")

    async with serve(echo, "127.0.0.1", 0) as server:
        target = next(iter(server.sockets)).getsockname()
        async with listening(target) as port:
            url = "ws://shop.example/api/socket"
            async with connect(url, host="127.0.0.1", port=port) as client:
                await client.send("hello")
                assert await client.recv() == "shop.example: hello"
                large = "x" * 300_000
                await client.send(large)
                assert await client.recv() == f"shop.example: {large}"
            with contextlib.suppress(websockets.ConnectionClosed):
                await client.recv()
