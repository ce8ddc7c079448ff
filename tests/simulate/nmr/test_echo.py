"""Decays against closed forms."""

import numpy as np
import pytest

from ssbchar.simulate.nmr import echo


def test_signal_is_the_sum_of_its_lines():
    lines = (
        echo.Line(region="li_metal", area=2.0, shift=100.0, lorentz=500.0),
        echo.Line(region="li_si", area=1.0, shift=0.0, lorentz=0.0, gauss=2000.0),
    )
    t = np.array([-1e-6, 0.0, 1e-4])
    got = echo.calculate_decay(t, lines, 0.0, 311.1)
    assert got[0] == 0 and got[1] == pytest.approx(1.5)
    gauss = np.exp(-((np.pi * 2000 * 1e-4) ** 2) / (4 * np.log(2)))
    expected = 2 * np.exp(2j * np.pi * 31110 * 1e-4 - np.pi * 500 * 1e-4) + gauss
    assert got[2] == pytest.approx(expected)


def test_filter_leaves_the_decay_alone_after_its_rise():
    line = (echo.Line(region="li_metal", area=1.0, shift=50.0, lorentz=800.0),)
    receiver = echo.Receiver(points=512, dwell=2e-6, carrier=0.0, hertz_per_ppm=311.1)
    stored = echo.acquire_decay(line, receiver)
    t = (np.arange(512) - echo.GROUP_DELAY) * 2e-6
    later = t > 60 * 2e-6
    assert np.allclose(stored[later], echo.calculate_decay(t, line, 0.0, 311.1)[later], atol=2e-4)
