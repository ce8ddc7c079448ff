"""Breadths: the formula inverts, and size and strain come back from fitted peaks with honest
errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd.peaks import broadening, pseudo_voigt

WAVELENGTH = 0.2413
ANGLES = np.array([3.2, 4.1, 5.3, 6.6, 7.9, 9.5])


def breadth(inverse_size: float, strain: float) -> np.ndarray:
    theta = np.radians(ANGLES) / 2
    return np.degrees(WAVELENGTH * inverse_size / np.cos(theta) + 4 * strain * np.tan(theta))


@given(st.floats(1e-4, 1e-2), st.floats(0.0, 5e-3))
def test_round_trip(inverse_size: float, strain: float) -> None:
    value = breadth(inverse_size, strain)[None]
    found = broadening.fit_williamson_hall(ANGLES[None], value, 0.01 * value, WAVELENGTH)
    assert found.inverse_size[0] == pytest.approx(inverse_size, rel=1e-6)
    assert found.microstrain[0] == pytest.approx(strain, rel=1e-6, abs=1e-9)


def test_pulls() -> None:
    rng = np.random.default_rng(4)
    right = np.tile(breadth(1 / 400, 1.5e-3), (500, 1))
    sigma = 0.02 * right
    found = broadening.fit_williamson_hall(
        np.tile(ANGLES, (500, 1)), rng.normal(right, sigma), sigma, WAVELENGTH
    )
    for pull in (
        (found.inverse_size - 1 / 400) / np.sqrt(found.covariance[:, 0, 0]),
        (found.microstrain - 1.5e-3) / np.sqrt(found.covariance[:, 1, 1]),
    ):
        assert abs(pull.mean()) < 0.3 and 0.7 < pull.std() < 1.4


def test_too_few_lines_say_nothing() -> None:
    value = breadth(1 / 400, 1e-3)[None].copy()
    value[0, 2:] = np.nan
    found = broadening.fit_williamson_hall(ANGLES[None], value, 0.01 * value, WAVELENGTH)
    assert np.isnan(found.inverse_size[0]) and np.isnan(found.microstrain[0])


@given(st.floats(0.01, 0.2), st.floats(0.0, 1.0))
def test_integral_breadth_is_area_over_height(fwhm: float, eta: float) -> None:
    top = pseudo_voigt.pseudo_voigt(np.array(0.0), np.array(0.0), np.array(fwhm), np.array(eta))
    assert broadening.integral_breadth_from_fwhm(np.array(fwhm), np.array(eta)) == pytest.approx(
        1 / float(top), rel=1e-12
    )


def test_instrument_is_between_linear_and_quadratic() -> None:
    found = float(broadening.subtract_instrument(np.array(0.05), 0.03))
    assert 0.02 < found < 0.04
    assert np.isnan(broadening.subtract_instrument(np.array(0.02), 0.03))
