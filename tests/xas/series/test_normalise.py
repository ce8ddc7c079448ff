"""Normalisation of a series: one grid, noise along the series, scans unlike their neighbours."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas.made_series import ENERGY, NOISE, made

from ssbchar.errors import BadInput
from ssbchar.xas.calibration import calibrate
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.series import normalise as series


def test_a_bad_scan_is_left_out_and_named() -> None:
    ds = made(40, 2, 10)
    ds["mu"][17] += 0.2 * np.exp(-(((ENERGY - 7140) / 10) ** 2))
    done = series.normalise_series(ds, Normalisation())
    assert 18 not in done["number"].values
    assert done.sizes["spectrum"] == 40
    assert [e["where"] for e in json.loads(done.attrs["set_aside"])] == ["17.dat"]


def test_a_stack_in_one_file_is_as_many_scans(tmp_path: Path) -> None:
    import h5py

    ds = made(6, 2, 12)
    with h5py.File(tmp_path / "stack.nxs", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry["energy"] = ENERGY
        entry["i0"] = np.full((6, ENERGY.size), 1e6)
        entry["itrans"] = 1e6 * np.exp(-ds["mu"].values)
    found = read.read_scans(
        tmp_path / "stack.nxs", ScanReading(), {"measurement": "s", "role": "series"}
    )
    assert found.sizes["scan"] == 6
    assert np.allclose(found["mu"].values, ds["mu"].values)
    assert str(found["source_file"].values[3]).endswith("stack.nxs[4]")
    calibrated = calibrate.calibrate_energy(found, None, Calibration())
    assert series.normalise_series(calibrated, Normalisation()).sizes["spectrum"] == 7


def smooth(count: int) -> np.ndarray:
    """Spectra that change linearly along the series."""
    return np.outer(np.arange(count), np.linspace(1, 2, 50)) * 0.01


def test_a_scan_is_like_its_neighbours_or_left_out() -> None:
    random = np.random.default_rng(2)
    norm = smooth(20) + 1e-3 * random.standard_normal((20, 50))
    assert series.select_like_neighbours(norm, 8.0).all()
    norm[7] += 0.05
    assert np.flatnonzero(~series.select_like_neighbours(norm, 8.0)).tolist() == [7]
    assert series.select_like_neighbours(norm, 0.0).all()
    for end in (0, 19):
        spoilt = smooth(20) + 1e-3 * random.standard_normal((20, 50))
        spoilt[end] += 0.05
        assert np.flatnonzero(~series.select_like_neighbours(spoilt, 8.0)).tolist() == [end]


def test_fewer_than_five_scans_cannot_be_told_apart_and_one_in_five_is_left_out_at_most() -> None:
    norm = smooth(5) + 1e-3 * np.random.default_rng(2).standard_normal((5, 50))
    norm[2] += 1.0
    assert np.flatnonzero(~series.select_like_neighbours(norm, 1.5)).tolist() == [2]
    assert series.select_like_neighbours(norm[:4], 1.5).all()
    many = smooth(19)
    many[[2, 7, 12, 17]] += 0.3
    assert (~series.select_like_neighbours(many, 1.2)).sum() == 3


def test_the_distance_of_a_spectrum_by_hand() -> None:
    """Second differences: half of (r0 - 2 r1 + r2) at the ends, r - mean of neighbours inside."""
    rows = np.array([[0.0, 0.0], [1.0, 3.0], [0.0, 0.0], [4.0, 0.0], [0.0, 0.0]])
    inside = [np.sqrt((1 + 9) / 2), np.sqrt((2.5**2 + 1.5**2) / 2), np.sqrt(16 / 2)]
    first = 0.5 * np.sqrt(((0 - 2 + 0) ** 2 + (0 - 6 + 0) ** 2) / 2)
    last = 0.5 * np.sqrt((0 - 8 + 0) ** 2 / 2)
    assert series._measure_distances(rows) == pytest.approx([first, *inside, last])


def scans(axes: list[np.ndarray], stderr: float = 0.01) -> xr.Dataset:
    """Scans of one cubic polynomial on axes of their own."""
    dims = ("scan", "point")
    energy = np.array(axes)
    middle = energy - 7100
    mu = 1 + 0.02 * middle - 1e-3 * middle**2 + 1e-5 * middle**3
    ds = xr.Dataset({"energy": (dims, energy), "mu": (dims, mu)})
    ds["mu_stderr"] = (dims, np.full(mu.shape, stderr) * (1 + 0.1 * (energy - 7100)))
    return ds


def test_scans_are_interpolated_within_the_range_of_all() -> None:
    first = np.arange(7100.0, 7140.0)
    moved = first + 0.3
    found = series._regrid_scans(scans([first, moved, first]), np.arange(3))
    assert found.energy.tolist() == first[1:].tolist()
    middle = found.energy - 7100
    expected = 1 + 0.02 * middle - 1e-3 * middle**2 + 1e-5 * middle**3
    assert np.allclose(found.mu, expected, rtol=1e-9)
    assert np.allclose(found.noise, 0.01 * (1 + 0.1 * middle))
    assert found.correlation.shape == (39, 39)


def test_points_on_the_same_axis_keep_their_noise_uncorrelated() -> None:
    axis = np.arange(7100.0, 7140.0)
    inside = np.r_[0, np.ones(38), 0]
    found = series._regrid_scans(scans([axis, axis + 1e-7 * inside, axis]), np.arange(3))
    assert np.allclose(found.correlation, np.eye(40), rtol=1e-14, atol=1e-14)
    found = series._regrid_scans(scans([axis, axis + 1e-3 * inside, axis]), np.arange(3))
    assert np.abs(found.correlation - np.eye(40)).max() > 1e-5
    half = series._regrid_scans(scans([axis, *3 * [axis + 0.5]]), np.arange(4))
    # 30 of 40 samples are interpolated half-way, which averages noise.
    inner = np.diag(half.correlation)[10:30]
    assert np.all(inner < 0.95) and np.all(inner > 0.5)


def test_a_point_that_is_missing_is_bridged() -> None:
    axis = np.arange(7100.0, 7140.0)
    ds = scans([axis, axis, axis])
    ds["mu"][1, 20] = np.nan
    found = series._regrid_scans(ds, np.arange(3))
    assert np.allclose(found.mu[1], found.mu[0], rtol=1e-9)


def test_noise_along_the_series_has_its_profile_and_each_scans_level() -> None:
    random = np.random.default_rng(8)
    energy = np.arange(120.0)
    profile = 1e-3 * (1 + (energy > 60))
    level = np.r_[np.ones(150), 3 * np.ones(150)]
    edge = np.tanh((energy - 50) / 3) * (1 + 0.001 * np.arange(300)[:, None])
    norm = edge + np.outer(level, profile) * random.standard_normal((300, 120))
    alone = np.outer(level, np.full(120, 1e-3))
    found = series.estimate_noise_along_series(energy, norm, alone, np.eye(120))
    expected = np.outer(level / np.median(level), profile) * np.median(level)
    inside = np.r_[4:56, 66:116]
    ratio = found[:, inside] / expected[:, inside]
    assert np.median(ratio) == pytest.approx(1, abs=0.03) and np.abs(ratio - 1).max() < 0.2
    assert np.allclose(found[200] / found[100], 3)


def test_noise_is_corrected_for_interpolation() -> None:
    """Points interpolated half-way jump less; the profile is that of the points before."""
    random = np.random.default_rng(9)
    energy = np.arange(80.0)
    onto = np.eye(80) * 0.5 + np.eye(80, k=1) * 0.5
    raw = 1e-3 * random.standard_normal((400, 80))
    found = series.estimate_noise_along_series(
        energy, raw @ onto.T, np.full((400, 80), 1e-3), onto @ onto.T
    )
    assert np.median(found[:, 5:75]) == pytest.approx(1e-3, rel=0.05)


def test_from_thirty_scans_on_noise_comes_from_the_series() -> None:
    few = series.normalise_series(made(29, 1, 3), Normalisation())
    many = series.normalise_series(made(30, 1, 3), Normalisation())
    edge = np.abs(ENERGY - 7118) < 4

    def excess(ds: xr.Dataset) -> float:
        return float(np.median(ds["mu_stderr"].values[0, edge]) / NOISE)

    assert excess(many) == pytest.approx(1, abs=0.35) and few.sizes["spectrum"] == 30
    stated = made(30, 1, 3)
    stated["mu_stderr"][:] = 5e-3
    kept = series.normalise_series(stated, Normalisation())
    assert np.allclose(kept["mu_stderr"].values[:-1], 5e-3)
    assert np.allclose(kept["mu_stderr"].values[-1], 5e-3 / np.sqrt(30))


def test_the_mean_is_last_and_numbers_count_from_one() -> None:
    ds = made(6, 2, 4)
    ds["status"][2] = "broken"
    found = series.normalise_series(ds, Normalisation())
    assert found["number"].values.tolist() == [1, 2, 4, 5, 6, 0]
    assert str(found["name"].values[-1]) == "merged"
    mean = found["mu"].values[:-1].mean(axis=0)
    assert np.allclose(found["mu"].values[-1], mean)
    assert np.isnan(found["shift"].values[-1]) and found.attrs["repeats"] == 1


def test_spectra_that_are_normalised_already_pass_as_they_are() -> None:
    ds = made(30, 1, 6)
    ds.attrs["mode"] = "normalised"
    found = series.normalise_series(ds, Normalisation(e0=7120.0))
    assert np.array_equal(found["norm"].values[:-1], ds["mu"].values)
    assert set(found["edge_step"].values) == {1.0}


def test_a_series_of_two_alike_is_refused() -> None:
    ds = made(3, 1, 5)
    assert series.normalise_series(ds, Normalisation()).sizes["spectrum"] == 4
    with pytest.raises(BadInput, match="only 2 scans"):
        series.normalise_series(ds.isel(scan=slice(2)), Normalisation())


def test_a_scan_without_counts_is_cut_at_the_upper_end_of_its_steepest_step(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ds = made(3, 1, 5)
    mu = np.zeros(ENERGY.size)
    mu[40:] = 1.0
    ds["mu"][:] = mu
    edges = []

    def record(energy: np.ndarray, y: np.ndarray, e0: float, scale: np.ndarray) -> np.ndarray:
        edges.append(e0)
        return np.ones(y.shape)

    monkeypatch.setattr(series, "estimate_point_noise", record)
    series._regrid_scans(ds, np.arange(3))
    assert edges == [ENERGY[40]] * 3
