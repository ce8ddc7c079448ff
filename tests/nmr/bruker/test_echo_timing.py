"""Decay axis and echo delay: by hand, from program, parameters and lists."""

from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import acquisition, echo_timing, files
from ssbchar.nmr.bruker.echo_timing import DecayAxis
from ssbchar.nmr.bruker.options import Reading

POINTS = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j) * np.ones((3, 1))
ECHO = "1 ze\n2 d1\np1 ph1\nvd\np2 ph2\nvd\ngo=2 ph31\nexit\n"


def find(folder: Path, given: str = "", slices: int = 3, needed: bool = True) -> DecayAxis:
    with files.open_experiment(folder) as experiment:
        known = acquisition.read_acquisition(experiment, Reading())
        return echo_timing.find_decay_axis(
            experiment, known, slices=slices, given=given, needed=needed
        )


def find_echo_delay(folder: Path) -> float:
    with files.open_experiment(folder) as experiment:
        return echo_timing.find_echo_delay(
            experiment, acquisition.read_acquisition(experiment, Reading())
        )


def write(folder: Path, program: str = ECHO, vdlist: str = "10u\n20u\n1m\n") -> Path:
    pulses = {"P": "(0..2)\n0 4 8", "D": "(0..7)\n0 2 0 0 0 0 3e-05 0"}
    return signals.write_bruker(folder, POINTS, program=program, vdlist=vdlist, acqus=pulses)


def test_times_of_a_series(tmp_path: Path) -> None:
    found = find(write(tmp_path / "1"))
    assert found.formula == "vd+p2+vd"
    assert found.times == pytest.approx([2.8e-5, 4.8e-5, 2.008e-3], rel=1e-12)


def test_a_formula_that_is_given_wins(tmp_path: Path) -> None:
    found = find(write(tmp_path / "1"), given="vd*3")
    assert (found.formula, found.times.tolist()) == ("vd*3", pytest.approx([3e-5, 6e-5, 3e-3]))


def test_slices_beyond_the_list_have_no_time(tmp_path: Path) -> None:
    found = find(write(tmp_path / "1", vdlist="10u\n20u\n"))
    assert np.isnan(found.times).tolist() == [False, False, True]


def test_a_list_longer_than_the_series(tmp_path: Path) -> None:
    assert len(find(write(tmp_path / "1"), slices=2).times) == 2


def test_a_time_that_does_not_change_is_no_decay_axis(tmp_path: Path) -> None:
    fixed = write(tmp_path / "1", ECHO.replace("vd", "d6"))
    with pytest.raises(BadInput, match="the same in all slices"):
        find(fixed)
    assert find(fixed, slices=1).times == pytest.approx([6.8e-5])
    assert find(fixed, needed=False).times == pytest.approx([6.8e-5] * 3)


def test_a_single_spectrum_does_without_an_axis_but_not_without_a_formula_that_was_given(
    tmp_path: Path,
) -> None:
    unclear = write(tmp_path / "1", "1 ze\n2 d1\np1\nd0\nif l1\ngo=2\n")
    found = find(unclear, slices=1, needed=False)
    assert found.formula == ""
    assert np.isnan(found.times).all()
    with pytest.raises(BadInput, match=r"read\.decay_axis"):
        find(unclear, given="d99", slices=1, needed=False)


def test_the_echo_delay_is_that_between_the_pulses(tmp_path: Path) -> None:
    assert find_echo_delay(write(tmp_path / "1")) == pytest.approx(1e-5)
    assert find_echo_delay(write(tmp_path / "2", ECHO.replace("vd", "d6"))) == pytest.approx(3e-5)


@pytest.mark.parametrize("program", ["d1\np1\nd6\ngo=1\n", "d1\np1\nd6\nd6\nd6\ngo=1\n", "x"])
def test_other_sequences_have_no_echo_delay(tmp_path: Path, program: str) -> None:
    assert np.isnan(find_echo_delay(write(tmp_path / "1", program)))


def test_a_list_by_its_name_where_none_lies_beside_the_data(tmp_path: Path) -> None:
    folder = write(tmp_path / "1")
    (folder / "lists/vd").mkdir(parents=True)
    (folder / "lists/vd/mine").write_text("1u\n2u\n3u\n")
    text = (folder / "acqus").read_text(encoding="latin-1")
    (folder / "acqus").write_text(text.replace("##END", "##$VDLIST= <mine>\n##END"))
    assert find(folder).times[0] == pytest.approx(2.8e-5)
    (folder / "vdlist").unlink()
    assert find(folder).times[0] == pytest.approx(1e-5)
