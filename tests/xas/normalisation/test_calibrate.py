"""The energy axis: shifts are found below the grid, applied once, listed, and refused where there
is no foil."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.campaign import write_pair

from ssbchar.errors import BadInput
from ssbchar.xas.normalisation import calibrate, foil_alignment
from ssbchar.xas.normalisation.options import Calibration
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading

LABELS = {"measurement": "pristine"}


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory) -> tuple[xr.Dataset, np.ndarray]:
    folder = tmp_path_factory.mktemp("drift")
    drifts = np.array([0.5, 0.63, 0.31, -0.4])
    random = np.random.default_rng(1)
    for i, drift in enumerate(drifts):
        made_spectra.write_scan(folder / f"{i}.dat", made_spectra.Truth(), random, drift=drift)
    return read.read_scans(folder, ScanReading(), LABELS), drifts


def test_drifts_are_found_far_below_the_grid(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds, drifts = scans
    found = calibrate.calibrate_energy(ds, None, Calibration())["shift"].values
    error = (found - found.mean()) - (drifts - drifts.mean())
    assert np.abs(error).max() < 0.023, "a tenth of the 0.3 eV grid"


def test_the_standards_inflection_is_set_to_the_tabulated_edge(
    scans: tuple[xr.Dataset, np.ndarray],
) -> None:
    ds, _ = scans
    one = calibrate.calibrate_energy(ds, None, Calibration())
    other = calibrate.calibrate_energy(ds, None, Calibration(convention="kraft"))
    assert np.allclose(one["shift"] - other["shift"], 1.25)
    again = calibrate.calibrate_energy(
        one.drop_vars(["shift", "shift_stderr", "ledger"]), None, Calibration()
    )
    assert np.abs(again["shift"].values).max() < 0.01, "a calibrated axis needs no shift"


def test_the_shift_is_applied_once_and_listed(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds, _ = scans
    done = calibrate.calibrate_energy(ds, None, Calibration())
    assert np.allclose(done["energy"] - ds["energy"], done["shift"].values[:, None], equal_nan=True)
    entry = json.loads(str(done["ledger"].values[0]))
    assert entry["by"] == "foil"
    assert "bearden" in entry["source"]
    assert entry["shift_eV"] == pytest.approx(float(done["shift"][0]), abs=1e-4)


@pytest.mark.parametrize("offset", [0.0, 0.05, 0.1, 0.15, 0.2, 0.25])
def test_alignment_has_no_pull_towards_the_grid(offset: float) -> None:
    random = np.random.default_rng(int(100 * offset))
    energy = np.arange(7085.0, 7150.0, 0.3)
    other = energy + offset
    found = []
    for _ in range(30):
        a = made_spectra.foil(energy) + 2e-3 * random.standard_normal(energy.size)
        b = made_spectra.foil(other) + 2e-3 * random.standard_normal(energy.size)
        found.append(
            foil_alignment.align_edges(energy, a, other - 1.0, b, window=(7092.0, 7142.0)).shift
        )
    assert abs(np.mean(found) - 1.0) < 3.5 * np.std(found) / np.sqrt(30)
    assert np.std(found) < 0.023


def test_one_missing_foil_sets_that_scan_aside(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds = scans[0].copy(deep=True)
    ds["mu_foil"][2] = np.nan
    done = calibrate.calibrate_energy(ds, None, Calibration())
    assert done["status"].values.tolist() == ["ok", "ok", "no_foil", "ok"]
    assert "no_foil" in json.loads(done.attrs["set_aside"])[-1]["problem"]


def test_without_any_foil_the_axis_stays_raw(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds = scans[0].copy(deep=True)
    ds["mu_foil"][:] = np.nan
    done = calibrate.calibrate_energy(ds, None, Calibration())
    assert done.attrs["alignment"] == "none"
    assert (done["shift"].values == 0).all()
    stated = calibrate.calibrate_energy(
        ds, None, Calibration(repeatability=0.2, repeatability_source="manual")
    )
    assert (stated.attrs["alignment"], stated.attrs["alignment_error"]) == ("repeatability", 0.2)


def test_a_projects_own_shift_is_applied_and_forbids_claims(
    scans: tuple[xr.Dataset, np.ndarray],
) -> None:
    ds = scans[0].copy(deep=True)
    ds["mu_foil"][:] = np.nan
    ds["eshift"][:] = -3.5
    done = calibrate.calibrate_energy(ds, None, Calibration())
    assert np.allclose(done["energy"] - ds["energy"], -3.5, equal_nan=True)
    assert done.attrs["alignment"] == "project"


def test_the_wrong_foil_is_refused(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    with pytest.raises(BadInput, match=r"8978\.9 eV expected"):
        calibrate.calibrate_energy(scans[0], None, Calibration(foil_element="Cu"))
    with pytest.raises(BadInput, match="no edge energy by the convention 'kraft'"):
        calibrate.calibrate_energy(
            scans[0], None, Calibration(foil_element="Cu", convention="kraft")
        )


def test_a_pair_is_laid_on_the_pristines_foil(tmp_path: Path) -> None:
    write_pair(tmp_path, 5, loss=0.0, shift=0.0, repeats=2)
    pair = [
        read.read_scans(tmp_path / n, ScanReading(), {"measurement": n})
        for n in ("pristine", "cycled")
    ]
    done = calibrate.calibrate_energy(pair[1], pair[0], Calibration())
    assert "foil of pristine" in done.attrs["alignment_source"]
