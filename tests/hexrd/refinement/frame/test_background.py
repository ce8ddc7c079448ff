"""Splines of the background: their partition of unity and their knots."""

import numpy as np

from ssbchar.hexrd.refinement.frame.background import build_background_splines


def test_splines_sum_to_one() -> None:
    x = np.linspace(0, 10, 5001)
    terms = build_background_splines(x, 12)
    assert terms.shape == (12, 5001) and terms.flags.c_contiguous
    np.testing.assert_allclose(terms.sum(axis=0), 1.0, atol=1e-9)


def test_knots_of_the_background_are_closer_at_low_angles() -> None:
    x = np.linspace(1, 9, 801)
    terms = build_background_splines(x, 7)
    # five knots equally spaced in the root from 1 to 3: at 1, 2.25, 4, 6.25, 9
    assert terms.shape == (7, 801)
    starts = [x[np.flatnonzero(curve > 1e-12)[0]] for curve in terms[4:]]
    np.testing.assert_allclose(starts, [2.25, 4.0, 6.25], atol=0.02)
    ends = [x[np.flatnonzero(curve > 1e-12)[-1]] for curve in terms[:3]]
    np.testing.assert_allclose(ends, [2.25, 4.0, 6.25], atol=0.05)
    np.testing.assert_allclose(build_background_splines(x - 1.5, 7).sum(axis=0), 1.0)
