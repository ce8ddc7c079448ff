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


def test_instrument_by_hand() -> None:
    """beta - b^2 / beta."""
    found = broadening.subtract_instrument(np.array([0.05, 0.03, 0.02]), 0.03)
    assert found[0] == pytest.approx(0.05 - 0.0009 / 0.05)
    assert np.isnan(found[1]) and np.isnan(found[2])
    np.testing.assert_array_equal(broadening.subtract_instrument(np.array([0.05]), 0.0), [0.05])


def test_error_of_the_breadth_is_that_of_draws() -> None:
    fwhm, eta = np.array(0.05), np.array(0.4)
    covariance = np.array([[4e-6, 1e-5], [1e-5, 1e-4]])
    found = float(broadening.breadth_stderr_from_covariance(fwhm, eta, covariance))
    draws = np.random.default_rng(0).multivariate_normal([0.05, 0.4], covariance, 20_000)
    spread = broadening.integral_breadth_from_fwhm(draws[:, 0], draws[:, 1]).std()
    assert found == pytest.approx(spread, rel=0.03)
    alone = broadening.breadth_stderr_from_covariance(fwhm, eta, np.diag([4e-6, 0.0]))
    breadth = broadening.integral_breadth_from_fwhm(fwhm, eta)
    assert float(alone) == pytest.approx(float(breadth) / 0.05 * 0.002)
    negative = broadening.breadth_stderr_from_covariance(fwhm, eta, -covariance)
    assert float(negative) == 0.0


def test_three_lines_are_enough_and_their_scatter_counts() -> None:
    """Four lines off by 0, d, -d, 0 and errors of s: errors grow by the root of reduced
    chi-square."""
    right = breadth(1 / 400, 1e-3)[:3]
    value = np.full((1, 6), np.nan)
    value[0, :3] = right
    found = broadening.fit_williamson_hall(ANGLES[None], value, np.full((1, 6), 1e-3), WAVELENGTH)
    assert found.inverse_size[0] == pytest.approx(1 / 400, rel=1e-6)
    calm = found.covariance[0]
    design = np.stack([np.ones(3), 4 * np.sin(np.radians(ANGLES[:3]) / 2) / WAVELENGTH], axis=1)
    sigma = np.radians(1e-3) * np.cos(np.radians(ANGLES[:3]) / 2) / WAVELENGTH
    white = design / sigma[:, None]
    np.testing.assert_allclose(calm, np.linalg.inv(white.T @ white), rtol=1e-6)
    value[0, :3] = right + np.array([0.01, -0.02, 0.01])
    loud = broadening.fit_williamson_hall(ANGLES[None], value, np.full((1, 6), 1e-3), WAVELENGTH)
    y = np.radians(value[0, :3]) * np.cos(np.radians(ANGLES[:3]) / 2) / WAVELENGTH
    left = np.linalg.lstsq(white, y / sigma, rcond=None)[1][0]
    np.testing.assert_allclose(loud.covariance[0], calm * left, rtol=1e-6)


def test_lines_without_an_error_do_not_count() -> None:
    value = breadth(1 / 400, 1e-3)[None]
    sigma = np.full((1, 6), 1e-3)
    sigma[0, :3] = [0.0, np.nan, -1.0]
    found = broadening.fit_williamson_hall(ANGLES[None], value, sigma, WAVELENGTH)
    assert found.inverse_size[0] == pytest.approx(1 / 400, rel=1e-6)
    sigma[0, 3] = 0.0
    found = broadening.fit_williamson_hall(ANGLES[None], value, sigma, WAVELENGTH)
    assert np.isnan(found.inverse_size[0]) and np.isnan(found.covariance[0]).all()


def test_error_of_the_breadth_by_hand() -> None:
    """beta = w / (eta 2 / pi + (1 - eta) 2 sqrt(ln 2 / pi)), derivatives worked out."""
    fwhm, eta = 0.05, 0.4
    lorentz, gauss = 2 / np.pi, 2 * np.sqrt(np.log(2) / np.pi)
    beta = fwhm / (eta * lorentz + (1 - eta) * gauss)
    gradient = np.array([beta / fwhm, beta**2 / fwhm * (gauss - lorentz)])
    assert gradient[1] > 0
    for covariance in (
        np.diag([0.0, 1e-2]),
        np.array([[4e-6, 1e-4], [1e-4, 1e-2]]),
        np.array([[4e-6, -1e-4], [-1e-4, 1e-2]]),
    ):
        found = broadening.breadth_stderr_from_covariance(np.array(fwhm), np.array(eta), covariance)
        assert float(found) == pytest.approx(np.sqrt(gradient @ covariance @ gradient), rel=1e-3)


def test_lines_not_used_change_nothing_however_vague_the_others_are() -> None:
    """Errors of 60 degree, so that a line that counted by a little would be seen."""
    value, sigma = breadth(1 / 400, 1e-3)[None], np.full((1, 6), 60.0)
    alone = broadening.fit_williamson_hall(ANGLES[None, :4], value[:, :4], sigma[:, :4], WAVELENGTH)
    value[0, 4:] = np.nan
    among = broadening.fit_williamson_hall(ANGLES[None], value, sigma, WAVELENGTH)
    np.testing.assert_allclose(among.inverse_size, alone.inverse_size, rtol=1e-9)
    np.testing.assert_allclose(among.microstrain, alone.microstrain, rtol=1e-9)
    np.testing.assert_allclose(among.covariance, alone.covariance, rtol=1e-9)
