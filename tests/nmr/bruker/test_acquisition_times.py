"""When slices were measured: by the audit trail, else by scans and delays; worked out by hand."""

from pathlib import Path

import pytest

from ssbchar.nmr.bruker.acquisition_times import find_slice_times
from ssbchar.nmr.bruker.files import Experiment

ABOUT = {"date": 1668581263, "scans": 10, "recycle_delay": 5.0, "acquisition_time": 1.0}


def test_by_scans_and_delays(tmp_path: Path) -> None:
    place = Experiment(folder=tmp_path, shown=tmp_path)
    found = find_slice_times(place, ABOUT, 3)
    assert (found - ABOUT["date"]).tolist() == pytest.approx([-150.0, -90.0, -30.0])


def test_by_the_audit_trail(tmp_path: Path) -> None:
    text = "started at 2022-11-01 00:00:00.000 +0000,\nstarted at 2022-11-16 06:30:43.5 +0000,\n"
    (tmp_path / "audita.txt").write_text(text + "completed at 2022-11-16 06:47:43.911 +0000\n")
    found = find_slice_times(Experiment(folder=tmp_path, shown=tmp_path), ABOUT, 2)
    length = 1019.5  # from 6:30:43.5 to the date, 6:47:43
    assert (found - ABOUT["date"]).tolist() == pytest.approx([-0.75 * length, -0.25 * length])


def test_without_a_date_from_the_start(tmp_path: Path) -> None:
    place = Experiment(folder=tmp_path, shown=tmp_path)
    found = find_slice_times(place, ABOUT | {"date": 0}, 2)
    assert found.tolist() == pytest.approx([30.0, 90.0])
