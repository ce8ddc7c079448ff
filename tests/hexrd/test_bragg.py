"""Bragg's law: round trips, derivatives, and what headers state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd import bragg as w

LENGTHS = st.floats(0.05, 2.0)
ANGLES = st.floats(0.1, 120.0)


@given(ANGLES, LENGTHS)
def test_round_trips(two_theta: float, length: float) -> None:
    assert np.isclose(
        w.two_theta_from_d(w.d_from_two_theta(two_theta, length), length), two_theta, rtol=1e-12
    )
    assert np.isclose(
        w.two_theta_from_q(w.q_from_two_theta(two_theta, length), length), two_theta, rtol=1e-12
    )


@given(ANGLES, LENGTHS)
def test_d_times_q_is_two_pi(two_theta: float, length: float) -> None:
    product = w.d_from_two_theta(two_theta, length) * w.q_from_two_theta(two_theta, length)
    assert np.isclose(product, 2 * np.pi, rtol=1e-12)


@given(st.floats(0.1, 40.0), st.floats(0.1, 0.5), st.floats(0.1, 0.5))
def test_another_wavelength_keeps_d(two_theta: float, one: float, other: float) -> None:
    there = w.convert_wavelength(two_theta, one, other)
    if np.isfinite(there):
        assert np.isclose(
            w.d_from_two_theta(there, other), w.d_from_two_theta(two_theta, one), rtol=1e-10
        )
        assert np.isclose(w.convert_wavelength(there, other, one), two_theta, rtol=1e-9)


def test_scaling_two_theta_would_be_wrong() -> None:
    exact = float(w.convert_wavelength(14.0, 0.24117, 0.1173))
    assert abs(14.0 * 0.1173 / 0.24117 - exact) > 0.01


def test_beyond_backscattering_is_nan() -> None:
    assert np.isnan(w.two_theta_from_d(0.1, 0.4))
    assert np.isnan(w.convert_wavelength(100.0, 0.2, 1.0))


@given(st.floats(1.0, 100.0), LENGTHS)
def test_derivative_by_d(two_theta: float, length: float) -> None:
    d = float(w.d_from_two_theta(two_theta, length))
    numeric = (
        w.two_theta_from_d(d * (1 + 1e-6), length) - w.two_theta_from_d(d * (1 - 1e-6), length)
    ) / (2e-6 * d)
    assert np.isclose(w.two_theta_per_d(two_theta, length), numeric, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "value", "rounding"),
    [
        ("! Calibrated wavelength = 0.413671", 0.413671, 1e-6),
        ("# Wavelength: 4.066e-11 m", 0.4066, 1e-4),
        ("# wavelength 0.2413 angstrom", 0.2413, 1e-4),
        ("lambda = 0.0117 nm", 0.117, 1e-3),
        ("Incident energy: 51.4 keV", 0.24121, 5e-4),
        ("energy = 51400 eV", 0.24121, 5e-6),
    ],
)
def test_headers(text: str, value: float, rounding: float) -> None:
    found = w.wavelength_from_header(text)
    assert found is not None
    assert np.isclose(found[0], value, rtol=2e-5)
    assert np.isclose(found[1], rounding / np.sqrt(12), rtol=0.1)


def test_silent_header() -> None:
    assert w.wavelength_from_header("# 2theta intensity sigma\n# sample 7") is None
