"""What alloyed: values, intervals, and what salts leave sure."""

import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification import prelithiation
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import LEFT_OUT, conclude_prelithiation

VALUE = Conclusion(
    "li_si_fraction",
    value=80.0,
    stderr=1.0,
    systematic=0.5,
    unit="percent",
    subject="li_si",
    condition="corrected",
    verdict="ok",
    reason="bracket",
)
INTERVAL = Conclusion(
    "li_si_fraction", lower95=40.0, upper95=60.0, unit="percent", verdict="N/A", reason="evolves"
)
SALTS = Conclusion("diamagnetic_share", value=10.0, upper95=20.0)
X = QuantificationOptions(x_nominal=2.0, x_nominal_stderr=0.1)


def test_a_value_goes_over_to_x_with_both_errors() -> None:
    share, x = conclude_prelithiation(VALUE, X)
    assert (share.quantity, share.subject, share.condition) == ("alloyed_share", "sample", "")
    assert (share.value, share.stderr, share.reason) == (80.0, 1.0, "bracket")
    assert (x.quantity, x.unit) == ("x_alloyed", "1")
    assert x.value == pytest.approx(1.6)
    assert x.stderr == pytest.approx((0.02**2 + 0.08**2) ** 0.5)
    assert x.systematic == pytest.approx(0.01)
    assert (x.lower95, x.upper95) == (None, None)


def test_without_a_nominal_composition_there_is_no_x() -> None:
    assert [row.quantity for row in conclude_prelithiation(VALUE, QuantificationOptions())] == [
        "alloyed_share"
    ]


def test_limits_go_with_those_of_the_nominal_composition() -> None:
    _, x = conclude_prelithiation(INTERVAL, X)
    assert (x.value, x.stderr, x.systematic) == (None, None, None)
    assert x.lower95 == pytest.approx(0.4 * (2.0 - 1.959964 * 0.1))
    assert x.upper95 == pytest.approx(0.6 * (2.0 + 1.959964 * 0.1))
    wide = QuantificationOptions(x_nominal=1.0, x_nominal_stderr=1.0)
    assert conclude_prelithiation(INTERVAL, wide)[1].lower95 == 0.0


def test_salts_lower_an_interval() -> None:
    share, x = conclude_prelithiation(INTERVAL, X, None, SALTS)
    assert (share.lower95, share.upper95) == pytest.approx((32.0, 60.0))
    assert share.reason == (
        "evolves; lower limit without the lines that may be salts (10 % of the region)"
    )
    assert x.lower95 == pytest.approx(0.32 * (2.0 - 1.959964 * 0.1))


def test_salts_give_a_lower_limit_beside_a_value() -> None:
    share, x, limit, x_limit = conclude_prelithiation(VALUE, X, None, SALTS)
    assert (share.value, x.value) == pytest.approx((80.0, 1.6))
    assert (limit.condition, limit.verdict) == (LEFT_OUT, "lower limit")
    assert limit.lower95 == pytest.approx((80.0 - 1.959964 * 1.25**0.5) * 0.8)
    assert (limit.value, limit.stderr, limit.systematic, limit.upper95) == (None,) * 4
    assert limit.reason == "10 % of the Li-Si region need not be Li-Si (at most 20 %)"
    assert x_limit.lower95 == pytest.approx(limit.lower95 / 100 * (2.0 - 1.959964 * 0.1))


def test_a_lower_limit_is_not_negative() -> None:
    vague = Conclusion("li_si_fraction", value=1.0, stderr=5.0)
    assert conclude_prelithiation(vague, X, None, SALTS)[2].lower95 == 0.0


def test_without_an_upper_limit_the_salts_value_counts() -> None:
    salts = Conclusion("diamagnetic_share", value=10.0)
    limit = conclude_prelithiation(VALUE, QuantificationOptions(), None, salts)[1]
    assert limit.lower95 == pytest.approx((80.0 - 1.959964 * 1.25**0.5) * 0.9)
    none = Conclusion("diamagnetic_share", value=0.0, upper95=5.0)
    assert len(conclude_prelithiation(VALUE, QuantificationOptions(), None, none)) == 1


def test_without_metal_there_is_nothing_to_share_out() -> None:
    share, x = conclude_prelithiation(INTERVAL, X, "no li_metal line", SALTS)
    assert share.reason == "no li_metal line: nothing to share out"
    assert (share.lower95, share.upper95, x.lower95, x.upper95) == (None,) * 4
    assert share.method == ""


def test_the_metals_visibility_bounds_the_share_in_a_row_of_its_own() -> None:
    """p v / (p v + 1 - p): of 92.9 % the 95 % limits 92.53 and 93.26, v 0.161 to 0.921."""
    share = Conclusion(
        "alloyed_share", value=92.897, stderr=0.04369, systematic=0.18173, unit="percent"
    )
    (row,) = prelithiation.bound_by_visibility(share, (0.161, 0.921))
    low, high = share.with_limits().lower95, share.with_limits().upper95
    assert low is not None and high is not None
    assert row.lower95 == pytest.approx(100 * low * 0.161 / (low * 0.161 + 100 - low))
    assert row.upper95 == pytest.approx(100 * high * 0.921 / (high * 0.921 + 100 - high))
    assert 66.0 < row.lower95 < 67.8 < 92.3 < row.upper95 < 93.0
    assert (row.value, row.verdict) == (None, "bounded")
    assert row.condition == prelithiation.FOLDED
    assert prelithiation.bound_by_visibility(share, None) == []
    unknown = Conclusion("alloyed_share", value=92.0, unit="percent")
    assert prelithiation.bound_by_visibility(unknown, (0.1, 1.0)) == []
    whole = Conclusion("alloyed_share", lower95=-3.0, upper95=104.0)
    (row,) = prelithiation.bound_by_visibility(whole, (0.5, 1.0))
    assert (row.lower95, row.upper95) == (0.0, 100.0)
