"""Addresses of Pods, listeners of Services, and forwarding."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from haori.sandbox.node import ports
from haori.sandbox.node.addresses import Addresses
from haori.sandbox.node.forwarder import Forwarder
from haori.sandbox.node.service_proxy import Listener, listeners_of, targets_of


def test_no_two_pods_have_one_address():
    addresses = Addresses(loopback=True)
    given = {addresses.take(f"uid-{number}").announced for number in range(2000)}

    assert len(given) == 2000
    assert all(each.startswith("127.") for each in given)


def test_a_pod_keeps_the_address_its_status_says():
    addresses = Addresses(loopback=True)

    assert addresses.take("a", "127.80.0.9").announced == "127.80.0.9"
    assert addresses.take("b", "127.80.0.9").announced != "127.80.0.9"
    addresses.release("a")
    assert addresses.take("c", "127.80.0.9").announced == "127.80.0.9"


def test_elsewhere_than_on_loopback_the_process_binds_another_address():
    address = Addresses(loopback=False).take("a", "10.80.0.7")

    assert (address.announced, address.bindable) == ("10.80.0.7", "127.80.0.7")


def service(**spec):
    return {"metadata": {"name": "web", "namespace": "ns"}, "spec": spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"clusterIP": "127.64.0.2", "ports": [{"name": "http", "port": 80}]}, [("127.64.0.2", 80)]),
        ({"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}, []),
        ({"clusterIP": "None", "ports": [{"port": 80}]}, []),
        ({"clusterIP": "127.64.0.2", "ports": [{"port": 53, "protocol": "UDP"}]}, []),
        ({"type": "ExternalName"}, []),
    ],
)
def test_only_loopback_and_tcp_is_listened_on(spec, expected):
    assert [(each.address, each.port) for each in listeners_of(service(**spec))] == expected


def test_a_load_balancers_address_is_listened_on_as_well():
    found = service(clusterIP="127.64.0.2", ports=[{"port": 80, "name": "http"}])
    found["status"] = {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}

    assert Listener(address="127.0.0.1", port=80, service=("ns", "web"), port_name="http") in listeners_of(found)


def test_targets_are_the_ready_endpoints_of_the_port():
    slices = [
        {
            "ports": [{"name": "http", "port": 8080}, {"name": "admin", "port": 9}],
            "endpoints": [
                {"addresses": ["127.80.0.2"], "conditions": {"ready": True}},
                {"addresses": ["127.80.0.1"]},
                {"addresses": ["127.80.0.3"], "conditions": {"ready": False}},
            ],
        }
    ]

    assert targets_of(slices, "http") == [("127.80.0.1", 8080), ("127.80.0.2", 8080)]


def test_a_port_that_may_not_be_bound_is_another(monkeypatch):
    monkeypatch.setattr(ports, "first_unprivileged_port", lambda: 1024)

    assert [ports.bindable_port(each) for each in (80, 1024, 8080, 0)] == [20080, 1024, 8080, 0]


async def echo_server(name):
    async def answer(reader, writer):
        while line := await reader.readline():
            writer.write(name + b":" + line)
            await writer.drain()
        writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def ask(port, text):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    writer.write_eof()
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_connections_go_to_the_targets_in_turn():
    servers = [await echo_server(b"a"), await echo_server(b"b")]
    forwarder = Forwarder("127.0.0.1", 0)
    await forwarder.listen()
    forwarder.targets = [("127.0.0.1", each.sockets[0].getsockname()[1]) for each in servers]

    answers = [await ask(forwarder.port, b"hello\n") for _ in range(4)]

    forwarder.close()
    for server in servers:
        server.close()
    assert sorted(answers) == [b"a:hello\n", b"a:hello\n", b"b:hello\n", b"b:hello\n"]


async def test_a_target_that_does_not_answer_is_passed_over_and_none_closes():
    server = await echo_server(b"a")
    gone = await echo_server(b"x")
    dead = gone.sockets[0].getsockname()[1]
    gone.close()
    forwarder = Forwarder("127.0.0.1", 0)
    await forwarder.listen()
    forwarder.targets = [("127.0.0.1", dead), ("127.0.0.1", server.sockets[0].getsockname()[1])]

    answers = {await ask(forwarder.port, b"1\n") for _ in range(2)}
    forwarder.targets = []
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)
    nothing = b""
    with contextlib.suppress(ConnectionError):
        nothing = await reader.read()
    writer.close()

    forwarder.close()
    server.close()
    assert answers == {b"a:1\n"}
    assert nothing == b""


async def test_much_goes_through_unchanged():
    server = await echo_server(b"")
    forwarder = Forwarder("127.0.0.1", 0)
    await forwarder.listen()
    forwarder.targets = [("127.0.0.1", server.sockets[0].getsockname()[1])]
    lines = b"".join(b"%050d\n" % number for number in range(40_000))
    reader, writer = await asyncio.open_connection("127.0.0.1", forwarder.port)

    async def send():
        for start in range(0, len(lines), 1 << 16):
            writer.write(lines[start : start + (1 << 16)])
            await writer.drain()
        writer.write_eof()

    async with asyncio.TaskGroup() as group:
        group.create_task(send())
        received = group.create_task(reader.read())

    writer.close()
    forwarder.close()
    server.close()
    assert received.result().replace(b":", b"") == lines
