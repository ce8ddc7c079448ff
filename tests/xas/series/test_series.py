"""A series of known species: their number, their shares, where they cross; a bad scan is left
out."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.stats import special_ortho_group
from xas import made_spectra

from ssbchar.xas.normalisation import calibrate, normalise
from ssbchar.xas.normalisation.options import Calibration, Normalisation
from ssbchar.xas.scans import read
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.series import components, linear_combination
from ssbchar.xas.series import normalise as series
from ssbchar.xas.series.options import Mixture, Series

ENERGY = made_spectra.grid(kmax=10.0)
NOISE = 1e-3
SPECIES = (
    made_spectra.Truth(),
    made_spectra.Truth(edge=7123.5, white=0.3),
    made_spectra.Truth(edge=7121.6, white=0.95),
)


def shares(count: int, species: int) -> np.ndarray:
    """Return shares of each species along the series: A to B, or A to C to B."""
    t = np.linspace(0, 1, count)
    if species == 1:
        return np.ones((count, 1))
    if species == 2:
        return np.column_stack([1 - t, t])
    middle = 0.6 * np.exp(-(((t - 0.5) / 0.2) ** 2))
    return np.column_stack([(1 - t) * (1 - middle), t * (1 - middle), middle])


def made(
    count: int, species: int, seed: int, thickness: float = 0.1, jitter: float = 0.0
) -> xr.Dataset:
    """Return calibrated scans of a mixture, each with noise, thickness and (jitter) axis of its
    own."""
    random = np.random.default_rng(seed)
    mu = np.empty((count, ENERGY.size))
    for i, share in enumerate(shares(count, species)):
        axis = ENERGY + jitter * random.standard_normal()
        pure = np.array([made_spectra.mu(axis, s) for s in SPECIES[: share.size]])
        scale = 1 + thickness * random.uniform(-1, 1)
        mu[i] = (
            scale * (share @ pure)
            + 0.3 * random.uniform()
            + NOISE * random.standard_normal(ENERGY.size)
        )
    dims = ("scan", "point")
    ds = xr.Dataset({"energy": (dims, np.tile(ENERGY, (count, 1))), "mu": (dims, mu)})
    for name in ("mu_stderr", "mu_foil", "i0", "total"):
        ds[name] = (dims, np.full(mu.shape, np.nan))
    ds["source_file"] = ("scan", [f"{i}.dat" for i in range(count)])
    ds["status"], ds["ledger"] = ("scan", ["ok"] * count), ("scan", ["{}"] * count)
    ds["shift"], ds["shift_stderr"] = ("scan", np.zeros(count)), ("scan", np.zeros(count))
    ds.attrs = {
        "element": "Fe",
        "edge": "K",
        "mode": "transmission",
        "set_aside": "[]",
        "measurement": "s",
    }
    ds.attrs["alignment_error"] = jitter or float("nan")
    return ds


@pytest.mark.parametrize("species", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_number_of_species_is_found(species: int, seed: int) -> None:
    ds = series.normalise_series(made(100, species, seed), Normalisation())
    found = components.find_components(ds, Series())
    assert int(found["rank"]) == species
    assert float(found["noise_ratio"]) == pytest.approx(1, abs=0.06)


def test_a_trembling_axis_is_no_species_where_its_error_is_known() -> None:
    ds = series.normalise_series(made(120, 2, 4, jitter=0.02), Normalisation())
    assert int(components.find_components(ds, Series())["rank"]) == 2
    blind = ds.assign_attrs(alignment_error=float("nan"))
    assert int(components.find_components(blind, Series())["rank"]) > 2


@pytest.mark.parametrize("species", [2, 3])
def test_counted_noise_on_interpolated_axes_is_no_species(species: int) -> None:
    """Photons counted through the edge (more noise above it), axes that tremble and are calibrated
    to 0.003 eV."""
    random = np.random.default_rng(40 + species)
    ds = made(120, species, 13)
    for i, share in enumerate(shares(120, species)):
        drift = 0.02 * random.standard_normal()
        axis = ENERGY - drift
        mu = share @ np.array([made_spectra.mu(axis, s) for s in SPECIES[:species]])
        counts = random.poisson(2e6, ENERGY.size), random.poisson(2e6 * np.exp(-mu))
        ds["mu"][i] = np.log(counts[0] / counts[1])
        ds["energy"][i] = axis + 0.003 * random.standard_normal()
    ds.attrs["alignment_error"] = 0.003
    found = components.find_components(series.normalise_series(ds, Normalisation()), Series())
    assert int(found["rank"]) == species
    assert bool((found["crossing_p"].values > 1e-3).all()) is (species == 2)


def test_noise_alone_exceeds_its_edge_in_five_of_a_hundred() -> None:
    random = np.random.default_rng(5)
    largest = [np.linalg.norm(random.standard_normal((120, 60)), 2) ** 2 for _ in range(400)]
    assert np.mean(np.array(largest) > components.compute_noise_edge(120, 60)) == pytest.approx(
        0.05, abs=0.03
    )


def test_noise_ratio_and_indicator_of_a_known_matrix() -> None:
    random = np.random.default_rng(6)
    noise = 1.7 * random.standard_normal((200, 90))
    signal = 40 * random.standard_normal((200, 3)) @ special_ortho_group.rvs(90, random_state=1)[:3]
    squares = np.linalg.svd(noise + signal, compute_uv=False) ** 2
    assert components.estimate_noise_ratio(squares, 200, 90) == pytest.approx(1.7, rel=0.03)
    assert int(np.nanargmin(components.compute_indicator(squares, 200, 90)[:10])) + 1 == 3


def test_two_species_cross_at_isosbestic_points_and_three_do_not() -> None:
    two = components.find_components(
        series.normalise_series(made(100, 2, 7), Normalisation()), Series()
    )
    assert two.sizes["crossing"] >= 2
    assert (two["crossing_p"].values > 0.01).all()
    three = components.find_components(
        series.normalise_series(made(100, 3, 7), Normalisation()), Series()
    )
    assert (three["crossing_p"].values < 0.01).any()


def test_shares_along_the_series_come_back() -> None:
    ds = series.normalise_series(made(60, 2, 8), Normalisation())
    pure = [made(4, 1, 9, thickness=0.0), made(4, 2, 11, thickness=0.0)]
    noise = NOISE * np.random.default_rng(3).standard_normal(pure[1]["mu"].shape)
    pure[1]["mu"][:] = made_spectra.mu(ENERGY, SPECIES[1]) + noise
    references = [normalise.normalise_spectra(p, Normalisation()) for p in pure]
    done = linear_combination.fit_mixture(ds, references, Mixture(choices=5))
    error = done["weight"].values[:-1, 1] - shares(60, 2)[:, 1]
    assert np.abs(error).max() < 0.02
    assert np.abs(done["weight"].values[:-1].sum(axis=1) - 1).max() < 0.02


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
