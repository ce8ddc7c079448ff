"""Times of logs: dates in every format, in one column or two, seconds since a start; what may be
read in two ways is asked for."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import log_times
from ssbchar.hexrd.furnace.log import FurnaceLog, read_log
from ssbchar.hexrd.furnace.options import Furnace

NOON = 1303734900.0
"""2011-04-25 12:35:00 UTC."""


def read(folder: Path, text: str, encoding: str = "utf-8", **options: object) -> FurnaceLog:
    (folder / "log.csv").write_bytes(text.encode(encoding))
    options = {"log_timezone": "UTC", **options}
    return read_log(folder / "log.csv", Furnace(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Date,Time,Temperature (C),Setpoint (C)\n2011-04-25,12:35:00,25.0,25\n"
        "2011-04-25,12:36:00,26.0,26\n",
        "time,T [°C]\n2011-04-25T07:35:00-05:00,25.0\n2011-04-25T07:36:00-05:00,26.0\n",
        "Zeit;Temperatur\n25.04.2011 12:35:00;25,0\n25.04.2011 12:36:00;26,0\n",
        "Timestamp,Temp_C\n04/25/2011 12:35:00 PM,25.0\n04/25/2011 12:36:00 PM,26.0\n",
        "Date,Time,T (C)\n25/04/2011,12:35:00,25\n25/04/2011,12:36:00,26\n",
        "Datum;Uhrzeit;T (C)\n25.04.2011;12:35:00;25,0\n25.04.2011;12:36:00;26,0\n",
        "time,T (C)\n2011/04/25 12:35,25\n2011/04/25 12:36,26\n",
        "time,T (C)\nApr 25 2011 12:35:00 PM,25\nApr 25 2011 12:36:00 PM,26\n",
        "epoch,T (C)\n1303734900,25\n1303734960,26\n",
        "epoch_ms,T (C)\n1303734900000,25\n1303734960000,26\n",
        "timestamp,T (C)\n3386579700,25\n3386579760,26\n",
        "Start time: 2011-04-25 12:35:00\nTime (s);T (C)\n0;25,0\n60;26,0\n",
        "Start time,2011-04-25 12:35:00\nt/min,T/°C\n0,25\n1,26\n",
        "# started: 2011-04-25T12:35:00Z\nElapsed,T (C)\n00:00:00,25\n00:01:00,26\n",
        "#S 1\n#D Mon Apr 25 12:35:00 2011\n#L Time_s  Temp_C\n0 25\n60 26\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_one_log_in_many_clothes(text: str, encoding: str, tmp_path: Path) -> None:
    found = read(tmp_path, text, encoding)
    np.testing.assert_allclose(found.time, [NOON, NOON + 60])
    np.testing.assert_allclose(found.temperature, [25, 26])


def test_elapsed_times_with_a_start_from_the_options(tmp_path: Path) -> None:
    for head, rows in (
        ("Time (s)", ("0", "3600")),
        ("time [h]", ("0", "1")),
        ("Elapsed time", ("00:00:00", "01:00:00")),
        ("Elapsed", ("0.00:00:00", "0.01:00:00")),
        ("Elapsed", ("0:00:00:00", "0:01:00:00")),
        ("Time (ms)", ("0", "3600000")),
    ):
        text = f"{head},T (C)\n{rows[0]},25\n{rows[1]},26\n"
        found = read(tmp_path, text, log_start="2011-04-25T12:35:00Z")
        np.testing.assert_allclose(found.time, [NOON, NOON + 3600])
        assert "since 2011-04-25 12:35:00" in found.notes[0]
        with pytest.raises(BadInput, match=r"nothing says when it begins; .*log_start"):
            read(tmp_path, text)


def test_a_column_of_no_times_is_one_line(tmp_path: Path) -> None:
    text = "Time (s),T (C)\ninf,25\ninf,26\n"
    with pytest.raises(BadInput, match=r"'Time \(s\)' holds no time"):
        read(tmp_path, text, log_start="2019-03-04T08:05:00Z")


def test_times_of_day_pass_midnight(tmp_path: Path) -> None:
    text = "Time,T (C)\n23:59:00,25\n00:01:00,26\n23:00:00,27\n00:30:00,28\n"
    found = read(tmp_path, text, log_start="2011-04-25T00:00:00Z").time
    np.testing.assert_allclose(np.diff(found), [120, 82740, 5400])
    assert found[0] == NOON + 41040


def test_a_start_without_a_zone_needs_one(tmp_path: Path) -> None:
    text = "Time (s),T (C)\n0,25\n60,26\n"
    with pytest.raises(BadInput, match=r"its start .* states no time zone"):
        read(tmp_path, text, log_start="2011-04-25 12:35", log_timezone="")
    found = read(tmp_path, text, log_start="2011-04-25 12:35", log_timezone="America/Chicago")
    assert found.time[0] == NOON + 5 * 3600


def test_numbers_without_a_unit_are_no_times(tmp_path: Path) -> None:
    for start in ("", "2011-04-25T12:35:00Z"):
        with pytest.raises(BadInput, match="neither ISO 8601 nor seconds since 1970"):
            read(tmp_path, "time,T (C)\n0,25\n1,26\n", log_start=start)


def test_day_and_month_as_numbers(tmp_path: Path) -> None:
    text = "time,T (C)\n04/05/2011 12:35,25\n04/05/2011 12:36,26\n"
    with pytest.raises(BadInput, match=r"day/month or month/day.*date_order"):
        read(tmp_path, text)
    assert read(tmp_path, text, date_order="day first").time[0] == NOON + 9 * 86400
    assert read(tmp_path, text, date_order="month first").time[0] == NOON - 20 * 86400
    one = text + "04/13/2011 12:36,27\n"
    assert read(tmp_path, one).time[0] == NOON - 20 * 86400


def test_dates_without_a_zone_need_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="state no time zone"):
        read(tmp_path, "Date,Time,T (C)\n25.04.2011,12:35:00,25\n", log_timezone="")


def test_times_that_are_not_understood_are_counted(tmp_path: Path) -> None:
    text = "time,T (C)\n25.04.2011 12:35:00,25\nnever,26\n25.04.2011 12:37:00,27\n"
    found = read(tmp_path, text)
    assert found.time.tolist() == pytest.approx([NOON, np.nan, NOON + 120], nan_ok=True)
    assert "1 of 3 times in 'time' are not understood" in found.faults[0].problem


def test_times_are_not_needed_where_rows_name_files(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("file,time,T_K\na.xye,1,300\nb.xye,2,310\n")
    found = read_log(tmp_path / "log.csv", Furnace(), needs_time=False)
    assert np.isnan(found.time).all() and found.time_fault is not None
    np.testing.assert_allclose(found.temperature, [26.85, 36.85])


def test_the_cases(cases_folder: Path) -> None:
    folder = cases_folder / "hexrd/logs"
    zone = Furnace(log_timezone="America/Chicago")
    for name, celsius in (
        ("eurotherm_datetime_sep.csv", [25.0, 26.0]),
        ("latin1_degree.csv", [25.0, 26.0]),
        ("semicolon_decimal_comma.csv", [25.0, 26.1]),
        ("us_ampm.csv", [25.0, 26.1]),
    ):
        found = read_log(folder / name, zone)
        np.testing.assert_allclose(found.temperature, celsius)
        np.testing.assert_allclose(found.time, [NOON + 18000, NOON + 18060])
    kelvin = read_log(folder / "temp_K_units_col.csv", zone)
    np.testing.assert_allclose(kelvin.temperature, [-266.35, -256.45])
    with pytest.raises(BadInput, match="several columns could be the temperature"):
        read_log(folder / "two_thermocouples.csv", zone)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("01:02:03", 3723.0), ("2:03:04 PM", 14 * 3600 + 184.0), ("12:00:05 AM", 5.0)],
)
def test_seconds_of_a_span_or_of_a_half_day(text: str, seconds: float) -> None:
    assert log_times._seconds_from_span(text) == seconds
