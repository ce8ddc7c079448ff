"""Range switches, second edges, short scans: what is mended, cut or set aside."""

import json
from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.simulate.xas.absorption import LAGP_GE, calculate_absorbance, calculate_normalised
from ssbchar.simulate.xas.scans import build_energies
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import jumps, read
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.slopes import find_steepest

LABELS = {"measurement": "one", "role": "pristine"}
ENERGY = made_spectra.grid()
MU = made_spectra.mu(ENERGY, made_spectra.Truth())
AT = find_steepest(ENERGY, MU)


def write(path: Path, seed: int, **change: object) -> Path:
    random = np.random.default_rng(seed)
    mu = MU + 3e-4 * random.standard_normal(ENERGY.size)
    i1 = 1e6 * np.exp(-mu)
    energy = ENERGY
    if "switch" in change:
        i1 = np.where(energy > change["switch"], change.get("factor", 1.3) * i1, i1)
    if "edge" in change:
        i1 = i1 * np.exp(-0.3 * (0.5 + np.arctan((energy - change["edge"]) / 1.5) / np.pi))
    columns = np.column_stack([energy, np.full(energy.size, 1e6), i1])
    if "end" in change:
        columns = columns[energy < change["end"]]
    np.savetxt(path, columns, header="energy i0 itrans", fmt="%.6f")
    return path


def step_of(path: Path) -> float:
    scans = read.read_scans(path, ScanReading(), LABELS)
    ds = normalise.normalise_spectra(
        calibrate.calibrate_energy(scans, None, Calibration()), Normalisation()
    )
    return float(ds["edge_step"].values[-1])


@pytest.mark.parametrize("factor", [1.3, 0.5, 10.0, 1.05])
def test_a_range_switch_does_not_change_the_step(tmp_path: Path, factor: float) -> None:
    whole = step_of(write(tmp_path / "a.dat", 1))
    path = write(tmp_path / "b.dat", 1, switch=AT + 320, factor=factor)
    assert step_of(path) == pytest.approx(whole, rel=0.005)
    (note,) = json.loads(read.read_scans(path, ScanReading(), LABELS).attrs["notes"])
    assert note["level"] == "doubt"
    assert "as where a counter's range is switched" in note["note"]


@pytest.mark.parametrize("place", [AT + 320, 7700.0])
def test_a_rise_of_a_range_switch_is_no_edge(tmp_path: Path, place: float) -> None:
    """Half the range raises the absorption by 0.69, near cobalt's edge too."""
    ds = read.read_scans(write(tmp_path / "a.dat", 1, switch=place, factor=0.5), ScanReading(), {})
    assert (ds.attrs["element"], ds.attrs["edge"]) == ("Fe", "K")
    assert "closed, by a factor" in ds.attrs["notes"] or "used up to" in ds.attrs["notes"]


def test_of_repeats_the_one_with_a_switch_is_set_aside(tmp_path: Path) -> None:
    for i in range(3):
        write(tmp_path / f"{i}.dat", i, **({"switch": AT + 200} if i == 1 else {}))
    ds = read.read_scans(tmp_path, ScanReading(), LABELS)
    assert [Path(str(name)).name for name in ds["source_file"].values] == ["0.dat", "2.dat"]
    assert "1.dat" in ds.attrs["set_aside"]


@pytest.mark.parametrize("place", [-60.0, 20.0, 120.0, 600.0])
def test_jumps_are_found_anywhere(place: float) -> None:
    mu = np.where(ENERGY > AT + place, MU + 0.25, MU)
    found = jumps.find_jump(ENERGY, mu, AT)
    assert found is not None
    assert found.energy == pytest.approx(AT + place, abs=6.0)


@pytest.mark.parametrize("place", [7112.0, 7126.0, 7130.0])
@pytest.mark.parametrize("factor", [1.3, 1 / 1.3])
def test_jumps_are_found_on_a_steep_edge(place: float, factor: float) -> None:
    """Its steps there are a third of the jump: only the break of the curve tells."""
    energy = made_spectra.grid(fine=0.5)
    for clean in (made_spectra.mu(energy, made_spectra.Truth()), made_spectra.foil(energy)):
        mu = np.where(energy > place, clean + np.log(factor), clean)
        found = jumps.find_jump(energy, mu, 7119.0)
        assert found is not None
        assert found.energy == pytest.approx(place, abs=0.6)


def test_a_switched_range_on_the_foil_s_edge_moves_no_axis(tmp_path: Path) -> None:
    energy = made_spectra.grid(fine=0.5)
    i1 = 1e6 * np.exp(-made_spectra.mu(energy, made_spectra.Truth()))
    i2 = i1 * np.exp(-made_spectra.foil(energy)) * np.where(energy > 7112, 1.3, 1.0)
    columns = np.column_stack([energy, np.full(energy.size, 1e6), i1, i2])
    np.savetxt(tmp_path / "a.dat", columns, header="energy i0 i1 iref")
    scans = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    found = calibrate.calibrate_energy(scans, None, Calibration())
    assert found.attrs["alignment"] == "none"
    assert "the foil's absorption jumps at 7112.2 eV" in scans.attrs["notes"]


def test_edges_glitches_and_noise_are_no_jumps() -> None:
    assert jumps.find_jump(ENERGY, MU, AT) is None
    spike = MU.copy()
    spike[300] += 0.5
    assert jumps.find_jump(ENERGY, spike, AT) is None
    noise = MU + 0.01 * np.random.default_rng(1).standard_normal(MU.size)
    assert jumps.find_jump(ENERGY, noise, AT) is None
    coarse = slice(None, None, 10)
    assert jumps.find_jump(ENERGY[coarse], MU[coarse], AT) is None


def test_a_second_edge_ends_the_range(tmp_path: Path) -> None:
    ds = read.read_scans(write(tmp_path / "a.dat", 1, edge=7708.9), ScanReading(), LABELS)
    assert np.nanmax(ds["energy"].values) < 7708.9 - 14
    assert "Co K edge at 7708.9 eV" in ds.attrs["notes"]
    whole = read.read_scans(write(tmp_path / "b.dat", 1), ScanReading(), LABELS)
    assert np.nanmax(whole["energy"].values) == pytest.approx(ENERGY[-1])


def test_a_short_scan_of_four_does_not_shorten_the_rest(tmp_path: Path) -> None:
    for i in range(4):
        write(tmp_path / f"{i}.dat", i, **({"end": AT + 300} if i == 2 else {}))
    ds = read.read_scans(tmp_path, ScanReading(), LABELS)
    assert ds.sizes["scan"] == 3
    assert "it spans" in ds.attrs["set_aside"]


def test_the_case(cases_folder: Path) -> None:
    assert step_of(cases_folder / "xas/gain.dat") == pytest.approx(0.467, abs=0.003)
    assert step_of(cases_folder / "xas/bom.dat") == pytest.approx(0.467, abs=0.001)


def test_a_strong_first_shell_is_no_second_edge() -> None:
    """The swing of Ge-O near k = 5 rises by a fifth of the edge where Ir L3 is tabulated."""
    energy = build_energies(LAGP_GE.energy, 13.6)
    norm = calculate_normalised(energy, LAGP_GE)
    mu = calculate_absorbance(energy, LAGP_GE.energy, norm, step=1.0, pre=0.45)
    assert jumps.find_second_edge(energy, mu, LAGP_GE.energy, ("Ge", "K")) is None
    second = mu + 0.3 * (energy > 11220.0)
    assert jumps.find_second_edge(energy, second, LAGP_GE.energy, ("Ge", "K")) is not None
