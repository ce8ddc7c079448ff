"""Positions, shares and widths of lines by hand, and their derivatives against differences."""

import numpy as np
import pytest
from hexrd.made_frame import make_parameters, make_series

from ssbchar.hexrd.refinement.frame import lines

PLACES = [
    *range(lines.SHARED_VALUES - 1),  # the doublet's ratio is held
    *(
        lines.SHARED_VALUES + p * lines.PHASE_VALUES + column
        for p in (0, 1)
        for column in (*range(10), lines.ANISOTROPY, lines.ANISOTROPY + 2, lines.ANISOTROPY + 13)
    ),
]


def make_reflections(**changes: object) -> lines.Reflections:
    """Return reflections with terms of anisotropic strain and an axis of orientation."""
    reflections = make_series(free=(3, 0)).list_reflections((0, 1))
    rng = np.random.default_rng(3)
    given = {
        "anisotropy": rng.uniform(-1, 1, (11, lines.MOST_ANISOTROPY)),
        "alignment": np.hstack([rng.uniform(0, 1, (11, 4)), np.full((11, 2), -1.0)]),
    }
    return reflections._replace(**given, **changes)


@pytest.mark.parametrize("is_plain", [True, False])
@pytest.mark.parametrize("place", PLACES)
def test_what_each_parameter_changes_of_each_line(place: int, is_plain: bool) -> None:
    """Against differences of positions, widths and intensities, for every value there is."""
    parameters = make_parameters()
    if not is_plain:
        rng = np.random.default_rng(4)
        parameters = make_parameters(
            caglioti_v=-1e-3,
            caglioti_u=4e-3,
            displacement=1e-3,
            log_texture=np.array([0.2, -0.3]),
            anisotropy=rng.uniform(-0.2, 0.2, (2, lines.MOST_ANISOTROPY)),
        )
    reflections = make_reflections(geometry=place % 3)
    values = parameters.take_values((0, 1))
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
        row = lines.SHARED_VALUES + lines.PHASE_VALUES * reflections.owner
        texture = [
            np.log(lines.texture_from_alignment(own, np.exp(moved[first + lines.TEXTURE]))[0])
            for own, first in zip(reflections.alignment, row, strict=True)
        ]
        # the angle of the displacement is that of the lines as they were
        shift = [lines.shift_from_displacement(x, reflections.geometry) for x in at.two_theta]
        logs = moved[row + lines.OVERALL_B] * damping + texture
        return np.stack(
            [
                there.two_theta + moved[lines.ZERO] + moved[lines.DISPLACEMENT] * np.array(shift),
                there.gauss_fwhm,
                there.lorentz_fwhm,
                np.where(follows, logs, 0.0),
                there.two_theta,
                np.full(11, moved[lines.AXIAL]),
            ],
            axis=1,
        )

    numerical = (look(h) - look(-h)) / (2 * h)
    column = (place - lines.SHARED_VALUES) % lines.PHASE_VALUES
    if place >= lines.SHARED_VALUES and column < 6:
        # widths follow the angle, which no step of a cell changes by as much as matters
        numerical[:, 1:3] = 0.0
        by_position = np.abs(numerical[:, 0]).max() > 0
        second = lines.SHARED_VALUES + lines.PHASE_VALUES
        # one strain of the cubic, two of the other
        assert by_position == (place in (lines.SHARED_VALUES, second, second + 1))
    assert np.any(numerical) or column < 6 or (column == 8 and place < 30) or place == 1
    np.testing.assert_allclose(found, numerical, rtol=1e-5, atol=1e-7)


def test_gaussian_widths_by_caglioti_and_their_floor() -> None:
    values = make_parameters(caglioti_v=-2e-3, caglioti_u=0.01).take_values((0, 1))
    found = np.empty(2)
    lines.fill_gauss_fwhm(found, np.array([60.0, 90.0]), values)
    tangent = np.tan(np.radians([30.0, 45.0]))
    np.testing.assert_allclose(found**2, 0.05**2 - 2e-3 * tangent + 0.01 * tangent**2)
    values[lines.CAGLIOTI_V] = -1.0
    lines.fill_gauss_fwhm(found, np.array([60.0, 90.0]), values)
    np.testing.assert_allclose(found, 0.2 * 0.05)


def test_texture_by_hand_and_its_mean_over_directions() -> None:
    # plates: all normals along the axis, r = 0.5: 0.5^-3; across it (1 / 0.5)^-1.5
    factor, _ = lines.texture_from_alignment(np.array([1.0, -1.0]), 0.5)
    assert factor == pytest.approx(8.0)
    factor, _ = lines.texture_from_alignment(np.array([0.0]), 0.5)
    assert factor == pytest.approx(2**-1.5)
    # W. A. Dollase: the distribution is one in the mean over all directions
    cosine = (np.arange(20000) + 0.5) / 20000
    factor, _ = lines.texture_from_alignment(cosine**2, 0.6)
    assert factor == pytest.approx(1.0, abs=1e-4)


def test_displacement_by_geometry() -> None:
    """From where the beam meets the detector, by hand."""
    distance, move, angle = 1000.0, 0.5, np.radians(20.0)
    flat = np.degrees(np.arctan(np.tan(angle) * (distance + move) / distance) - angle)
    found = lines.shift_from_displacement(20.0, lines.FLAT_DETECTOR) * move / distance
    assert found == pytest.approx(flat, rel=1e-3)
    # the detector on a circle about the axis
    radius = np.array([np.cos(angle), np.sin(angle)]) * distance
    ray = radius + np.array([move, 0.0])  # seen from the sample, nearer to the source
    found = lines.shift_from_displacement(20.0, lines.SCANNING_DETECTOR) * move / distance
    assert found == pytest.approx(-np.degrees(np.arctan2(ray[1], ray[0]) - angle), rel=1e-2)
    found = lines.shift_from_displacement(60.0, lines.BRAGG_BRENTANO)
    assert found == pytest.approx(np.degrees(-2 * np.sqrt(0.75)))


def test_shares_are_those_of_strength_and_displacement() -> None:
    reflections = make_series().list_reflections((0, 1))
    values = make_parameters().take_values((0, 1))
    found = lines.predict_lines(reflections, values)
    np.testing.assert_allclose([found.expected[:5].sum(), found.expected[5:].sum()], 1.0)
    values[lines.SHARED_VALUES + lines.OVERALL_B] += 0.5
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
