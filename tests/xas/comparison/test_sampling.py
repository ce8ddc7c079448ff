"""The error from where points lie is bounded by what a straight line takes from an oscillation."""

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from ssbchar.constants import ETOK
from ssbchar.xas.comparison.sampling import estimate_sampling_error

E0, STEP = 11103.0, 0.05
K = np.arange(2.0, 14.0, STEP)
PLACES = np.array([1.5, 3.1])


def energies(k: np.ndarray) -> np.ndarray:
    return E0 + k**2 / ETOK


def error(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    return estimate_sampling_error(before, after, E0, k_range=(3.0, 12.0), places=PLACES)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("place", PLACES)
def test_its_bound_is_the_loss_of_a_straight_line(share: float, place: float) -> None:
    """Of a spectrum that is straight between the points of the first scan."""
    found = np.sqrt(3) * error(energies(K), energies(K + share * STEP))
    at = np.arange(3.0, 12.0, 0.01)
    wave = np.exp(2j * K * place)
    seen = CubicSpline(K + share * STEP, np.interp(K + share * STEP, K, wave))(at)
    amplitude = abs(np.mean(seen * np.exp(-2j * at * place)))
    assert 1 - amplitude == pytest.approx(found[PLACES == place][0], rel=0.05, abs=2e-5)


def test_points_at_the_same_energies_lose_the_same() -> None:
    np.testing.assert_allclose(error(energies(K), energies(K)), 0, atol=1e-12)
    # A shift of 0.2 eV of an axis in steps of 0.05 / angstrom, by hand at k = 8: a share of 0.066.
    found = np.sqrt(3) * error(energies(K), energies(K) + 0.2)
    assert 0.5 < found[1] / (2 * 3.1**2 * 0.066 * 0.934 * STEP**2) < 1.5


def test_nothing_is_said_without_points_in_the_window() -> None:
    far = np.array([E0 - 5.0, E0 + 1.0, E0 + 2.0])
    np.testing.assert_array_equal(error(energies(K), far), 0)
