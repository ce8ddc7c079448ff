"""Profiles against numerical derivatives, exact integrals, and the exact Voigt function; splines
against their partition of unity."""

import numpy as np
import pytest
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


@given(st.floats(0.005, 0.2), st.floats(1e-4, 0.2))
@settings(max_examples=40, deadline=None)
def test_derivatives_of_width_and_mixing(gauss: float, lorentz: float) -> None:
    def shape(dg: float = 0, dl: float = 0) -> profiles.PseudoVoigtShape:
        return profiles.shape_from_widths(np.array([gauss + dg]), np.array([lorentz + dl]))

    at, h = shape(), 1e-7
    for name in ("width", "eta"):
        for by, move in (("gauss", {"dg": h}), ("lorentz", {"dl": h})):
            back = {k: -v for k, v in move.items()}
            numerical = (getattr(shape(**move), name) - getattr(shape(**back), name)) / (2 * h)
            found = getattr(at, f"{name}_by_{by}")
            np.testing.assert_allclose(found, numerical, rtol=2e-4, atol=1e-4)


def test_widths_and_mixing_at_known_ratios() -> None:
    one = np.ones(1)
    gauss = profiles.shape_from_widths(one, 0 * one)
    assert gauss.width[0] == 1 and gauss.eta[0] == 0
    lorentz = profiles.shape_from_widths(0 * one, one)
    np.testing.assert_allclose([lorentz.width[0], lorentz.eta[0]], [1, 1.0])
    both = profiles.shape_from_widths(one, one)
    width = (1 + 2.69269 + 2.42843 + 4.47163 + 0.07842 + 1) ** 0.2
    q = 1 / width
    np.testing.assert_allclose(both.width, width)
    np.testing.assert_allclose(both.eta, 1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3)
    unequal = profiles.shape_from_widths(2 * one, one)
    terms = 32 + 2.69269 * 16 + 2.42843 * 8 + 4.47163 * 4 + 0.07842 * 2 + 1
    np.testing.assert_allclose(unequal.width, terms**0.2)


def test_the_width_of_small_crystallites() -> None:
    assert profiles.width_from_size(100.0, 0.5) == pytest.approx(np.degrees(0.0045))


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_a_pseudo_voigt_by_its_formula(eta: float) -> None:
    x, width = np.array([[0.0, 0.05, 0.1, -0.2]]), np.array([[0.2]])
    gauss = 2 / 0.2 * np.sqrt(np.log(2) / np.pi) * np.exp(-4 * np.log(2) * (x / 0.2) ** 2)
    lorentz = 2 / np.pi / 0.2 / (1 + 4 * (x / 0.2) ** 2)
    expected = eta * lorentz + (1 - eta) * gauss
    mixing = np.array([[eta]])
    np.testing.assert_allclose(profiles.evaluate_pseudo_voigt(x, width, mixing), expected)
    phi, by_x, by_width, by_eta = profiles.differentiate_pseudo_voigt(x, width, mixing)
    np.testing.assert_allclose(phi, expected)
    np.testing.assert_allclose(by_eta, lorentz - gauss, atol=1e-12)
    h = 1e-6

    def value(dx: float = 0, dw: float = 0) -> np.ndarray:
        return profiles.evaluate_pseudo_voigt(x + dx, width + dw, mixing)

    np.testing.assert_allclose(by_x, (value(dx=h) - value(dx=-h)) / (2 * h), rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose(
        by_width, (value(dw=h) - value(dw=-h)) / (2 * h), rtol=1e-6, atol=1e-4
    )


def made(reach=4.0, **changes: object) -> profiles.Profiles:
    x = np.linspace(0, 10, 1001)
    position = np.array([5.0, 2.0, 7.0])
    return profiles.build_profiles(
        x, position, np.array([0.1, 0.19, 0.1]), np.full(3, 1e-6), reach=reach, **changes
    )


def test_windows_are_multiples_of_32_points_about_their_lines() -> None:
    found = made()
    # 2 * 4 * 0.1 / 0.01 = 80 points, and 160 of the wider line; windows of one length go together
    np.testing.assert_array_equal(np.diff(found.shape.indptr), [96, 96, 160])
    np.testing.assert_array_equal(found.order, [0, 2, 1])
    rows = found.shape.indices[: found.shape.indptr[1]]
    assert rows[0] == 500 - 48 and rows[-1] == 500 + 47
    assert found.by_position is None and found.by_lorentz is None and found.by_gauss is None
    narrow = made(reach=0.1)
    np.testing.assert_array_equal(np.diff(narrow.shape.indptr), 32)
    whole = made(reach=1000.0)
    np.testing.assert_array_equal(np.diff(whole.shape.indptr), 1001)
    each = made(reach=np.array([4.0, 4.0, 7.9]))
    np.testing.assert_array_equal(np.diff(each.shape.indptr), [96, 160, 160])
    np.testing.assert_array_equal(each.order, [0, 1, 2])


def test_lines_at_the_ends_have_whole_windows_inside() -> None:
    x = np.linspace(0, 10, 1001)
    found = profiles.build_profiles(
        x, np.array([-1.0, 0.05, 11.0]), np.full(3, 0.1), np.full(3, 1e-6), reach=4.0
    )
    first, last = found.shape.indices[::96], found.shape.indices[95::96]
    np.testing.assert_array_equal(first, [0, 0, 1001 - 96])
    np.testing.assert_array_equal(last, [95, 95, 1000])


def test_columns_asked_for_first_come_first() -> None:
    found = made(first=np.array([False, True, False]))
    np.testing.assert_array_equal(found.order, [1, 0, 2])
    leading = found.take_leading(1)
    assert leading.shape == (1001, 1)
    np.testing.assert_array_equal(leading.toarray()[:, 0], found.shape.toarray()[:, 0])
    assert found.take_leading(0).shape == (1001, 0)


def test_derivatives_are_made_as_asked() -> None:
    both = made(derivatives=Derivatives.POSITION_AND_LORENTZ)
    assert both.by_position is not None and both.by_lorentz is not None and both.by_gauss is None
    every = made(derivatives=Derivatives.ALL)
    for name in ("shape", "by_position", "by_lorentz"):
        ours, theirs = (getattr(found, name).toarray() for found in (both, every))
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(made().shape.toarray(), every.shape.toarray(), rtol=1e-10)


def test_values_are_replaced_and_places_shared() -> None:
    found = made().shape
    doubled = profiles.replace_sparse_values(found, 2 * found.data)
    np.testing.assert_allclose(doubled.toarray(), 2 * found.toarray())
    assert doubled.indices is found.indices


def test_knots_of_the_background_are_closer_at_low_angles() -> None:
    x = np.linspace(1, 9, 801)
    terms = profiles.build_background_splines(x, 7)
    # five knots equally spaced in the root from 1 to 3: at 1, 2.25, 4, 6.25, 9
    assert terms.shape == (801, 7)
    starts = [x[np.flatnonzero(column > 1e-12)[0]] for column in terms[:, 4:].T]
    np.testing.assert_allclose(starts, [2.25, 4.0, 6.25], atol=0.02)
    ends = [x[np.flatnonzero(column > 1e-12)[-1]] for column in terms[:, :3].T]
    np.testing.assert_allclose(ends, [2.25, 4.0, 6.25], atol=0.05)
    np.testing.assert_allclose(profiles.build_background_splines(x - 1.5, 7).sum(axis=1), 1.0)
