"""Self-absorption of a thick sample, from its fluorescence and back."""

import numpy as np
import pytest
import xraydb

from ssbchar.errors import BadInput
from ssbchar.xas.normalisation import self_absorption
from ssbchar.xas.normalisation.options import SelfAbsorption

TRUE = np.array([[0.0, 0.3, 1.0, 1.6, 0.95, 1.04]])


def emit(norm: np.ndarray, share: float) -> np.ndarray:
    """Return the normalised fluorescence of an infinitely thick sample, from its integral."""
    return norm / (norm + share) * (1 + share)


@pytest.mark.parametrize("share", [0.3, 2.0, 50.0])
def test_what_is_emitted_comes_back(share: float) -> None:
    measured = emit(TRUE, share)
    assert self_absorption.norm_from_measured(measured, share) == pytest.approx(TRUE)
    step = 1e-6
    slope = (
        self_absorption.norm_from_measured(measured + step, share)
        - self_absorption.norm_from_measured(measured - step, share)
    ) / (2 * step)
    assert self_absorption.slope_from_measured(measured, share) == pytest.approx(slope, rel=1e-6)


def test_the_share_is_that_of_the_cross_sections() -> None:
    """Of FePO4 at 45 degrees both ways, by cross sections per gram of compound."""
    found = self_absorption.calculate_correction(SelfAbsorption(formula="FePO4"), "Fe", "K")
    below, above = (xraydb.material_mu("FePO4", e, density=1.0) for e in (7107.0, 7117.0))
    line = xraydb.material_mu("FePO4", xraydb.xray_line("Fe", "Ka1").energy, density=1.0)
    assert found.share == pytest.approx((below + line) / (above - below), rel=0.03)
    grazing = self_absorption.calculate_correction(
        SelfAbsorption(formula="FePO4", incidence=90.0, exit=5.0), "Fe", "K"
    )
    assert grazing.share > 5 * found.share, "grazing exit is free of it"


def test_the_error_of_amplitudes_is_that_of_the_share() -> None:
    one = self_absorption.Correction(share=1.5, error=0.1)
    more = self_absorption.Correction(share=1.5 * 1.001, error=0.1)
    amplitude = [(1 + c.share) / c.share for c in (one, more)]
    relative = abs(amplitude[1] / amplitude[0] - 1) / 0.001 * one.error
    assert one.amplitude_error == pytest.approx(relative, rel=2e-3)


@pytest.mark.parametrize("formula", ["GeO2", "not one", "Fe(PO4"])
def test_a_formula_without_the_element_is_refused(formula: str) -> None:
    with pytest.raises(BadInput):
        self_absorption.calculate_correction(SelfAbsorption(formula=formula), "Fe", "K")


def test_more_than_a_sample_can_emit_is_refused() -> None:
    correction = self_absorption.Correction(share=0.5, error=0.1)
    norm, slope = self_absorption.correct_spectra(emit(TRUE, 0.5), correction, "a.dat")
    assert norm == pytest.approx(TRUE)
    assert (slope > 0).all()
    with pytest.raises(BadInput, match=r"rises to 1\.60 edge steps; .* at most 1\.50"):
        self_absorption.correct_spectra(TRUE, correction, "a.dat")
