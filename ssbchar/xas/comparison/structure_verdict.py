"""The verdict on the structure from its tests: retained, changed or inconclusive, with the evidence
in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.equivalence_test import (
    EquivalenceTest,
    chi_square_from_probability,
    student_t_from_probability,
)

if TYPE_CHECKING:
    import xarray as xr

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def judge_structure(
    shift: EquivalenceTest | None,
    white: EquivalenceTest,
    shells: list[EquivalenceTest],
    ds: xr.Dataset,
    subject: str,
    options: Comparison,
) -> Conclusion:
    """Return the verdict on the structure with its evidence in words.

    ``changed`` where any test says so; ``retained`` where every test says so and the edge shift
    could be tested; else ``inconclusive``.
    """
    words, open_points = [], []
    for name, test, unit in (("edge", shift, " eV"), ("white line", white, "")):
        if test is None:
            open_points.append(f"edge shift not testable ({ds.attrs.get('alignment_source', '')})")
        elif test.verdict == "changed":
            half = (test.upper95 - test.lower95) / 2
            words.append(
                f"{name} {'shifted' if unit else 'changed'} by {test.value:+.3g}{unit} (-/+ {half:.2g} at 95 %)"
            )
        elif test.verdict == "inconclusive":
            open_points.append(f"{name} within {test.lower95:+.3g} to {test.upper95:+.3g}{unit}")
    for i, test in enumerate(shells):
        if test.verdict == "changed":
            words.append(_loss(ORDINALS[i], test, options))
        elif test.verdict == "inconclusive":
            open_points.append(
                f"{ORDINALS[i]} shell {100 * test.lower95:+.1f} to {100 * test.upper95:+.1f} %"
            )
    if not shells:
        open_points.append("no EXAFS to test the shells by")
    evidence = [test for test in (shift, white, *shells) if test is not None]
    verdict = "changed" if words else "retained"
    if verdict == "changed" and (shift is None or shift.verdict != "changed"):
        words += _damping(white, shells, ds)
    if not words and (
        shift is None or not shells or any(t.verdict != "retained" for t in evidence)
    ):
        verdict = "inconclusive"
    said = (
        "; ".join([*words, *open_points])
        or "edge, white line and shells within the limits that matter at 95 %"
    )
    method = f"equivalence tests at 95 %, Bonferroni over {len(evidence)} for a change"
    return Conclusion("structure", verdict=verdict, reason=said, method=method, subject=subject)


def _damping(white: EquivalenceTest, shells: list[EquivalenceTest], ds: xr.Dataset) -> list[str]:
    """Return a caution where white line and shells have all lost the same share, as a thicker
    sample would.

    Harmonics, leakage and self-absorption multiply norm - 1 by one factor f (and leave the edge in
    place): the white line W above 1 and every shell then fall by 1 - f. Said where the changes
    agree (chi^2 at 5 %) on a loss.
    """
    height = float(ds["white_line_before"]) - 1
    if height < 0.1 or len(shells) < 2:
        return []
    changes = np.array([white.value / height, *(t.value for t in shells)])
    power = 1 / np.array([white.sigma / height, *(t.sigma for t in shells)]) ** 2
    common = float(changes @ power / power.sum())
    chi2 = float(((changes - common) ** 2) @ power)
    if common + student_t_from_probability(0.95, math.inf) / math.sqrt(
        power.sum()
    ) >= 0 or chi2 > chi_square_from_probability(0.95, changes.size - 1):
        return []
    return [
        f"white line and shells all fall by {-100 * common:.1f} %: thickness or self-absorption would do the same"
    ]


def _loss(name: str, test: EquivalenceTest, options: Comparison) -> str:
    if test.upper95 <= -options.lost:
        return f"{name} shell lost (at least {-100 * test.upper95:.0f} % at 95 %)"
    what = "reduced" if test.value < 0 else "increased"
    half = (test.upper95 - test.lower95) / 2
    return f"{name} shell {what} by {100 * abs(test.value):.1f} % (-/+ {100 * half:.1f} at 95 %)"
