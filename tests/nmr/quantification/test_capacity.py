"""Li per silicon as charge."""

import numpy as np
import pytest

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.capacity import capacity_from_x, conclude_capacities
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import conclude_prelithiation
from ssbchar.verdict import Verdict

SHARE = Conclusion(
    "li_si_fraction",
    value=92.0,
    stderr=0.5,
    systematic=0.3,
    unit="percent",
    subject="li_si",
    condition="corrected",
    verdict=Verdict.OK,
)
X = QuantificationOptions(x_nominal=2.0, x_nominal_stderr=0.02)


def conclude(share=SHARE, options=X, **given):
    alloyed = conclude_prelithiation(share, options, **given)
    return {(r.quantity, r.condition): r for r in conclude_capacities(alloyed, options)}


def test_one_lithium_per_silicon_is_954_mah_per_gram() -> None:
    assert capacity_from_x(1.0) == pytest.approx(954.3, abs=0.1)
    # Li4.4Si, the number of textbooks.
    assert capacity_from_x(4.4) == pytest.approx(4200, abs=2)


def test_alloyed_and_metallic_are_the_inventory() -> None:
    rows = conclude()
    alloyed, metal = rows["alloyed_capacity", ""], rows["metallic_capacity", ""]
    whole = rows["li_inventory", ""]
    assert alloyed.value == pytest.approx(0.92 * 2 * 954.29, rel=1e-4)
    assert metal.value == pytest.approx(0.08 * 2 * 954.29, rel=1e-4)
    assert alloyed.value + metal.value == pytest.approx(whole.value)
    assert {row.unit for row in rows.values()} == {"mAh/g"}
    assert alloyed.stderr == pytest.approx(954.29 * np.hypot(0.005 * 2, 0.92 * 0.02), rel=1e-4)
    assert metal.stderr == pytest.approx(954.29 * np.hypot(0.005 * 2, 0.08 * 0.02), rel=1e-4)
    assert metal.systematic == pytest.approx(954.29 * 0.003 * 2, rel=1e-4)
    assert whole.stderr == pytest.approx(954.29 * 0.02, rel=1e-4)


def test_limits_come_along_without_a_value() -> None:
    bounded = Conclusion(
        "li_si_fraction", lower95=20.0, upper95=30.0, unit="percent", verdict="N/A", reason="why"
    )
    rows = conclude(bounded, QuantificationOptions(x_nominal=1.0))
    metal = rows["metallic_capacity", ""]
    assert metal.value is None and metal.verdict == "N/A"
    assert (metal.lower95, metal.upper95) == pytest.approx((668.0, 763.4), abs=0.1)
    assert rows["alloyed_capacity", ""].upper95 == pytest.approx(286.3, abs=0.1)


def test_an_inventory_of_unknown_error_is_no_number() -> None:
    (row,) = [r for r in conclude(options=QuantificationOptions(x_nominal=1.0)).values()][-1:]
    assert (row.quantity, row.value, row.verdict) == ("li_inventory", None, "N/A")
    assert "954 mAh/g" in row.reason and "x_nominal_stderr" in row.reason


def test_without_a_nominal_composition_there_is_no_capacity() -> None:
    assert conclude(options=QuantificationOptions()) == {}


def test_visibility_and_salts_bound_the_capacity_too() -> None:
    rows = conclude(visibility=(0.5, 1.0))
    assert ("metallic_capacity", "visibility of the metal folded in") in rows
    assert ("alloyed_capacity", "visibility of the metal folded in") in rows
