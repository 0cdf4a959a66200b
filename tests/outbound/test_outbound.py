from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from haori.outbound import OutboundError, OutboundPolicy, check_url, fetch, refusal_of

LOCAL = OutboundPolicy(allow_loopback=True)


@pytest.mark.parametrize(
    ("address", "policy", "refused"),
    [
        ("8.8.8.8", OutboundPolicy(), False),
        ("2606:4700::1111", OutboundPolicy(), False),
        ("127.0.0.1", OutboundPolicy(), True),
        ("127.0.0.1", LOCAL, False),
        ("::1", OutboundPolicy(), True),
        ("10.1.2.3", OutboundPolicy(), True),
        ("10.1.2.3", OutboundPolicy(allow_private=True), False),
        ("100.64.0.1", OutboundPolicy(), True),
        ("fd12::1", OutboundPolicy(), True),
        ("169.254.169.254", OutboundPolicy(allow_private=True, allow_loopback=True), True),
        ("169.254.1.1", OutboundPolicy(allow_private=True, allow_loopback=True), True),
        ("fe80::1", OutboundPolicy(allow_private=True), True),
        ("fd00:ec2::254", OutboundPolicy(allow_private=True), True),
        ("::ffff:169.254.169.254", OutboundPolicy(allow_private=True), True),
        ("64:ff9b::a9fe:a9fe", OutboundPolicy(allow_private=True), True),
        ("2002:7f00:1::", OutboundPolicy(), True),
        ("0.0.0.0", OutboundPolicy(allow_loopback=True), True),
        ("224.0.0.1", OutboundPolicy(), True),
    ],
)
def test_addresses(address: str, policy: OutboundPolicy, refused: bool):
    assert (refusal_of(ipaddress.ip_address(address), policy) is not None) is refused


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x/y",
        "https://",
        "https://u:p@x/",
        "http://127.0.0.1/",
        "http://[::1]:80/",
        "http://[x/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127.0.0.1./",
        "http://0x/",
        "http://１２７.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_urls_that_are_never_tried(url: str):
    with pytest.raises(OutboundError) as caught:
        check_url(url, OutboundPolicy())
    assert "p@" not in str(caught.value)


@pytest.mark.parametrize("host", ["8.8.8.8", "charts.example.com", "0x7f.example.com", "1.2.example", "git-1", "a.b2"])
def test_names_with_digits_are_names(host: str):
    assert check_url(f"https://{host}/", OutboundPolicy()) == host


@pytest.fixture
async def server() -> AsyncIterator[str]:
    async def handle(request: web.Request) -> web.Response:
        match request.path:
            case "/metadata":
                raise web.HTTPFound("http://169.254.169.254/latest")
            case "/away":
                raise web.HTTPFound(f"http://localhost:{request.url.port}/echo")
            case "/round":
                raise web.HTTPFound("/round")
            case "/large":
                return web.Response(body=b"x" * 100_000)
        return web.Response(text=request.headers.get("Authorization", "none"))

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_fetches_what_is_allowed(server: str):
    answer = await fetch(f"{server}/echo", LOCAL, headers={"Authorization": "secret"})
    assert (answer.status, answer.body) == (200, b"secret")


async def test_a_redirect_is_judged_anew(server: str):
    with pytest.raises(OutboundError, match="metadata service"):
        await fetch(f"{server}/metadata", LOCAL)


async def test_credentials_do_not_follow_to_another_origin(server: str):
    answer = await fetch(f"{server}/away", LOCAL, headers={"Authorization": "secret"})
    assert answer.body == b"none"


@pytest.mark.parametrize(("path", "why"), [("/round", "redirects"), ("/large", "bytes")])
async def test_bounds(server: str, path: str, why: str):
    with pytest.raises(OutboundError, match=why):
        await fetch(server + path, OutboundPolicy(allow_loopback=True, size_bytes=1000))


async def test_a_name_that_resolves_to_a_refused_address_is_not_dialled(server: str):
    port = server.rpartition(":")[2]
    with pytest.raises(OutboundError, match="loopback"):
        await fetch(f"http://localhost:{port}/echo", OutboundPolicy())
