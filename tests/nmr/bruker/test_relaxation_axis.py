"""The delay of a recovery or the length of a spin lock is found in the program; made-up experiments
of three slices, times worked out by hand."""

from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import read
from ssbchar.nmr.bruker.options import Reading

POINTS = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j) * np.ones((3, 1))
ACQUS = {
    "P": "(0..15)\n0 4 8 0 0 0 0 0 0 0 0 0 0 0 0 100",
    "D": "(0..7)\n0 2 0 0 0 0 3e-05 0.5",
    "IN": "(0..7)\n0 0 0 0 0 0 1e-05 0.25",
    "INP": "(0..15)\n0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 50",
    "L": "(0..3)\n0 0 0 20",
    "CNST": "(0..1)\n0 0",
}
END = "go=2 ph31\n30m mc #0 to 2 F1QF({})\nexit\n"
SATURATION = "1 ze\n2 30m\n3 p1 ph1\n1m\nlo to 3 times l3\nvd\np1 ph2\nd6\np2 ph3\nd6\n"
INVERSION = "1 ze\n2 d1\np2 ph1\nvd\np1 ph2\n"
STEPPED = "1 ze\n2 d1\np2 ph1\nd7\np1 ph2\n"
LOCK = "1 ze\n2 d1\n(p1 ph1):f1\n(vp ph2):f1\n"
STEPPED_LOCK = "1 ze\n2 d1\n(p1 ph1):f1\n(p15 ph2):f1\n"
VD, VP = {"vdlist": "10m\n1s\n20\n"}, {"vplist": "100u\n1m\n20m\n"}


def find(folder: Path, program: str, axis: str = "", **lists: str):
    signals.write_bruker(folder, POINTS, program=program, acqus=ACQUS)
    for name, text in lists.items():
        (folder / name).write_text(text)
    return read.read_fid(folder, Reading(decay_axis=axis), {"role": "relaxation"})


@pytest.mark.parametrize(
    ("program", "step", "lists", "kind", "times"),
    [
        (SATURATION, "ivd", VD, "recovery", [0.01, 1, 20]),
        (INVERSION, "ivd", VD, "recovery", [0.01, 1, 20]),
        (STEPPED, "id7", {}, "recovery", [0.5, 0.75, 1.0]),
        (LOCK, "ivp", VP, "spin_lock", [1e-4, 1e-3, 0.02]),
        (STEPPED_LOCK, "ipu15", {}, "spin_lock", [1e-4, 1.5e-4, 2e-4]),
        ('"d7=vd-p2/2"\n' + STEPPED, "ivd", VD, "recovery", [0.009996, 0.999996, 19.999996]),
    ],
)
def test_what_varies(
    tmp_path: Path, program: str, step: str, lists: dict, kind: str, times: list[float]
) -> None:
    fid = find(tmp_path / "1", program + END.format(step), **lists)
    assert fid["decay_time"].values == pytest.approx(times)
    assert fid.attrs["relaxation"] == kind


def test_a_list_that_is_given(tmp_path: Path) -> None:
    fid = find(tmp_path / "1", "1 ze\n2 d1\np1 ph1\ngo=2 ph31\nexit\n", "10m, 1s, 20s")
    assert fid["decay_time"].values == pytest.approx([0.01, 1, 20])
    assert fid.attrs["relaxation"] == ""


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (INVERSION.replace("p1 ph2", "p1 ph2\nvd"), "vd, vd varies"),
        (INVERSION.replace("vd", "d7"), "nothing varies"),
        (INVERSION.replace("vd\np1 ph2", "p1 ph2\nvd"), "no pulse stands behind vd"),
        (INVERSION.replace("vd", "3 d7\nlo to 3 times c"), "number of loops varies"),
    ],
)
def test_what_is_not_one_delay_is_asked_for(tmp_path: Path, program: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as refused:
        find(tmp_path / "1", program + END.format("ivd"), **VD, vclist="1\n2\n3\n")
    assert "read.decay_axis" in refused.value.remedy
