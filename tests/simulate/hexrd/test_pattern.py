"""Profiles and areas of powder patterns."""

import numpy as np
import pytest

from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import crystal, pattern


def test_pseudo_voigt_has_unit_area_and_its_width():
    x = np.linspace(-400, 400, 800_001)
    shape = pattern.calculate_pseudo_voigt(x, 1.0, 0.4)
    assert np.trapezoid(shape, x) == pytest.approx(1.0, abs=1e-3)
    assert np.interp(0.5, x, shape) == pytest.approx(shape.max() / 2, rel=1e-6)


def test_area_of_the_strongest_set_is_the_amount():
    part = pattern.PhaseSeries(
        crystal=crystal.CEO2, cell=crystal.CEO2.cell_at(np.array([25.0])), amount=np.array([100.0])
    )
    instrument = pattern.Instrument(
        wavelength=0.24117, first=4.0, step=0.001, points=900, fwhm=0.03
    )
    signal = pattern.simulate_peaks(
        [part], instrument.two_theta, instrument, IDEAL, np.random.default_rng(0)
    )
    assert np.trapezoid(signal[0], instrument.two_theta) == pytest.approx(100.0, rel=0.02)
