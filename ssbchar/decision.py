"""The decisions that every technique shares: is it there, is it the same within a bound, did it
change beyond a bound, is it quantified.

No technique decides by itself: it states an `Estimate`, asks one of the functions below, and writes
the answer's limits into the row. A verdict can then not say more than its own row's limits, and
`find_contradictions` proves it for every row that is written.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ssbchar.conclusion import Conclusion
from ssbchar.statistics import Z95, student_t_from_probability
from ssbchar.verdict import Verdict

CONFIDENCE = 0.95
"""Of every interval [1]."""
TWO_SIDED = 0.5 + CONFIDENCE / 2
"""Probability that the upper end of a two-sided interval is not passed [1]."""
DETECTION = 0.99865
"""Probability that what is not there stays below the limit from which something is `detected` [1]:
three standard errors (IUPAC, Spectrochim. Acta B 33 (1978) 241)."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A quantity as it was measured, in its own unit."""

    value: float
    stderr: float
    """Statistical standard error, one sigma."""
    systematic: float = 0.0
    """Half-width, one sigma, of what the data cannot average out."""
    dof: float = math.inf
    """Degrees of freedom of the standard error."""

    @property
    def stated_stderr(self) -> float:
        """Standard error to be stated, a float: that of which 1.96 are the 95 % limits.

        A scatter of few repeats is itself uncertain; Student's t at its degrees of freedom over the
        normal quantile is the factor (JCGM 100:2008, G.4).
        """
        if not math.isfinite(self.stderr):
            return self.stderr
        return self.stderr * student_t_from_probability(TWO_SIDED, self.dof) / Z95

    @property
    def is_measured(self) -> bool:
        """Whether there are a value and an error to judge by.

        An error of zero is none: no measurement is exact, so nothing could have failed the test.
        """
        total = math.hypot(self.stderr, self.systematic)
        return math.isfinite(self.value) and math.isfinite(total) and total > 0

    def find_half_width(self, probability: float) -> float:
        """Return the half-width of an interval: the statistical part by Student's t, the systematic
        one by the normal quantile, added in quadrature.

        Parameters
        ----------
        probability : float
            That the upper end is not passed, 0.5 to 1.
        """
        of_noise = student_t_from_probability(probability, self.dof) * self.stderr
        return math.hypot(
            of_noise, student_t_from_probability(probability, math.inf) * self.systematic
        )


@dataclass(frozen=True, kw_only=True)
class Decision:
    """A verdict with the limits it follows from, all in the unit of the estimate."""

    verdict: Verdict
    value: float
    stderr: float
    """As stated: 1.96 of hypot(stderr, systematic) are the 95 % limits."""
    systematic: float
    lower95: float
    """Two-sided 95 % limits; NaN where nothing was measured."""
    upper95: float
    smallest: float
    """The difference from `reference` that would be seen in 95 of 100 cases; infinite where nothing
    was measured."""
    reference: float
    """What stands for "the same" or "nothing": 0, or 1 of a ratio."""
    bound: float | None = None
    """The smallest difference from `reference` that matters; None where nothing is compared."""

    @property
    def sigma(self) -> float:
        """Total standard error, hypot(stderr, systematic), a float."""
        return math.hypot(self.stderr, self.systematic)

    @property
    def is_difference_seen(self) -> bool:
        """Whether the limits leave the reference out, a bool."""
        return self.lower95 > self.reference or self.upper95 < self.reference


def decide_equality(
    estimate: Estimate, bound: float, *, reference: float = 0.0, tests: int = 1
) -> Decision:
    """Return whether a quantity equals its reference within a bound.

    ``retained``: the 95 % limits lie within reference -/+ bound, which is stricter than two
    one-sided tests at 5 % (D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987) 657).
    ``changed``: the estimate lies beyond the bound, and the limits, at 95 % over the whole family
    of `tests` (Bonferroni), leave the reference out. All else is ``inconclusive``; without a value
    or an error too.

    Parameters
    ----------
    estimate : Estimate
        In the unit of `bound` and `reference`.
    bound : float
        The smallest difference that would matter, above 0.
    reference : float
        The value that stands for no change.
    tests : int
        Number of tests, of which each could find a change, on one sample.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        If the bound is not above 0, or there is less than one test.
    """
    if not bound > 0:
        raise ValueError(f"a bound of {bound:g} leaves nothing that could be the same")
    decision = _limit(estimate, reference, tests, bound)
    if not estimate.is_measured:
        return decision
    low, high = decision.lower95 - reference, decision.upper95 - reference
    difference = estimate.value - reference
    verdict = Verdict.INCONCLUSIVE
    if -bound <= low and high <= bound:
        verdict = Verdict.RETAINED
    elif abs(difference) > bound and abs(difference) > _family_half_width(estimate, tests):
        verdict = Verdict.CHANGED
    return replace(decision, verdict=verdict)


def decide_presence(estimate: Estimate, *, tests: int = 1, nothing: float = 0.0) -> Decision:
    """Return whether something is there.

    ``detected``: the amount lies three standard errors above nothing, and so do its limits at 95 %
    over the whole family of `tests`. Limits at 95 % alone would find one in forty of the things
    that are not there. ``not detected``: the limits include its absence; what would have been seen
    stands beside. All else is ``inconclusive``: limits that exclude its absence though not by so
    much, an amount surely below nothing (its errors are wrong), one without a value or an error.

    Parameters
    ----------
    estimate : Estimate
        An amount that is there where it lies above `nothing`.
    tests : int
        Number of things that were looked for.
    nothing : float
        The amount that stands for absence.

    Returns
    -------
    Decision

    Raises
    ------
    ValueError
        If there is less than one test.
    """
    decision = _limit(estimate, nothing, tests, None)
    if not estimate.is_measured:
        return decision
    least = max(estimate.find_half_width(DETECTION), _family_half_width(estimate, tests))
    decision = replace(decision, smallest=least + estimate.find_half_width(CONFIDENCE))
    if estimate.value - least > nothing:
        return replace(decision, verdict=Verdict.DETECTED)
    if decision.is_difference_seen:
        return decision
    return replace(decision, verdict=Verdict.NOT_DETECTED)


def decide_quantity(
    estimate: Estimate, *, lowest: float = -math.inf, highest: float = math.inf
) -> Decision:
    """Return whether a number may be used: ``ok``, or ``undetermined``.

    ``ok`` needs a value with an error whose limits touch the range that is possible, and leave part
    of it out: an interval that holds everything possible is no knowledge. Limits are cut to the
    range.

    Parameters
    ----------
    estimate : Estimate
    lowest, highest : float
        The range that is possible, as 0 to 100 percent of a share.

    Returns
    -------
    Decision
        Without a reference of its own: `lowest`, where that is finite, else 0.
    """
    reference = lowest if math.isfinite(lowest) else 0.0
    decision = _limit(estimate, reference, 1, None)
    if not estimate.is_measured:
        return replace(decision, verdict=Verdict.UNDETERMINED)
    low, high = decision.lower95, decision.upper95
    is_possible = high >= lowest and low <= highest
    is_informative = low > lowest or high < highest or math.isinf(lowest) or math.isinf(highest)
    verdict = Verdict.OK if is_possible and is_informative else Verdict.UNDETERMINED
    if not is_possible:
        return replace(decision, verdict=verdict)
    return replace(
        decision,
        verdict=verdict,
        value=min(max(estimate.value, lowest), highest),
        lower95=max(low, lowest),
        upper95=min(high, highest),
    )


def combine_equalities(verdicts: Sequence[Verdict], *, is_complete: bool = True) -> Verdict:
    """Return the verdict on a whole from those on its parts.

    ``changed`` where any part has, ``retained`` where every part has been retained and none is
    missing, else ``inconclusive``; nothing compared is ``inconclusive``.

    Parameters
    ----------
    verdicts : sequence of Verdict
        Of `decide_equality`, one per part.
    is_complete : bool
        Whether every part that has to be compared was.

    Returns
    -------
    Verdict
        A str.
    """
    if Verdict.CHANGED in verdicts:
        return Verdict.CHANGED
    all_retained = bool(verdicts) and all(verdict == Verdict.RETAINED for verdict in verdicts)
    return Verdict.RETAINED if all_retained and is_complete else Verdict.INCONCLUSIVE


def describe_open_difference(decision: Decision, unit: str, *, scale: float = 1.0) -> str:
    """Return what is known where a comparison stays open: whether a difference is there, and what
    would matter.

    Parameters
    ----------
    decision : Decision
        Of `decide_equality`.
    unit : str
        As it is printed after numbers.
    scale : float
        From the decision's unit to the printed one, as 100 to percent [1].

    Returns
    -------
    str
        One clause, empty where nothing was measured.
    """
    if not math.isfinite(decision.sigma) or decision.bound is None:
        return ""
    difference = scale * (decision.value - decision.reference)
    error, bound = scale * decision.sigma, scale * decision.bound
    if not decision.is_difference_seen:
        return f"no difference seen: {difference:+.2g} -/+ {error:.2g} {unit}".rstrip()
    return (
        f"a difference of {difference:+.2g} -/+ {error:.2g} {unit} is there; "
        f"whether it matters ({bound:.2g} {unit}) is open"
    )


def _limit(estimate: Estimate, reference: float, tests: int, bound: float | None) -> Decision:
    """Return an estimate with its two-sided 95 % limits, still ``inconclusive``."""
    if tests < 1:
        raise ValueError(f"{tests} tests: a decision needs one at least")
    low = high = math.nan
    smallest = math.inf
    if estimate.is_measured:
        half = estimate.find_half_width(TWO_SIDED)
        low, high = estimate.value - half, estimate.value + half
        smallest = _family_half_width(estimate, tests) + estimate.find_half_width(CONFIDENCE)
    return Decision(
        verdict=Verdict.INCONCLUSIVE,
        value=estimate.value,
        stderr=estimate.stated_stderr,
        systematic=estimate.systematic,
        lower95=low,
        upper95=high,
        smallest=smallest,
        reference=reference,
        bound=bound,
    )


def _family_half_width(estimate: Estimate, tests: int) -> float:
    """Return the half-width of limits that hold at 95 % over all tests together (Bonferroni)."""
    return estimate.find_half_width(1 - (1 - CONFIDENCE) / (2 * tests))


# What a row must show for its verdict --------------------------------------------------------


SAME = frozenset({Verdict.RETAINED, Verdict.RETURNED, Verdict.UNCHANGED})
"""Verdicts of a number that say: the same within its bound."""
DIFFERENT = frozenset({Verdict.CHANGED, Verdict.NOT_RETURNED})
"""Verdicts of a number that say: not the same, beyond its bound."""
ROUNDING = 1e-3
"""By how much of its width an interval may seem to miss a value for rounding [1]."""


def find_contradictions(row: Conclusion) -> list[str]:
    """Return what a row's verdict says that its own numbers do not; an empty list is a sound row.

    Parameters
    ----------
    row : Conclusion
        As a step wrote it, or read back from ``conclusions.json``.

    Returns
    -------
    list of str
        One sentence per contradiction.
    """
    row = _drop_infinite(row.with_limits())
    found = _check_numbers(row)
    match row.verdict:
        case Verdict.DETECTED:
            if row.value is not None and not _lies_above(row.lower95, _reference(row)):
                found.append("detected, but the limits include its absence")
        case Verdict.NOT_DETECTED:
            if _lies_above(row.lower95, _reference(row)):
                found.append("not detected, but the limits exclude its absence")
        case Verdict.UPPER_LIMIT:
            if row.upper95 is None:
                found.append("an upper limit without one")
        case Verdict.LOWER_LIMIT:
            if row.lower95 is None:
                found.append("a lower limit without one")
        case verdict if verdict in SAME and row.value is not None:
            found += _check_same(row)
        case verdict if verdict in DIFFERENT and row.value is not None:
            found += _check_different(row)
    return found


def withhold_contradiction(row: Conclusion) -> Conclusion:
    """Return a row as it may be written: one whose verdict its numbers contradict becomes
    ``inconclusive``, and its reason says why.

    Every row passes here on its way to disk, so that a fault in a technique cannot reach a reader
    as a verdict.

    Parameters
    ----------
    row : Conclusion
    """
    problems = find_contradictions(row)
    if not problems:
        return row
    reason = f"verdict withheld: {'; '.join(problems)}"
    if row.reason:
        reason = f"{reason}; {row.reason}"
    return replace(row, verdict=Verdict.INCONCLUSIVE, reason=reason)


def find_all_contradictions(rows: Iterable[Conclusion]) -> list[tuple[Conclusion, str]]:
    """Return every contradiction of `find_contradictions` with its row.

    Parameters
    ----------
    rows : iterable of Conclusion
    """
    return [(row, problem) for row in rows for problem in find_contradictions(row)]


def _drop_infinite(row: Conclusion) -> Conclusion:
    """Return a row whose numbers are finite or missing, as it is stored."""
    names = ("value", "stderr", "systematic", "lower95", "upper95", "bound", "reference")
    numbers = {name: getattr(row, name) for name in names}
    missing = {n: None for n, x in numbers.items() if x is not None and not math.isfinite(x)}
    return replace(row, **missing)  # type: ignore[arg-type]


def _check_numbers(row: Conclusion) -> list[str]:
    """Return what is wrong with value, errors and limits, whatever the verdict."""
    found = []
    numbers: Mapping[str, float | None] = {
        "standard error": row.stderr,
        "systematic": row.systematic,
    }
    found += [
        f"a negative {name}"
        for name, number in numbers.items()
        if number is not None and number < 0
    ]
    low, high = row.lower95, row.upper95
    if low is not None and high is not None:
        if low > high:
            found.append("the lower limit is above the upper")
        slack = ROUNDING * abs(high - low)
        if row.value is not None and not low - slack <= row.value <= high + slack:
            found.append("the value lies outside its limits")
    return found


def _check_same(row: Conclusion) -> list[str]:
    low, high = row.lower95, row.upper95
    if row.bound is None or low is None or high is None:
        return [f"{row.verdict} without limits or a bound to hold them"]
    reference = _reference(row)
    slack = ROUNDING * row.bound
    if low < reference - row.bound - slack or high > reference + row.bound + slack:
        return [f"{row.verdict}, but the limits reach beyond the bound of {row.bound:g}"]
    return []


def _check_different(row: Conclusion) -> list[str]:
    low, high = row.lower95, row.upper95
    if row.bound is None or low is None or high is None or row.value is None:
        return [f"{row.verdict} without limits or a bound to lie beyond"]
    reference = _reference(row)
    found = []
    if low <= reference <= high:
        found.append(f"{row.verdict}, but the limits hold no change")
    if abs(row.value - reference) <= row.bound * (1 - ROUNDING):
        found.append(f"{row.verdict}, but the estimate lies within the bound of {row.bound:g}")
    return found


def _reference(row: Conclusion) -> float:
    return 0.0 if row.reference is None else row.reference


def _lies_above(number: float | None, other: float) -> bool:
    return number is not None and number > other
