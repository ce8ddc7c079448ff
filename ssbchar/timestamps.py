"""Dates and times as instruments and spreadsheets write them; what can be read in two ways is
asked for.

Notes
-----
The year comes first (``2019-03-04``, ``2019/03/04``, ``20190304``, EXIF's ``2019:03:04``), or the
month has a name (``APR 25, 2011``, ``25-Apr-2011``, ``Mon Apr 25 12:35:45 2011``), or points stand
between the numbers (``25.04.2011``, day first wherever it is used), or one of the first two numbers
is above 12. ``04/05/2011`` is a day in April or in May: only an option can say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

DateOrder = Literal["", "day first", "month first"]
"""Which of two numbers is the day in a date such as 04/05/2011; empty where it is not known."""
EARLIEST, LATEST = 1e8, 1e10
"""Numbers between these [s] are seconds since 1970: years 1973 to 2286."""

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY_OF_WEEK = re.compile(r"^(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[.,]*\s+", re.I)
_DIGITS_ALONE = re.compile(r"(?P<date>(?:19|20)\d{6})(?P<clock>\d{6})")
_OTHER_MONTHS = {"mär": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12, "fév": 2, "avr": 4, "déc": 12}
_CLOCK = re.compile(
    r"(?<![\d:])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:](?P<part>\d{1,9}))?)?"
    r"(?![\d:])\s*(?P<half>[ap]\.?m\b\.?)?",
    re.I,
)
_COMPACT_CLOCK = re.compile(
    r"(?:^|[T_\s-])(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?(?=\s*(?:Z|[+-]|$))"
)
_ZONE = re.compile(
    r"(?:\s|(?<=\d)|(?<=[apm]))(?P<zone>Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}:?\d{2})\s*$", re.I
)
_ZONE_NAME = re.compile(r"\s\(?[A-Z]{2,5}T\)?(?=\s|$)")
"""Such as CST or CEST: several zones of the world share one, and none is taken."""
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})([-/.:])(\d{1,2})\2(\d{1,2})(?!\d)")
_COMPACT_DATE = re.compile(r"(?<!\d)((?:19|20)\d{2})(\d{2})(\d{2})(?!\d)")
_YEAR_LAST = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_MONTH_NAMED = re.compile(
    r"(?P<before>\d{1,4})?[\s.,/-]*(?P<month>[^\W\d_]{3,9})[\s.,/-]+(?P<after>\d{1,4})(?:st|nd|rd|th)?"
    r"(?:[\s.,/-]+(?P<last>\d{4})(?!\d))?",
    re.I,
)


class AmbiguousDate(ValueError):
    """A date whose day may be its month."""

    def __init__(self, text: str) -> None:
        super().__init__(f"'{text}' may be day/month or month/day")


def parse_moment(text: str, order: DateOrder = "") -> datetime | None:
    """Return the date and time that a text states, with its time zone where it states one.

    Parameters
    ----------
    text : str
    order : str
        Which number is the day in a date such as 04/05/2011.

    Returns
    -------
    datetime or None
        Without ``tzinfo`` where no zone is stated; None where the text is no date with a time.

    Raises
    ------
    AmbiguousDate
        Day and month may be exchanged, and `order` is empty.
    """
    text = text.strip().strip("\"'")
    try:
        # The usual case, and the only one in which a long log would notice the time it takes.
        iso = datetime.fromisoformat(text)
        return iso if _has_clock(text) else None
    except ValueError:
        pass
    digits = _DIGITS_ALONE.fullmatch(text)
    if digits:
        text = f"{digits['date']} {digits['clock']}"
    rest, zone = _split_zone(text)
    clock, rest = _split_clock(rest)
    day = parse_date(rest, order)
    if day is None or clock is None:
        return None
    return datetime.combine(day, clock, tzinfo=zone)


def _has_clock(text: str) -> bool:
    return ":" in text or re.search(r"\d[T ]\d{2}", text) is not None


def _split_zone(text: str) -> tuple[str, timezone | None]:
    """Return a text without its zone, and the zone; names such as CET are taken off unused."""
    found = _ZONE.search(text)
    # 2019-03-04 ends in what may look like an offset: a clock must come first.
    if found is None or ":" not in text[: found.start()]:
        return _ZONE_NAME.sub(" ", text), None
    word = found["zone"].upper().removeprefix("UTC").removeprefix("GMT")
    if word in ("", "Z"):
        return text[: found.start()], UTC
    sign = -1 if word[0] == "-" else 1
    hours, minutes = int(word[1:3]), int(word[-2:])
    if hours > 14 or minutes > 59:
        return text, None
    return text[: found.start()], timezone(sign * timedelta(hours=hours, minutes=minutes))


def parse_clock(text: str) -> time | None:
    """Return the time of day that a text states (``12:35:45.3``, ``1:35 PM``), else None.

    Parameters
    ----------
    text : str
    """
    found = _CLOCK.fullmatch(text.strip())
    return _clock_from_match(found) if found else None


def _split_clock(text: str) -> tuple[time | None, str]:
    """Return the time of day in a text, and the text without it."""
    found = _CLOCK.search(text)
    if found is not None:
        # EXIF dates are parted by colons too: 2019:03:04 is none of a clock.
        rest = f"{text[: found.start()]} {text[found.end() :]}".rstrip().removesuffix(" T")
        return _clock_from_match(found), rest.strip(" T,;")
    compact = _COMPACT_CLOCK.search(text)
    if compact is None or compact.start() == 0:
        return None, text
    hour, minute, second = (int(part) for part in compact.groups()[:3])
    if hour > 23 or minute > 59 or second > 59:
        return None, text
    part = int((compact[4] or "0").ljust(6, "0")[:6])
    return time(hour, minute, second, part), text[: compact.start()]


def _clock_from_match(found: re.Match[str]) -> time | None:
    hour, minute, second = int(found["hour"]), int(found["minute"]), int(found["second"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if found["half"][0] in "pP" else 0)
    part = int((found["part"] or "0").ljust(6, "0")[:6])
    if hour > 23 or minute > 59 or second > 59:
        return None
    return time(hour, minute, second, part)


def parse_date(text: str, order: DateOrder = "") -> date | None:
    """Return the day that a text states, None where it states none.

    Parameters
    ----------
    text : str
        A date alone, a day of the week before it or not.
    order : str
        Which number is the day in a date such as 04/05/2011.

    Raises
    ------
    AmbiguousDate
        Day and month may be exchanged, and `order` is empty.
    """
    text = text.strip().strip("\"'").strip(" ,;:T")
    found = _YEAR_FIRST.search(text) or _COMPACT_DATE.search(text)
    if found is not None:
        year, month, day = (
            int(found[1]),
            int(found[len(found.groups()) - 1]),
            int(found[found.re.groups]),
        )
        return _make_date(year, month, day)
    found = _YEAR_LAST.search(text)
    if found is not None:
        return _date_from_numbers(found, text, order)
    return _date_from_name(text)


def _make_date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _date_from_numbers(found: re.Match[str], text: str, order: DateOrder) -> date | None:
    """Return a date whose year comes last."""
    first, separator, second, year = int(found[1]), found[2], int(found[3]), int(found[4])
    if len(found[4]) == 2:
        # 11/04/25 may begin with its year: two digits are read in a stated order alone.
        if not order and separator != ".":
            raise AmbiguousDate(text)
        year += 2000
    if separator == "." or order == "day first" or (not order and first > 12):
        return _make_date(year, second, first)
    if order == "month first" or second > 12 or first == second:
        return _make_date(year, first, second)
    raise AmbiguousDate(text)


def _date_from_name(text: str) -> date | None:
    """Return a date whose month has a name, a day of the week before it or not."""
    text = _DAY_OF_WEEK.sub("", text)
    for found in _MONTH_NAMED.finditer(text):
        word = found["month"].lower()[:3]
        month = MONTHS.index(word) + 1 if word in MONTHS else _OTHER_MONTHS.get(word)
        if month is None:
            continue
        before, after, last = (found[name] for name in ("before", "after", "last"))
        if before and len(before) <= 2 and len(after) == 4:
            return _make_date(int(after), month, int(before))
        if before and len(before) == 4 and len(after) <= 2:
            return _make_date(int(before), month, int(after))
        if last and len(after) <= 2:
            return _make_date(int(last), month, int(after))
        # ctime has the clock between day and year; it has been taken out, its blanks are left.
        year = re.search(r"\b((?:19|20)\d{2})\b", text[found.end() :])
        if year and len(after) <= 2:
            return _make_date(int(year[1]), month, int(after))
    return None


def choose_date_order(texts: Iterable[str]) -> DateOrder:
    """Return the order of day and month that dates of one file have, empty where none shows it.

    Parameters
    ----------
    texts : iterable of str
        Dates written alike: one whose first number is above 12 decides for all.
    """
    for text in texts:
        found = _YEAR_LAST.search(text)
        if found is None or len(found[4]) == 2:
            continue
        if int(found[1]) > 12:
            return "day first"
        if int(found[3]) > 12:
            return "month first"
    return ""


def epoch_from_moment(moment: datetime, zone: str = "") -> float:
    """Return seconds since 1970-01-01 UTC of a moment.

    Parameters
    ----------
    moment : datetime
    zone : str
        Time zone of a moment that states none: a name of the IANA database or an offset
        (``+02:00``).

    Returns
    -------
    float
        [s]; NaN where the moment has no zone and none is given, and in the hour that summer time
        repeats or leaves out.
    """
    if moment.tzinfo is None:
        if not zone:
            return float("nan")
        placed = find_zone(zone)
        # Moments that differ by their fold alone are equal; their seconds are not.
        values = {moment.replace(tzinfo=placed, fold=fold).timestamp() for fold in (0, 1)}
        return values.pop() if len(values) == 1 else float("nan")
    return moment.timestamp()


def find_zone(name: str) -> ZoneInfo | timezone:
    """Return a time zone by its name in the IANA database or its offset from UTC (``+02:00``).

    Parameters
    ----------
    name : str
    """
    offset = re.fullmatch(r"(?:UTC)?([+-])(\d\d):(\d\d)", name)
    if offset is None:
        return ZoneInfo(name)
    sign = -1 if offset[1] == "-" else 1
    return timezone(sign * timedelta(hours=int(offset[2]), minutes=int(offset[3])))


def epoch_from_number(value: float) -> float:
    """Return seconds since 1970-01-01 UTC of a number that can be nothing else, else NaN.

    Parameters
    ----------
    value : float
        Seconds or milliseconds since 1970.
    """
    for per_second in (1, 1000):
        if EARLIEST < value / per_second < LATEST:
            return value / per_second
    return float("nan")
