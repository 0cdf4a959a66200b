"""RFC 3339 times as Kubernetes writes them."""

from __future__ import annotations

from datetime import UTC, datetime

LAST_YEAR = 9000


def parse_time(text: object) -> datetime | None:
    """The moment a text names, aware and in UTC; None for what is no RFC 3339 time.

    Nor is one of the calendar's last years: nothing could be added to it.
    """
    if not isinstance(text, str) or len(text) > 64 or "T" not in text.upper():
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo and moment.year <= LAST_YEAR else None


def format_time(moment: datetime) -> str:
    """`2026-11-24T05:00:00Z`: seconds, UTC, as `metav1.Time` is written."""
    moment = moment.astimezone(UTC)
    return f"{moment.year:04}{moment:-%m-%dT%H:%M:%SZ}"


def format_micro_time(moment: datetime) -> str:
    """`2026-11-24T05:00:00.123456Z`, as `metav1.MicroTime` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
