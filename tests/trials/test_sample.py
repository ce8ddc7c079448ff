"""A few cases of each technique from files to verdict: the campaign in small (docs/trials.md)."""

from pathlib import Path

import pytest

from trials import tally
from trials.campaign import run_one
from trials.cases import Case


@pytest.mark.parametrize(
    ("technique", "scenario", "seed"),
    [
        ("hexrd", "cycled80", 1003),
        ("hexrd", "cycled80_pair", 1003),
        ("xas", "amp-10%", 1005),
        ("xas", "none", 1014),
        ("nmr", "lorentz", 1000),
        ("nmr", "evolve", 1003),
        ("nmr", "t2diff", 1002),
        ("nmr", "dead", 1001),
    ],
)
def test_nothing_is_silently_wrong(
    trials_folder: Path, tmp_path: Path, technique: str, scenario: str, seed: int
) -> None:
    case = Case(technique=technique, scenario=scenario, seed=seed)
    judged = tally.judge_case(run_one(case, tmp_path, trials_folder))
    assert judged.judged, "no row was held against the truth"
    assert [tally.describe_judged(one) for one in judged.silently_wrong] == []
    assert judged.finished.contradictions == ()
    assert judged.unjudged == []
    needless = [one.key for one in judged.judged if one.needless]
    assert needless == []
