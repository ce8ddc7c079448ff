"""Self-absorption, MBACK and the peak before the edge, from files to rows."""

import functools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.conclusion import Conclusion
from ssbchar.storage import store
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison import compare, conclude
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation import normalise, self_absorption
from ssbchar.xas.normalisation.options import Normalisation, SelfAbsorption
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.series import normalise as series

ENERGY = made_spectra.grid()
K = np.sqrt(np.maximum(ENERGY - 7120.0, 0) / made_spectra.KTOE)
WHITE = 0.6 * np.exp(-0.5 * ((ENERGY - 7126.0) / 2.5) ** 2)
ATOM = (np.arctan((ENERGY - 7120.0) / 1.2) / np.pi + 0.5) * (1 + made_spectra.chi(K)) + WHITE
PEAK = 0.1 * np.exp(-0.5 * ((ENERGY - 7112.0) / 1.0) ** 2) / np.sqrt(2 * np.pi)
"""Of an area of 0.1 eV."""
FORMULA = SelfAbsorption(formula="FePO4", error=0.02)
SHARE = self_absorption.calculate_correction(FORMULA, "Fe", "K").share
STATED = Calibration(repeatability=0.02, repeatability_source="a test")


def write(folder: Path, columns: str, signal: np.ndarray, seed: int) -> Path:
    """Write three scans of a beam and a signal, with their counting noise."""
    random = np.random.default_rng(seed)
    folder.mkdir()
    for i in range(3):
        table = np.column_stack(
            [ENERGY, random.poisson(np.full(ENERGY.size, 1e8)), random.poisson(1e8 * signal)]
        )
        np.savetxt(folder / f"{i}.dat", table, header=columns, fmt="%.3f")
    return folder


@functools.cache
def take(folder: Path, options: Normalisation) -> tuple[xr.Dataset, dict[tuple, Conclusion]]:
    reading = ScanReading(element="Fe", edge="K")
    scans = read.read_scans(folder, reading, {"measurement": folder.name})
    ds = normalise.normalise_spectra(calibrate.calibrate_energy(scans, None, STATED), options)
    rows = conclude.conclude_measurement(ds, None, None, Comparison())
    return ds, {(row.quantity, row.condition): row for row in rows}


@pytest.fixture(scope="module")
def thin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    mu = 0.4 + ATOM + PEAK
    return write(tmp_path_factory.mktemp("t") / "thin", "energy i0 i1", np.exp(-mu), 1)


@pytest.fixture(scope="module")
def thick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    emitted = 0.1 * ATOM / (ATOM + SHARE)
    return write(tmp_path_factory.mktemp("t") / "thick", "energy i0 if", emitted, 2)


def test_a_thick_sample_has_its_white_line_edge_and_shells_back(thin: Path, thick: Path) -> None:
    true, rows = take(thin, Normalisation())
    damped, damped_rows = take(thick, Normalisation())
    found, found_rows = take(thick, Normalisation(self_absorption=FORMULA))
    key = ("white_line", "")
    assert damped_rows[key].value < rows[key].value - 0.1
    error = np.hypot(found_rows[key].stderr, found_rows[key].systematic)
    assert abs(found_rows[key].value - rows[key].value) < 3 * error + 2e-3
    half = ("edge_energy", "half step")
    assert abs(damped_rows[half].value - rows[half].value) > 0.1
    assert abs(found_rows[half].value - rows[half].value) < 0.02
    assert "corrected for the self-absorption" in found.attrs["notes"]
    assert "not corrected" in damped.attrs["notes"]
    options = Comparison(choices=5)
    judged = compare.compare_pair(true, found, options)
    ratio = judged["ratio"].median("choice").values
    assert ratio == pytest.approx(1.0, abs=0.02)
    assert float(judged["amplitude_systematic"]) == pytest.approx(0.02 / (1 + SHARE), rel=1e-6)


def test_the_stated_error_of_the_share_is_in_the_rows(thick: Path) -> None:
    rows = {}
    for name, error in (("sure", 0.0), ("vague", 0.02)):
        options = SelfAbsorption(formula="FePO4", error=error)
        rows[name] = take(thick, Normalisation(self_absorption=options))[1]
    key = ("white_line", "")
    assert not rows["sure"][key].systematic
    # dm/da of m = N a / (1 + a - N) is m (m - 1) / (a (1 + a)).
    top = rows["vague"][key].value
    assert rows["vague"][key].systematic == pytest.approx(
        top * (top - 1) * 0.02 / (1 + SHARE), rel=0.1
    )
    half = ("edge_energy", "half step")
    assert rows["vague"][half].systematic > rows["sure"][half].systematic


def test_transmission_has_no_self_absorption(thin: Path) -> None:
    plain, _ = take(thin, Normalisation())
    same, _ = take(thin, Normalisation(self_absorption=FORMULA))
    assert np.array_equal(plain["mu"], same["mu"])
    assert same.attrs["self_absorption_share"] == 0.0


def test_a_series_is_corrected_alike(thick: Path) -> None:
    scans = read.read_scans(thick, ScanReading(element="Fe", edge="K"), {"role": "series"})
    calibrated = calibrate.calibrate_energy(scans, None, STATED)
    asked = Normalisation(self_absorption=FORMULA, pre_edge_peak=(-20.0, -12.0, -5.0, -3.0))
    one = series.normalise_series(calibrated, asked)
    other, _ = take(thick, asked)
    assert one["white_line"].values[-1] == pytest.approx(other["white_line"].values[-1], abs=2e-3)
    assert "corrected for the self-absorption" in one.attrs["notes"]
    assert one["pre_edge_area"].shape == (4,)


def test_mback_stands_beside_the_polynomial(thin: Path) -> None:
    ds, rows = take(thin, Normalisation(mback=True))
    for quantity in ("edge_step", "white_line"):
        beside = rows[quantity, "MBACK"]
        assert beside.value == pytest.approx(rows[quantity, ""].value, rel=0.05)
        assert beside.stderr > 0
        assert "by the polynomial above the edge" in beside.reason
    assert ds["norm_mback"].shape == ds["norm"].shape
    assert ("edge_step", "MBACK") not in take(thin, Normalisation())[1]


def test_all_of_it_is_stored(thick: Path, tmp_path: Path) -> None:
    asked = Normalisation(
        self_absorption=FORMULA, mback=True, pre_edge_peak=(-20.0, -12.0, -5.0, -3.0)
    )
    made_by = {"step": "s", "options": {}, "version": "1"}
    store.save(take(thick, asked)[0], tmp_path / "normalised.nc", made_by, {})
    with xr.open_dataset(tmp_path / "normalised.nc") as kept:
        assert kept["pre_edge_area"].attrs["units"] == "eV"
        assert kept.attrs["self_absorption_share"] == pytest.approx(SHARE)


def test_a_peak_before_the_edge_is_measured(thin: Path) -> None:
    window = (-20.0, -11.5, -4.5, -2.0)
    _, rows = take(thin, Normalisation(pre_edge_peak=window))
    area, centroid = rows["pre_edge_area", ""], rows["pre_edge_centroid", ""]
    assert area.verdict == "detected"
    assert abs(area.value - 0.1) < 3 * np.hypot(area.stderr, area.systematic)
    assert abs(centroid.value - 7112.0) < 3 * np.hypot(centroid.stderr, centroid.systematic)
    assert centroid.systematic >= 0.02, "the axis is known no better"
    # Where nothing stands there is no centroid; where there are no points there is no area.
    _, none = take(thin, Normalisation(pre_edge_peak=(-100.0, -80.0, -60.0, -40.0)))
    assert none["pre_edge_area", ""].verdict == "inconclusive"
    assert ("pre_edge_centroid", "") not in none
    assert ("pre_edge_area", "") not in take(thin, Normalisation())[1]


def test_limits_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="does not rise"):
        Normalisation(pre_edge_peak=(-20.0, -5.0, -12.0, -3.0))
