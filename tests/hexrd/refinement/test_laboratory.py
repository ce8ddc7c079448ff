"""Doublets of X-ray tubes by their wavelengths, and the absorption of a capillary by hand."""

import numpy as np
import pytest

from ssbchar.hexrd.refinement.laboratory import find_emission, transmission_of_capillary


@pytest.mark.parametrize("wavelength", [1.5406, 1.54056, 1.5418, 0.7093, 1.78897])
def test_a_tube_is_known_by_its_wavelength(wavelength: float) -> None:
    found = find_emission(wavelength)
    assert found.shape == (2,) and 1.002 < found[1] / found[0] < 1.01
    # the given wavelength is the first, or the mean of both
    assert min(abs(found[0] - 1), abs((2 * found[0] + found[1]) / 3 - 1)) < 2e-4


@pytest.mark.parametrize("wavelength", [0.24117, 1.5389, 1.5444, 0.71])
def test_others_are_no_doublet(wavelength: float) -> None:
    assert find_emission(wavelength).shape == (0,)


def test_absorption_of_a_capillary() -> None:
    assert transmission_of_capillary(0.0, np.array([0.1, 0.9])) == pytest.approx(1.0)
    sine = np.array([0.0, 0.5, np.sqrt(0.5), 1.0])
    # forward the way through is a chord for each ray: mean of exp(-2 mu sqrt(1 - y^2)), weighed
    y = (np.arange(4000) + 0.5) / 4000
    chord = 2 * np.sqrt(1 - y**2)
    for mu_r in (0.2, 1.0, 2.0):
        exact = np.average(np.exp(-mu_r * chord), weights=chord)
        found = transmission_of_capillary(mu_r, sine)
        assert found[0] == pytest.approx(exact, rel=2e-3)
        # back and forth along one ray: (1 - exp(-2 mu c)) / (2 mu c)
        back = np.average((1 - np.exp(-2 * mu_r * chord)) / (2 * mu_r * chord), weights=chord)
        assert found[3] == pytest.approx(back, rel=2e-3)
        assert np.all(np.diff(found) > 0)


def test_intensities_of_a_capillary_are_asked_for_by_nobody_but_corrected() -> None:
    """Weak absorption is a displacement factor: both grow with sin^2(theta)."""
    sine = np.sqrt(np.linspace(0.0, 0.3, 7))
    logs = np.log(transmission_of_capillary(0.3, sine))
    line = np.polynomial.Polynomial.fit(sine**2, logs, 1)
    assert np.max(np.abs(logs - line(sine**2))) < 0.002
