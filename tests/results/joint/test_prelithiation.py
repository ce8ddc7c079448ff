"""The joined NMR verdict: quantified, disagreeing, bounded or neither, with the values as NMR gives
them."""

from dataclasses import replace

import made_report

from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.prelithiation import join_prelithiation


def of(found: list[Conclusion], measurement: str = "m") -> list[Conclusion]:
    return [
        replace(c, sample="S", technique="nmr", source=f"nmr/{measurement}/manifest.csv")
        for c in found
    ]


def test_a_value_is_repeated_not_made() -> None:
    (row,) = join_prelithiation(of(made_report.nmr()))
    assert (row.verdict, row.value, row.upper95) == ("quantified", None, None)
    assert "alloyed share corrected: (93.10 ± 0.31 (stat) ± 0.80 (syst)) %" in row.reason


def test_repeats_are_compared_against_their_uncertainty() -> None:
    limit = 1.96 * (2 * (0.31**2 + 0.8**2)) ** 0.5
    near, far = 93.1 - 0.95 * limit, 93.1 - 1.05 * limit
    (row,) = join_prelithiation(of(made_report.nmr()) + of(made_report.nmr(near), "again"))
    assert row.verdict == "quantified"
    (row,) = join_prelithiation(of(made_report.nmr()) + of(made_report.nmr(far), "again"))
    assert row.verdict == "disagree"
    assert (
        "alloyed_share differs between nmr/m/manifest.csv and nmr/again/manifest.csv" in row.reason
    )


def test_an_evolving_sample_is_bounded_and_a_silent_one_not_quantified() -> None:
    (row,) = join_prelithiation(of(made_report.nmr(None)))
    assert row.verdict == "bounded"
    assert "25.50 to 27.00 % (95 %)" in row.reason
    (row,) = join_prelithiation(of([Conclusion("x_alloyed", verdict="not_decaying")]))
    assert row.verdict == "not quantified"
    assert row.reason == "x alloyed: no value; not_decaying"


def test_a_value_that_nmr_doubts_is_doubtful_with_its_reason() -> None:
    doubted = [
        replace(c, verdict="misfit", reason="lines do not describe the decay")
        for c in made_report.nmr()
    ]
    (row,) = join_prelithiation(of(doubted))
    assert row.verdict == "doubtful"
    assert row.reason.count("misfit: lines do not describe the decay") == 1
    (row,) = join_prelithiation(of(doubted) + of(made_report.nmr()))
    assert row.verdict == "quantified"


def test_other_techniques_and_other_quantities_give_no_row() -> None:
    assert (
        join_prelithiation(of([Conclusion("t2_star", value=4.7e-4, stderr=1e-6, unit="s")])) == []
    )
    assert join_prelithiation([replace(c, technique="xas") for c in of(made_report.nmr())]) == []
