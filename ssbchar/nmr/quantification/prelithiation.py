"""Share of all Li that alloyed, p = A_LiSi / (A_Li + A_LiSi) after back-correction, and x = p
x_nominal in Li_xSi."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.statistics import Z95
from ssbchar.verdict import Verdict

FOLDED = "visibility of the metal folded in"
"""Condition of the interval that skin effect and echo efficiency leave."""
LEFT_OUT = "lines that may be salts left out"
"""Condition of the lower limit beside a value."""


@dataclass(frozen=True, kw_only=True)
class _Salts:
    """Share of the Li-Si region in lines that may be salts [percent]."""

    value: float
    most: float
    """95 % upper limit."""

    def lower(self, limit: float) -> float:
        """Return a lower limit of the share without them."""
        return limit * (1 - self.most / 100)


def conclude_prelithiation(
    li_si: Conclusion,
    options: QuantificationOptions,
    no_metal: str | None = None,
    doubtful: Conclusion | None = None,
    visibility: tuple[float, float] | None = None,
) -> list[Conclusion]:
    """Return the headline rows ``alloyed_share`` and, with a nominal composition, ``x_alloyed``.

    A closed Li balance and equal visibility of all Li are assumed, and the rows say so. Without a
    line of Li metal the question has no answer: that all Li alloyed, that the metal is hidden, and
    that the sample holds other Li look alike. Lines in the Li-Si region that may be salts lower
    what is sure: an interval is widened by them, and beside a value stands a lower limit, the 95 %
    limit of p times (1 - d), d the 95 % upper limit of their share of the region. Errors a of p and
    b of d together are at most a + b, however they depend: the product, 1.96 a + 1.645 b below,
    holds 95 %.

    Parameters
    ----------
    li_si : Conclusion
        Corrected share of Li-Si [percent].
    options : QuantificationOptions
        Nominal composition with its standard uncertainty.
    no_metal : str, optional
        Why there is no line of Li metal, None where there is one.
    doubtful : Conclusion, optional
        ``diamagnetic_share`` [percent], with its upper limit.
    visibility : tuple of float, optional
        Range of the signal per Li of metal over Li-Si, with which the share is bounded in rows of
        their own (`bound_by_visibility`) [dimensionless].
    """
    share = replace(
        li_si,
        quantity="alloyed_share",
        condition="",
        subject="sample",
        method="corrected Li-Si share; closed Li balance and equal visibility assumed",
    )
    if no_metal is not None:
        reason = f"{no_metal}: nothing to share out"
        share = replace(share, lower95=None, upper95=None, method="", reason=reason)
    salts = _read_salts(doubtful)
    if share.value is None and share.lower95 is not None and salts is not None:
        share = _widen_interval(share, share.lower95, salts)
    rows = [share, *_convert_to_x(share, options)]
    folded = bound_by_visibility(share, visibility)
    rows += [row for one in folded for row in (one, *_convert_to_x(one, options))]
    lower = share.with_limits().lower95
    if salts is not None and share.value is not None and lower is not None:
        limit = _bound_without_salts(share, lower, salts)
        rows += [limit, *_convert_to_x(limit, options)]
    return rows


def bound_by_visibility(
    share: Conclusion, visibility: tuple[float, float] | None
) -> list[Conclusion]:
    """Return the row of the share with the metal's visibility folded in; none where either is
    unknown.

    With v the signal per Li of metal over that of Li-Si, the share is p v / (p v + 1 - p), p the
    share as if both gave alike. p goes through its 95 % limits and v through its range: the
    interval holds every particle size and coupling that were allowed.

    Parameters
    ----------
    share : Conclusion
        ``alloyed_share`` [percent].
    visibility : tuple of float or None
        Lowest and highest v [dimensionless].
    """
    limits = share.with_limits()
    if visibility is None or limits.lower95 is None or limits.upper95 is None:
        return []
    lowest, highest = visibility
    return [
        replace(
            share,
            value=None,
            stderr=None,
            systematic=None,
            lower95=_fold_visibility(max(limits.lower95, 0.0), lowest),
            upper95=_fold_visibility(min(limits.upper95, 100.0), highest),
            condition=FOLDED,
            verdict=Verdict.BOUNDED,
            method="skin effect over all particle sizes, echo efficiency over all couplings",
            reason=f"Li metal gives {lowest:.2f} to {highest:.2f} of the signal of Li-Si per Li; "
            "the convention takes both alike",
        )
    ]


def _fold_visibility(percent: float, visible: float) -> float:
    """Return a share [percent] with the metal seen by a factor."""
    alloyed, metal = percent * visible, 100 - percent
    return 100 * alloyed / (alloyed + metal)


def _read_salts(doubtful: Conclusion | None) -> _Salts | None:
    """Return the share of lines that may be salts, None where there are none."""
    if doubtful is None or not doubtful.value:
        return None
    most = doubtful.value if doubtful.upper95 is None else doubtful.upper95
    return _Salts(value=doubtful.value, most=most)


def _widen_interval(share: Conclusion, lower: float, salts: _Salts) -> Conclusion:
    note = f"lower limit without the lines that may be salts ({salts.value:.0f} % of the region)"
    return replace(share, lower95=salts.lower(lower), reason=f"{share.reason}; {note}")


def _bound_without_salts(share: Conclusion, lower: float, salts: _Salts) -> Conclusion:
    return replace(
        share,
        value=None,
        stderr=None,
        systematic=None,
        lower95=salts.lower(max(lower, 0.0)),
        upper95=None,
        condition=LEFT_OUT,
        verdict=Verdict.LOWER_LIMIT,
        reason=f"{salts.value:.3g} % of the Li-Si region need not be Li-Si "
        f"(at most {salts.most:.3g} %)",
    )


def _convert_to_x(share: Conclusion, options: QuantificationOptions) -> list[Conclusion]:
    """Return x = p x_nominal, where x_nominal is known; limits of p go with the 95 % limits of
    x_nominal."""
    if options.x_nominal is None:
        return []
    x, dx = options.x_nominal, options.x_nominal_stderr
    stderr = None
    if share.value is not None and share.stderr is not None:
        stderr = float(np.hypot(share.stderr / 100 * x, share.value / 100 * dx))
    return [
        replace(
            share,
            quantity="x_alloyed",
            unit="1",
            value=_scale_percent(share.value, x),
            stderr=stderr,
            systematic=_scale_percent(share.systematic, x),
            lower95=_scale_percent(share.lower95, max(x - Z95 * dx, 0.0)),
            upper95=_scale_percent(share.upper95, x + Z95 * dx),
        )
    ]


def _scale_percent(percent: float | None, factor: float) -> float | None:
    return None if percent is None else percent / 100 * factor
