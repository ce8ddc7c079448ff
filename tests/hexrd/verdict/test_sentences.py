"""Sentences, word by word: each says what the fields say."""

from dataclasses import replace

import numpy as np
import pytest
from hexrd.verdict.made_decided import compared, decided, kept

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.cell_scale_check import Scale, ScaleCheck
from ssbchar.hexrd.verdict.common_change import CommonChange
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
    decided=decided(compared(0.01, 0.05), kept(100.0)),
)
NOTHING = Evidence(changes=[], unexplained_changes=[], limits=[], lines={})
HISTORY = MixtureHistory(
    phases=[],
    unexplained=[],
    highest=800.0,
    lowest=25.0,
    frames=40,
    at_one_temperature=False,
    duration=60.0,
    cooled=True,
    stretches=["heating"],
    explained_at_first=True,
    explained=True,
    explained_share=0.99,
    beam_stayed=True,
)


def told(
    *phases: PhaseHistory,
    evidence: Evidence = NOTHING,
    groups: tuple[UnexplainedGroup, ...] = (),
    **more: object,
) -> list[str]:
    history = replace(HISTORY, phases=phases, unexplained=groups, **more)
    return sentences.describe_mixture(history, evidence, OPTIONS).split("; ")


def of(*comparisons) -> PhaseHistory:  # type: ignore[no-untyped-def]
    return replace(A, decided=decided(*comparisons))


def test_a_mixture_that_returned() -> None:
    assert told(A) == [
        "up to 800 degC",
        "A back within 0.11 % (95 %)",
        "A kept 100(1) % of its intensity",
    ]
    assert told(highest=None) == ["no temperatures"]
    assert told(cooled=False) == [
        "up to 800 degC (from 25)",
        "reversibility not measured (no cooling back)",
    ]


def test_possible_displacement_is_told_with_the_mixture() -> None:
    assert told(A, common=common())[1] == (
        "every length of every phase changed by about -0.0900 % after cooling: possible "
        "displacement of the sample"
    )
    for other in (common(all_alike=False), common(value=1e-6), None):
        assert told(A, common=other) == told(A)


def test_what_there_is_to_compare() -> None:
    assert told(A, frames=1)[0] == "one pattern, at 800 degC: nothing to compare with"
    assert "compare_to" in told(A, frames=1)[1] and len(told(A, frames=1)) == 2
    one_t = {"at_one_temperature": True, "cooled": False}
    assert told(**one_t) == ["40 frames at 800 degC over 60 min"]
    assert "over 9 min: too short to tell stability by" in told(**one_t, duration=9.0)[0]
    assert "at unknown times" in told(**one_t, duration=np.nan)[0]


def test_lines_that_are_not_explained() -> None:
    assert "does not explain the lines up to the end" in told(explained=False)[1]
    lost = {"explained": False, "explained_at_first": False}
    assert "at the start (over the series 40 % of" in told(explained_share=0.4, **lost)[1]
    assert told(explained_share=np.nan, **lost)[1] == (
        "no lines were seen that a refinement could explain"
    )


def test_what_did_not_return() -> None:
    assert told(of(compared(-0.4, 0.05), kept(40.0)))[1:] == [
        "a of A is off by -0.400(0.050) %",
        "A kept 40(1) % of its intensity",
    ]
    assert told(of(compared(0.15, 0.05), kept(100.0)))[1:] == [
        "a of A after cooling is open: a difference of +0.15 -/+ 0.05 % is there",
        "whether it matters (0.2 %) is open",
        "A kept 100(1) % of its intensity",
    ]
    assert told(of())[1:] == [
        "the cell of A could not be compared",
        "the intensity of A could not be compared",
    ]


def test_what_was_kept_without_cooling() -> None:
    hot = {"cooled": False}
    way = [compared(0.01, 0.05, stretch="heating"), kept(98.0, stretch="heating")]
    assert told(of(*way), **hot)[2:] == [
        "intensity of A kept within 4 % (95 %)",
        "cell of A kept within 0.11 % (95 %)",
    ]
    # Where one stretch is open, the limits of the others say what they are of.
    half = [kept(98.0, stretch="rest"), kept(90.0, 15.0, stretch="heating")]
    (open_one, rest) = [text for text in told(of(*half), **hot)[2:] if "intensity" in text]
    assert "over heating is open" in open_one
    assert rest == "intensity of A kept within 4 % over rest (95 %)"
    assert told(of(kept(40.0, stretch="heating")), **hot)[2:] == [
        "A kept 40(1) % of its intensity over heating"
    ]
    leaves = compared(0.4, 0.05, stretch="heating", is_against_trend=True)
    assert told(of(leaves), **hot)[2:] == [
        "a of A over heating leaves its own trend by +0.400(0.050) %: thermal or for good, "
        "cooling would tell"
    ]
    angle = replace(way[0], axis="beta", unit="degree")
    assert told(of(angle), **hot)[2:] == []
    assert told(of(), **hot)[2:] == ["too few frames to compare A with itself"]
    unsure = compared(0.1, 0.1, stretch="hold")
    assert told(of(unsure), **hot)[2:] == [
        "a of A over hold is open: no difference seen: +0.1 -/+ 0.1 %"
    ]


def test_the_reason_of_a_comparison() -> None:
    def reason(*comparison) -> str:  # type: ignore[no-untyped-def]
        return sentences.describe_comparison(decided(*comparison)[0])

    assert reason(compared(0.0, 0.01)) == "tolerance 0.2 %; made by hand"
    assert reason(compared(0.1, 0.01)) == (
        "tolerance 0.2 %; a difference of +0.1 % is there, within it; made by hand"
    )
    assert "no difference seen: -12 -/+ 15 %" in reason(kept(88.0, 15.0))
    assert reason(compared(1.0, 0.01)) == "tolerance 0.2 %; made by hand"


def common(**changes: object) -> CommonChange:
    given = {
        "value": -9e-4,
        "stderr": 1e-5,
        "margin": 2e-5,
        "phase": "A",
        "all_alike": True,
        "displacement": 0.0,
        "distance": None,
    }
    return CommonChange(**{**given, **changes})  # type: ignore[arg-type]


def test_the_common_change_in_words() -> None:
    text = sentences.describe_common_change(common(), OPTIONS)
    assert "every length of every phase changed by about -0.0900 %: possible displacement" in text
    assert (
        "distance to the detector not known (hexrd.stability.distance)" in text
        and "mm of" not in text
    )
    text = sentences.describe_common_change(common(displacement=1e-4, distance=1000.0), OPTIONS)
    assert "(-0.90 mm of 1000 mm)" in text and "moved by 0.1 mm is in the systematics" in text
    assert "A changed least, by -0.0900 %" in sentences.describe_common_change(
        common(all_alike=False), OPTIONS
    )
    assert sentences.describe_common_change(common(value=1e-5), OPTIONS).startswith(
        "no common change seen"
    )
    assert "taken out" in sentences.describe_common_change(common(standard="X"), OPTIONS)


def test_geometry_in_the_reason_of_a_cell() -> None:
    assert sentences.describe_cell_basis("b", common(value=0.0), OPTIONS) == (
        "b; no displacement included (distance to the detector not known)"
    )
    assert "the change of all phases by -0.0900 %" in sentences.describe_cell_basis(
        "b", common(), OPTIONS
    )
    assert sentences.describe_cell_basis(
        "b", common(value=0.0, displacement=1e-4, distance=1e3), OPTIONS
    ).endswith("a sample moved by 0.1 mm included")
    assert sentences.describe_cell_basis("b", common(standard="X"), OPTIONS).endswith(
        "relative to the internal standard X"
    )


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
    back = Conclusion("onset_temperature", value=660.0, subject="A", condition="cooling")
    again = replace(EVIDENCE, changes=[*CHANGES[1:3], back])
    assert told(A, evidence=again)[1] == (
        "A went at 650 (640-661) degC on heating and came back from 660 degC on cooling"
    )


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
