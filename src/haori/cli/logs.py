"""Log lines: one JSON object a line, or columns where a person watches a terminal.

The event is the message. Facts are what is bound to the work under way (`haori.observe.bound`) and the fields given by
`extra={...}`, or as one mapping by `extra={"facts": {...}}`. They are written as they are: who logs masks secrets before.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

from haori.observe.context import facts as bound_facts

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "facts"}


def _facts(record: logging.LogRecord) -> dict[str, object]:
    given = {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}
    return {**bound_facts(), **given, **getattr(record, "facts", {})}


class JsonFormatter(logging.Formatter):
    """{"time", "level", "logger", "event", facts…} on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; an exception's traceback is kept in the field `exception`."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update(_facts(record))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


class ColumnFormatter(logging.Formatter):
    """`14:05:01 warning logger event key=value …` for a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, a traceback below it where there is one."""
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        time = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        line = f"{time} {record.levelname.lower():7} {record.name} {record.getMessage()} {facts}".rstrip()
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure_logging(level: str = "info", form: str = "auto") -> None:
    """Sends every log line of the process to standard error, as `columns`, as `json` or (`auto`) as its reader wants."""
    handler = logging.StreamHandler()
    is_columns = form == "columns" or (form == "auto" and sys.stderr.isatty())
    handler.setFormatter(ColumnFormatter() if is_columns else JsonFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("aiohttp.access", "uvicorn.access", "asyncio", "opentelemetry", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
