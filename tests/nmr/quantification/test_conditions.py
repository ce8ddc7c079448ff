"""Conditions of pressing as the sheet gives them."""

from ssbchar.nmr.quantification.conditions import conclude_conditions
from ssbchar.nmr.quantification.options import QuantificationOptions


def test_what_is_given_and_nothing_else() -> None:
    assert conclude_conditions(QuantificationOptions(x_nominal=1.0)) == []
    options = QuantificationOptions(
        pressing_pressure=200.0, x_nominal=2.0, x_nominal_stderr=0.1, trend_tolerance=3.0
    )
    pressure, composition = conclude_conditions(options)
    assert (pressure.quantity, pressure.value, pressure.unit) == ("pressing_pressure", 200.0, "MPa")
    assert pressure.bound == 3.0
    assert (composition.quantity, composition.value, composition.stderr) == ("x_nominal", 2.0, 0.1)
