"""The verdict on the structure from its tests: retained, changed or inconclusive, with the evidence
in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Decision, combine_equalities
from ssbchar.statistics import chi_square_from_probability, student_t_from_probability
from ssbchar.verdict import Verdict

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
MIN_WHITE_LINE = 0.1
"""A white line lower than this above 1 cannot show damping."""


@dataclass(frozen=True, kw_only=True)
class StructureTests:
    """The tests of a pair."""

    edge_shift: Decision | None
    """[eV]; None where the pair has no common energy axis."""
    white_line: Decision
    shells: Sequence[Decision]
    """Relative changes of the amplitudes, from the first shell on; empty without EXAFS."""

    @property
    def performed(self) -> list[Decision]:
        """Every test that could be made."""
        shift = [] if self.edge_shift is None else [self.edge_shift]
        return [*shift, self.white_line, *self.shells]

    def judge(self) -> Verdict:
        """Return ``changed`` where any test says so, ``retained`` where every test says so and none
        is missing, else ``inconclusive``."""
        verdicts = [test.verdict for test in self.performed]
        is_complete = self.edge_shift is not None and bool(self.shells)
        return combine_equalities(verdicts, is_complete=is_complete)


def judge_structure(
    tests: StructureTests,
    subject: str,
    *,
    alignment_source: str,
    white_line_before: float,
    lost: float,
) -> Conclusion:
    """Return the verdict on the structure with its evidence in words.

    Parameters
    ----------
    tests : StructureTests
    subject : str
        Element and edge.
    alignment_source : str
        What the energy axes rest on.
    white_line_before : float
        White line of the pristine, in edge steps.
    lost : float
        A shell whose loss is above this share with confidence is called lost.

    Returns
    -------
    Conclusion
        Without a number, and so without a unit.
    """
    verdict = tests.judge()
    evidence = describe_changes(tests, lost)
    if verdict == Verdict.CHANGED and not _has_shifted(tests):
        evidence += describe_damping(tests, white_line_before)
    evidence += describe_open_points(tests, alignment_source)
    return Conclusion(
        "structure",
        verdict=verdict.value,
        reason="; ".join(evidence)
        or "edge, white line and shells within the limits that matter at 95 %",
        method=f"equivalence tests at 95 %, Bonferroni over {len(tests.performed)} for a change",
        subject=subject,
    )


def _has_shifted(tests: StructureTests) -> bool:
    return tests.edge_shift is not None and tests.edge_shift.verdict == Verdict.CHANGED


def describe_changes(tests: StructureTests, lost: float) -> list[str]:
    """Return a phrase for every test that found a change.

    Parameters
    ----------
    tests : StructureTests
        Edge shift [eV], white line and shells dimensionless.
    lost : float
        Share from which a loss is called one.

    Returns
    -------
    list of str
    """
    phrases = []
    shift, white = tests.edge_shift, tests.white_line
    if shift is not None and shift.verdict == Verdict.CHANGED:
        phrases.append(
            f"edge shifted by {shift.value:+.3g} eV (-/+ {_half_width(shift):.2g} at 95 %)"
        )
    if white.verdict == Verdict.CHANGED:
        phrases.append(
            f"white line changed by {white.value:+.3g} (-/+ {_half_width(white):.2g} at 95 %)"
        )
    for i, test in enumerate(tests.shells):
        if test.verdict == Verdict.CHANGED:
            phrases.append(_describe_shell_change(_name_shell(i), test, lost))
    return phrases


def describe_open_points(tests: StructureTests, alignment_source: str) -> list[str]:
    """Return a phrase for every test that is missing or inconclusive.

    Parameters
    ----------
    tests : StructureTests
        Edge shift [eV], white line and shells dimensionless.
    alignment_source : str
        What the energy axes rest on.

    Returns
    -------
    list of str
    """
    phrases = []
    shift, white = tests.edge_shift, tests.white_line
    if shift is None:
        phrases.append(f"edge shift not testable ({alignment_source})")
    elif shift.verdict == Verdict.INCONCLUSIVE:
        phrases.append(f"edge within {shift.lower95:+.3g} to {shift.upper95:+.3g} eV")
    if white.verdict == Verdict.INCONCLUSIVE:
        phrases.append(f"white line within {white.lower95:+.3g} to {white.upper95:+.3g}")
    for i, test in enumerate(tests.shells):
        if test.verdict == Verdict.INCONCLUSIVE:
            low, high = 100 * test.lower95, 100 * test.upper95
            phrases.append(f"{_name_shell(i)} shell {low:+.1f} to {high:+.1f} %")
    if not tests.shells:
        phrases.append("no EXAFS to test the shells by")
    return phrases


def describe_damping(tests: StructureTests, white_line_before: float) -> list[str]:
    """Return a caution where white line and shells have all lost the same share, as a thicker
    sample would.

    Harmonics, leakage and self-absorption multiply norm - 1 by one factor f (and leave the edge in
    place): the white line W above 1 and every shell then fall by 1 - f. Stated where the changes
    agree (chi^2 at 5 %) on a loss.

    Parameters
    ----------
    tests : StructureTests
        At least two shells are needed; changes are dimensionless.
    white_line_before : float
        W of the pristine, in edge steps.

    Returns
    -------
    list of str
        One phrase, or none.
    """
    # A share of the white line above 1, like a shell's share of its amplitude.
    height = white_line_before - 1
    if height < MIN_WHITE_LINE or len(tests.shells) < 2:
        return []
    white, shells = tests.white_line, tests.shells
    changes = np.array([white.value / height, *(test.value for test in shells)])
    sigmas = np.array([white.sigma / height, *(test.sigma for test in shells)])
    power = 1 / sigmas**2
    common = float(changes @ power / power.sum())
    chi2 = float(((changes - common) ** 2) @ power)
    upper = common + student_t_from_probability(0.95, math.inf) / math.sqrt(power.sum())
    if upper >= 0 or chi2 > chi_square_from_probability(0.95, changes.size - 1):
        return []
    return [
        f"white line and shells all fall by {-100 * common:.1f} %: "
        "thickness or self-absorption would do the same"
    ]


def _describe_shell_change(name: str, test: Decision, lost: float) -> str:
    if test.upper95 <= -lost:
        return f"{name} shell lost (at least {-100 * test.upper95:.0f} % at 95 %)"
    what = "reduced" if test.value < 0 else "increased"
    half = 100 * _half_width(test)
    return f"{name} shell {what} by {100 * abs(test.value):.1f} % (-/+ {half:.1f} at 95 %)"


def _name_shell(i: int) -> str:
    return ORDINALS[i] if i < len(ORDINALS) else f"{i + 1}th"


def _half_width(test: Decision) -> float:
    return (test.upper95 - test.lower95) / 2
