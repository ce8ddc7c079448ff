"""Profiles against numerical derivatives, exact integrals, and the exact Voigt function; splines
against their partition of unity."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import voigt_profile

from ssbchar.hexrd.refinement.frame import profiles
from ssbchar.hexrd.refinement.frame.profiles import Derivatives


@given(st.floats(0.005, 0.2), st.floats(1e-4, 0.2))
@settings(max_examples=40, deadline=None)
def test_pseudo_voigt_stands_for_a_voigt(gauss: float, lorentz: float) -> None:
    g, m = np.array([gauss]), np.array([lorentz])
    shape = profiles.shape_from_widths(g, m)
    x = np.linspace(-1, 1, 401) * 5 * shape.width
    exact = voigt_profile(x, gauss / np.sqrt(8 * np.log(2)), lorentz / 2)
    ours = profiles.evaluate_pseudo_voigt(x, shape.width, shape.eta)
    assert np.max(np.abs(ours - exact)) < 0.015 * exact.max()


@given(st.floats(0.01, 0.1), st.floats(0.001, 0.1), st.floats(-0.05, 0.05))
@settings(max_examples=40, deadline=None)
def test_profile_derivatives_against_differences(
    gauss: float, lorentz: float, shift: float
) -> None:
    x = np.linspace(0, 2, 801)

    def shape(dx: float = 0, dg: float = 0, dl: float = 0) -> np.ndarray:
        at = (np.array([1 + shift + dx]), np.array([gauss + dg]), np.array([lorentz + dl]))
        return profiles.build_profiles(x, *at, reach=8.0).shape.toarray()[:, 0]

    found = profiles.build_profiles(
        x,
        np.array([1 + shift]),
        np.array([gauss]),
        np.array([lorentz]),
        reach=8.0,
        derivatives=Derivatives.ALL,
    )
    h = 1e-7
    for name, move in (
        ("by_position", {"dx": h}),
        ("by_gauss", {"dg": h}),
        ("by_lorentz", {"dl": h}),
    ):
        back = {k: -v for k, v in move.items()}
        numerical = (shape(**move) - shape(**back)) / (2 * h)
        analytic = getattr(found, name).toarray()[:, 0]
        inside = np.abs(x - 1 - shift) < 6 * max(
            gauss, lorentz
        )  # a window's edge may move by a point
        assert np.max(np.abs(numerical - analytic)[inside]) < 1e-4 * np.max(np.abs(analytic))


def test_profiles_have_unit_area_and_splines_sum_to_one() -> None:
    x = np.linspace(0, 10, 5001)
    found = profiles.build_profiles(
        x, np.array([3.0, 7.0]), np.array([0.05, 0.08]), np.array([1e-4, 1e-4]), reach=8.0
    )
    np.testing.assert_allclose(found.shape.toarray().sum(axis=0) * (x[1] - x[0]), 1.0, atol=1e-3)
    np.testing.assert_allclose(profiles.build_background_splines(x, 12).sum(axis=1), 1.0, atol=1e-9)
    assert profiles.build_background_splines(x, 12).shape == (5001, 12)
