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
from ssbchar.xas.calibration import calibrate, foil_alignment
from ssbchar.xas.calibration.options import Calibration
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


def plain_scans(**more: float) -> xr.Dataset:
    """Return two scans without a foil as the reader gives them."""
    energy = np.stack([np.arange(7000.0, 7010.0), np.arange(7000.5, 7010.5)])
    dims = ("scan", "point")
    ds = xr.Dataset({"energy": (dims, energy)}, attrs={"element": "Fe", "edge": "K"})
    for name in ("mu", "mu_stderr", "mu_foil", "i0", "total"):
        ds[name] = (dims, np.full(energy.shape, np.nan))
    ds["source_file"], ds["status"] = ("scan", ["a", "b"]), ("scan", ["ok", "ok"])
    ds["eshift"], ds["n_points"] = ("scan", [0.0, more.get("eshift", 0.0)]), ("scan", [10, 10])
    return ds


def test_the_ledger_says_what_was_done_to_each_scan() -> None:
    done = calibrate.calibrate_energy(plain_scans(eshift=-1.23456), None, Calibration())
    entries = [json.loads(line) for line in done["ledger"].values]
    assert entries[1] == {
        "scan": "b",
        "raw_start_eV": 7000.5,
        "shift_eV": -1.2346,
        "stderr_eV": None,
        "by": "project",
        "source": "energy shifts stored in the Athena project, applied",
    }
    assert entries[0]["shift_eV"] == 0.0
    assert done["energy"].values[1, 0] == pytest.approx(7000.5 - 1.23456)
    assert done["energy"].attrs["units"] == "eV"


def test_a_stated_repeatability_is_the_error_of_a_raw_axis() -> None:
    options = Calibration(repeatability=0.25, repeatability_source="manual")
    done = calibrate.calibrate_energy(plain_scans(), None, options)
    assert done["shift_stderr"].values.tolist() == [0.25, 0.25]
    assert done["shift"].values.tolist() == [0.0, 0.0]
    assert done.attrs["alignment_source"] == "manual"
    assert json.loads(str(done["ledger"].values[0]))["stderr_eV"] == 0.25
    shifted = calibrate.calibrate_energy(plain_scans(eshift=1.0), None, options)
    assert shifted.attrs["alignment"] == "project", "a project's own shifts come first"


def test_without_anything_the_axis_is_raw_and_its_error_unknown() -> None:
    done = calibrate.calibrate_energy(plain_scans(), None, Calibration())
    assert done.attrs["alignment"] == "none"
    assert np.isnan(done.attrs["alignment_error"]) and np.isnan(done["shift_stderr"]).all()


def test_a_foil_that_cannot_be_aligned_sets_its_scan_aside(
    scans: tuple[xr.Dataset, np.ndarray],
) -> None:
    ds = scans[0].copy(deep=True)
    ds["energy"][1] = ds["energy"][1] + 30.0
    done = calibrate.calibrate_energy(ds, None, Calibration())
    assert done["status"].values.tolist() == ["ok", "foil_not_aligned", "ok", "ok"]
    assert float(done["shift"][1]) == 0.0 and np.isnan(done["shift_stderr"].values[1])
    assert done["shift_stderr"].values[0] == pytest.approx(0.003, abs=2e-3)
    assert done.attrs["alignment_error"] == pytest.approx(0.003, abs=2e-3)
    ds["mu_foil"][1:] = np.nan
    ds["energy"][0] = ds["energy"][0] + 30.0
    with pytest.raises(BadInput, match="no scan of the measurement could be aligned"):
        calibrate.calibrate_energy(ds.isel(scan=[0, 1]), scans[0], Calibration())


def test_the_source_names_foil_owner_and_convention(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds = scans[0]
    source = calibrate.calibrate_energy(ds, None, Calibration()).attrs["alignment_source"]
    assert source.startswith("Fe K foil of pristine, inflection 7111.")
    assert source.endswith("eV set to 7112 eV (bearden)")
    own = calibrate.calibrate_energy(ds, None, Calibration(foil_energy=7111.0))
    assert own.attrs["alignment_source"].endswith("set to 7111 eV (configured)")


def test_a_foil_on_one_side_alone_is_no_common_axis(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    bare = scans[0].copy(deep=True)
    bare["mu_foil"][:] = np.nan
    assert calibrate.calibrate_energy(scans[0], bare, Calibration()).attrs["alignment"] == "none"
    assert calibrate.calibrate_energy(bare, scans[0], Calibration()).attrs["alignment"] == "none"


def replace_foils(ds: xr.Dataset, spectra: np.ndarray) -> xr.Dataset:
    return ds.assign(mu_foil=(ds["mu_foil"].dims, spectra))


def test_a_foil_that_drowns_in_noise_sets_no_axis(scans: tuple[xr.Dataset, np.ndarray]) -> None:
    ds, _ = scans
    noise = 0.15 * np.random.default_rng(3).standard_normal(ds["mu_foil"].shape)
    done = calibrate.calibrate_energy(
        replace_foils(ds, ds["mu_foil"].values + noise), None, Calibration(max_shift=50.0)
    )
    assert done.attrs["alignment"] == "none"
    assert "known to" in done.attrs["alignment_source"]
    assert np.array_equal(done["energy"], ds["energy"], equal_nan=True)


def test_a_compound_in_place_of_the_foil_sets_no_origin(
    scans: tuple[xr.Dataset, np.ndarray],
) -> None:
    """Its edge lies 8 eV above the metal's: scans are laid on each other, and that is all."""
    ds, drifts = scans
    true = ds["energy"].values + drifts[:, None]
    spectra = np.array([made_spectra.mu(row, made_spectra.Truth()) for row in true])
    done = calibrate.calibrate_energy(replace_foils(ds, spectra), None, Calibration())
    shift = done["shift"].values
    assert np.abs(shift).max() < 1.1, "no scan is moved to the metal's energy"
    assert np.abs((shift - shift.mean()) - (drifts - drifts.mean())).max() < 0.023
    assert "a compound of Fe" in done.attrs["alignment_doubt"]
    assert "a compound of Fe" in done.attrs["notes"]
    # Who states where that compound's edge is has an origin.
    stated = calibrate.calibrate_energy(
        replace_foils(ds, spectra), None, Calibration(foil_energy=7120.0)
    )
    assert stated.attrs["alignment_doubt"] == ""
