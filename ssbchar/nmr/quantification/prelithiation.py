"""Share of all Li that alloyed, p = A_LiSi / (A_Li + A_LiSi) after back-correction, and x = p
x_nominal in Li_xSi."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.statistics import Z95

LEFT_OUT = "lines that may be salts left out"
"""Condition of the lower limit beside a value."""


def conclude_prelithiation(
    li_si: Conclusion,
    options: QuantificationOptions,
    no_metal: str = "",
    doubtful: Conclusion | None = None,
) -> list[Conclusion]:
    """Return the headline rows ``alloyed_share`` and, with a nominal composition, ``x_alloyed``.

    A closed Li balance and equal visibility of all Li are assumed and said so. Without a line of Li
    metal the question has no answer: that all Li alloyed, that the metal is hidden, and that the
    sample holds other Li look alike. Lines in the Li-Si region that may be salts lower what is
    sure: an interval is widened by them, and beside a value stands a lower limit, the 95 % limit of
    p times (1 - d), d the 95 % upper limit of their share of the region. Errors a of p and b of d
    together are at most a + b, however they depend: the product, 1.96 a + 1.645 b below, holds 95
    %.

    Parameters
    ----------
    li_si : Conclusion
        Corrected share of Li-Si.
    options : QuantificationOptions
        Nominal composition with its standard uncertainty.
    no_metal : str
        Why there is no line of Li metal, empty where there is one.
    doubtful : Conclusion, optional
        ``diamagnetic_share`` [percent], with its upper limit.
    """
    share = replace(
        li_si,
        quantity="alloyed_share",
        condition="",
        subject="sample",
        method="corrected Li-Si share; closed Li balance and equal visibility assumed",
    )
    if no_metal:
        share = replace(
            share, lower95=None, upper95=None, method="", reason=f"{no_metal}: nothing to share out"
        )
    salts = doubtful.value if doubtful and doubtful.value else 0.0
    most = doubtful.upper95 if doubtful and doubtful.upper95 is not None else salts
    if salts and share.value is None and share.lower95 is not None:
        share = replace(
            share,
            lower95=share.lower95 * (1 - most / 100),
            reason=f"{share.reason}; lower limit without the lines that may be salts ({salts:.0f} % of the region)",
        )
    found = [share, *_as_x(share, options)]
    lower = share.with_limits().lower95
    if salts and share.value is not None and lower is not None:
        limit = replace(
            share,
            value=None,
            stderr=None,
            systematic=None,
            lower95=max(lower, 0.0) * (1 - most / 100),
            upper95=None,
            condition=LEFT_OUT,
            verdict="lower limit",
            reason=f"{salts:.3g} % of the Li-Si region need not be Li-Si (at most {most:.3g} %)",
        )
        found += [limit, *_as_x(limit, options)]
    return found


def _as_x(share: Conclusion, options: QuantificationOptions) -> list[Conclusion]:
    """Return x = p x_nominal, where x_nominal is known; limits of p go with the 95 % limits of
    x_nominal."""
    if options.x_nominal is None:
        return []
    x, dx = options.x_nominal, options.x_nominal_stderr
    by = {"value": x, "systematic": x, "lower95": max(x - Z95 * dx, 0.0), "upper95": x + Z95 * dx}
    parts: dict[str, Any] = {
        k: None if getattr(share, k) is None else getattr(share, k) / 100 * v for k, v in by.items()
    }
    stderr = None
    if share.value is not None and share.stderr is not None:
        stderr = float(np.hypot(share.stderr / 100 * x, share.value / 100 * dx))
    return [replace(share, quantity="x_alloyed", unit="1", stderr=stderr, **parts)]
