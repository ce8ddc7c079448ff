"""What a Bruker experiment is, in a line."""

from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.describe import describe_experiment
from ssbchar.nmr.bruker.options import Reading

ONE = signals.signal((1e5,), (0.0,), (3e3,), points=512)


def test_a_spectrum(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", ONE)
    said = describe_experiment(folder, Reading(), "spectrum").said
    assert said.startswith("7Li, 311.13 MHz, 1 slice of 512 points, 1000 kHz wide")
    assert said.endswith("pulse program solidecho")


def test_a_decay_with_its_list(tmp_path: Path) -> None:
    y = np.array([ONE, 0.5 * ONE, 0.2 * ONE])
    folder = signals.write_bruker(tmp_path / "1", y, vdlist="10u\n100u\n300u\n")
    said = describe_experiment(folder, Reading(), "decay").said
    assert "3 slices of 512 points" in said
    assert "ms (by the pulse program, with vdlist)" in said
    given = describe_experiment(folder, Reading(decay_axis="vd"), "decay").said
    assert "decay time vd = 0.01-0.3 ms (by the option, with vdlist)" in given


def test_slices_without_use_and_contradictions_are_told(tmp_path: Path) -> None:
    y = np.array([ONE, 0 * ONE, 0.2 * ONE])
    folder = signals.write_bruker(tmp_path / "1", y, vdlist="10u\n100u\n300u\n")
    (folder / "pdata/1/procs").unlink()
    doubts = describe_experiment(folder, Reading(), "decay").doubts
    assert any("slice 2: all points are zero" in doubt for doubt in doubts)
    assert any("no SF in procs" in doubt for doubt in doubts)


def test_another_nucleus_or_no_experiment(tmp_path: Path) -> None:
    folder = signals.write_bruker(tmp_path / "1", ONE)
    with pytest.raises(BadInput, match="NUC1 is 7Li, not 6Li"):
        describe_experiment(folder, Reading(nucleus="6Li"), "spectrum")
    with pytest.raises(BadInput, match="no acqus file"):
        describe_experiment(tmp_path / "1/pdata", Reading(), "spectrum")
