"""Furnace logs: columns, units and times, each by hand."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace import log as furnace_log
from ssbchar.hexrd.furnace.log import FurnaceLog
from ssbchar.hexrd.furnace.options import Furnace


def read(folder: Path, text: str, **options: object) -> FurnaceLog:
    (folder / "log.csv").write_text(text)
    return furnace_log.read_log(folder / "log.csv", Furnace(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "options", "celsius"),
    [
        ("temperature", {}, 300.0),
        ("T", {"temperature_unit": "K"}, 26.85),
        ("T (K)", {}, 26.85),
        ("temp_K", {}, 26.85),
        ("T [K]", {}, 26.85),
        ("°C", {}, 300.0),
        ("thermocouple", {}, 300.0),
    ],
)
def test_units_of_temperature(
    column: str, options: dict[str, str], celsius: float, tmp_path: Path
) -> None:
    found = read(tmp_path, f"epoch_x,{column}\n2e9,300\n", **options)
    np.testing.assert_allclose(found.temperature, [celsius])


def test_absolute_zero_itself_is_possible(tmp_path: Path) -> None:
    assert read(tmp_path, "T (K)\n0\n").temperature[0] == -273.15


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-02T00:00:00Z", 86400.0),
        ("1970-01-02T00:00:00.5+00:00", 86400.5),
        ("1970-01-02T00:00:00+02:00", 86400.0 - 7200),
    ],
)
def test_dates(text: str, seconds: float, tmp_path: Path) -> None:
    assert read(tmp_path, f"time,T\n{text},20\n").time.tolist() == [seconds]


def test_a_time_zone_from_the_options(tmp_path: Path) -> None:
    text = "time,T\n2021-07-01T12:00:00,20\n2021-11-07T01:30:00,20\n"
    found = read(tmp_path, text, log_timezone="America/Chicago").time
    assert found[0] == np.datetime64("2021-07-01T17:00:00").astype("datetime64[s]").astype(int)
    assert np.isnan(found[1]), "the hour that comes twice"


def test_seconds_since_1970_before_dates(tmp_path: Path) -> None:
    text = "time,epoch,T\n2021-03-01T10:00:00,100000001,20\n"
    assert read(tmp_path, text).time.tolist() == [100000001.0]
    text = "elapsed_time,time,T\n5,1970-01-02T00:00:00Z,20\n"
    assert read(tmp_path, text).time.tolist() == [86400.0]
    with pytest.raises(BadInput, match="neither ISO 8601 nor seconds"):
        read(tmp_path, "epoch,T\n100000000,20\n")


def test_a_date_with_a_zone_before_one_without(tmp_path: Path) -> None:
    text = "local time,time\t,T\n2021-03-01T10:00:00,1970-01-02T00:00:00Z,20\n".replace("\t", "")
    assert read(tmp_path, text).time.tolist() == [86400.0]
    named = read(tmp_path, text, time_column="local time", log_timezone="UTC").time
    assert named[0] > 1e9


def test_a_log_without_times(tmp_path: Path) -> None:
    found = read(tmp_path, "# a comment\nfile;T\na.xye;20\n")
    assert np.isnan(found.time).all() and found.temperature.tolist() == [20.0]


def rows(folder: Path, text: str, names: list[str], **options: object) -> list[int] | None:
    found = furnace_log.match_files(
        read(folder, text),
        names,
        Furnace(**options),
        folder / "log.csv",  # type: ignore[arg-type]
    )
    return None if found is None else found.tolist()


FILES = "number,image,T\n1,a.tif,20\n2,b.tif,30\n3,c.tif,40\n"


def test_rows_by_file_name(tmp_path: Path) -> None:
    assert rows(tmp_path, FILES, ["b.xye", "a.xye"]) == [1, 0]
    assert rows(tmp_path, FILES, ["b.xye", "z.xye"]) == [1, -1]
    assert rows(tmp_path, FILES, ["b.xye", "y.xye", "z.xye"]) is None
    assert rows(tmp_path, FILES, ["b", "y", "z"], file_column="image") == [1, -1, -1]
    assert rows(tmp_path, FILES, ["a.nxs", "a.nxs"]) is None
    assert rows(tmp_path, FILES, ["1.xye", "2.xye"]) is None
    with pytest.raises(BadInput, match=r"no column 'photo' .*set hexrd\.furnace\.file_column"):
        rows(tmp_path, FILES, ["a"], file_column="photo")


def test_the_only_unit_words() -> None:
    from ssbchar.runtime import options

    build = options.build_options if hasattr(options, "build_options") else options.build
    with pytest.raises(ValueError, match=r"temperature_unit.*'degC' or 'K'"):
        build(Furnace, {"temperature_unit": "F"})
    with pytest.raises(ValueError, match="largest_gap"):
        build(Furnace, {"largest_gap": 0.0})


def test_the_first_row_may_be_the_only_one_that_names_a_frame(tmp_path: Path) -> None:
    assert rows(tmp_path, FILES, ["a.xye", "z.xye"]) == [0, -1]
    assert rows(tmp_path, FILES, ["a.xye", "y.xye", "z.xye"]) is None


def test_a_temperature_just_below_absolute_zero_is_none(tmp_path: Path) -> None:
    assert read(tmp_path, "T\n-273.15\n").temperature[0] == -273.15
    with pytest.raises(BadInput, match="falls below absolute zero"):
        read(tmp_path, "T\n-273.16\n")
