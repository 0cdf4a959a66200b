"""RFC 3339 times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_time(text: object) -> datetime | None:
    """The moment a text names, aware and in UTC; None for what is no RFC 3339 time."""
    if not isinstance(text, str) or len(text) > 64 or "T" not in text.upper():
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None


def format_time(moment: datetime) -> str:
    """`2026-11-24T05:00:00Z`: seconds, UTC, as `metav1.Time` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def format_micro_time(moment: datetime) -> str:
    """`2026-11-24T05:00:00.123456Z`, as `metav1.MicroTime` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
