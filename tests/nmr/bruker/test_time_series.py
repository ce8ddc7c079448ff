"""A series in time: folders, globs and packed files of experiments, or one `ser` of repeats."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.time_series import read_time_series

DATE = 1700000000
POINTS = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j)
ONE = "1 ze\n2 d1\n(p1 ph1):f1\ngo=2 ph31\n30m mc #0 to 2 F1QF()\nexit\n"


def write(folder: Path, number: int, *, level: float = 1.0, **acqus: object) -> None:
    about = {"DATE": DATE + 3600 * number, "NS": 16, "RG": 101, **acqus}
    signals.write_bruker(folder / str(number), level * POINTS, program=ONE, acqus=about)


def list_excluded(fid) -> list[str]:
    return [
        f"{Path(one['where']).name}: {one['problem']}" for one in json.loads(fid.attrs["set_aside"])
    ]


def test_a_folder_of_experiments_in_the_order_of_their_dates(tmp_path: Path) -> None:
    for number in (2, 10, 9):
        write(tmp_path, number, level=number)
    fid = read_time_series(tmp_path, Reading())
    assert json.loads(fid.attrs["experiments"]) == ["2", "9", "10"]
    assert fid["real"].values[:, 0] / POINTS[0].real == pytest.approx([2, 9, 10])
    assert np.diff(fid["acquired"].values) / 3600 == pytest.approx([7, 1])
    # 16 scans of 1 s and 0.2 ms ended at the date.
    assert DATE + 7200 - fid["acquired"].values[0] == pytest.approx(8.0016)
    assert list_excluded(fid) == []


@pytest.mark.parametrize("pattern", ["[12]*", "[12]*/fid"])
def test_a_glob(tmp_path: Path, pattern: str) -> None:
    for number in (1, 2, 20, 5):
        write(tmp_path, number)
    fid = read_time_series(tmp_path / pattern, Reading())
    assert json.loads(fid.attrs["experiments"]) == ["1", "2", "20"]


@pytest.mark.parametrize("form", ["zip", "gztar"])
def test_packed(tmp_path: Path, form: str) -> None:
    for number in (1, 2, 3):
        write(tmp_path / "in", number)
    packed = Path(shutil.make_archive(str(tmp_path / "packed"), form, tmp_path / "in"))
    plain, unpacked = (read_time_series(p, Reading()) for p in (tmp_path / "in", packed))
    assert plain.equals(unpacked)


def test_scans_and_gain_are_those_of_the_first(tmp_path: Path) -> None:
    write(tmp_path, 1, level=1)
    write(tmp_path, 2, level=8, NS=64, RG=202)
    fid = read_time_series(tmp_path, Reading())
    assert fid["real"].values[1] == pytest.approx(fid["real"].values[0])


def test_other_experiments_and_copies_are_named_and_left_out(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        write(tmp_path, number)
    write(tmp_path, 4, P=[0, 5.0, 3.234])
    write(tmp_path, 5, NUC1="<1H>")
    shutil.copytree(tmp_path / "3", tmp_path / "6")
    (tmp_path / "7").mkdir()
    (tmp_path / "7/acqus").write_text((tmp_path / "1/acqus").read_text())
    fid = read_time_series(tmp_path, Reading())
    assert json.loads(fid.attrs["experiments"]) == ["1", "2", "3"]
    said = "\n".join(list_excluded(fid))
    assert "NUC1 is 1H" in said and "a copy of 3" in said and "neither fid nor ser" in said
    assert "not of this series: pulse_1 5e-06 (not 1.617e-06)" in said


def test_two_series_in_one_folder_are_asked_for(tmp_path: Path) -> None:
    for number, width in ((1, 1e6), (2, 1e6), (3, 5e5), (4, 5e5)):
        write(tmp_path, number, SW_h=width)
    with pytest.raises(BadInput, match=r"2 experiments with sw .* as many without; give a glob"):
        read_time_series(tmp_path, Reading())


def test_a_series_of_repeats_in_one_file(tmp_path: Path) -> None:
    rows = POINTS * np.array([[1.0], [2.0], [3.0]])
    signals.write_bruker(tmp_path / "1", rows, program=ONE, acqus={"DATE": DATE})
    fid = read_time_series(tmp_path / "1", Reading())
    assert fid.sizes["slice"] == 3
    assert np.diff(fid["acquired"].values) == pytest.approx([16.0032, 16.0032])
    assert np.isnan(fid["decay_time"].values).all() or np.ptp(fid["decay_time"].values) == 0


def test_a_delay_that_changes_is_a_decay(tmp_path: Path) -> None:
    signals.write_bruker(tmp_path / "1", POINTS * np.ones((3, 1)), vdlist="10u\n20u\n1m\n")
    with pytest.raises(
        BadInput, match="changes from slice to slice; read it in a row of role decay"
    ):
        read_time_series(tmp_path / "1", Reading())


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no acqus file; give a folder or glob"):
        read_time_series(tmp_path, Reading())
