"""Scans as beamlines write them, each to what its source states, unaided or with one line."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.errors import BadInput
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.comparison import compare, conclude
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import describe, read
from ssbchar.xas.scans.options import ScanReading

P65 = ScanReading(energy="enc_energy", i0="VFC01", transmitted="VFC02", foil="VFC03")
HXMA = ScanReading(energy="column 3", i0="column 6", transmitted="column 7", foil="column 8")


@pytest.fixture(scope="module")
def beamlines(real_data: Path) -> Path:
    return real_data / "xas/beamlines"


def normalised(
    path: Path, options: ScanReading, standard: xr.Dataset | None = None, **labels: str
) -> tuple[xr.Dataset, xr.Dataset, xr.Dataset]:
    scans = read.read_scans(path, options, {"measurement": path.stem} | labels)
    calibrated = calibrate.calibrate_energy(scans, standard, Calibration())
    return scans, calibrated, normalise.normalise_spectra(calibrated, Normalisation())


def test_hxma_arsenic_with_a_foil_of_gold(beamlines: Path) -> None:
    scans, calibrated, ds = normalised(beamlines / "CLSHXMA.dat", HXMA)
    assert (scans.attrs["element"], scans.attrs["edge"]) == ("As", "K")
    assert "Au L3 foil (found by the energy of its edge)" in calibrated.attrs["alignment_source"]
    assert float(calibrated["shift"][0]) == pytest.approx(2.5, abs=0.1)
    assert 11866 < float(ds["e0_half"].values[-1]) < 11872


def test_hxma_asks_for_its_columns(beamlines: Path) -> None:
    with pytest.raises(BadInput, match=r"no column for energy .*EnergyFeedback.*Detector1"):
        read.read_scans(beamlines / "CLSHXMA.dat", ScanReading(), {})


def test_9bm_names_that_run_together_behind_a_sentence(beamlines: Path) -> None:
    said = describe.describe_scans(beamlines / "APS9BM_2019.dat", ScanReading())
    for text in ("Mn K", "I0 = column 5 'I0-32'", "I1 = column 6 'It-32'"):
        assert text in said.said
    assert any("saturated?" in doubt for doubt in said.doubts)
    scans, _, ds = normalised(beamlines / "APS9BM_2019.dat", ScanReading())
    assert 6535 < float(ds["e0_half"].values[-1]) < 6555
    # It comes back from its end of range at 7137 eV with a jump.
    assert float(np.nanmax(scans["energy"])) < 7137


def test_xdac_is_measured_by_fluorescence_up_to_cobalt(beamlines: Path) -> None:
    scans, _, ds = normalised(beamlines / "NSLS_XDAC_2011.dat", ScanReading())
    assert scans.attrs["mode"] == "fluorescence"
    assert (scans.attrs["element"], scans.attrs["edge"]) == ("Fe", "K")
    told = [note["note"] for note in json.loads(scans.attrs["notes"])]
    assert any("(Ifch1, Ifch2, Ifch3, Ifch4) is taken" in note for note in told)
    assert any(note.startswith("Co K edge at 7708.9 eV") for note in told)
    assert float(np.nanmax(scans["energy"])) < 7700
    assert 7115 < float(ds["e0_half"].values[-1]) < 7130


def test_snbl_holds_two_scans_that_are_repeats(beamlines: Path) -> None:
    path = beamlines / "ESRF_SNBL_2013.dat"
    options = ScanReading(energy="ZapEnergy", i0="Mon", transmitted="Ion1")
    scans, _, ds = normalised(path, options)
    assert scans.sizes["scan"] == 2
    assert (scans.attrs["element"], scans.attrs["edge"]) == ("Ge", "K")
    assert ds["e0_half"].values[0] == pytest.approx(ds["e0_half"].values[1], abs=0.1)
    one = ScanReading(energy="ZapEnergy", i0="Mon", transmitted="Ion1", scan="2")
    assert read.read_scans(path, one, {}).sizes["scan"] == 1


def test_two_scans_of_one_goethite_at_p65_are_retained(real_data: Path) -> None:
    folder = real_data / "xas/p65_goethite"
    first, second = sorted(folder.glob("*.xdi"))
    standard, _, pristine = normalised(first, P65, role="pristine")
    _, _, cycled = normalised(second, P65, standard, role="cycled")
    found = compare.compare_pair(pristine, cycled, Comparison(choices=30))
    rows = conclude.conclude_measurement(cycled, found, None, Comparison(choices=30))
    said = {row.quantity: row for row in rows}
    shift = said["edge_shift"]
    assert abs(shift.value) < 0.03
    assert shift.lower95 < 0 < shift.upper95
    assert said["edge_shift"].verdict == "retained"
    assert said["structure"].verdict == "retained"
    both = read.read_scans(folder / "*.xdi", P65, {"measurement": "both", "role": "pristine"})
    assert both.sizes["scan"] == 2
    assert both.attrs["set_aside"] == "[]"


def test_groups_of_several_samples_are_no_repeats(real_data: Path) -> None:
    with pytest.raises(BadInput, match="no repeats of one sample"):
        read.read_scans(real_data / "xas/ge_order/Ge.prj", ScanReading(), {"role": "pristine"})
