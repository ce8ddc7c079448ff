"""Times as the synthetic files write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone


def format_time(seconds: float, hours: float = 0.0) -> str:
    """Return a time as ISO 8601 with its zone.

    Parameters
    ----------
    seconds : float
        [s since 1970-01-01 UTC]
    hours : float
        Zone, east of UTC [h].

    Returns
    -------
    str
        To the millisecond.
    """
    zone = timezone(timedelta(hours=hours)) if hours else UTC
    return (
        datetime.fromtimestamp(round(seconds, 3), UTC)
        .astimezone(zone)
        .isoformat(timespec="milliseconds")
    )
