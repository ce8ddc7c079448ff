"""Options of refinement are refused where they are no words, out of bounds, or contradict each
other."""

import pytest

from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.runtime import options


@pytest.mark.parametrize(
    "given",
    [
        {"zero": "sereis"},
        {"mode": "Rietveld"},
        {"background_terms": 3},
        {"tolerance": 0.0},
        {"iterations": 0},
        {"chunk": 0},
        {"gauss_fwhm": -0.01},
        {"two_theta_max": 181},
    ],
)
def test_unknown_words_and_numbers_out_of_bounds_are_refused(given: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        options.build_options(Refinement, given)


def test_ranges_that_are_empty_are_refused() -> None:
    with pytest.raises(ValueError, match="not below two_theta_max"):
        Refinement(two_theta_min=5, two_theta_max=5)
    with pytest.raises(ValueError, match="lower leave"):
        Refinement(enter=2.0, leave=2.5)
    assert Refinement(enter=2.0, leave=2.0).leave == 2.0


def test_defaults_can_be_built() -> None:
    assert options.build_options(Refinement, {}) == Refinement()
