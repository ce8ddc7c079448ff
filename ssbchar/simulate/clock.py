"""Times as the synthetic files write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone


def format_time(seconds: float, hours: float = 0.0) -> str:
    """Return a time since 1970-01-01 UTC [s] as ISO 8601 with its zone, `hours` east of UTC."""
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return (
        datetime.fromtimestamp(round(seconds, 3), UTC)
        .astimezone(zone)
        .isoformat(timespec="milliseconds")
    )
