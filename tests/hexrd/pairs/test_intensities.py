"""Two phases against each other, and phases that one specimen has alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from hexrd.made_pairs import make_lines, make_specimen

from ssbchar.decision import decide_presence
from ssbchar.hexrd.pairs import intensities
from ssbchar.hexrd.pairs.cells import Specimen

SAME = (0.0, 0.0, 0.0)
LINES = (make_lines([0.0155] * 4, 1, phase="none"), make_lines([0.0155] * 4, 2, phase="none"))


def specimen(seed: int, refined: Sequence[str] = (), **amounts: float) -> Specimen:
    return make_specimen(dict.fromkeys(amounts, SAME), seed, amounts=amounts, refined=refined)


def test_the_ratio_knows_no_exposure() -> None:
    """Half of one phase is lost, and the second pattern has three times the counts."""
    before, after = specimen(1, LAGP=2000, LFP=1000), specimen(2, LAGP=6000, LFP=1500)
    (found,) = intensities.compare_ratios(before, after, LINES)
    assert (found.phase, found.other) == ("LFP", "LAGP")
    assert found.estimate.value == pytest.approx(0.5, abs=0.01)
    assert found.estimate.systematic == pytest.approx(0.5 * 0.03 * np.sqrt(2), rel=0.02)


def test_texture_is_in_the_systematic() -> None:
    before, after = specimen(1, LAGP=2000, LFP=1000), specimen(2, LAGP=2000, LFP=1000)
    lines = (
        make_lines([0.0155] * 8, 1, phase="LFP"),
        make_lines([0.0155] * 8, 2, phase="LFP", texture=0.5),
    )
    (found,) = intensities.compare_ratios(before, after, lines)
    assert found.estimate.systematic > 0.1


def test_a_phase_of_one_specimen_alone_is_new_or_lost() -> None:
    alone = specimen(1, LAGP=2000, refined=["LFP"])
    both = specimen(2, LAGP=2000, LFP=100)
    (new,) = intensities.find_single_phases(alone, both)
    assert (new.phase, new.is_new) == ("LFP", True)
    assert new.estimate.value == pytest.approx(5.0, abs=0.7)
    assert decide_presence(new.estimate).verdict == "detected"
    (lost,) = intensities.find_single_phases(both, alone)
    assert not lost.is_new
    assert lost.estimate.value == pytest.approx(5.0, abs=0.7)
    assert intensities.find_single_phases(both, both) == []


def test_without_a_phase_in_both_nothing_can_be_set_against_it() -> None:
    one, other = specimen(1, LAGP=2000, refined=["LFP"]), specimen(2, LFP=2000, refined=["LAGP"])
    found = intensities.find_single_phases(one, other)
    assert {share.phase: share.is_new for share in found} == {"LAGP": False, "LFP": True}
    assert not any(share.estimate.is_measured for share in found)
    assert intensities.compare_ratios(one, other, LINES) == []


def test_phases_that_one_row_does_not_list_are_not_compared() -> None:
    one, other = specimen(1, LAGP=2000), specimen(2, LAGP=2000, LFP=900)
    assert intensities.find_single_phases(one, other) == []
