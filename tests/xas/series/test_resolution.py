"""Alternating least squares and the range of its solutions, against known mixtures."""

import numpy as np
import pytest

from ssbchar.xas.series import resolution

ENERGY = np.linspace(-20.0, 60.0, 120)
NOISE = 1e-3


def step(at: float, white: float) -> np.ndarray:
    edge = 0.5 + np.arctan((ENERGY - at) / 0.5) / np.pi
    return edge + white * np.exp(-(((ENERGY - at - 2) / 2) ** 2))


PURE = np.array([step(0.0, 0.3), step(4.0, 0.8), step(2.0, 1.6)])


def mix(shares: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    norm = shares @ PURE[: shares.shape[1]]
    noise = NOISE * np.random.default_rng(seed).standard_normal(norm.shape)
    return norm + noise, np.full(norm.shape, NOISE)


def line(low: float, high: float, count: int = 80) -> np.ndarray:
    t = np.linspace(low, high, count)
    return np.column_stack([1 - t, t])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.2, 0.7), (0.45, 0.55)])
def test_the_range_holds_the_truth_wherever_the_series_begins(
    low: float, high: float, seed: int
) -> None:
    true = line(low, high)
    found = resolution.resolve_species(*mix(true, seed), 2)
    assert np.allclose(found.fraction.sum(axis=1), 1)
    inside = (true >= found.lower - 0.01) & (true <= found.upper + 0.01)
    assert inside.mean() > 0.97
    assert ((found.lower >= 0) & (found.upper <= 1) & (found.lower <= found.upper)).all()


def test_spectra_and_fractions_where_both_pure_ones_are_there() -> None:
    true = line(0.0, 1.0)
    found = resolution.resolve_species(*mix(true, 1), 2)
    assert np.abs(found.fraction - true).max() < 0.03
    assert np.abs(found.spectrum - PURE[:2]).max() < 0.03
    assert found.r_factor < 1e-5


def test_an_incomplete_reaction_leaves_a_wide_range() -> None:
    """The ends of the series pass for pure species: no solution says so, the range does."""
    found = resolution.resolve_species(*mix(line(0.2, 0.7), 1), 2)
    assert found.fraction[0, 1] < 0.05 and found.fraction[-1, 1] > 0.95
    assert (found.upper - found.lower)[:, 1].mean() > 0.2


def test_three_species_have_no_range() -> None:
    t = np.linspace(0, 1, 90)
    middle = np.exp(-(((t - 0.5) / 0.12) ** 2))
    true = np.column_stack([(1 - t) * (1 - middle), t * (1 - middle), middle])
    found = resolution.resolve_species(*mix(true, 4), 3)
    assert np.isnan(found.lower).all() and np.isnan(found.upper).all()
    assert found.r_factor < 1e-4
    assert found.fraction.min() >= 0


def test_the_purest_spectra_are_the_corners() -> None:
    shares = np.vstack([np.eye(3), np.full((1, 3), 1 / 3), [[0.5, 0.5, 0.0]]])
    assert set(resolution.pick_purest(shares @ PURE, 3)) == {0, 1, 2}
