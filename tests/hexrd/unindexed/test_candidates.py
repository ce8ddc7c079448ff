"""Which candidate explains lines: a lead over the next and enough of them, by hand."""

import numpy as np
import pytest

from ssbchar.hexrd.unindexed import candidates, cell_matching
from ssbchar.hexrd.unindexed.candidates import WeighedCandidate
from ssbchar.hexrd.unindexed.options import Candidates


def match_of(name: str, evidence: float, explained: list[bool]) -> WeighedCandidate:
    lines = cell_matching.CandidateLines(
        name=name, system="cubic", cell=np.ones(6), hkl=np.ones((4, 3)), strength=np.ones(4)
    )
    match = cell_matching.CellMatch(
        name=name,
        evidence=evidence,
        cell=np.array([4.2, 4.2, 4.2, 90, 90, 90]),
        cell_stderr=np.array([0.01, 0.01, 0.01, 0, 0, 0]),
        explained=np.array(explained),
        expected=4,
        found=3,
        misfit=1.0,
    )
    return WeighedCandidate(lines=lines, match=match)


YES, HALF = [True] * 5, [True, True, True, False, False]


@pytest.mark.parametrize(
    ("tested", "verdict"),
    [
        ([], "not_named"),
        ([match_of("P", 3.0, YES)], "named"),
        ([match_of("P", 2.9, YES)], "not_named"),
        ([match_of("P", 9.0, HALF)], "named"),
        ([match_of("P", 9.0, [True, True, False, False, False])], "not_named"),
        ([match_of("P", 9.0, YES), match_of("Q", 6.0, YES)], "named"),
        ([match_of("P", 9.0, YES), match_of("Q", 6.1, YES)], "ambiguous"),
        ([match_of("P", 3.0, YES), match_of("Q", -9.0, YES)], "named"),
    ],
)
def test_what_names_lines(tested: list[WeighedCandidate], verdict: str) -> None:
    """A lead of 3 over the next, or over background lines alone, and three lines."""
    found, text = candidates.judge_candidates(tested, Candidates(), least=3)
    assert found == verdict
    assert all(one.match.name in text for one in tested[: 2 if verdict == "ambiguous" else 1])


def test_the_row_of_a_candidate_by_hand() -> None:
    row = candidates.conclude_candidate(match_of("P", 9.0, HALF), "lines 1", count=5, method="m")
    assert (row.value, row.unit, row.subject) == (60.0, "percent", "P")
    assert (row.condition, row.method) == ("lines 1", "m")
    assert row.reason == (
        "3 of 5 lines explained, 3 of 4 lines expected in range found; evidence 9.0; "
        "a 4.2000(0.0100)"
    )
