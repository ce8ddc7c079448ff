"""Sentences, word by word: each says what the fields say."""

from dataclasses import replace

import numpy as np
import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.cell_scale_check import Scale, ScaleCheck
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.phase_stability import MixtureHistory, PhaseHistory, UnexplainedGroup
from ssbchar.hexrd.verdict.quality_rows import LinesSeen
from ssbchar.hexrd.verdict.sentences import Evidence
from ssbchar.verdict import Verdict

OPTIONS = Stability(cell_tolerance=0.2, intensity_tolerance=20.0)
A = PhaseHistory(
    name="A",
    first=True,
    last=True,
    ever=True,
    change=0.01,
    change_stderr=0.05,
    kept=100.0,
    kept_stderr=1.0,
)
NOTHING = Evidence(changes=[], unexplained_changes=[], limits=[], lines={})


def told(
    *phases: PhaseHistory,
    evidence: Evidence = NOTHING,
    groups: tuple[UnexplainedGroup, ...] = (),
    highest: float | None = 800.0,
    cooled: bool = True,
) -> list[str]:
    history = MixtureHistory(phases=phases, unexplained=groups, highest=highest, cooled=cooled)
    return sentences.describe_mixture(history, evidence, OPTIONS).split("; ")


def test_a_mixture_that_returned() -> None:
    assert told(A) == ["up to 800 degC", "A back within 0.11 % (95 %)"]
    assert told(highest=None) == ["no temperatures"]
    assert told(cooled=False) == ["up to 800 degC", "reversibility not measured (no cooling)"]


def test_what_did_not_return() -> None:
    changed = replace(A, change=-0.4, kept=40.0)
    assert told(changed)[1:] == [
        "the cell of A is off by -0.400(0.050) %",
        "A kept 40(1) % of its intensity",
    ]
    assert told(replace(A, change=0.15))[1:] == [
        "whether the cell of A returned is open (+0.150(0.050) %)",
        "A back within 0.25 % (95 %)",
    ]
    assert told(replace(A, change=np.nan))[1:] == ["the cell of A could not be compared"]


CHANGES = [
    Conclusion("onset_frame", value=7.0, subject="C", condition="hold"),
    Conclusion("end_temperature", value=None, subject="A", condition="heating"),
    Conclusion(
        "end_temperature",
        value=650.0,
        lower95=640.0,
        upper95=661.0,
        subject="A",
        condition="heating",
    ),
    Conclusion("onset_temperature", value=600.0, subject="B", condition="heating"),
    Conclusion("onset_temperature", value=700.0, subject="B", condition="heating 2"),
    Conclusion("onset_temperature", value=500.0, lower95=1.0, subject="g", condition="heating"),
]
EVIDENCE = replace(
    NOTHING,
    changes=CHANGES[:5],
    unexplained_changes=CHANGES,
    lines={"B": LinesSeen(seen=3, known=5, best=41.4)},
)
NEW = replace(A, first=False)


def test_what_came_and_went() -> None:
    parts = told(
        replace(A, last=False), replace(NEW, name="B"), replace(NEW, name="C"), evidence=EVIDENCE
    )
    assert parts[1:4] == [
        "new: B from 600 degC on heating, 3 of 5 known lines above 5 sigma (best 41)",
        "new: C from frame 7 on hold",
        "gone: A at 650 (640-661) degC on heating",
    ]
    assert told(replace(NEW, name="D"), evidence=EVIDENCE)[1] == "new: D"


@pytest.mark.parametrize(
    ("verdict", "what"), [("named", "X"), ("not_named", "not named"), ("ambiguous", "ambiguous")]
)
def test_unexplained_lines(verdict: str, what: str) -> None:
    group = UnexplainedGroup(name="g", lines=9.0, verdict=verdict, candidate="X", stays=True)
    assert told(groups=(group,), evidence=EVIDENCE)[1] == (
        f"9 unexplained lines from 500 degC on heating: {what}"
    )


def test_the_detection_limit() -> None:
    limit = Conclusion("detection_limit", value=2.345, basis="by weight")
    assert told(evidence=replace(NOTHING, limits=[limit]))[1] == (
        "any listed phase above 2.3 % (by weight) would have been seen"
    )


CHECK = ScaleCheck(
    verdict=Verdict.OFF,
    phases={"A": Scale(value=1.01, stderr=1e-5), "B": Scale(value=1.0102, stderr=1e-5)},
    wavelength_stderr=2e-4,
    value=1.01,
    tolerance=0.005,
)


def test_the_scale_of_the_cells() -> None:
    say = sentences.describe_scale
    assert say(CHECK) == (
        "all cells are off alike (A 1.01000, B 1.01020): the wavelength is probably "
        "0.9901 times the one used"
    )
    unchecked = replace(CHECK, verdict=Verdict.NOT_CHECKED)
    assert say(unchecked) == (
        "the wavelength was not checked (name an internal standard in hexrd.stability.standard); "
        "the cells' errors include 200 ppm for it; A 1.01000, B 1.01020"
    )
    assert say(replace(unchecked, value=None, wavelength_stderr=0.0)) == (
        "no reference cell; its error is not stated: the cells' errors do not include it"
    )


def test_the_scale_of_a_standard() -> None:
    standard = replace(CHECK, standard="A", tolerance=2e-4)
    say = sentences.describe_scale
    assert say(standard) == (
        "internal standard A, tolerance 0.02 %; the wavelength should be 0.990099 times the one "
        "used"
    )
    assert say(replace(standard, verdict=Verdict.CHECKED)) == (
        "internal standard A, tolerance 0.02 %"
    )
    assert say(replace(standard, value=None, verdict=Verdict.NOT_CHECKED)) == (
        "the internal standard A was not found; the cells' errors include 200 ppm for it"
    )


def test_breadths() -> None:
    assert sentences.describe_breadth(3, 0.0) == "3 frames; the instrument's breadth is included"
    assert sentences.describe_breadth(3, 0.02) == (
        "3 frames; corrected for the instrument's 0.02 degree"
    )
