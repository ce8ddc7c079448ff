"""Where temperatures come from, in a line, from the log and the first frame."""

from pathlib import Path

import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.describe import describe_log, describe_temperatures
from ssbchar.hexrd.furnace.log import read_log
from ssbchar.hexrd.furnace.options import Furnace

BEGIN = 1551686400.0
"""2019-03-04T08:00:00Z [s since 1970]."""
NAN = float("nan")


def write_log(folder: Path, head: str = "time,T_C", first: float = 25.0) -> Path:
    rows = [f"2019-03-04T08:{minute:02d}:00Z,{first + 10 * minute}" for minute in range(60)]
    (folder / "log.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder / "log.csv"


def describe(log: Path | None, time: float = BEGIN + 60, header: float = NAN) -> str:
    names = ["a_1.xye", "a_2.xye"]
    return describe_temperatures(names, log, Furnace(), time=time, header=header).said


def test_a_log_joined_by_time(tmp_path: Path) -> None:
    log = write_log(tmp_path)
    said = "T from log column 2 'T_C' in degC, 25 to 615 degC, 60 rows over 59 min, joined by time"
    assert describe(log) == said
    assert describe(log, BEGIN + 3540) == said, "the last reading is not before the frame"
    assert describe(log, BEGIN - 300) == f"{said} (it begins 5 min after the first frame)"


def test_kelvin_is_told_as_the_log_writes_it(tmp_path: Path) -> None:
    said = describe(write_log(tmp_path, "time,T [K]", 298.15))
    assert said.startswith("T from log column 2 'T [K]' in K, 25 to 615 degC")


def test_a_log_that_names_files(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("file,T_C\na_1.tif,25\na_3.tif,30\n")
    assert describe(tmp_path / "log.csv", NAN).endswith("joined by file name (1 of 2 files)")


def test_a_log_that_cannot_be_joined(tmp_path: Path) -> None:
    log = write_log(tmp_path)
    with pytest.raises(BadInput, match="the patterns carry no time to join it by"):
        describe(log, NAN)
    with pytest.raises(BadInput, match="ends 1 min before the first frame"):
        describe(log, BEGIN + 3600)


def test_without_a_log() -> None:
    assert describe(None, header=25.04) == "T from the headers, 25.04 degC in the first"
    assert describe(None).startswith("no temperature: name the furnace's log")


def test_a_log_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,PV (K),SP (K)\n2e9,300,1\n2000000060,310,1\n")
    assert describe_log(read_log(path, Furnace())) == (
        "T from log column 2 'PV (K)' in K, 26.85 to 36.85 degC, 2 rows over 1 min"
    )
    path.write_text("file,time,T_C\na,1,20\n")
    text = describe_log(read_log(path, Furnace(), needs_time=False))
    assert text.startswith(
        "T from log column 3 'T_C' in degC, 20 to 20 degC, 1 rows, times not understood"
    )


def test_what_the_log_leaves_open_is_told(tmp_path: Path) -> None:
    log = write_log(tmp_path, "time,PV (C)", 25.0)
    log.write_text(log.read_text().replace("PV (C)", "PV (C),SP (C)"))
    lines = log.read_text().splitlines()
    log.write_text("\n".join([lines[0], *(f"{line},20" for line in lines[1:])]) + "\n")
    doubts = describe_temperatures(["a"], log, Furnace(), time=BEGIN + 60, header=NAN).doubts
    assert doubts == (f"{log}: temperature from column 'PV (C)'; 'SP (C)' no measurement",)
