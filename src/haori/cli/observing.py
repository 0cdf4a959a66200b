"""How the commands that run an engine have it watched: options for its logs and numbers, and traces."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import click

from haori.words import text

if TYPE_CHECKING:
    from haori.delivery.controller.metering import MetricsSettings

LEVELS = ("debug", "info", "warning", "error")
FORMS = ("auto", "columns", "json")
ADDRESS = "127.0.0.1:0"

Command = TypeVar("Command", bound=Callable[..., object])
Serve = Callable[[Callable[[], None]], Awaitable[None]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observing:
    """What the options said."""

    level: str = "info"
    form: str = "auto"
    address: str = ADDRESS
    names: tuple[str, ...] = ()
    labels: str = ""
    conditions: str = ""

    def metrics(self) -> MetricsSettings:
        """Where and what the engine tells. Raises click.UsageError for an address that is none."""
        from haori.delivery.controller.metering import MetricsSettings

        if not self.address:
            return MetricsSettings(host="")
        host, colon, port = self.address.rpartition(":")
        if not colon or not port.isdecimal() or int(port) > 65535:
            raise click.UsageError(text("cli.metrics-address.wrong", {"address": self.address}))
        return MetricsSettings(
            host=host.strip("[]") or "0.0.0.0",  # noqa: S104 - `:8082`, as Go's programs spell all addresses
            port=int(port),
            names=self.names,
            labels=_listed(self.labels),
            conditions=_listed(self.conditions),
        )


def observing_options(command: Command) -> Command:
    """The options, for a command that takes them as `Observing`'s fields."""
    for option in (
        click.option("--metrics-application-conditions", "conditions", metavar="TYPES", default="",
                     help=text("cli.engine.metrics-application-conditions")),
        click.option("--metrics-application-labels", "labels", metavar="KEYS", default="",
                     help=text("cli.engine.metrics-application-labels")),
        click.option("--metrics-host", "names", metavar="NAME", multiple=True, help=text("cli.engine.metrics-host")),
        click.option("--metrics-address", "address", metavar="HOST:PORT", default=ADDRESS, show_default=True,
                     help=text("cli.engine.metrics-address")),
        click.option("--log-format", "form", type=click.Choice(FORMS), default="auto", show_default=True,
                     help=text("cli.engine.log-format")),
        click.option("--log-level", "level", type=click.Choice(LEVELS), default="info", show_default=True,
                     help=text("cli.engine.log-level")),
    ):  # fmt: skip
        command = option(command)
    return command


def traced(service: str, serve: Serve) -> Serve:
    """The same, with traces while it runs, if the environment asks for them (OTEL_EXPORTER_OTLP_ENDPOINT)."""

    async def run(ready: Callable[[], None]) -> None:
        from haori.observe.traces import tracing

        try:
            context = tracing(service, os.environ)
            is_on = context.__enter__()
        except ImportError as error:
            log.warning("traces are wanted, and not installed", extra={"extra": "haori[traces]", "missing": error.name})
            return await serve(ready)
        if is_on:
            log.info("traces are sent")
        try:
            await serve(ready)
        finally:
            context.__exit__(None, None, None)

    return run


def _listed(value: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in value.split(",") if each.strip())
