"""What every request passes, and the one shape in which it is turned away."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Callable

import pytest
from starlette.responses import Response

from haori.server.answering import EVENTS, JSON, answer_json, answer_stream, is_known, project_fields, takes_gzip
from haori.server.api.sign_on import page_within
from haori.server.app import ROUTES
from haori.server.asking import Ask
from haori.server.errors import Kind, RefusedError
from haori.server.files import PAGE_POLICY, Files
from haori.server.guard import Guard
from haori.server.hosts import Hosts, sender_address
from haori.server.routing import Access, Filtered, Handler, Open, Route, Router, Rule, UndeclaredRouteError
from tests.server.conftest import application
from tests.server.talking import Talk


async def _nothing(ask: Ask) -> str:
    return "shop/web"


async def _echo(ask: Ask) -> Response:
    return await answer_json(ask.request, {"given": await ask.json(dict)})


def route(
    method: str = "POST",
    path: str = "/api/haori/v1/echo",
    *,
    handler: Handler = _echo,
    access: Access | None = Open.SIGNED_IN,
) -> Route:
    return Route(method=method, path=path, handler=handler, access=access, summary="Echo")


@pytest.mark.parametrize(
    "access",
    [
        pytest.param(None, id="nothing"),
        pytest.param(Rule(resource="aplications", action="get", object_of=_nothing), id="misspelt-resource"),
        pytest.param(Rule(resource="applications", action="read", object_of=_nothing), id="unknown-action"),
        pytest.param(Filtered(resource="apps"), id="misspelt-filter"),
    ],
)
def test_a_route_without_a_declaration_does_not_start(access):
    with pytest.raises(UndeclaredRouteError):
        Router([route(access=access)])


def test_two_routes_cannot_be_the_same():
    with pytest.raises(ValueError, match="two routes"):
        Router([route(), route()])


def test_a_literal_segment_stands_before_a_variable_one():
    router = Router([route("GET", "/a/{name}/spec"), route("GET", "/a/b/{what}")])
    assert router.find("GET", "/a/b/spec")[0].path == "/a/b/{what}"
    assert router.find("GET", "/a/c/spec")[1] == {"name": "c"}


def test_an_encoded_slash_belongs_to_its_segment():
    router = Router([route("GET", "/repositories/{repo}")])
    assert router.find("GET", "/repositories/https%3A%2F%2Fgit.example%2Fa")[1] == {"repo": "https://git.example/a"}


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("127.0.0.1:8080", True),
        ("localhost:8080", True),
        ("localhost:9090", False),
        ("haori.localhost:8080", True),
        ("HAORI.localhost", True),
        ("evil.example:8080", False),
        ("10.0.0.7:8080", False),
        ("", False),
        ("haori.localhost.evil.example", False),
    ],
)
def test_only_our_names_are_answered(host, is_ours):
    assert Hosts("127.0.0.1", ("haori.localhost",), 8080).is_ours(host) is is_ours


def test_beyond_loopback_an_address_is_a_name():
    assert Hosts("0.0.0.0", (), 8080).is_ours("10.0.0.7:8080")
    assert not Hosts("0.0.0.0", (), 8080).is_ours("evil.example:8080")


@pytest.mark.parametrize(
    ("method", "path", "who", "status", "grpc", "code"),
    [
        ("GET", "/api/v1/nowhere", "admin", 404, 5, "route-not-found"),
        ("PUT", "/api/v1/applications", "admin", 405, 12, "route-method-refused"),
        ("GET", "/api/v1/applications", "", 401, 16, "not-signed-in"),
        ("GET", "/api/v1/applications", "stranger", 401, 16, "not-signed-in"),
        ("GET", "/api/v1/applications/web", "admin", 404, 5, "application-not-found"),
        ("GET", "/api/v1/applications/web", "member", 403, 7, "permission-denied"),
        ("GET", "/api/v1/applications/..%2Fsecrets", "admin", 404, 5, "application-not-found"),
        ("GET", "/api/haori/v1/applications?page=0", "admin", 400, 3, "parameter-out-of-range"),
        ("GET", "/api/haori/v1/applications?sort=color", "admin", 400, 3, "parameter-unknown-word"),
        ("GET", "/api/v1/applications?selector=(", "admin", 400, 3, "selector-invalid"),
        ("POST", "/api/v1/applications", "reader", 400, 3, "field-unusable"),
    ],
)
async def test_errors_have_one_shape(talk: Talk, method, path, who, status, grpc, code):
    answer = await talk.ask(method, path, who=who)

    told = answer.json()
    assert (answer.status, told["code"], told["haori"]["code"]) == (status, grpc, code)
    assert set(told) == {"error", "code", "message", "haori"}
    assert set(told["haori"]) == {"code", "parameters", "hint"}
    assert told["error"] == told["message"] != code
    assert answer.headers["content-type"] == "application/json"


async def test_errors_speak_the_language_of_the_reader(talk: Talk):
    answer = await talk.ask("GET", "/api/v1/applications", accept_language="ja,en;q=0.5")
    assert answer.json()["error"] == "サインインしていません"


async def test_a_parameter_says_the_language_where_headers_cannot(talk: Talk, tell):
    tell(application("web", status={"haori": {"why": {"code": "engine-away", "parameters": {}}}}))
    answer = await talk.ask("GET", "/api/haori/v1/applications?language=ja", who="admin", accept_language="en")
    (row,) = answer.json()["items"]
    assert not row["why"]["text"].isascii()


async def test_a_fault_of_ours_is_told_without_its_text(build: Callable[..., Guard], caplog):
    async def broken(ask: Ask) -> Response:
        raise KeyError("secret")

    answer = await Talk(build(route(handler=broken))).ask("POST", "/api/haori/v1/echo", who="admin")

    assert (answer.status, answer.code) == (500, "server-failed")
    assert b"secret" not in answer.body
    assert "request failed" in caplog.text


async def test_a_foreign_host_is_turned_away_before_anything_else(talk: Talk):
    answer = await talk.ask("GET", "/livez", host="evil.example:8080")
    assert (answer.status, answer.code) == (421, "host-unknown")


@pytest.mark.parametrize("path", ["/livez", "/api/v1/applications", "/api/v1/nowhere"])
async def test_every_answer_carries_its_id_and_keeps_browsers_in_bounds(talk: Talk, path):
    answer = await talk.ask("GET", path, x_request_id="abc-1")

    assert answer.headers["x-request-id"] == "abc-1"
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["date"].endswith(" GMT")


async def test_an_id_that_could_break_a_log_is_replaced(talk: Talk):
    answer = await talk.ask("GET", "/livez", x_request_id='a" b')
    assert answer.headers["x-request-id"].isalnum()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"authorization": "Bearer admin"}, 200, id="a-token-is-nobody-else's"),
        pytest.param({"cookie": "argocd.token=admin"}, 403, id="a-bare-cookie-proves-nothing"),
        pytest.param({"cookie": "argocd.token=admin", "x_haori_request": "1"}, 200, id="our-header"),
        pytest.param({"cookie": "argocd.token=admin", "origin": "http://localhost:8080"}, 200, id="our-page"),
        pytest.param({"cookie": "argocd.token=admin", "sec_fetch_site": "same-origin"}, 200, id="our-page-says-the-browser"),
        pytest.param({"cookie": "argocd.token=admin", "sec_fetch_site": "same-site"}, 403, id="a-neighbour"),
        pytest.param({"cookie": "argocd.token=admin", "origin": "http://localhost:9090"}, 403, id="another-port"),
        pytest.param({"cookie": "argocd.token=admin", "origin": "null", "x_haori_request": "1"}, 403, id="a-sandboxed-frame"),
        pytest.param({"origin": "http://evil.example"}, 403, id="sign-in-by-another-page"),
    ],
)  # fmt: skip
async def test_a_write_by_cookie_needs_proof_of_its_page(build: Callable[..., Guard], headers, status):
    answer = await Talk(build(route())).ask("POST", "/api/haori/v1/echo", body={}, **headers)
    assert answer.status == status


async def test_a_read_by_cookie_needs_none(talk: Talk):
    answer = await talk.ask("GET", "/api/v1/applications", cookie="argocd.token=reader", sec_fetch_site="cross-site")
    assert answer.status == 200


async def test_a_body_that_is_too_large_is_refused(build: Callable[..., Guard]):
    answer = await Talk(build(route())).ask("POST", "/api/haori/v1/echo", who="admin", raw=b"[" * (2 << 20) + b"[")
    assert (answer.status, answer.code) == (413, "body-too-large")


@pytest.mark.parametrize(("body", "code"), [(b"{", "body-unreadable"), (b"[]", "body-of-another-shape")])
async def test_a_body_that_cannot_be_read_is_refused(build: Callable[..., Guard], body, code):
    answer = await Talk(build(route())).ask("POST", "/api/haori/v1/echo", who="admin", raw=body)
    assert (answer.status, answer.code) == (400, code)


@pytest.mark.looptime
async def test_an_answer_that_takes_too_long_is_given_up(build: Callable[..., Guard]):
    async def slow(ask: Ask) -> Response:
        await asyncio.Event().wait()
        raise AssertionError

    answer = await Talk(build(route(handler=slow))).ask("POST", "/api/haori/v1/echo", who="admin")
    assert (answer.status, answer.json()["code"], answer.code) == (504, 4, "request-too-slow")


async def test_a_list_that_did_not_change_is_not_sent_again(talk: Talk, tell):
    tell(application("web"))
    first = await talk.ask("GET", "/api/v1/applications", who="admin")
    again = await talk.ask("GET", "/api/v1/applications", who="admin", if_none_match=first.headers["etag"])
    tell(application("shop"))
    changed = await talk.ask("GET", "/api/v1/applications", who="admin", if_none_match=first.headers["etag"])

    assert (first.status, again.status, again.body, changed.status) == (200, 304, b"", 200)


async def test_a_large_answer_is_compressed_for_who_takes_it(talk: Talk, tell):
    for number in range(30):
        tell(application(f"web-{number}"))
    plain = await talk.ask("GET", "/api/v1/applications", who="admin")
    packed = await talk.ask("GET", "/api/v1/applications", who="admin", accept_encoding="br, gzip")

    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 5


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [("gzip", True), ("br;q=1.0, gzip;q=0.8", True), ("*", True), ("", False), ("br", False), ("gzip;q=0", False)],
)
def test_compression_is_for_who_asks(accepted, takes):
    assert takes_gzip(accepted) is takes


def test_etags_are_compared_weakly():
    assert is_known('"a", W/"b"', 'W/"a"')
    assert is_known("*", 'W/"a"')
    assert not is_known('"ab"', 'W/"a"')


async def test_the_log_says_who_and_what_and_no_secret(talk: Talk, caplog):
    caplog.set_level(logging.INFO, logger="haori.server.access")
    await talk.ask("GET", "/api/v1/applications?token=hidden", who="admin")

    (line,) = [record for record in caplog.records if record.name == "haori.server.access"]
    facts = getattr(line, "facts")  # noqa: B009 - no attribute that types know of
    assert facts["route"] == "/api/v1/applications"
    assert (facts["subject"], facts["status"], facts["method"]) == ("admin", 200, "GET")
    assert "hidden" not in json.dumps(facts)
    assert "Bearer" not in json.dumps(facts)


async def test_probes_and_numbers_need_nobody(talk: Talk, table):
    waiting = await talk.ask("GET", "/readyz")
    table.problem, table.is_listed = "", True
    ready = await talk.ask("GET", "/readyz")
    table.problem = "api-unreachable"
    away = await talk.ask("GET", "/readyz?verbose")
    numbers = await talk.ask("GET", "/metrics")

    assert (waiting.status, ready.status, ready.body) == (503, 200, b"ok")
    assert b"were not listed yet" in waiting.body
    assert (away.status, b"api-unreachable" in away.body) == (200, True)
    assert b"haori_server_applications 0.0" in numbers.body
    assert b'haori_server_requests_total{method="GET",route="/readyz",status="503"}' in numbers.body


@pytest.mark.parametrize("path", [route.path for route in ROUTES if route.access is Open.PUBLIC])
def test_what_anybody_may_see_is_little(path):
    assert path in {
        "/livez", "/readyz", "/metrics", "/api/version", "/api/v1/version", "/api/v1/session/userinfo",
        "/api/v1/session", "/api/haori/v1/session/link", "/auth/login", "/auth/callback", "/auth/logout", "/api/webhook",
        "/api/v1/settings",
        "/openapi.json",
        "/swagger.json",
    }  # fmt: skip


async def test_the_console_s_files_come_with_their_own_bounds(build: Callable[..., Guard], tmp_path):
    folder = tmp_path / "console"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html>")
    (folder / "assets" / "app.js").write_text("x" * 3000)
    (tmp_path / "secret").write_text("no")
    talk = Talk(build(files=Files.read(folder)))

    page = await talk.ask("GET", "/applications/shop")
    script = await talk.ask("GET", "/assets/app.js", accept_encoding="gzip")
    missing = await talk.ask("GET", "/assets/other.js")
    outside = await talk.ask("GET", "/../secret")
    api = await talk.ask("GET", "/api/v1/nowhere", who="admin")

    assert (page.status, page.body, page.headers["content-security-policy"]) == (200, b"<!doctype html>", PAGE_POLICY)
    assert "immutable" in script.headers["cache-control"]
    assert gzip.decompress(script.body) == b"x" * 3000
    assert (missing.status, api.status) == (404, 404)
    assert outside.body == page.body
    assert "unsafe" not in PAGE_POLICY


def test_fields_are_chosen_through_lists():
    value = {"items": [{"metadata": {"name": "a", "uid": 1}, "spec": 2}], "metadata": {"resourceVersion": "7"}}

    assert project_fields(value, "items.metadata.name") == {"items": [{"metadata": {"name": "a"}}]}
    assert project_fields(value, "-items.spec,items.metadata.uid") == {
        "items": [{"metadata": {"name": "a"}}], "metadata": {"resourceVersion": "7"},
    }  # fmt: skip
    assert project_fields(value, "") == value


@pytest.mark.parametrize(("media_type", "head"), [(JSON, b'{"error"'), (EVENTS, b"event: failed\ndata: {")])
async def test_a_stream_that_fails_says_so_in_its_last_line(build: Callable[..., Guard], media_type, head):
    async def broken() -> AsyncIterator[bytes]:
        yield b"first\n"
        raise RefusedError(Kind.UNAVAILABLE, "engine-away")

    async def stream(ask: Ask) -> Response:
        return answer_stream(broken(), media_type=media_type, language=ask.language)

    answer = await Talk(build(route("GET", handler=stream))).ask("GET", "/api/haori/v1/echo", who="admin")

    first, _, last = answer.body.partition(b"\n")
    assert (answer.status, first) == (200, b"first")
    assert last.startswith(head)
    told = json.loads(last[last.index(b"{") :])["error"]
    assert (told["grpc_code"], told["http_code"], told["haori"]["code"]) == (14, 503, "engine-away")


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("", "https://haori.example/"),
        ("/applications?a=1#b", "https://haori.example/applications?a=1#b"),
        ("https://haori.example/x", "https://haori.example/x"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("/\\evil.example/", None),
        ("\\\\evil.example", None),
        ("/\t/evil.example", None),
        ("https://haori.example.evil.example/", None),
        ("https://haori.example@evil.example/", None),
        ("http://haori.example/", None),
        ("javascript:alert(1)", None),
    ],
)
def test_signing_in_leads_to_our_own_pages_only(url, page):
    if page is None:
        with pytest.raises(RefusedError, match="no page"):
            page_within(url, "https://haori.example", "http://localhost:8080")
    else:
        assert page_within(url, "https://haori.example", "http://localhost:8080") == page


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "sender"),
    [
        pytest.param("10.0.0.1", "1.2.3.4", (), "10.0.0.1", id="nobody-is-trusted"),
        pytest.param("10.0.0.1", "1.2.3.4", ("10.0.0.0/8",), "1.2.3.4", id="a-proxy"),
        pytest.param("10.0.0.1", "9.9.9.9, 1.2.3.4, 10.0.0.2", ("10.0.0.0/8",), "1.2.3.4", id="two-proxies-and-a-lie"),
        pytest.param("10.0.0.1", "", ("10.0.0.0/8",), "10.0.0.1", id="a-proxy-that-says-nothing"),
        pytest.param("10.0.0.1", "unknown", ("10.0.0.0/8",), "10.0.0.1", id="no-address"),
        pytest.param("8.8.8.8", "1.2.3.4", ("10.0.0.0/8",), "8.8.8.8", id="somebody-who-plays-a-proxy"),
    ],
)
def test_a_proxy_s_word_counts_where_it_is_trusted(peer, forwarded, trusted, sender):
    assert sender_address(peer, forwarded, trusted) == sender
