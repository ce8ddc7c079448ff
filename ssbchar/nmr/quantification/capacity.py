"""What a degree of prelithiation is to the cell: Li per mass of silicon as charge.

One Li per Si is F / (3.6 M_Si) = 954 mAh per gram of silicon. Alloyed and metallic Li together are
the inventory that the powder was weighed with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.prelithiation import FOLDED
from ssbchar.statistics import Z95
from ssbchar.verdict import Verdict

FARADAY = 96485.33212
"""Charge of a mole of electrons [C/mol] (CODATA 2018)."""
SILICON_MASS = 28.085
"""Molar mass of silicon [g/mol] (conventional atomic weight)."""
UNIT = "mAh/g"
"""Charge per mass of silicon."""


def capacity_from_x(x: float) -> float:
    """Return x F / (3.6 M_Si), the charge of the Li in Li_xSi per mass of silicon [mAh/g].

    Parameters
    ----------
    x : float
        Li per Si [dimensionless].
    """
    return x * FARADAY / (3.6 * SILICON_MASS)


def conclude_capacities(
    alloyed: Sequence[Conclusion], options: QuantificationOptions
) -> list[Conclusion]:
    """Return alloyed and metallic Li, and all Li, as charge per mass of silicon [mAh/g]; none
    without a nominal composition.

    Parameters
    ----------
    alloyed : sequence of Conclusion
        From `ssbchar.nmr.quantification.prelithiation.conclude_prelithiation`: ``alloyed_share``
        [percent] and ``x_alloyed`` [1], each with its conditions and limits.
    options : QuantificationOptions
        Nominal composition with its standard uncertainty.
    """
    if options.x_nominal is None:
        return []
    rows = [_scale_alloyed(row) for row in alloyed if row.quantity == "x_alloyed"]
    rows += [
        _find_metallic(row, options.x_nominal, options.x_nominal_stderr)
        for row in alloyed
        if row.quantity == "alloyed_share" and row.condition in ("", FOLDED)
    ]
    return [*rows, _find_inventory(options.x_nominal, options.x_nominal_stderr)]


def _scale_alloyed(x: Conclusion) -> Conclusion:
    return replace(
        x,
        quantity="alloyed_capacity",
        unit=UNIT,
        value=_convert(x.value),
        stderr=_convert(x.stderr),
        systematic=_convert(x.systematic),
        lower95=_convert(x.lower95),
        upper95=_convert(x.upper95),
        method=f"x F / (3.6 M_Si), per mass of silicon; {x.method}".removesuffix("; "),
    )


def _find_metallic(share: Conclusion, x: float, stderr: float) -> Conclusion:
    """Return the charge of the Li that is still metal, (100 - p) x / 100."""
    left = None if share.value is None else 1 - share.value / 100
    error = None
    if left is not None and share.stderr is not None:
        error = float(np.hypot(share.stderr / 100 * x, left * stderr))
    least, most = max(x - Z95 * stderr, 0.0), x + Z95 * stderr
    lower = None if share.upper95 is None else (1 - share.upper95 / 100) * least
    upper = None if share.lower95 is None else (1 - share.lower95 / 100) * most
    return replace(
        share,
        quantity="metallic_capacity",
        unit=UNIT,
        value=None if left is None else _convert(left * x),
        stderr=_convert(error),
        systematic=None if share.systematic is None else _convert(share.systematic / 100 * x),
        lower95=_convert(lower),
        upper95=_convert(upper),
        method="(1 - p) x F / (3.6 M_Si), per mass of silicon",
    )


def _find_inventory(x: float, stderr: float) -> Conclusion:
    """Return the charge of all Li that was weighed in; N/A where nobody says how well it was
    weighed."""
    row = Conclusion(
        "li_inventory",
        unit=UNIT,
        subject="sample",
        method="nominal composition, all Li per mass of silicon; closed Li balance",
    )
    if stderr == 0:
        said = f"x {x:g} is {capacity_from_x(x):.0f} mAh/g, but its uncertainty is not stated"
        reason = f"{said}: set nmr.quantify.x_nominal_stderr"
        return replace(row, verdict=Verdict.NOT_APPLICABLE, reason=reason)
    return replace(
        row,
        value=_convert(x),
        stderr=_convert(stderr),
        lower95=_convert(max(x - Z95 * stderr, 0.0)),
        upper95=_convert(x + Z95 * stderr),
        verdict=Verdict.NONE,
    )


def _convert(x: float | None) -> float | None:
    return None if x is None else capacity_from_x(x)
