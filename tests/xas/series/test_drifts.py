"""Drifts of axis, edge step and baseline are components and no species."""

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.made_series import ENERGY, NOISE, SPECIES, made, shares

from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.series import components, drifts
from ssbchar.xas.series import normalise as series
from ssbchar.xas.series.options import Series

COUNT = 100


def drifting(species: int, seed: int, drift: float) -> xr.Dataset:
    """Return scans whose axis [eV], thickness and background drift, none of it known."""
    random = np.random.default_rng(seed)
    ds = made(COUNT, species, seed)
    for i, share in enumerate(shares(COUNT, species)):
        t = i / (COUNT - 1)
        axis = ENERGY + drift * (t + 0.3 * np.sin(9 * t))
        pure = np.array([made_spectra.mu(axis, one) for one in SPECIES[:species]])
        slope = 1e-4 * np.cos(7 * t) * (ENERGY - ENERGY[0])
        noise = NOISE * random.standard_normal(ENERGY.size)
        ds["mu"][i] = (1 - 0.1 * t) * (share @ pure) + 0.3 * np.cos(5 * t) + slope + noise
    return ds


@pytest.mark.parametrize("species", [1, 2, 3])
@pytest.mark.parametrize("drift", [0.1, 0.5])
def test_a_drift_is_no_species(species: int, drift: float) -> None:
    ds = series.normalise_series(drifting(species, 3, drift), Normalisation())
    found = components.find_components(ds, Series())
    assert int(found["rank"]) > species
    assert int(found["species"]) == species
    assert not int(found["is_limited"])


@pytest.mark.parametrize("species", [1, 2, 3])
def test_without_drift_all_components_are_species(species: int) -> None:
    ds = series.normalise_series(made(COUNT, species, 1), Normalisation())
    found = components.find_components(ds, Series())
    assert int(found["rank"]) == int(found["species"]) == species
    assert found.sizes["species_number"] == (species if species > 1 else 0)


def test_more_components_than_shown_are_counted_and_their_limit_is_told() -> None:
    """Every scan a compound of its own: nothing is left to know the noise by."""
    random = np.random.default_rng(8)
    ds = made(24, 1, 8)
    for i in range(24):
        bumps = sum(
            random.normal() * 0.1 * np.exp(-(((ENERGY - at) / 3) ** 2))
            for at in np.arange(7112.0, 7180.0, 4.0)
        )
        ds["mu"][i] = ds["mu"][i] + bumps
    found = components.find_components(
        series.normalise_series(ds, Normalisation()), Series(shown=4)
    )
    assert int(found["rank"]) > 4 and found.sizes["component"] == 4
    assert int(found["is_limited"])


def test_what_is_left_has_unit_noise() -> None:
    random = np.random.default_rng(2)
    white = random.standard_normal((400, 60))
    rest = drifts.remove_drifts(white, random.standard_normal((9, 60)))
    assert rest.shape == (400, 51)
    assert rest.std() == pytest.approx(1, abs=0.02)


def test_how_many_lead() -> None:
    assert drifts.count_above(np.array([5.0, 3.0, 1.0, 9.0]), np.array([2.0, 2.0, 2.0])) == 2
    assert drifts.count_above(np.array([5.0, 3.0]), np.array([2.0, 2.0])) == 2
    assert drifts.count_above(np.array([1.0]), np.array([2.0])) == 0


def test_too_few_points_tell_one_species_and_their_limit() -> None:
    white = np.random.default_rng(0).standard_normal((20, 2 + drifts.FEWEST_LEFT))
    mean = np.ones((3, white.shape[1]))
    found = drifts.count_species(white, mean, 1.0)
    assert found == drifts.SpeciesCount(species=1, doubtful=0, is_limited=True)
    enough = np.random.default_rng(0).standard_normal((200, 3 + drifts.FEWEST_LEFT))
    basis = np.random.default_rng(1).standard_normal((3, enough.shape[1]))
    assert not drifts.count_species(enough, basis, 1.0).is_limited
