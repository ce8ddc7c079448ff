"""Sums and products of windows against those of whole curves."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement.frame import windows as w

POINTS = 40


def make_windows(places: list[tuple[int, int]], seed: int) -> tuple[w.Windows, np.ndarray]:
    """Return random windows [start, stop), and the same as whole curves."""
    rng = np.random.default_rng(seed)
    curves = np.zeros((len(places), POINTS))
    for curve, (start, stop) in zip(curves, places, strict=True):
        curve[start:stop] = rng.uniform(1, 2, stop - start)
    return w.windows_from_curves(curves), curves


LINES = [(10, 16), (0, 5), (3, 9), (14, 15), (30, 40), (2, 12)]
SPLINES = [(0, 12), (0, 25), (11, 40), (28, 40)]
WEIGHT = np.random.default_rng(9).uniform(0, 3, POINTS)


def test_windows_leave_out_the_zeros_at_both_ends() -> None:
    lines, curves = make_windows(LINES, 1)
    np.testing.assert_array_equal(lines.start, [start for start, _ in LINES])
    np.testing.assert_array_equal(np.diff(lines.edge), [stop - start for start, stop in LINES])
    np.testing.assert_array_equal(w.sum_windows(lines, np.eye(6), POINTS), curves)
    inner = np.array([[0.0, 1, 0, 0, 2, 0]])
    np.testing.assert_array_equal(w.windows_from_curves(inner).value, [1, 0, 0, 2])


def test_sums() -> None:
    lines, curves = make_windows(LINES, 1)
    factors = np.random.default_rng(2).standard_normal((3, 6))
    factors[1, 2:] = 0.0
    found = w.sum_windows(lines, factors, POINTS)
    np.testing.assert_allclose(found, factors @ curves, atol=1e-14)


def test_sums_by_owner() -> None:
    lines, curves = make_windows(LINES, 1)
    factor = np.array([2.0, 0.0, -1.0, 3.0, 0.5, 1.0])
    found = w.sum_windows_by_owner(lines, factor, np.array([0, 2, 6]), POINTS)
    exact = [factor[:2] @ curves[:2], factor[2:] @ curves[2:]]
    np.testing.assert_allclose(found, exact, atol=1e-14)


def test_scaling_by_a_curve() -> None:
    lines, curves = make_windows(LINES, 1)
    scaled = w.scale_windows(lines, WEIGHT)
    np.testing.assert_allclose(w.sum_windows(scaled, np.eye(6), POINTS), curves * WEIGHT)
    np.testing.assert_array_equal(w.sum_windows(lines, np.eye(6), POINTS), curves)


def test_projections() -> None:
    lines, curves = make_windows(LINES, 1)
    others = np.random.default_rng(3).standard_normal((2, POINTS))
    which = np.array([5, 0, 2])
    found = w.project_on_windows(lines, which, others)
    np.testing.assert_allclose(found, curves[which] @ others.T)


def test_products_of_two_sets() -> None:
    (lines, curves), (splines, terms) = make_windows(LINES, 1), make_windows(SPLINES, 2)
    which = np.array([5, 0, 4, 3])
    found = w.multiply_across(lines, which, splines, WEIGHT)
    exact = (curves[which] * WEIGHT) @ terms.T
    np.testing.assert_allclose(found, exact)
    assert np.all(found[exact == 0] == 0)


def sort_by_start() -> np.ndarray:
    return np.argsort([start for start, _ in LINES], kind="stable")


def test_products_of_neighbours_are_a_band() -> None:
    lines, curves = make_windows(LINES, 1)
    which = sort_by_start()
    band = w.multiply_neighbours(lines, which, WEIGHT)
    exact = (curves[which] * WEIGHT) @ curves[which].T
    rows = [[exact[n, n + k] if n + k < 6 else 0.0 for k in range(3)] for n in range(6)]
    np.testing.assert_allclose(band, rows)
    # no overlap is beyond the band
    assert all(exact[n, m] == 0 for n in range(6) for m in range(n + 3, 6))
    assert w.multiply_neighbours(lines, which[:0], WEIGHT).shape == (0, 1)


@pytest.mark.parametrize("count", [6, 2, 0])
def test_the_products_of_the_linear_part(count: int) -> None:
    (lines, curves), (splines, terms) = make_windows(LINES, 1), make_windows(SPLINES, 2)
    which = sort_by_start()[:count]
    rng = np.random.default_rng(4)
    others, pattern = rng.standard_normal((2, POINTS)), rng.standard_normal(POINTS)
    found = w.multiply_linear_part(lines, which, splines, others, (pattern, WEIGHT))
    dense = np.vstack([terms, others])
    np.testing.assert_allclose(found.border, (curves[which] * WEIGHT) @ dense.T, atol=1e-12)
    np.testing.assert_allclose(found.corner, (dense * WEIGHT) @ dense.T, atol=1e-12)
    whole = np.vstack([curves[which], dense])
    np.testing.assert_allclose(found.target, whole @ (WEIGHT * pattern), atol=1e-12)
    np.testing.assert_array_equal(found.band, w.multiply_neighbours(lines, which, WEIGHT))


def test_products_with_the_linear_part_are_in_its_order() -> None:
    (lines, curves), (splines, terms) = make_windows(LINES, 1), make_windows(SPLINES, 2)
    which = sort_by_start()[:4]
    whole, others = np.random.default_rng(6).standard_normal((2, 3, POINTS))
    found = w.project_on_linear_part(lines, which, splines, whole[:2].copy(), others)
    exact = np.vstack([curves[which], terms, whole[:2]]) @ others.T
    np.testing.assert_allclose(found, exact, atol=1e-12)


def test_products_with_each_other() -> None:
    splines, terms = make_windows(SPLINES, 2)
    found = w.multiply_all(splines, WEIGHT)
    np.testing.assert_allclose(found, (terms * WEIGHT) @ terms.T)
    np.testing.assert_array_equal(found, found.T)
