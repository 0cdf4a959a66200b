"""What a unit of work is about, bound once and carried by every log line and span within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_NOTHING: Mapping[str, str] = {}
_facts: ContextVar[Mapping[str, str]] = ContextVar("haori_facts", default=_NOTHING)


@contextmanager
def bound(**facts: str) -> Iterator[None]:
    """Within, these facts stand on every line, beside those bound around; empty ones are left out."""
    token = _facts.set({**_facts.get(), **{name: value for name, value in facts.items() if value}})
    try:
        yield
    finally:
        _facts.reset(token)


def facts() -> Mapping[str, str]:
    """What is bound here."""
    return _facts.get()
