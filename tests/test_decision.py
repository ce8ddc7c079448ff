"""What a verdict may say: decisions by hand at their bounds, laws over random rows, and the check
of what is written."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssbchar.conclusion import Conclusion, read_rows
from ssbchar.decision import (
    Decision,
    Estimate,
    combine_equalities,
    decide_equality,
    decide_presence,
    decide_quantity,
    describe_open_difference,
    find_all_contradictions,
    find_contradictions,
    withhold_contradiction,
)
from ssbchar.storage import store
from ssbchar.verdict import Verdict

NUMBERS = st.one_of(
    st.floats(-1e3, 1e3),
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, 1e-300, 1e300]),
)
ERRORS = st.one_of(st.floats(0, 1e3), st.sampled_from([math.nan, math.inf, 0.0, 1e-300, 1e300]))
FREEDOM = st.one_of(st.floats(0.5, 2000), st.just(math.inf))


def estimate(value: float, stderr: float, systematic: float = 0.0) -> Estimate:
    return Estimate(value=value, stderr=stderr, systematic=systematic)


def row_of(decision: Decision) -> Conclusion:
    return Conclusion(
        "x",
        value=decision.value,
        stderr=decision.stderr,
        systematic=decision.systematic,
        lower95=decision.lower95,
        upper95=decision.upper95,
        verdict=decision.verdict,
        bound=decision.bound,
        reference=decision.reference,
    )


def stored(row: Conclusion, tmp_path: Path) -> Conclusion:
    """Return a row as it stands on disk."""
    path = tmp_path / "conclusions.json"
    store.save([row], path, {}, {})
    (read,) = read_rows(store.read_json(path)["conclusions"])
    return read


def test_limits_and_the_smallest_difference_seen() -> None:
    """1.96 sigma to each side; 1.96 + 1.645 sigma would be seen in 95 of 100."""
    decision = decide_equality(estimate(0.3, 0.06, 0.08), 1.0)
    assert (decision.value, decision.sigma) == (0.3, pytest.approx(0.1))
    assert (decision.stderr, decision.systematic, decision.bound) == (0.06, 0.08, 1.0)
    assert decision.lower95 == pytest.approx(0.3 - 0.1959964)
    assert decision.upper95 == pytest.approx(0.3 + 0.1959964)
    assert decision.smallest == pytest.approx(0.1 * (1.959964 + 1.644854), rel=1e-6)
    of_five = decide_equality(estimate(0.3, 0.1), 1.0, tests=5)
    assert of_five.smallest == pytest.approx(0.1 * (2.575829 + 1.644854), rel=1e-6)


def test_few_repeats_widen_the_statistical_part_alone() -> None:
    """Student's t of 4 degrees of freedom, 2.776, on 0.1; 1.96 on the systematic 0.05."""
    few = decide_equality(Estimate(value=0.3, stderr=0.1, systematic=0.05, dof=4), 1.0)
    half = math.hypot(0.1 * 2.776445, 0.05 * 1.959964)
    assert few.upper95 == pytest.approx(0.3 + half, rel=1e-6)
    assert few.stderr == pytest.approx(0.1 * 2.776445 / 1.959964, rel=1e-6)
    assert few.systematic == 0.05
    assert 1.959964 * few.sigma == pytest.approx(half, rel=1e-6)
    # 4.604 and 2.132 are the quantiles at 99.5 and 95 %, 2.576 and 1.645 the normal ones.
    five = decide_equality(Estimate(value=0.3, stderr=0.1, systematic=0.05, dof=4), 1.0, tests=5)
    expected = math.hypot(0.4604095, 0.05 * 2.575829) + math.hypot(0.2131847, 0.05 * 1.644854)
    assert five.smallest == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("sign", [-1, 1])
def test_retained_where_the_limits_lie_within_the_bound(sign: int) -> None:
    inside, outside = 1 - 0.19600, 1 - 0.19599
    assert decide_equality(estimate(sign * inside, 0.1), 1.0).verdict == "retained"
    assert decide_equality(estimate(sign * outside, 0.1), 1.0).verdict == "inconclusive"
    of_ratio = decide_equality(estimate(1 + sign * inside, 0.1), 1.0, reference=1.0)
    assert (of_ratio.verdict, of_ratio.reference) == ("retained", 1.0)


def test_a_difference_within_the_bound_is_retained_and_told() -> None:
    decision = decide_equality(estimate(0.02, 0.001), 0.1)
    assert decision.verdict == "retained"
    assert decision.is_difference_seen


@pytest.mark.parametrize("sign", [-1, 1])
def test_changed_beyond_the_bound_and_the_familys_limit(sign: int) -> None:
    """Of one test 1.96 sigma, of five 2.576; an estimate within the bound is no change."""
    assert decide_equality(estimate(sign * 0.1961, 0.1), 0.01).verdict == "changed"
    assert decide_equality(estimate(sign * 0.1959, 0.1), 0.01).verdict == "inconclusive"
    assert decide_equality(estimate(sign * 0.2577, 0.1), 0.01, tests=5).verdict == "changed"
    assert decide_equality(estimate(sign * 0.2575, 0.1), 0.01, tests=5).verdict == "inconclusive"
    assert decide_equality(estimate(sign * 0.0449, 0.01), 0.045).verdict == "inconclusive"
    assert decide_equality(estimate(sign * 0.0451, 0.01), 0.045).verdict == "changed"


def test_a_loss_that_is_there_and_may_not_matter_is_open() -> None:
    """0.966(10) where 0.955 matters: there is a loss, whether it matters is open."""
    decision = decide_equality(estimate(0.966, 0.010), 0.045, reference=1.0, tests=4)
    assert decision.verdict == "inconclusive"
    assert decision.is_difference_seen
    assert describe_open_difference(decision, "%", scale=100) == (
        "a difference of -3.4 -/+ 1 % is there; whether it matters (4.5 %) is open"
    )
    unseen = decide_equality(estimate(0.99, 0.03), 0.045, reference=1.0)
    assert describe_open_difference(unseen, "%", scale=100) == ("no difference seen: -1 -/+ 3 %")
    assert describe_open_difference(decide_presence(estimate(1, 1)), "%") == ""
    assert describe_open_difference(decide_equality(estimate(1, math.nan), 1.0), "%") == ""


@pytest.mark.parametrize(
    "nothing_measured",
    [
        estimate(math.nan, 0.1),
        estimate(0.0, math.nan),
        estimate(0.0, math.inf),
        estimate(math.inf, 0.1),
        estimate(0.0, 0.0),
        estimate(5.0, 0.0),
        estimate(5.0, 0.1, math.nan),
    ],
)
def test_nothing_measured_is_no_verdict(nothing_measured: Estimate) -> None:
    equal = decide_equality(nothing_measured, 1.0)
    assert (equal.verdict, equal.smallest) == ("inconclusive", math.inf)
    assert math.isnan(equal.lower95) and math.isnan(equal.upper95)
    assert decide_presence(nothing_measured).verdict == "inconclusive"
    assert decide_quantity(nothing_measured).verdict == "undetermined"


def test_an_impossible_question_is_refused() -> None:
    for bound in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="bound"):
            decide_equality(estimate(0, 1), bound)
    with pytest.raises(ValueError, match="tests"):
        decide_presence(estimate(0, 1), tests=0)


def test_presence_needs_limits_that_leave_nothing_out() -> None:
    assert decide_presence(estimate(0.3001, 0.1)).verdict == "detected"
    # A one-sided test at 1.645 would have called this there, its own limits hold zero.
    assert decide_presence(estimate(0.19, 0.1)).verdict == "not detected"
    assert decide_presence(estimate(0.1959, 0.1), tests=5).verdict == "not detected"
    # Of forty things that are not there one lies beyond its 95 % limits.
    assert decide_presence(estimate(0.1961, 0.1)).verdict == "inconclusive"
    assert decide_presence(estimate(0.2999, 0.1)).verdict == "inconclusive"
    # One of a hundred things that were looked for may stand out by chance: 3.4808 at 0.99975.
    assert decide_presence(estimate(0.3480, 0.1), tests=100).verdict == "inconclusive"
    assert decide_presence(estimate(0.3481, 0.1), tests=100).verdict == "detected"
    assert decide_presence(estimate(-0.19, 0.1)).verdict == "not detected"
    assert decide_presence(estimate(1.19, 0.1), nothing=1.0).verdict == "not detected"
    assert decide_presence(estimate(1.3001, 0.1), nothing=1.0).verdict == "detected"
    # What would have been seen in 95 of 100: 3 and 1.645 standard errors.
    assert decide_presence(estimate(0.0, 0.1)).smallest == pytest.approx(0.46448, abs=2e-5)


def test_what_is_not_there_is_detected_once_in_a_thousand_cases() -> None:
    random = np.random.default_rng(5)
    verdicts = [
        decide_presence(estimate(value, 1.0)).verdict for value in random.normal(size=20_000)
    ]
    # 27 are expected of 20 000; 500 by limits of 95 %.
    assert 10 <= verdicts.count("detected") <= 50


def test_an_amount_surely_below_nothing_is_no_amount() -> None:
    assert decide_presence(estimate(-0.1961, 0.1)).verdict == "inconclusive"


def test_a_share_is_ok_where_its_limits_leave_something_out() -> None:
    percent = {"lowest": 0.0, "highest": 100.0}
    decision = decide_quantity(estimate(98.0, 2.0), **percent)
    assert decision.verdict == "ok"
    assert (decision.lower95, decision.upper95) == (pytest.approx(94.08007), 100.0)
    slightly_above = decide_quantity(estimate(101.0, 1.0), **percent)
    assert (slightly_above.verdict, slightly_above.value) == ("ok", 100.0)
    assert slightly_above.lower95 == pytest.approx(99.040036)
    anything = decide_quantity(estimate(50.0, 60.0), **percent)
    assert (anything.verdict, anything.lower95, anything.upper95) == ("undetermined", 0.0, 100.0)
    impossible = decide_quantity(estimate(130.0, 1.0), **percent)
    assert (impossible.verdict, impossible.value) == ("undetermined", 130.0)
    assert decide_quantity(estimate(130.0, 1.0)).verdict == "ok"


def test_a_whole_is_retained_where_all_parts_are() -> None:
    same, other, open_ = Verdict.RETAINED, Verdict.CHANGED, Verdict.INCONCLUSIVE
    assert combine_equalities([same, same]) == "retained"
    assert combine_equalities([same, same], is_complete=False) == "inconclusive"
    assert combine_equalities([same, open_]) == "inconclusive"
    assert combine_equalities([same, other], is_complete=False) == "changed"
    assert combine_equalities([]) == "inconclusive"


def test_the_familys_errors_in_many_repeats() -> None:
    """At the bound the same is claimed in 2.5 of 100; of no change a change in 5 at most."""
    random = np.random.default_rng(3)
    at_bound = 0.1 + 0.02 * random.standard_normal(4000)
    verdicts = [decide_equality(estimate(v, 0.02), 0.1).verdict for v in at_bound]
    assert verdicts.count(Verdict.RETAINED) / 4000 == pytest.approx(0.025, abs=0.008)
    none = 0.08 * random.standard_normal((1000, 4))
    changed = [
        any(decide_equality(estimate(v, 0.08), 0.01, tests=4).verdict == "changed" for v in one)
        for one in none
    ]
    assert np.mean(changed) == pytest.approx(0.05, abs=0.02)


@given(NUMBERS, ERRORS, ERRORS, FREEDOM, st.floats(1e-6, 1e3), NUMBERS, st.integers(1, 50))
def test_no_decision_contradicts_its_own_limits(
    value: float,
    stderr: float,
    systematic: float,
    dof: float,
    bound: float,
    reference: float,
    tests: int,
) -> None:
    one = Estimate(value=value, stderr=stderr, systematic=systematic, dof=dof)
    at = reference if math.isfinite(reference) else 0.0
    equal = decide_equality(one, bound, reference=at, tests=tests)
    present = decide_presence(one, nothing=at, tests=tests)
    quantified = decide_quantity(one, lowest=0.0, highest=100.0)
    for decision in (equal, present, quantified):
        assert find_contradictions(row_of(decision)) == []
        if decision.verdict not in ("inconclusive", "undetermined"):
            assert math.isfinite(decision.lower95) and math.isfinite(decision.upper95)
    if equal.verdict == "retained":
        assert at - bound <= equal.lower95 <= equal.upper95 <= at + bound
    if equal.verdict == "changed":
        assert equal.is_difference_seen and abs(equal.value - at) > bound
    if present.verdict == "detected":
        assert present.lower95 > at


SAME = partial(Conclusion, "x", value=0.0, bound=1.0, verdict="retained")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (Conclusion("x", value=0.003, stderr=0.0015, systematic=0.0003), ""),
        (
            Conclusion("x", value=0.00265, stderr=0.0015, systematic=0.0, verdict="detected"),
            "detected, but the limits include its absence",
        ),
        (Conclusion("x", value=1.0, verdict="detected"), "the limits include its absence"),
        (Conclusion("product", verdict="detected"), ""),
        (Conclusion("x", value=2.0, stderr=0.5, verdict="detected"), ""),
        (Conclusion("x", value=1.1, stderr=0.01, reference=1.0, verdict="detected"), ""),
        (
            Conclusion("x", value=1.0, stderr=0.01, reference=1.0, verdict="detected"),
            "include its absence",
        ),
        (Conclusion("x", value=2.0, stderr=0.5, verdict="not detected"), "exclude its absence"),
        (Conclusion("x", verdict="upper limit"), "without one"),
        (Conclusion("x", upper95=3.0, verdict="upper limit"), ""),
        (Conclusion("x", verdict="lower limit"), "without one"),
        (Conclusion("x", value=0.0, stderr=0.1, verdict="retained"), "without limits or a bound"),
        (Conclusion("x", value=0.0, bound=1.0, verdict="returned"), "without limits or a bound"),
        (Conclusion("x", value=0.0, stderr=0.1, bound=1.0, verdict="returned"), ""),
        (Conclusion("x", value=0.0, stderr=0.6, bound=1.0, verdict="unchanged"), "beyond the"),
        (Conclusion("x", value=0.9, stderr=0.1, bound=1.0, verdict="retained"), "beyond the"),
        (Conclusion("x", value=-0.9, stderr=0.1, bound=1.0, verdict="retained"), "beyond the"),
        (
            Conclusion("x", value=1.9, stderr=0.1, bound=1.2, reference=1.0, verdict="retained"),
            "",
        ),
        (Conclusion("x", value=0.9, stderr=0.1, bound=1.0, verdict="changed"), "within the"),
        (Conclusion("x", value=-1.1, stderr=1.0, bound=1.0, verdict="changed"), "no change"),
        (Conclusion("x", value=-1.1, stderr=0.1, bound=1.0, verdict="not_returned"), ""),
        (Conclusion("x", value=1.1, stderr=0.1, verdict="changed"), "without limits"),
        (Conclusion("structure", verdict="changed"), ""),
        (Conclusion("x", value=1.0, stderr=-0.1), "a negative standard error"),
        (Conclusion("x", value=1.0, stderr=0.1, systematic=-0.1), "a negative systematic"),
        (Conclusion("x", value=1.0, lower95=2.0, upper95=3.0), "outside its limits"),
        (Conclusion("x", value=4.0, lower95=2.0, upper95=3.0), "outside its limits"),
        # Numbers are stored rounded: a thousandth of the width, or of the bound, is no fault.
        (Conclusion("x", value=2.0, lower95=2.0005, upper95=3.0), ""),
        (Conclusion("x", value=3.0, lower95=2.0, upper95=2.9995), ""),
        (Conclusion("x", value=2.0, lower95=2.005, upper95=3.0), "outside its limits"),
        (SAME(lower95=-1.0005, upper95=0.5), ""),
        (SAME(lower95=-0.5, upper95=1.0005), ""),
        (SAME(lower95=-1.005, upper95=0.5), "beyond the"),
        (SAME(lower95=-0.5, upper95=1.005), "beyond the"),
        (Conclusion("x", lower95=3.0, upper95=2.0), "above the upper"),
    ],
)
def test_a_rows_contradictions(row: Conclusion, problem: str) -> None:
    found = find_contradictions(row)
    assert len(found) == bool(problem)
    assert problem in "".join(found)


def test_a_contradiction_never_reaches_the_disk_as_a_verdict(tmp_path: Path) -> None:
    false = Conclusion(
        "reduced_fraction",
        value=0.00265,
        stderr=0.0015,
        verdict="detected",
        reason="lowest edge energy",
        sample="s",
        technique="xas",
        source="m",
    )
    read = stored(false, tmp_path)
    assert read.verdict == "inconclusive"
    assert read.reason == (
        "verdict withheld: detected, but the limits include its absence; lowest edge energy"
    )
    assert read.value == false.value
    sound = replace(false, value=0.1)
    assert stored(sound, tmp_path).verdict == "detected"
    assert withhold_contradiction(sound) is sound
    assert find_all_contradictions([sound, false]) == [
        (false, "detected, but the limits include its absence")
    ]


def test_bound_and_reference_come_back_from_disk(tmp_path: Path) -> None:
    ratio = decide_equality(estimate(1.0, 0.01), 0.045, reference=1.0)
    read = stored(row_of(ratio), tmp_path)
    assert (read.bound, read.reference, read.verdict) == (0.045, 1.0, "retained")
