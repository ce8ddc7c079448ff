"""Bragg's law: round trips, derivatives, and what headers state."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.hexrd import bragg

LENGTHS = st.floats(0.05, 2.0)
ANGLES = st.floats(0.1, 120.0)


@given(ANGLES, LENGTHS)
def test_round_trips(two_theta: float, length: float) -> None:
    d = bragg.d_from_two_theta(two_theta, length)
    assert np.isclose(bragg.two_theta_from_d(d, length), two_theta, rtol=1e-12)
    q = bragg.q_from_two_theta(two_theta, length)
    assert np.isclose(bragg.two_theta_from_q(q, length), two_theta, rtol=1e-12)


@given(ANGLES, LENGTHS)
def test_d_times_q_is_two_pi(two_theta: float, length: float) -> None:
    product = bragg.d_from_two_theta(two_theta, length) * bragg.q_from_two_theta(two_theta, length)
    assert np.isclose(product, 2 * np.pi, rtol=1e-12)


@given(st.floats(0.1, 40.0), st.floats(0.1, 0.5), st.floats(0.1, 0.5))
def test_another_wavelength_keeps_d(two_theta: float, one: float, other: float) -> None:
    there = bragg.convert_wavelength(two_theta, one, other)
    if np.isfinite(there):
        assert np.isclose(
            bragg.d_from_two_theta(there, other), bragg.d_from_two_theta(two_theta, one), rtol=1e-10
        )
        assert np.isclose(bragg.convert_wavelength(there, other, one), two_theta, rtol=1e-9)


def test_scaling_two_theta_would_be_wrong() -> None:
    exact = float(bragg.convert_wavelength(14.0, 0.24117, 0.1173))
    assert abs(14.0 * 0.1173 / 0.24117 - exact) > 0.01


def test_beyond_backscattering_is_nan() -> None:
    assert np.isnan(bragg.two_theta_from_d(0.1, 0.4))
    assert np.isnan(bragg.two_theta_from_d(0.2 / 1.2, 0.4))
    assert np.isnan(bragg.convert_wavelength(100.0, 0.2, 1.0))


@given(st.floats(1.0, 100.0), LENGTHS)
def test_derivative_by_d(two_theta: float, length: float) -> None:
    d = float(bragg.d_from_two_theta(two_theta, length))
    above, below = (bragg.two_theta_from_d(d * factor, length) for factor in (1 + 1e-6, 1 - 1e-6))
    numeric = (above - below) / (2e-6 * d)
    assert np.isclose(bragg.two_theta_per_d(two_theta, length), numeric, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "value", "rounding"),
    [
        ("! Calibrated wavelength = 0.413671", 0.413671, 1e-6),
        ("# Wavelength: 4.066e-11 m", 0.4066, 1e-4),
        ("# wavelength 0.2413 angstrom", 0.2413, 1e-4),
        ("lambda = 0.0117 nm", 0.117, 1e-3),
        ("wavelength 24.13 pm", 0.2413, 1e-4),
        ("wavelength = 2.413e-11", 0.2413, 1e-4),
        ("wavelength = 9.9e-7", 9900.0, 100.0),
        ("wavelength = 1.1e-6", 1.1e-6, 1e-7),
        ("wavelength = 0 keV, energy = 51400 eV", 0.24121, 5e-6),
        ("Incident energy: 51.4 keV", 0.24121, 5e-4),
        ("energy = 51400 eV", 0.24121, 5e-6),
    ],
)
def test_headers(text: str, value: float, rounding: float) -> None:
    found = bragg.wavelength_from_header(text)
    assert found is not None
    assert np.isclose(found[0], value, rtol=2e-5)
    assert np.isclose(found[1], rounding / np.sqrt(12), rtol=0.1)


def test_silent_header() -> None:
    assert bragg.wavelength_from_header("energy = 0 keV") is None
    assert bragg.wavelength_from_header("# 2theta intensity sigma\n# sample 7") is None


def test_known_angles() -> None:
    # theta 30 degree: d is the wavelength, q 2 pi over it
    assert np.isclose(bragg.d_from_two_theta(60.0, 0.5), 0.5)
    assert np.isclose(bragg.two_theta_from_d(0.5, 0.5), 60.0)
    assert np.isclose(bragg.q_from_two_theta(60.0, 0.5), 4 * np.pi)
    assert np.isclose(bragg.two_theta_from_q(4 * np.pi, 0.5), 60.0)
    assert np.isclose(bragg.two_theta_from_d(0.25, 0.5), 180.0)
    assert np.isclose(bragg.two_theta_from_q(8 * np.pi, 0.5), 180.0)
    assert np.isnan(bragg.two_theta_from_q(8.001 * np.pi, 0.5))
    slope = -2 * np.degrees(np.tan(np.radians(30))) / 0.5
    assert np.isclose(bragg.two_theta_per_d(60.0, 0.5), slope)


@pytest.mark.parametrize(
    ("text", "unit"),
    [("0.4137", 1e-4), ("41", 1.0), ("4.066e-11", 1e-14), ("4E2", 100.0), ("51.40", 0.01)],
)
def test_rounding_of_printed_numbers(text: str, unit: float) -> None:
    assert np.isclose(bragg.rounding_stderr_from_text(text), unit / np.sqrt(12), rtol=1e-12)


def test_an_energy_has_the_relative_rounding_of_its_number() -> None:
    found = bragg.wavelength_from_header("energy: 50 keV")
    assert found is not None
    assert np.isclose(found[0], 12.398419843320026 / 50, rtol=1e-9)
    assert np.isclose(found[1] / found[0], 1 / np.sqrt(12) / 50, rtol=1e-9)


def test_headers_that_state_nothing_usable() -> None:
    assert bragg.wavelength_from_header("wavelength = 0") is None
    assert bragg.wavelength_from_header("energy: 0 keV") is None
    found = bragg.wavelength_from_header("wavelength = 0\nenergy: 50 keV")
    assert found is not None and np.isclose(found[0], 0.247968, rtol=1e-5)
    metres = bragg.wavelength_from_header("wavelength: 4.0e-11")
    assert metres is not None and np.isclose(metres[0], 0.4)
    assert np.isclose(metres[1], 0.01 / np.sqrt(12))


def test_the_error_that_all_lengths_share() -> None:
    patterns = xr.Dataset({"wavelength": 0.5})
    assert bragg.get_length_scale_stderr(patterns) == 0.0
    patterns["wavelength_stderr"] = 0.001
    assert np.isclose(bragg.get_length_scale_stderr(patterns), 0.002)
    patterns["wavelength_stderr"] = np.nan
    assert bragg.get_length_scale_stderr(patterns) == 0.0
    patterns["length_scale_stderr"] = 0.03
    assert bragg.get_length_scale_stderr(patterns) == 0.03
