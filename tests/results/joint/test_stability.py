"""The joined verdict repeats what the techniques say and never makes a number."""

from dataclasses import replace

import made_report
import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.results.joint.stability import join_stability


def of(technique: str, found: list[Conclusion], sample: str = "S") -> list[Conclusion]:
    return [
        replace(c, sample=sample, technique=technique, source=f"{technique}/m/manifest.csv")
        for c in found
    ]


@pytest.mark.parametrize(
    ("diffraction", "absorption", "verdict", "says"),
    [
        ("stable", "retained", "retained", "HEXRD and XAS agree"),
        ("reversible", "retained", "retained", "HEXRD and XAS agree"),
        ("unchanged", "retained", "retained", "HEXRD and XAS agree"),
        ("inconclusive", "retained", "retained", "XAS alone judges"),
        ("reacts", "changed", "changed", "HEXRD and XAS agree"),
        ("reacts", "retained", "mixed", "HEXRD sees long-range order, XAS sees the surroundings"),
        ("reversible", "inconclusive", "retained", "HEXRD alone judges"),
        ("inconclusive", "changed", "changed", "XAS alone judges"),
        ("inconclusive", "inconclusive", "inconclusive", "no technique could judge"),
    ],
)
def test_joined_verdict(diffraction: str, absorption: str, verdict: str, says: str) -> None:
    found = of("hexrd", made_report.hexrd(diffraction)) + of("xas", made_report.xas(absorption))
    (row,) = join_stability(found)
    assert (row.quantity, row.technique, row.sample, row.verdict) == (
        "stability",
        "combined",
        "S",
        verdict,
    )
    assert says in row.reason
    assert f"HEXRD (LAGP+LFP): {diffraction}" in row.reason
    assert f"XAS (Ge K): {absorption}" in row.reason
    assert (row.value, row.stderr, row.systematic, row.lower95, row.upper95) == (None,) * 5
    assert row.source == "hexrd/m/manifest.csv;xas/m/manifest.csv"


def test_a_silent_technique_is_named() -> None:
    (row,) = join_stability(of("hexrd", made_report.hexrd("stable")))
    assert row.reason.endswith("XAS: not measured")
    lost = of("xas", [Conclusion("measurement", verdict="set aside")])
    (row,) = join_stability(of("hexrd", made_report.hexrd("stable")) + lost)
    assert row.reason.endswith("XAS: measured, set aside")


def test_two_edges_that_differ_are_mixed() -> None:
    iron = [replace(c, subject="Fe K") for c in made_report.xas("changed")]
    (row,) = join_stability(of("xas", made_report.xas()) + of("xas", iron))
    assert row.verdict == "mixed"
    assert "the verdicts within XAS differ" in row.reason


def test_samples_stay_apart_and_an_unjudged_one_gets_no_row() -> None:
    found = of("hexrd", made_report.hexrd("stable"), "A") + of(
        "xas", made_report.xas("changed"), "B"
    )
    found += of("nmr", made_report.nmr(), "C")
    assert [(r.sample, r.verdict) for r in join_stability(found)] == [
        ("A", "retained"),
        ("B", "changed"),
    ]
