"""Positions, shares and widths of lines by hand, and their derivatives against differences."""

import numpy as np
import pytest
from hexrd.made_frame import make_parameters, make_series

from ssbchar.hexrd.refinement.frame import lines


@pytest.mark.parametrize("place", range(2 + 2 * 9))
def test_what_each_parameter_changes_of_each_line(place: int) -> None:
    """Against differences of positions, widths and intensities, for every value there is."""
    reflections = make_series(free=(3, 0)).list_reflections((0, 1))
    values = make_parameters().take_values((0, 1))
    at, follows = lines.predict_lines(reflections, values), ~reflections.is_free
    found = lines.differentiate_lines(reflections, at, values, np.array([place]), follows)[0]
    h = 1e-6

    def look(step: float) -> np.ndarray:
        moved = values.copy()
        moved[place] += step
        there = lines.predict_lines(reflections, moved)
        # what follows from the pattern, not yet one in sum
        at_theta = np.radians(at.two_theta) / 2
        damping = -2 * (np.sin(at_theta) / reflections.wavelength) ** 2
        own_b = moved[2 + 9 * reflections.owner + 8]
        return np.stack(
            [
                there.two_theta + moved[0],
                np.full(11, moved[1]),
                there.lorentz_fwhm,
                np.where(follows, own_b * damping, 0.0),
            ],
            axis=1,
        )

    numerical = (look(h) - look(-h)) / (2 * h)
    if 2 <= place and (place - 2) % 9 < 6:
        # widths follow the angle, which no step of a cell changes by as much as matters
        numerical[:, 2] = 0.0
        by_position = np.abs(numerical[:, 0]).max() > 0
        assert by_position == (place in (2, 11, 12))  # one strain of the cubic, two of the other
    np.testing.assert_allclose(found, numerical, rtol=1e-5, atol=1e-7)


def test_shares_are_those_of_strength_and_displacement() -> None:
    reflections = make_series().list_reflections((0, 1))
    values = make_parameters().take_values((0, 1))
    found = lines.predict_lines(reflections, values)
    np.testing.assert_allclose([found.expected[:5].sum(), found.expected[5:].sum()], 1.0)
    values[10] += 0.5
    damped = lines.predict_lines(reflections, values).expected[:5] / found.expected[:5]
    inverse_length = np.sin(np.radians(found.two_theta[:5]) / 2) / reflections.wavelength
    np.testing.assert_allclose(
        damped / damped[0], np.exp(-(inverse_length**2 - inverse_length[0] ** 2))
    )


def test_positions_by_hand_and_beyond_backscattering() -> None:
    form = np.array([[1.0, 0, 0, 0, 0, 0], [100.0, 0, 0, 0, 0, 0]])
    angle, slope = lines.two_theta_from_metric(form, np.array([1.0, 0, 0, 0, 0, 0]), 1.0)
    # d = 1: sin(theta) = 1/2; d = 0.1 cannot be seen
    np.testing.assert_allclose(angle[0], 60.0)
    assert 179 < angle[1] < 180
    np.testing.assert_allclose(slope[0], np.degrees(1 / (2 * np.sin(np.radians(60)))))
    angle, _ = lines.two_theta_from_metric(form[:1], np.zeros(6), 1.0)
    np.testing.assert_allclose(angle, 2 * np.degrees(np.arcsin(0.5e-6)))


def test_lorentz_factor_by_hand() -> None:
    # 1 / (sin^2 30 cos 30) and 1 / (sin^2 45 cos 45)
    found = lines.lorentz_factor_from_two_theta(np.array([60.0, 90.0]))
    np.testing.assert_allclose(found, [4 / np.sqrt(0.75), 2 * np.sqrt(2)])


def test_shares_of_two_reflections_by_hand() -> None:
    # sin^2 cos at theta 30 and 60 degree: 1/4 * 0.866 and 3/4 * 1/2
    plain = np.array([1 / (0.25 * np.sqrt(0.75)), 2 / 0.375])
    strength, two_theta = np.array([1.0, 2.0]), np.array([60.0, 120.0])
    found = lines.predict_shares(strength, two_theta, 0.0, 0.4)
    np.testing.assert_allclose(found, plain / plain.sum())
    damped = plain * np.exp(-2 * 0.1 * np.array([0.25, 0.75]) / 0.4**2)
    found = lines.predict_shares(strength, two_theta, 0.1, 0.4)
    np.testing.assert_allclose(found, damped / damped.sum())


def test_lorentzian_widths_of_size_and_microstrain() -> None:
    found = lines.lorentz_fwhm_from_two_theta(np.array([60.0, 120.0]), 0.02, 0.05)
    expected = [0.02 / np.sqrt(0.75) + 0.05 / np.sqrt(3), 0.02 / 0.5 + 0.05 * np.sqrt(3)]
    np.testing.assert_allclose(found, expected)
