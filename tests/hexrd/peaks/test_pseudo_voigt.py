"""Profiles: area one, half the height at half the width, known heights, right derivatives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.peaks.fit import differentiate_pseudo_voigt
from ssbchar.hexrd.peaks.pseudo_voigt import height_from_area, pseudo_voigt


def evaluate(x: float, position: float, fwhm: float, eta: float) -> float:
    return float(pseudo_voigt(*(np.array(v) for v in (x, position, fwhm, eta))))


def test_heights_of_gaussian_and_lorentzian_by_hand() -> None:
    """2 sqrt(ln 2 / pi) = 0.93943728 and 2 / pi = 0.63661977 over the width, mixed by eta."""
    assert evaluate(5.0, 5.0, 2.0, 0.0) == pytest.approx(0.93943728 / 2, rel=1e-7)
    assert evaluate(5.0, 5.0, 2.0, 1.0) == pytest.approx(0.63661977 / 2, rel=1e-7)
    assert evaluate(5.0, 5.0, 1.0, 0.25) == pytest.approx(
        0.75 * 0.93943728 + 0.25 * 0.63661977, rel=1e-7
    )


def test_tails_by_hand() -> None:
    """One width off: a Gaussian has 1/16 of its height, a Lorentzian 1/5."""
    assert evaluate(6.0, 5.0, 1.0, 0.0) == pytest.approx(0.93943728 / 16, rel=1e-7)
    assert evaluate(6.0, 5.0, 1.0, 1.0) == pytest.approx(0.63661977 / 5, rel=1e-7)


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.01, 2), st.floats(0, 1))
def test_half_the_height_at_half_the_width(position: float, fwhm: float, eta: float) -> None:
    top = evaluate(position, position, fwhm, eta)
    for side in (-0.5, 0.5):
        half = evaluate(position + side * fwhm, position, fwhm, eta)
        assert half == pytest.approx(top / 2, rel=1e-6)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_area_is_one(eta: float) -> None:
    x = np.linspace(-4000, 4000, 800_001)
    y = pseudo_voigt(x, np.array(1.0), np.array(0.7), np.array(eta))
    assert np.trapezoid(y, x) == pytest.approx(1.0, abs=2e-4)


def test_height_belongs_to_the_area() -> None:
    for eta in (0.0, 0.4, 1.0):
        height = height_from_area(np.array(3.0), np.array(0.2), np.array(eta))
        assert height == pytest.approx(3.0 * evaluate(0.0, 0.0, 0.2, eta), rel=1e-12)


@settings(deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(0.05, 0.5), st.floats(0, 1))
def test_derivatives_are_those_of_the_profile(position: float, fwhm: float, eta: float) -> None:
    x, h = np.linspace(-1, 1, 11), 1e-6
    value, by_position, by_log_width, by_eta = differentiate_pseudo_voigt(x, position, fwhm, eta)

    def profile(p: float, w: float, e: float) -> np.ndarray:
        return pseudo_voigt(x, np.array(p), np.array(w), np.array(e))

    np.testing.assert_allclose(value, profile(position, fwhm, eta), rtol=1e-12, atol=1e-300)
    for found, up, down in (
        (by_position, (position + h, fwhm, eta), (position - h, fwhm, eta)),
        (by_log_width, (position, fwhm * np.exp(h), eta), (position, fwhm * np.exp(-h), eta)),
        (by_eta, (position, fwhm, eta + h), (position, fwhm, eta - h)),
    ):
        numeric = (profile(*up) - profile(*down)) / (2 * h)
        np.testing.assert_allclose(found, numeric, rtol=1e-4, atol=1e-4)
