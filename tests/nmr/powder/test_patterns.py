"""Patterns of fitted lines: what they are made of, their derivatives, and what is screened with."""

import numpy as np
import pytest

from ssbchar.nmr.powder.average import PowderSite, average_static_powder, weigh_transitions
from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    COUPLING,
    HIGHEST,
    LOWEST,
    PARAMETERS,
    SCATTER,
    bound_patterns,
)
from ssbchar.nmr.powder.patterns import evaluate_pattern, tabulate_satellites

TAU = 9.3e-6 + 2e-6 * np.arange(700)
WIDTHS = (1200.0, 0.0)
ALIVE = np.exp(-np.pi * WIDTHS[0] * TAU)
"""Patterns are right as far as their line lives."""
SITES = {
    "satellites": ([60e3, 0.4, 0.8, 0.0, 0.0, 0.0], [1, 1, 1, 0, 0, 0]),
    "anisotropic": ([60e3, 0.4, 0.8, 3e3, 0.5, 0.0], [1, 1, 1, 1, 1, 0]),
    "czjzek": ([0.0, 0.0, 0.8, 0.0, 0.0, 15e3], [0, 0, 1, 0, 0, 1]),
}


def evaluate(values: np.ndarray, free: np.ndarray, tau: np.ndarray = TAU):
    return evaluate_pattern(values, free, WIDTHS, tau)


@pytest.mark.parametrize("name", ["satellites", "anisotropic"])
def test_a_pattern_is_the_powder_average(name: str) -> None:
    values, free = (np.array(row) for row in SITES[name])
    site = PowderSite(
        coupling=values[0], asymmetry=values[1], anisotropy=values[3], shift_asymmetry=values[4]
    )
    expected = weigh_transitions(average_static_powder(site, TAU), values[2])
    found = evaluate(values, free.astype(bool)).signal
    assert np.abs((found - expected) * ALIVE).max() < 3e-4


@pytest.mark.parametrize("name", list(SITES))
def test_derivatives_are_those_of_the_signal(name: str) -> None:
    values, free = np.array(SITES[name][0]), np.array(SITES[name][1], bool)
    found = evaluate(values, free)
    assert len(found.derivatives) == free.sum()
    for place, derivative in zip(np.flatnonzero(free), found.derivatives, strict=True):
        step = np.zeros(PARAMETERS)
        step[place] = 1e-4 * max(abs(values[place]), 0.1)
        up, down = (evaluate(values + sign * step, free).signal for sign in (1, -1))
        numeric = (up - down) / (2 * step[place])
        assert np.abs((derivative - numeric) * ALIVE).max() < 1e-3 * np.abs(numeric).max()
    up, down = (evaluate(values, free, TAU + sign * 1e-9).signal for sign in (1, -1))
    numeric = (up - down) / 2e-9
    assert np.abs((found.by_time - numeric) * ALIVE).max() < 1e-3 * np.abs(numeric).max()


def test_a_pattern_is_one_at_the_echo_top() -> None:
    for values, free in SITES.values():
        tau = 2e-6 * np.arange(500)
        found = evaluate(np.array(values), np.array(free, bool), tau)
        assert found.signal[0] == pytest.approx(1.0, abs=1e-6)


def test_the_table_holds_the_satellites_alone() -> None:
    (row,) = tabulate_satellites(np.array([60e3]), np.array([0.4]), TAU, WIDTHS[0])
    values = np.array([60e3, 0.4, 1.0, 0.0, 0.0, 0.0])
    whole = evaluate(values, np.zeros(PARAMETERS, bool)).signal
    assert np.abs((0.4 + 0.6 * row - whole) * ALIVE).max() < 1e-4


def test_bounds_go_line_by_line() -> None:
    fitted = np.zeros((2, PARAMETERS), bool)
    fitted[0, [COUPLING, ANISOTROPY]] = True
    fitted[1, SCATTER] = True
    low, high = bound_patterns(fitted)
    assert low.tolist() == [LOWEST[COUPLING], LOWEST[ANISOTROPY], LOWEST[SCATTER]]
    assert high.tolist() == [HIGHEST[COUPLING], HIGHEST[ANISOTROPY], HIGHEST[SCATTER]]
