"""Dates as instruments write them; those that may be read in two ways are asked for."""

from datetime import UTC, datetime, time, timedelta, timezone

import numpy as np
import pytest

from ssbchar import timestamps
from ssbchar.timestamps import AmbiguousDate, parse_moment

NOON = datetime(2011, 4, 25, 12, 35)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2011-04-25T12:35:00", NOON),
        ("2011-04-25 12:35", NOON),
        ("2011/04/25 12:35:00", NOON),
        ("2011:04:25 12:35:00", NOON),
        ("2011.04.25 : 12:35:00.500", NOON + timedelta(seconds=0.5)),
        ("20110425 123500", NOON),
        ("20110425123500", NOON),
        ("25.04.2011 12:35:00", NOON),
        ("25.4.2011 12:35", NOON),
        ("25/04/2011 12:35:00", NOON),
        ("04/25/2011 12:35:00 PM", NOON),
        ("04/25/2011 12:35:00 AM", NOON - timedelta(hours=12)),
        ("4/25/2011 1:35:00 p.m.", NOON + timedelta(hours=1)),
        ("12:35:00 25/04/2011", NOON),
        ("APR 25, 2011 12:35:00", NOON),
        ("25-Apr-2011 12:35:00", NOON),
        ("25 April 2011 12:35", NOON),
        ("Mon Apr 25 12:35:00 2011", NOON),
        ("Mon Apr 25 12:35:00 CDT 2011", NOON),
        ("2011-04-25 12:35:00,250", NOON + timedelta(seconds=0.25)),
        ("05/05/2011 12:35", datetime(2011, 5, 5, 12, 35)),
        ("2011-04-25T12:35:00Z", NOON.replace(tzinfo=UTC)),
        ("2011-04-25 12:35:00 UTC", NOON.replace(tzinfo=UTC)),
        ("2011-04-25 12:35:00 +0200", NOON.replace(tzinfo=timezone(timedelta(hours=2)))),
        ("Mon, 25 Apr 2011 12:35:00 -0500", NOON.replace(tzinfo=timezone(-timedelta(hours=5)))),
        ("2011-04-25", None),
        ("12:35:00", None),
        ("yesterday", None),
        ("2011-13-25 12:35", None),
        ("2011-04-25 25:35", None),
        ("04/25/2011 13:35:00 PM", None),
        ("1303734900", None),
    ],
)
def test_moments(text: str, moment: datetime | None) -> None:
    assert parse_moment(text) == moment


def test_day_and_month_as_numbers_are_asked() -> None:
    for text in ("04/05/2011 12:35", "04-05-2011 12:35", "25/04/11 12:35"):
        with pytest.raises(AmbiguousDate, match="day/month or month/day"):
            parse_moment(text)
    assert parse_moment("04/05/2011 12:35", "day first") == datetime(2011, 5, 4, 12, 35)
    assert parse_moment("04/05/2011 12:35", "month first") == datetime(2011, 4, 5, 12, 35)
    assert parse_moment("04.05.2011 12:35") == datetime(2011, 5, 4, 12, 35)


def test_one_date_decides_the_order_of_all() -> None:
    assert timestamps.choose_date_order(["04/05/2011", "04/25/2011"]) == "month first"
    assert timestamps.choose_date_order(["04/05/2011", "25/04/2011"]) == "day first"
    assert timestamps.choose_date_order(["04/05/2011"]) == ""


def test_clocks() -> None:
    assert timestamps.parse_clock("1:05:02 PM") == time(13, 5, 2)
    assert timestamps.parse_clock("13:05:02.25") == time(13, 5, 2, 250000)
    assert timestamps.parse_clock("25:00") is None and timestamps.parse_clock("noon") is None


def test_seconds_since_1970() -> None:
    assert np.isnan(timestamps.epoch_from_moment(NOON))
    assert timestamps.epoch_from_moment(NOON, "+02:00") == 1303727700.0
    assert timestamps.epoch_from_moment(NOON, "America/Chicago") == 1303752900.0
    twice = datetime(2021, 11, 7, 1, 30)
    assert np.isnan(timestamps.epoch_from_moment(twice, "America/Chicago"))
    assert timestamps.epoch_from_number(1551708300.0) == 1551708300.0
    assert timestamps.epoch_from_number(1551708300500.0) == 1551708300.5
    assert np.isnan(timestamps.epoch_from_number(3600.0))
