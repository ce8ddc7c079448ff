"""Breadths and areas line by line."""

import numpy as np
import pytest
from hexrd.made_pairs import make_lines

from ssbchar.hexrd.pairs.line_ratios import average_breadth, compare_lines


def test_the_ratio_of_breadths_is_that_of_the_lines() -> None:
    ratio = compare_lines(
        make_lines([0.0155] * 8, 1), make_lines([0.0155 * 1.8] * 8, 2), "LAGP", "fwhm"
    )
    assert ratio is not None
    assert ratio.lines == 8
    assert ratio.value == pytest.approx(1.8, abs=3 * ratio.stderr)
    assert ratio.stderr == pytest.approx(1.8 * 0.01 * np.sqrt(2 / 8), rel=0.5)
    assert np.isinf(ratio.dof)


def test_lines_that_broaden_differently_make_the_error() -> None:
    widths = [0.0155 * w for w in (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)]
    ratio = compare_lines(make_lines([0.0155] * 6, 1), make_lines(widths, 2), "LAGP", "fwhm")
    assert ratio is not None
    assert ratio.dof == 5
    assert ratio.stderr > 5 * 1.5 * 0.01 * np.sqrt(2 / 6)


def test_only_lines_that_both_show_count() -> None:
    before, after = make_lines([0.0155] * 4, 1), make_lines([0.0155] * 4, 2)
    after.peaks["verdict"][0, :3] = "no_peak"
    ratio = compare_lines(before, after, "LAGP", "fwhm")
    assert ratio is not None
    assert ratio.lines == 1
    after.peaks["verdict"][0, 3] = "overlap"
    assert compare_lines(before, after, "LAGP", "fwhm") is None
    assert compare_lines(before, before, "LFP", "fwhm") is None


def test_a_breadth_that_was_not_measured_is_none() -> None:
    lines = make_lines([0.0155] * 4, 1)
    assert average_breadth(lines, "LAGP", "inverse_size") is None
    lines.peaks["inverse_size"] = (("frame", "candidate"), [[0.003]])
    lines.peaks["inverse_size_stderr"] = (("frame", "candidate"), [[0.0001]])
    found = average_breadth(lines, "LAGP", "inverse_size")
    assert found is not None
    assert (found.value, found.stderr, found.frames) == (
        pytest.approx(0.003),
        pytest.approx(1e-4),
        1,
    )
    assert average_breadth(lines, "LFP", "inverse_size") is None
