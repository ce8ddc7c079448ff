"""What varies from slice to slice: lists, stepped counters and delays, relations that rest on
them. Times are worked out by hand: pulse 2 is 8 us, d6 30 us, in6 10 us."""

from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import read, slice_names
from ssbchar.nmr.bruker.options import Reading

U = 1e-6
POINTS = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j) * np.ones((3, 1))
ACQUS = {
    "P": "(0..3)\n0 4 8 0",
    "D": "(0..7)\n0 2 0 0 0 0 3e-05 0",
    "IN": "(0..7)\n0 0 0 0 0 0 1e-05 0",
    "L": "(0..3)\n0 0 0 2",
    "CNST": "(0..1)\n0 0",
}
ECHO = "1 ze\n2 d1\n(p1 ph1):f1\n{}\n(p2 ph2):f1\n{}\ngo=2 ph31\n30m wr #0 if #0 zd {}\n"
END = "lo to 2 times td1\nexit\n"


def find(folder: Path, program: str, axis: str = "", **lists: str) -> tuple[str, list[float]]:
    """Return the formula and the times [us] of a series of three slices."""
    signals.write_bruker(folder, POINTS, program=program, acqus=ACQUS, **lists)
    for name, text in lists.items():
        (folder / name).write_text(text)
    ds = read.read_fid(folder, Reading(decay_axis=axis), {"role": "decay"})
    return ds.attrs["decay_axis"], (ds["decay_time"].values / U).tolist()


@pytest.mark.parametrize(
    ("relations", "delay", "times"),
    [
        ('"d7=vd-p2/2"\n', "d7", [20, 40, 2000]),
        ('"d7 = vd - p2/2"\n"d8=d7*2+p1"\n', "d8", [40, 80, 4000]),
        ('define delay TAU\n"TAU=vd-4u"\n', "TAU", [20, 40, 2000]),
        ('"cnst1=2"\n"d7=vd/cnst1"\n', "d7", [18, 28, 1008]),
    ],
)
def test_a_relation_of_the_list(
    tmp_path: Path, relations: str, delay: str, times: list[float]
) -> None:
    program = relations + ECHO.format(delay, delay, "ivd") + END
    formula, found = find(tmp_path / "1", program, vdlist="10u\n20u\n1m\n")
    assert found == pytest.approx(times)
    assert "vd" in formula


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("iu3", [76, 114, 152]),
        ("iu3 iu3", [76, 152, 228]),
        ("F1QF(calclc(l3, 1))", [76, 114, 152]),
        ("F1QF(iu3)", [76, 114, 152]),
        ("du3", [76, 38, 38]),
    ],
)
def test_a_loop_counter_that_is_stepped(tmp_path: Path, step: str, times: list[float]) -> None:
    program = "1 ze\n2 d1\np1\n3 d6\np2\nlo to 3 times l3\ngo=2\n30m wr #0 if #0 zd {}\n"
    formula, found = find(tmp_path / "1", program.format(step) + END)
    assert formula == "l3*(d6+p2)"
    assert found == pytest.approx(times)


def test_a_loop_runs_at_least_once_and_that_is_told(tmp_path: Path) -> None:
    acqus = ACQUS | {"L": "(0..3)\n0 0 0 0"}
    program = "1 ze\n2 d1\np1\n3 d6\np2\nlo to 3 times l3\ngo=2\n30m wr #0 if #0 zd iu3\n" + END
    signals.write_bruker(tmp_path / "1", POINTS, program=program, acqus=acqus)
    ds = read.read_fid(tmp_path / "1", Reading(), {"role": "decay"})
    assert ds["decay_time"].values / U == pytest.approx([38, 38, 76])
    assert "a loop of count 0 runs once" in ds.attrs["conflicts"]


@pytest.mark.parametrize(
    ("step", "times"),
    [
        ("id6", [68, 88, 108]),
        ("dd6", [68, 48, 28]),
        ("F1QF(caldel(d6, +in6))", [68, 88, 108]),
        ('\n"d6=d6*2"\n', [68, 128, 248]),
    ],
)
def test_a_delay_that_is_stepped(tmp_path: Path, step: str, times: list[float]) -> None:
    _, found = find(tmp_path / "1", ECHO.format("d6", "d6", step) + END)
    assert found == pytest.approx(times)


def test_a_list_of_pulses(tmp_path: Path) -> None:
    program = "1 ze\n2 d1\np1 ph1\nd6\nvp ph2\ngo=2\n30m wr #0 if #0 zd ivp\n" + END
    assert find(tmp_path / "1", program, vplist="5u\n10u\n20u\n")[1] == pytest.approx([35, 40, 50])
    with pytest.raises(BadInput, match="'5' has no unit"):
        find(tmp_path / "2", program, vplist="5\n10\n20\n")


def test_times_that_are_given_one_by_one(tmp_path: Path) -> None:
    program = ECHO.format("d6", "d6", "") + END
    assert find(tmp_path / "1", program, "10u, 20u, 1m")[1] == pytest.approx([10, 20, 1000])
    with pytest.raises(BadInput, match="2 times, and there are 3 slices"):
        find(tmp_path / "2", program, "10u, 20u")


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ('"d7=d6*2"\n' + ECHO.format("d7", "d7", "id6") + END, "stands before the start"),
        ('"d7=d7+vd"\n' + ECHO.format("d7", "d7", "ivd") + END, "refers to itself"),
        ('"d7=vd*cnst77"\n' + ECHO.format("d7", "d7", "ivd") + END, "'cnst77' is not known"),
        (ECHO.format("d6", "d6", "F1PH(calph(ph1, +90), caldel(d6, +in6))") + END, "how d6 chan"),
        (ECHO.format("d6", "d6", "\nlo to 3 times l3\nid6\n") + END, "how d6 changes"),
        ('"d7=10u-vd"\n' + ECHO.format("d7", "d7", "ivd") + END, "is -1972 us in a slice"),
        (
            '"l3=vd/3u"\n1 ze\n2 d1\np1\n3 d6\nlo to 3 times l3\ngo=2\n30m wr #0 zd ivd\n' + END,
            "l3 = 3.33333 is no number of loops",
        ),
    ],
)
def test_what_is_not_understood_is_asked_for(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        find(tmp_path / "1", program, vdlist="10u\n20u\n1m\n")


def test_relations_of_fixed_delays_behind_the_list_s_stay_fixed() -> None:
    names = slice_names.SliceNames(program='"d7=vd"\n"d7=d6/2"\n', names={"d6": 3e-5, "d7": 1.5e-5})
    assert names.evaluate("d7", {}, 2) == pytest.approx([1.5e-5] * 2)


@pytest.mark.parametrize(
    ("case", "formula", "first", "last"),
    [
        ("vd_relation", "(vd-p2/2)+p2+(vd-p2/2)", 10.0, 1200.0),
        ("cpmg_l22", "l22*(d6+p2+d6)", 23.234, 11 * 23.234),
    ],
)
def test_the_cases(cases_folder: Path, case: str, formula: str, first: float, last: float) -> None:
    ds = read.read_fid(cases_folder / "nmr" / case, Reading(), {"role": "decay"})
    assert ds.attrs["decay_axis"] == formula
    assert ds["decay_time"].values[[0, -1]] / U == pytest.approx([first, last])
