"""Points that a dead time has cost, against the decay they were taken from."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.lost_points import restore_lost_points
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.lineshape.window_integrals import integrate_windows

LINES = ((0.08, 0.55, 0.37), (265.0, 12.0, 22.0), (900.0, 2000.0, 5000.0))


def one_pulse(late: float, seed: int = 1, **attrs: object):
    """A decay that was taken from some seconds after a pulse on."""
    clean = signals.signal(*LINES, late=late, points=4096, sw=5e5)
    about = {"dead_time": late, "echo_delay": np.nan} | attrs
    return signals.dataset(signals.noisy(clean, 2e-3, seed), sw=5e5, **about)


def test_lost_points_are_those_of_the_decay() -> None:
    fid = one_pulse(14e-6)
    lines = fit_lines(fid, LineFitOptions())
    y = fid["real"].values + 1j * fid["imag"].values
    restored = restore_lost_points(y, fid["time"].values, lines)
    assert restored is not None
    whole, axis = restored
    assert axis[0] == pytest.approx(-14e-6)
    assert np.diff(axis) == pytest.approx(2e-6)
    true = signals.signal(*LINES, points=4096, sw=5e5)[:7]
    np.testing.assert_allclose(whole[0, 1:7], true[1:], atol=0.01)
    np.testing.assert_array_equal(whole[0, 7:], y[0])


@pytest.mark.parametrize("late", [0.0, 0.9e-6])
def test_nothing_is_lost_within_half_a_point(late: float) -> None:
    fid = one_pulse(late, dead_time=np.nan, echo_delay=1e-5)
    y, lines = fid["real"].values + 0j, fit_lines(fid, LineFitOptions())
    assert restore_lost_points(y, fid["time"].values, lines) is None
    assert restore_lost_points(y, fid["time"].values, None) is None


@pytest.mark.parametrize("late", [12e-6, 14e-6, 15.9e-6, 17.1e-6, 24e-6])
def test_windows_of_a_decay_with_lost_points_are_areas(late: float) -> None:
    """Without them a window has areas of -83 to 124 % of the metal's share."""
    fid = one_pulse(late)
    spectrum = integrate_windows(fid, SpectrumOptions(), fit_lines(fid, LineFitOptions()))
    area = spectrum["window_area"].values[0]
    # 97 % of the metal's line lie in its window.
    assert 100 * area[0] / area.sum() == pytest.approx(7.8, abs=0.25)
