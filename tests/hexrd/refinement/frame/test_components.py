"""Components of lines against dense convolutions, and their derivatives against differences."""

import numpy as np
import pytest
from hexrd.made_frame import make_dense
from scipy.special import voigt_profile

from ssbchar.hexrd.refinement.frame import components as c
from ssbchar.hexrd.refinement.frame import profiles

ANGLES = np.array([3.0, 25.0, 80.0, 130.0])
EMISSION = np.array([1.0, 1.5444274 / 1.5405929])
NONE = np.empty(0)


def test_lines_of_one_wavelength_without_divergence_are_one_component() -> None:
    assert c.build_components(ANGLES, EMISSION, 0.0, 0.0).size == 0
    assert c.build_components(ANGLES, NONE, 0.5, 0.0).size == 0


def test_a_doublet_lies_where_bragg_says() -> None:
    found = c.build_components(ANGLES, EMISSION, 0.5, 0.0)
    sine = np.sin(np.radians(ANGLES) / 2)
    second = 2 * np.degrees(np.arcsin(EMISSION[1] * sine))
    np.testing.assert_allclose(
        found[..., c.OFFSET], np.stack([0 * ANGLES, second - ANGLES], 1), atol=1e-12
    )
    np.testing.assert_allclose(found[..., c.SHARE], [[2 / 3, 1 / 3]] * 4)


@pytest.mark.parametrize("angle", [10.0, 40.0, 120.0])
def test_axial_divergence_is_that_of_rays_through_slit_and_sample(angle: float) -> None:
    """Against rays from every point of the sample to every point of the slit: heights z, each seen
    at 2phi where the cone of 2theta meets the height."""
    s = 0.02
    z = (np.arange(800) + 0.5) / 400 - 1
    height = s * np.abs(z[:, None] - z[None, :])
    cosine = np.cos(np.radians(angle)) * np.sqrt(1 + height**2)
    smeared = np.degrees(np.arccos(cosine))
    # a ray's share per height is that of the arc of its cone
    weight = 1 / (cosine**2 * np.sin(np.radians(smeared)))
    found = c.build_components(np.array([angle]), NONE, 0.0, s)
    shift = smeared - angle
    exact = [np.average(shift**n, weights=weight) for n in (1, 2, 3)]
    ours = [float(np.sum(found[..., c.SHARE] * found[..., c.OFFSET] ** n)) for n in (1, 2, 3)]
    np.testing.assert_allclose(ours, exact, rtol=2e-3)
    assert np.all(found[..., c.OFFSET] * (90 - angle) < 0)


@pytest.mark.parametrize(("doublet", "axial"), [(0.5, 0.0), (0.0, 0.02), (0.45, 0.04)])
def test_derivatives_of_components(doublet: float, axial: float) -> None:
    found, h = c.build_components(ANGLES, EMISSION, doublet, axial), 1e-5

    def differ(angle: float, divergence: float) -> tuple[np.ndarray, np.ndarray]:
        up = c.build_components(ANGLES + angle, EMISSION, doublet, axial + divergence)
        down = c.build_components(ANGLES - angle, EMISSION, doublet, axial - divergence)
        return (up[..., c.OFFSET] - down[..., c.OFFSET]) / (2 * h), (
            up[..., c.SHARE] - down[..., c.SHARE]
        ) / (2 * h)

    offset, share = differ(h, 0.0)
    np.testing.assert_allclose(found[..., c.OFFSET_BY_ANGLE], offset, rtol=1e-4, atol=1e-7)
    np.testing.assert_allclose(found[..., c.SHARE_BY_ANGLE], share, rtol=1e-4, atol=1e-7)
    if axial:
        offset, share = differ(0.0, h)
        np.testing.assert_allclose(found[..., c.OFFSET_BY_AXIAL], offset, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(found[..., c.SHARE_BY_AXIAL], share, rtol=1e-4, atol=1e-6)


def test_profiles_of_components_and_their_derivatives() -> None:
    axis = np.linspace(20, 30, 1001)
    gauss, lorentz, doublet, axial = 0.06, 0.04, 0.5, 0.03

    def build(zero: float = 0, dg: float = 0, dl: float = 0, bragg: float = 0, da: float = 0):
        angle = np.array([25.0 + bragg])
        built = c.build_components(angle, EMISSION, doublet, axial + da)
        widths = (np.array([gauss + dg]), np.array([lorentz + dl]))
        return profiles.Lines(angle + zero, *widths, np.full(1, 20.0), built)

    def look(**moves: float) -> np.ndarray:
        found = profiles.evaluate_profiles(axis, build(**moves))
        return make_dense(found.phi, axis.size)[:, 0]

    # the sum of Voigts along a dense smear
    line = build()
    exact = np.zeros(axis.size)
    for offset, share in zip(
        line.components[0, :, c.OFFSET], line.components[0, :, c.SHARE], strict=True
    ):
        sigma = gauss / np.sqrt(8 * np.log(2))
        exact += share * voigt_profile(axis - 25.0 - offset, sigma, lorentz / 2)
    assert np.max(np.abs(look() - exact)) < 0.015 * exact.max()
    found = profiles.evaluate_profiles(axis, line)
    changes = np.zeros((6, 1, 6))
    changes[range(6), 0, range(6)] = 1.0
    changes[4, 0, 0] = 1.0  # a cell moves the line with its Bragg angle
    ours = profiles.differentiate_pattern(axis, line, found, np.full(1, 3.0), changes)
    np.testing.assert_allclose(ours[3], 3 * look())
    h = 1e-6
    for row, name in ((0, "zero"), (1, "dg"), (2, "dl"), (4, "bragg"), (5, "da")):
        numerical = 3 * (look(**{name: h}) - look(**{name: -h})) / (2 * h)
        inside = np.abs(axis - 25) < 0.8
        error = np.max(np.abs(numerical - ours[row])[inside])
        assert error < 1e-4 * np.max(np.abs(numerical)), name


def test_a_smear_near_the_beam_ends_at_the_beam() -> None:
    found = c.build_components(np.array([0.5]), NONE, 0.0, 0.1)
    assert np.all(np.isfinite(found[..., c.OFFSET])) and np.all(found[..., c.OFFSET] > -0.5)
    assert found[..., c.SHARE].sum() == pytest.approx(1.0)
