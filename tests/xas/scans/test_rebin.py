"""Dense scans averaged in steps: lines stay, noise falls, errors are those of the means."""

import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read, rebin
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.scan import Mode, Scan

EDGE = 7112.0


def dense(points: int = 6000, noise: float = 0.0, seed: int = 0) -> Scan:
    energy = np.linspace(EDGE - 150, EDGE + 800, points)
    random = np.random.default_rng(seed)
    none = np.full(points, np.nan)
    return Scan(
        where="a",
        energy=energy,
        mu=made_spectra.mu(energy, made_spectra.Truth()) + noise * random.standard_normal(points),
        mu_stderr=none,
        i0=none,
        mu_foil=none,
        total=none,
        element="Fe",
        edge="K",
        mode=Mode.MU,
    )


def test_steps_are_narrow_on_each_edge() -> None:
    steps = rebin.build_steps(7000.0, 7900.0, [7112.0, 7709.0])
    size = np.diff(steps)
    near = [size[np.searchsorted(steps, e)] for e in (7050.0, 7112.0, 7130.0, 7709.0)]
    assert near == pytest.approx([2.0, 0.25, 0.25, 0.25])
    alone = rebin.build_steps(7000.0, 7900.0, [7112.0])
    k = np.sqrt(0.2624682917 * (alone[alone > 7300] - 7112.0))
    assert np.diff(k) == pytest.approx(0.04, abs=0.001)


def test_a_line_stays_a_line() -> None:
    one = dense()
    found = rebin.rebin_scan(replace(one, mu=2.0 - 1e-3 * one.energy))
    assert found.energy.size < 0.2 * one.energy.size
    assert found.mu == pytest.approx(2.0 - 1e-3 * found.energy, abs=1e-9)
    assert found.is_rebinned and "6000 points averaged to" in found.notes[-1]


def test_a_step_scan_stays_as_it_is() -> None:
    energy = made_spectra.grid()
    arrays = {name: energy.copy() for name in ("mu", "mu_stderr", "i0", "mu_foil", "total")}
    one = replace(dense(), energy=energy, **arrays)
    assert rebin.rebin_scan(one) is one


def test_points_where_the_monochromator_waits_are_one_reading(tmp_path: Path) -> None:
    grid = made_spectra.grid(kmax=10.0, fine=0.5)
    waits = np.concatenate([grid, grid[-1] + 1.0 + 1e-3 * np.arange(40)])
    steps = []
    for name, energy in (("a", grid), ("b", waits)):
        random = np.random.default_rng(0)
        mu = made_spectra.mu(energy, made_spectra.Truth())
        table = [energy, mu + 2e-3 * random.standard_normal(energy.size)]
        np.savetxt(tmp_path / f"{name}.dat", np.column_stack(table), header="energy mu")
        scans = read.read_scans(tmp_path / f"{name}.dat", ScanReading(element="Fe"), {})
        calibrated = calibrate.calibrate_energy(scans, None, Calibration())
        found = normalise.normalise_spectra(calibrated, Normalisation())
        steps.append(float(found["edge_step"].values[-1]))
    assert int(scans["n_points"].values[0]) == grid.size + 2
    assert steps[1] == pytest.approx(steps[0], abs=2e-3)


@pytest.mark.parametrize("seed", range(3))
def test_errors_are_those_of_the_means(seed: int) -> None:
    noisy, clean = (rebin.rebin_scan(dense(noise=n, seed=seed)) for n in (0.01, 0.0))
    pull = (noisy.mu - clean.mu) / noisy.mu_stderr
    assert np.std(pull) == pytest.approx(1.0, abs=0.12)
    assert abs(np.mean(pull)) < 0.2


def test_counting_errors_are_propagated() -> None:
    one = dense()
    found = rebin.rebin_scan(replace(one, mu_stderr=np.full(one.energy.size, 0.02)))
    on_edge = np.abs(found.energy - EDGE) < 10
    per_step = 0.25 / (950 / 5999)
    assert np.mean(found.mu_stderr[on_edge]) == pytest.approx(0.02 / np.sqrt(per_step), rel=0.1)


def test_a_wild_reading_is_left_out() -> None:
    one = dense(noise=0.002)
    wild = one.mu.copy()
    wild[3000] += 3.0
    assert rebin.rebin_scan(replace(one, mu=wild)).mu == pytest.approx(
        rebin.rebin_scan(one).mu, abs=0.01
    )


def write_dense(path: Path, points: int) -> Path:
    one = dense(points, noise=0.003)
    rows = np.column_stack([one.energy, np.full(points, 1e6), 1e6 * np.exp(-one.mu)])
    np.savetxt(path, rows, fmt="%.5f", header="energy i0 i1")
    return path


def test_cost_is_in_proportion_to_the_points(tmp_path: Path) -> None:
    """The least processor time of three goes each; its square would make it sixteenfold."""
    least = {}
    for points in (2500, 10_000):
        path = write_dense(tmp_path / f"{points}.dat", points)
        goes = []
        for _ in range(3):
            begun = time.process_time()
            normalised(path)
            goes.append(time.process_time() - begun)
        least[points] = min(goes)
    print(f"10 000 points: {least[10_000]:.3f} s of processor")
    assert least[10_000] < 8 * least[2500]


@pytest.mark.parametrize("points", [6000, 10_000])
def test_ten_thousand_points_fit_into_memory(tmp_path: Path, points: int) -> None:
    """The memory that arrays and objects take [MB]; the edge is where it is with few points."""
    ds = normalised(write_dense(tmp_path / "a.dat", points))
    tracemalloc.start()
    normalised(tmp_path / "a.dat")
    used = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert used < 300.0
    sparse = dense(1500)
    rows = np.column_stack([sparse.energy, np.full(1500, 1e6), 1e6 * np.exp(-sparse.mu)])
    np.savetxt(tmp_path / "b.dat", rows, fmt="%.5f", header="energy i0 i1")
    truth = float(normalised(tmp_path / "b.dat")["e0_half"][-1])
    assert float(ds["e0_half"][-1]) == pytest.approx(truth, abs=0.03)


@pytest.mark.parametrize("seed", range(4))
def test_the_edge_of_a_noisy_quick_scan(tmp_path: Path, seed: int) -> None:
    """5000 points with noise of 5 % of the step: the inflection within an eV, none of noise."""
    one = dense(5000, noise=0.05, seed=seed)
    rows = np.column_stack([one.energy, one.mu])
    np.savetxt(tmp_path / "a.dat", rows, fmt="%.5f", header="energy xmu")
    ds = normalised(tmp_path / "a.dat")
    assert float(ds["e0_derivative"][-1]) == pytest.approx(7120.4, abs=1.0)
    assert float(ds["e0_half"][-1]) == pytest.approx(7119.9, abs=0.3)


def normalised(path: Path) -> xr.Dataset:
    scans = read.read_scans(path, ScanReading(), {"measurement": "one"})
    calibrated = calibrate.calibrate_energy(scans, None, Calibration())
    return normalise.normalise_spectra(calibrated, Normalisation())
