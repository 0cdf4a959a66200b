"""`haori open` and the last lines of `up`: a link made by the owner's token, for one sign-in."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from haori.cli import open as opening
from haori.cli import server_client
from haori.cli.instance import Instance, write_json
from haori.cli.main import run_command
from haori.cli.open import LINKS, has_display, page_of
from haori.cli.settings import InstanceSettings

TOKEN = "owner"
CODE = "hlk_aB-3"


class FakeServer(HTTPServer):
    """Answers as the server does; `answers` are given in turn, the last one again and again."""

    def __init__(self, answers: list[tuple[int, dict[str, Any]]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = answers
        self.asked: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: FakeServer

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append((self.path, self.headers["Authorization"]))
        status, body = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


MADE: tuple[int, dict[str, Any]] = (201, {"code": CODE, "url": "", "expiresAt": "2026-01-01T00:02:00Z"})
AWAY: tuple[int, dict[str, Any]] = (
    503,
    {"haori": {"code": "store-unreachable", "parameters": {"where": "s", "reason": "r"}}},
)
REFUSED: tuple[int, dict[str, Any]] = (403, {"haori": {"code": "store-url-unreadable", "parameters": {}}})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A server that an instance in `tmp_path` names as its own."""
    monkeypatch.setattr(server_client, "PAUSE_SECONDS", 0)
    made = FakeServer([MADE])
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    instance = Instance(tmp_path)
    instance.create()
    InstanceSettings().save(instance)
    write_json(
        instance.server, {"url": f"http://127.0.0.1:{made.server_port}", "port": made.server_port, "token": TOKEN}
    )
    try:
        yield made
    finally:
        made.shutdown()
        made.server_close()
        thread.join()


def test_the_code_stands_in_the_fragment_of_a_page_at_the_consoles_own_name(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run_command(["open", "--no-browser", "--data-dir", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"http://haori.localhost:{server.server_port}/sign-in#code={CODE}\n"
    assert "once" in printed.err
    assert server.asked == [(LINKS, f"Bearer {TOKEN}")]


def test_an_applications_page_comes_after_signing_in(
    server: FakeServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run_command(["open", "application", "shop", "--no-browser", "--data-dir", str(tmp_path)]) == 0
    expected = f"http://haori.localhost:{server.server_port}/sign-in?to=/applications/argocd/shop#code={CODE}\n"
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("name", "page"),
    [(None, ""), ("shop", "/applications/argocd/shop"), ("team/shop", "/applications/team/shop"),
     ("//evil.example", "/applications/%2F/evil.example"), ("a?b#c", "/applications/argocd/a%3Fb%23c")],
)  # fmt: skip
def test_a_name_is_one_part_of_the_path(name: str | None, page: str):
    assert page_of(name) == page


def test_a_store_that_is_coming_up_is_waited_for(server: FakeServer, tmp_path: Path):
    server.answers[:] = [AWAY, AWAY, MADE]
    assert run_command(["open", "--no-browser", "--data-dir", str(tmp_path)]) == 0
    assert len(server.asked) == 3


@pytest.mark.parametrize(("answer", "code"), [(AWAY, "store-unreachable"), (REFUSED, "store-url-unreadable")])
def test_a_refusal_is_said_under_its_own_code(
    server: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    answer: tuple[int, dict[str, Any]], code: str,
):  # fmt: skip
    monkeypatch.setattr(opening, "PATIENCE_SECONDS", 0)
    server.answers[:] = [answer]
    assert run_command(["open", "--no-browser", "--data-dir", str(tmp_path)]) == 2
    assert f"error[{code}]" in capsys.readouterr().err


def test_without_an_instance_or_a_name_it_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert run_command(["open", "--data-dir", str(tmp_path / "none")]) == 2
    assert "error[no-instance]" in capsys.readouterr().err
    assert run_command(["open", "application", "--data-dir", str(tmp_path / "none")]) == 2
    assert "haori open application NAME" in capsys.readouterr().err


def test_the_token_is_in_no_text_of_the_client(server: FakeServer, tmp_path: Path):
    assert TOKEN not in repr(server_client.server_client(Instance(tmp_path)))


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [({}, "linux", False), ({"DISPLAY": ":0"}, "linux", True), ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
     ({}, "darwin", True)],
)  # fmt: skip
def test_a_browser_is_opened_only_where_a_window_can_be(environ: dict[str, str], platform: str, expected: bool):
    assert has_display(environ, platform) is expected
