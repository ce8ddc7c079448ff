"""The word on a pair, from what was compared."""

import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_equality
from ssbchar.hexrd.pairs.structure_verdict import Judged, PairEvidence, judge_structure


def judged(value: float, stderr: float) -> Judged:
    decision = decide_equality(Estimate(value=value, stderr=stderr), 0.05)
    row = Conclusion("cell_change", verdict=decision.verdict)
    return Judged(decision=decision, row=row, name="a of LAGP", unit="%")


RETAINED, CHANGED, OPEN = judged(0.0, 0.01), judged(0.1, 0.01), judged(0.04, 0.03)
NEW = Conclusion("new_phase", value=5.0, verdict="detected", subject="LFP")
UNSURE = Conclusion("new_phase", value=5.0, verdict="inconclusive", subject="LFP")
FEW = Conclusion("new_lines", value=2.0, verdict="too_few_lines", subject="new lines", reason="d 2")


@pytest.mark.parametrize(
    ("evidence", "verdict", "said"),
    [
        ({}, "retained", "all 2 comparisons within the limits"),
        ({"compared": [RETAINED, CHANGED]}, "changed", "a of LAGP changed by +0.1(0.01) %"),
        ({"compared": [RETAINED, OPEN]}, "inconclusive", "a of LAGP is open: no difference seen"),
        ({"compared": []}, "inconclusive", ""),
        ({"single_phases": [NEW]}, "changed", "new phase: LFP"),
        ({"single_phases": [UNSURE]}, "inconclusive", "new phase LFP: open"),
        ({"products": ["new lines: 6 of Ge"]}, "changed", "new lines: 6 of Ge"),
        ({"open_lines": [FEW]}, "inconclusive", "2 new lines: d 2"),
        ({"missing": ["the cell of LFP could not be compared"]}, "inconclusive", "LFP could not"),
        ({"compared": [CHANGED], "unusable": ["misfit"]}, "inconclusive", "misfit"),
    ],
)
def test_the_word_follows_from_what_was_compared(
    evidence: dict[str, list[object]], verdict: str, said: str
) -> None:
    parts = {"compared": [RETAINED, RETAINED], "single_phases": [], "open_lines": [], **evidence}
    row = judge_structure(PairEvidence(**parts), "S")  # type: ignore[arg-type]
    assert row.quantity == "structure"
    assert row.verdict == verdict
    assert said in row.reason
