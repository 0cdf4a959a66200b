"""How an engine's logs and numbers are asked for."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from haori.cli.instance import Instance, write_json
from haori.cli.logs import configure_logging
from haori.cli.observing import Observing, traced
from haori.cli.status import collect_status, format_status
from haori.observe import bound


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The logging of the test run is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_carries_what_is_bound_and_its_own_facts(capsys: pytest.CaptureFixture[str]):
    configure_logging()
    with bound(application="argocd/shop", operation="7"):
        logging.getLogger("haori.x").info("sync finished", extra={"phase": "Succeeded", "operation": "8"})

    line = json.loads(capsys.readouterr().err)
    assert line.items() >= {
        "level": "info", "event": "sync finished", "application": "argocd/shop", "operation": "8", "phase": "Succeeded",
    }.items()  # fmt: skip


def test_the_form_and_the_level_are_as_asked(capsys: pytest.CaptureFixture[str]):
    configure_logging("warning", "columns")
    with bound(application="argocd/shop"):
        logging.getLogger("haori.x").info("looked")
        logging.getLogger("haori.x").warning("look failed", extra={"code": "git-away"})

    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith("warning haori.x look failed application=argocd/shop code=git-away")


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        pytest.param("127.0.0.1:0", "127.0.0.1", 0, id="default"),
        pytest.param(":8082", "0.0.0.0", 8082, id="everywhere"),
        pytest.param("[::1]:8082", "::1", 8082, id="six"),
        pytest.param("", "", 0, id="nowhere"),
    ],
)
def test_an_address_is_read(address: str, host: str, port: int):
    settings = Observing(address=address).metrics()

    assert (settings.host, settings.port) == (host, port)


@pytest.mark.parametrize("address", ["8082", "localhost", "localhost:", "localhost:http", "localhost:70000"])
def test_what_is_no_address_is_said_to_be_none(address: str):
    with pytest.raises(click.UsageError, match="HOST:PORT"):
        Observing(address=address).metrics()


def test_status_says_where_the_numbers_are(tmp_path: Path):
    instance = Instance(tmp_path / "data")
    instance.create()
    write_json(instance.settings, {"platform": None})
    instance.metrics.parent.mkdir()
    write_json(instance.metrics, {"url": "http://127.0.0.1:1234"})

    value = collect_status(instance)

    assert value["metrics"] == "http://127.0.0.1:1234/metrics"
    assert any(line.endswith("http://127.0.0.1:1234/metrics") for line in format_status(value))


async def test_traces_that_are_wanted_and_not_installed_stop_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    served: list[str] = []

    async def serve(ready: Callable[[], None]) -> None:
        served.append("yes")

    await traced("haori-engine", serve)(lambda: None)

    assert served == ["yes"]
    assert "traces are wanted, and not installed" in caplog.text
