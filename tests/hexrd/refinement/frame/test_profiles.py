"""Profiles against numerical derivatives, exact integrals, and the exact Voigt function."""

import numpy as np
import pytest
from hexrd.made_frame import make_dense
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import voigt_profile

from ssbchar.hexrd.refinement.frame import profiles
from ssbchar.hexrd.refinement.frame.profiles import Lines

AXIS = np.linspace(0, 2, 801)


def evaluate(offset: np.ndarray, fwhm: float, eta: float) -> list[profiles.PseudoVoigt]:
    gauss = np.empty(offset.size)
    profiles.fill_gauss(gauss, offset, fwhm)
    return [
        profiles.differentiate_pseudo_voigt(x, fwhm, eta, g)
        for x, g in zip(offset, gauss, strict=True)
    ]


def one_line(position: float, gauss: float, lorentz: float, reach: float = 8.0) -> Lines:
    return Lines(np.array([position]), np.array([gauss]), np.array([lorentz]), np.array([reach]))


@given(st.floats(0.005, 0.2), st.floats(1e-4, 0.2))
@settings(max_examples=40, deadline=None)
def test_pseudo_voigt_stands_for_a_voigt(gauss: float, lorentz: float) -> None:
    shape = profiles.shape_from_widths(gauss, lorentz)
    x = np.linspace(-1, 1, 401) * 5 * shape.fwhm
    exact = voigt_profile(x, gauss / np.sqrt(8 * np.log(2)), lorentz / 2)
    ours = [phi.value for phi in evaluate(x, shape.fwhm, shape.eta)]
    assert np.max(np.abs(ours - exact)) < 0.015 * exact.max()


@given(st.floats(0.01, 0.1), st.floats(0.001, 0.1), st.floats(-0.05, 0.05))
@settings(max_examples=40, deadline=None)
def test_profile_derivatives_against_differences(
    gauss: float, lorentz: float, shift: float
) -> None:
    def shape(dx: float = 0, dg: float = 0, dl: float = 0) -> np.ndarray:
        moved = one_line(1 + shift + dx, gauss + dg, lorentz + dl)
        return make_dense(profiles.evaluate_profiles(AXIS, moved).phi, AXIS.size)[:, 0]

    line = one_line(1 + shift, gauss, lorentz)
    found = profiles.evaluate_profiles(AXIS, line)
    # four parameters: position, both widths, log intensity
    changes = np.eye(4)[:, None]
    by_line = profiles.differentiate_pattern(AXIS, line, found, np.ones(1), changes)
    np.testing.assert_array_equal(by_line[3], make_dense(found.phi, AXIS.size)[:, 0])
    h = 1e-7
    for analytic, move in zip(by_line, ({"dx": h}, {"dg": h}, {"dl": h}), strict=False):
        back = {k: -v for k, v in move.items()}
        numerical = (shape(**move) - shape(**back)) / (2 * h)
        inside = np.abs(AXIS - 1 - shift) < 6 * max(
            gauss, lorentz
        )  # a window's edge may move by a point
        assert np.max(np.abs(numerical - analytic)[inside]) < 1e-4 * np.max(np.abs(analytic))


def test_a_pattern_changes_by_the_sum_of_what_its_lines_change() -> None:
    lines = Lines(np.array([0.7, 0.8]), np.full(2, 0.05), np.array([0.03, 0.01]), np.full(2, 8.0))
    found = profiles.evaluate_profiles(AXIS, lines)
    rng = np.random.default_rng(1)
    changes, intensity = rng.standard_normal((3, 2, 4)), np.array([3.0, 5.0])
    changes[0, 1] = 0.0
    ours = profiles.differentiate_pattern(AXIS, lines, found, intensity, changes)
    each = profiles.differentiate_pattern(
        AXIS, lines, found, np.ones(2), np.eye(8).reshape(8, 2, 4)
    )
    factor = (intensity[:, None] * changes).reshape(3, 8)
    np.testing.assert_allclose(ours, factor @ each, atol=1e-9)


def test_profiles_have_unit_area() -> None:
    x = np.linspace(0, 10, 5001)
    lines = Lines(np.array([3.0, 7.0]), np.full(2, 0.05), np.array([1e-4, 1e-3]), np.full(2, 8.0))
    found = make_dense(profiles.evaluate_profiles(x, lines).phi, x.size)
    np.testing.assert_allclose(found.sum(axis=0) * (x[1] - x[0]), 1.0, atol=2e-3)


@given(st.floats(0.005, 0.2), st.floats(1e-4, 0.2))
@settings(max_examples=40, deadline=None)
def test_derivatives_of_width_and_mixing(gauss: float, lorentz: float) -> None:
    at, h = profiles.shape_from_widths(gauss, lorentz), 1e-7
    for name in ("fwhm", "eta"):
        for by, dg, dl in (("gauss", h, 0.0), ("lorentz", 0.0, h)):
            after = profiles.shape_from_widths(gauss + dg, lorentz + dl)
            before = profiles.shape_from_widths(gauss - dg, lorentz - dl)
            numerical = (getattr(after, name) - getattr(before, name)) / (2 * h)
            found = getattr(at, f"{name}_by_{by}")
            np.testing.assert_allclose(found, numerical, rtol=2e-4, atol=1e-4)


def test_widths_and_mixing_at_known_ratios() -> None:
    gauss = profiles.shape_from_widths(1.0, 0.0)
    assert gauss.fwhm == 1 and gauss.eta == 0
    lorentz = profiles.shape_from_widths(0.0, 1.0)
    np.testing.assert_allclose([lorentz.fwhm, lorentz.eta], [1, 1.0])
    both = profiles.shape_from_widths(1.0, 1.0)
    width = (1 + 2.69269 + 2.42843 + 4.47163 + 0.07842 + 1) ** 0.2
    q = 1 / width
    np.testing.assert_allclose(both.fwhm, width)
    np.testing.assert_allclose(both.eta, 1.36603 * q - 0.47719 * q**2 + 0.11116 * q**3)
    unequal = profiles.shape_from_widths(2.0, 1.0)
    terms = 32 + 2.69269 * 16 + 2.42843 * 8 + 4.47163 * 4 + 0.07842 * 2 + 1
    np.testing.assert_allclose(unequal.fwhm, terms**0.2)


def test_the_width_of_small_crystallites() -> None:
    assert profiles.width_from_size(100.0, 0.5) == pytest.approx(np.degrees(0.0045))


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_a_pseudo_voigt_by_its_formula(eta: float) -> None:
    x, fwhm = np.array([-0.2, 0.0, 0.05, 0.1]), 0.2
    gauss = 2 / 0.2 * np.sqrt(np.log(2) / np.pi) * np.exp(-4 * np.log(2) * (x / 0.2) ** 2)
    lorentz = 2 / np.pi / 0.2 / (1 + 4 * (x / 0.2) ** 2)
    found = evaluate(x, fwhm, eta)
    np.testing.assert_allclose([p.value for p in found], eta * lorentz + (1 - eta) * gauss)
    np.testing.assert_allclose([p.by_eta for p in found], lorentz - gauss, atol=1e-12)
    h = 1e-6

    def value(dx: float = 0, dw: float = 0) -> np.ndarray:
        return np.array([phi.value for phi in evaluate(x + dx, fwhm + dw, eta)])

    by_offset = (value(dx=h) - value(dx=-h)) / (2 * h)
    by_fwhm = (value(dw=h) - value(dw=-h)) / (2 * h)
    np.testing.assert_allclose([p.by_offset for p in found], by_offset, rtol=1e-6, atol=1e-4)
    np.testing.assert_allclose([p.by_fwhm for p in found], by_fwhm, rtol=1e-6, atol=1e-4)


def test_a_gaussian_ends_where_it_is_nothing_beside_its_peak() -> None:
    offset, gauss = np.linspace(-1, 1, 2001), np.empty(2001)
    profiles.fill_gauss(gauss, offset, 0.2)
    exact = 10 * np.sqrt(np.log(2) / np.pi) * np.exp(-100 * np.log(2) * offset**2)
    inside = np.abs(offset) < 0.2 * 3.6
    np.testing.assert_allclose(gauss[inside], exact[inside], rtol=1e-12)
    # nothing is left out that a double beside the peak could hold
    assert exact[gauss == 0].max() < 1e-16 * exact.max()
    assert np.all(gauss[np.abs(offset) > 0.2 * 3.7] == 0)


def made(reach=4.0) -> profiles.Profiles:
    lines = Lines(
        np.array([5.0, 2.0, 7.0]),
        np.full(3, 0.1),
        np.array([1e-6, 0.1299, 1e-6]),
        np.broadcast_to(reach, 3).astype(float),
    )
    return profiles.evaluate_profiles(np.linspace(0, 10, 1001), lines)


def test_windows_are_multiples_of_32_points_about_their_lines() -> None:
    found = made().phi
    # 2 * 4 * 0.1 / 0.01 = 80 points, and 149 of the line of full width 0.186
    np.testing.assert_array_equal(np.diff(found.edge), [96, 160, 96])
    np.testing.assert_array_equal(found.start, [500 - 48, 200 - 80, 700 - 48])
    np.testing.assert_array_equal(np.diff(made(reach=0.1).phi.edge), 32)
    np.testing.assert_array_equal(np.diff(made(reach=1000.0).phi.edge), 1001)
    each = made(reach=np.array([4.0, 4.0, 7.9]))
    np.testing.assert_array_equal(np.diff(each.phi.edge), [96, 160, 160])
    assert each.gauss.size == each.phi.value.size


@pytest.mark.parametrize("half_width", [np.nan, np.inf, 1e300])
def test_a_window_of_a_width_without_sense_lies_inside_the_axis(half_width: float) -> None:
    for position in (-1e300, 5.0, np.nan):
        start, points = profiles.place_window(np.linspace(0, 10, 1001), position, half_width)
        assert 0 <= start and 32 <= points <= 1001 and start + points <= 1001


def test_lines_at_the_ends_have_whole_windows_inside() -> None:
    x = np.linspace(0, 10, 1001)
    lines = Lines(np.array([-1.0, 0.05, 11.0]), np.full(3, 0.1), np.full(3, 1e-6), np.full(3, 4.0))
    found = profiles.evaluate_profiles(x, lines).phi
    np.testing.assert_array_equal(found.start, [0, 0, 1001 - 96])
    np.testing.assert_array_equal(np.diff(found.edge), 96)


def test_a_sum_of_lines_is_that_of_their_profiles() -> None:
    lines = Lines(
        np.array([0.3, 1.0, 1.04]),
        np.full(3, 0.05),
        np.array([0.01, 0.03, 0.02]),
        np.array([8.0, 3.0, 5.0]),
    )
    intensity = np.array([2.0, -1.0, 5.0])
    whole = make_dense(profiles.evaluate_profiles(AXIS, lines).phi, AXIS.size) @ intensity
    found = profiles.sum_lines(AXIS, lines, intensity)
    np.testing.assert_allclose(found, whole, rtol=1e-12, atol=1e-12)
