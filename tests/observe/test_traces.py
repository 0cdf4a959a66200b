"""Traces go where the standard variables say, and cost nothing where they say nothing."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from haori.errors import UserError
from haori.observe import bound, span
from haori.observe.traces import is_wanted, tracing
from tests.observe.collector import collecting

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        pytest.param({}, False, id="nothing"),
        pytest.param({ENDPOINT: "http://c:4318"}, True, id="endpoint"),
        pytest.param({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, True, id="of-traces"),
        pytest.param({ENDPOINT: "http://c:4318", "OTEL_SDK_DISABLED": "true"}, False, id="disabled"),
        pytest.param({ENDPOINT: "http://c:4318", "OTEL_TRACES_EXPORTER": "none"}, False, id="other-exporter"),
    ],
)
def test_the_standard_variables_decide(environ: dict[str, str], wanted: bool):
    assert is_wanted(environ) is wanted


def test_spans_arrive_with_what_is_bound_and_with_their_parents(monkeypatch: pytest.MonkeyPatch):
    with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.url)
        with tracing("haori-test", {ENDPOINT: collected.url}) as is_on:
            assert is_on
            with (
                bound(application="argocd/shop", operation="7"),
                span("look", level="live"),
                span("compare", objects=3),
            ):
                pass

    look, compare = collected.spans["look"][0], collected.spans["compare"][0]
    assert collected.service == "haori-test"
    assert look["attributes"] == {"haori.application": "argocd/shop", "haori.operation": "7", "haori.level": "live"}
    assert compare["attributes"]["haori.objects"] == 3
    assert (compare["parent"], compare["trace"]) == (look["id"], look["trace"])


def test_a_failure_is_told_by_its_code_and_never_by_its_message(monkeypatch: pytest.MonkeyPatch):
    def fail() -> None:
        raise UserError("git-url-refused", url="https://token-of-somebody@example.com")

    with collecting() as collected:
        monkeypatch.setenv(ENDPOINT, collected.url)
        with tracing("haori-test", {ENDPOINT: collected.url}), pytest.raises(UserError), span("resolve"):
            fail()

    assert collected.spans["resolve"][0]["attributes"]["error.type"] == "git-url-refused"
    assert collected.spans["resolve"][0]["status"] == 2
    assert b"token-of-somebody" not in b"".join(collected.bodies)


def test_a_collector_that_is_away_holds_nobody_up(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # Nobody listens: every export is refused, and the exporter would try again for a minute.
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv(ENDPOINT, url)
        with tracing("haori-test", {ENDPOINT: url}):
            for _ in range(10_000):
                with span("look"):
                    pass

    assert span("look") is span("look")


def test_without_the_variable_the_sdk_is_never_imported():
    code = (
        "import sys, os\n"
        "import haori.delivery.controller.engine\n"
        "from haori.observe.traces import span, tracing\n"
        "with tracing('x', {}) as is_on, span('look'): pass\n"
        "assert not is_on\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'requests', 'prometheus_client'))])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
