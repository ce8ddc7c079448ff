"""Options on how dates without a time zone, or with day and month as numbers, are meant."""

from __future__ import annotations

import difflib
import re
import zoneinfo
from typing import Annotated

from pydantic import AfterValidator

from ssbchar.runtime.options import Name

_UTC_OFFSET = re.compile(r"(UTC)?[+-]([01]\d|2[0-3]):[0-5]\d")


def _check_time_zone(zone: str) -> str:
    if not zone or _UTC_OFFSET.fullmatch(zone):
        return zone
    known = zoneinfo.available_timezones()
    if zone in known:
        return zone
    by_lower_case = {name.lower(): name for name in sorted(known)}
    near = difflib.get_close_matches(zone.lower(), by_lower_case, n=1)
    remedy = (
        f"did you mean '{by_lower_case[near[0]]}'?"
        if near
        else "use UTC, America/Chicago or +02:00"
    )
    raise ValueError(f"time zone '{zone}' is unknown; {remedy}")


TimeZone = Annotated[Name, AfterValidator(_check_time_zone)]
"""A time zone of the IANA database, or an offset from UTC; empty for none."""
