"""A 7Li Hahn echo at 4.7 T with TopSpin's own spectrum (MAS, paramagnetic: no Li-Si sample)."""

import json
from pathlib import Path

import numpy as np
import pytest

from ssbchar.nmr import topspin_check
from ssbchar.nmr.bruker import read
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.options import TopspinCheckOptions
from ssbchar.nmr.quantification import quantify
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.regions import Regions
from ssbchar.nmr.transform.chemical_shift import shift_from_offset
from ssbchar.nmr.transform.fourier import offsets_from_time, transform_signal


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    path = real_data / "nmr/hahn_echo_71/71"
    if not path.is_dir():
        pytest.skip(f"{path} is missing")
    return path


@pytest.fixture(scope="module")
def fid(folder: Path):
    return read.read_fid(folder, Reading(), {"role": "spectrum"})


def test_reference_and_digital_filter(fid) -> None:
    assert fid.attrs["sr"] == pytest.approx(6259.14, abs=0.005)
    assert fid.attrs["group_delay"] == 67.96875
    assert fid.sizes == {"slice": 1, "time": 19898 // 2}


def test_axis_has_topspins_offset(fid) -> None:
    offset = offsets_from_time(fid["time"].values, 16384)
    assert shift_from_offset(offset, fid.attrs["sfo1"], fid.attrs["sf"])[0] == pytest.approx(
        6467.549, abs=1e-3
    )


def test_spectrum_is_topspins(fid, folder: Path) -> None:
    topspin = np.fromfile(folder / "pdata/1/1r", "<i4") + 1j * np.fromfile(
        folder / "pdata/1/1i", "<i4"
    )
    y = (fid["real"] + 1j * fid["imag"]).values[0] * window_integrals.build_apodisation(
        fid["time"].values, 500.0
    )
    ours = transform_signal(y, fid["time"].values, topspin.size)
    ours = ours.conj()  # TopSpin stores the imaginary part with the other sign
    overlap = abs(np.vdot(topspin, ours)) / np.linalg.norm(topspin) / np.linalg.norm(ours)
    assert overlap >= 0.9995


def test_stored_delays_that_the_program_overrides_are_reported(fid) -> None:
    found = json.loads(fid.attrs["conflicts"])
    assert [c.split(" ")[0] for c in found[1:]] == ["d6", "d7"]
    assert found[0] == "the title says 40 kHz (spinning), MASR says 7 kHz"
    assert fid["decay_time"].values == pytest.approx([22.9e-6 + 2.8e-6 + 17.1e-6])


def test_a_sample_of_another_kind_is_a_misfit_not_a_number_to_trust(fid) -> None:
    assert lines.fit_lines(fid, LineFitOptions())["verdict"].values[0] == "misfit"


def test_window_around_the_centre_band_is_all_positive(fid) -> None:
    wide = Regions(li_metal=(3000.0, 5000.0), li_si=(-1500.0, 1500.0))
    ds = window_integrals.integrate_windows(
        fid, SpectrumOptions(display=(-6000.0, 6000.0)), regions=wide
    )
    area, stderr = ds["window_area"].values[0], ds["window_area_stderr"].values[0]
    assert area[1] > 50 * stderr[1]


def test_processed_spectrum_is_read_and_agrees(fid, folder: Path) -> None:
    rows = {
        c.quantity: c
        for c in topspin_check.compare_with_topspin(folder, fid, TopspinCheckOptions())
    }
    assert rows["topspin_overlap"].verdict == "agrees"
    assert rows["topspin_overlap"].value >= 0.9995
    assert "li_metal_fraction" in rows


def test_no_metal_line_no_alloyed_share(fid) -> None:
    fit = lines.fit_lines(fid, LineFitOptions())
    rows = quantify.quantify_fractions(
        fit,
        window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
        QuantificationOptions(x_nominal=1.0),
    )
    for row in (r for r in rows if r.quantity in ("alloyed_share", "x_alloyed")):
        assert (row.verdict, row.value, row.lower95, row.upper95) == ("N/A", None, None, None)
        assert "no li_metal line" in row.reason
    said = next(r for r in rows if r.quantity == "metadata_conflicts")
    assert said.value == 3
    assert "the title says 40 kHz (spinning), MASR says 7 kHz" in said.reason
    limit = next(r for r in rows if r.quantity == "t1_limit")
    assert limit.value == pytest.approx(
        0.06 / np.log((1 - 0.99 * np.cos(np.pi / 6) / 2) / 0.01), rel=0.01
    )
