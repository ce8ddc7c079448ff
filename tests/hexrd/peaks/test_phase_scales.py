"""Scales of phases from heights: exact on clean data, robust, never negative, absent ones out."""

import numpy as np
import pytest

from ssbchar.hexrd.peaks import phase_scales
from ssbchar.hexrd.peaks.reflections import KnownLines
from ssbchar.typing import Array

WIDTH = 0.04
PLACES = np.array([[3.0, 4.0, 5.0, 3.5, 4.5, 5.5]])
LINES = KnownLines(
    phase=np.array([0, 0, 0, 1, 1, 1]),
    hkl=[""] * 6,
    d=np.ones(6),
    strength=np.array([1.0, 0.8, 0.4, 1.0, 0.5, 0.7]),
    tracked=np.ones(6, bool),
    beside=np.ones(6, bool),
    named=np.zeros_like(np.ones(6, bool)),
)


def fit(height: Array, sigma: float = 0.1, places: Array = PLACES) -> tuple[Array, Array]:
    return phase_scales.fit_phase_scales(
        LINES,
        np.broadcast_to(places, height.shape),
        height,
        np.full(height.shape, sigma),
        width=WIDTH,
        phases=2,
    )


def heights(first: float, second: float) -> Array:
    return np.where(LINES.phase == 0, first, second)[None] * LINES.strength


def test_clean_heights_give_their_scales_back() -> None:
    scale, error = fit(heights(100.0, 7.0))
    np.testing.assert_allclose(scale, [[100.0, 7.0]], rtol=1e-9)
    # weights: counting noise and a quarter of each height
    for p, size in enumerate((100.0, 7.0)):
        strength = LINES.strength[p == LINES.phase]
        weight = 1 / (0.1**2 + (0.25 * size * strength) ** 2)
        assert error[0, p] == pytest.approx(np.sum(weight * strength**2) ** -0.5, rel=1e-6)


def test_overlapping_lines_share_their_height() -> None:
    """Half a width apart, exp(-4 ln 2 / 4) = 1/2 of a line counts at the other's place."""
    places = PLACES.copy()
    places[0, 3] = 3.02
    height = heights(10.0, 4.0)
    height[0, 0] += 0.5 * 4.0
    height[0, 3] += 0.5 * 10.0
    np.testing.assert_allclose(fit(height, places=places)[0], [[10.0, 4.0]], rtol=1e-9)


def test_one_line_far_off_hardly_counts() -> None:
    height = heights(100.0, 7.0)
    height[0, 1] *= 5
    assert fit(height)[0][0, 0] == pytest.approx(100.0, rel=0.2)


def test_a_phase_most_of_whose_lines_are_missing_is_taken_out() -> None:
    height = heights(100.0, 0.0)
    height[0, 4] = 50.0
    scale, error = fit(height)
    assert scale[0, 1] == 0.0 and error[0, 1] == pytest.approx(1.0)
    assert scale[0, 0] == pytest.approx(100.0, rel=1e-6)


def test_frames_are_independent_of_each_other() -> None:
    rows = np.concatenate([heights(100.0, 7.0), heights(3.0, 50.0)] * 150)
    scale, _ = fit(rows)
    np.testing.assert_allclose(scale, np.tile([[100.0, 7.0], [3.0, 50.0]], (150, 1)), rtol=1e-9)


def test_support_by_hand() -> None:
    """Observed less the other phase's part, over expected; the median over the reported lines."""
    scale = np.array([[10.0, 2.0]])
    design = np.where(LINES.phase[:, None] == np.arange(2), LINES.strength[:, None], 0.0)[None]
    design[0, 0, 1] = 0.5
    model = (design @ scale[:, :, None])[:, :, 0]
    height = model.copy()
    height[0, 0] -= 5.0  # 0.5 of what phase 0 has there
    height[0, 1] -= 6.4  # 0.2
    support = phase_scales._measure_support(LINES, design, height, scale, model)
    np.testing.assert_allclose(support, [[0.5, 1.0]])
    none = phase_scales._measure_support(LINES, design, height, 0 * scale, model)
    np.testing.assert_array_equal(none, np.inf)


@pytest.mark.parametrize(("share", "is_kept"), [(0.39, False), (0.41, True)])
def test_a_phase_needs_four_tenths_of_its_median_line(share: float, is_kept: bool) -> None:
    """One line in three at full height holds the scale up; the other two are at a share of it."""
    found = LINES
    design = np.where(found.phase[:, None] == np.arange(2), found.strength[:, None], 0.0)[None]
    scale = np.array([[10.0, 10.0]])
    model = (design @ scale[:, :, None])[:, :, 0]
    height = model * np.array([1.0, share, share, 1, 1, 1])
    support = phase_scales._measure_support(found, design, height, scale, model)
    assert bool(support[0, 0] >= phase_scales.SUPPORT) is is_kept


def test_coordinate_descent_by_hand() -> None:
    gram = np.array([[[2.0, 1.0], [1.0, 2.0]]] * 3)
    right = np.array([[4.0, 5.0], [4.0, -1.0], [-1.0, -2.0]])
    found = phase_scales._descend_non_negative(gram, right)
    np.testing.assert_allclose(found, [[1.0, 2.0], [2.0, 0.0], [0.0, 0.0]], atol=1e-12)


def test_errors_from_the_normal_matrix_by_hand() -> None:
    gram = np.array([[[4.0, 0.0], [0.0, 0.0]]])
    error = phase_scales._stderr_from_gram(gram, np.array([[True, False]]))
    np.testing.assert_allclose(error, [[0.5, 1.0]], rtol=1e-8)


def test_reference_values_of_inexact_heights() -> None:
    """Scales of heights off by their structure, kept from one version to the next."""
    height = heights(100.0, 30.0) * np.array([1.0, 1.6, 0.8, 1.1, 0.7, 1.9])
    scale, error = fit(height, sigma=3.0)
    np.testing.assert_allclose([*scale[0], *error[0]], REFERENCE, rtol=1e-8)


REFERENCE = [103.780394051, 33.7076901806, 16.8656251836, 6.36609060791]
