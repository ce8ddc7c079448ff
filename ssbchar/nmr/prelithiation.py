"""Share of all Li that alloyed, p = A_LiSi / (A_Li + A_LiSi) after back-correction, and x = p x_nominal in Li_xSi."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.options import Quantifying

LEFT_OUT = "lines that may be salts left out"
"""Condition of the lower limit beside a value."""


def prelithiation(
    li_si: Conclusion, options: Quantifying, no_metal: str = "", doubtful: Conclusion | None = None
) -> list[Conclusion]:
    """Return the headline rows ``alloyed_share`` and, with a nominal composition, ``x_alloyed``.

    A closed Li balance and equal visibility of all Li are assumed and said so. Without a line of Li metal the question
    has no answer: that all Li alloyed, that the metal is hidden, and that the sample holds other Li look alike. Lines
    in the Li-Si region that may be salts lower what is sure: an interval is widened by them, and beside a value stands
    p (1 - d), d their share of the region.

    Parameters
    ----------
    li_si : Conclusion
        Corrected share of Li-Si.
    options : Quantifying
        Nominal composition with its standard uncertainty.
    no_metal : str
        Why there is no line of Li metal, empty where there is one.
    doubtful : Conclusion, optional
        ``diamagnetic_share`` [percent], with its upper limit.
    """
    share = replace(
        li_si, quantity="alloyed_share", condition="", subject="sample",
        method="corrected Li-Si share; closed Li balance and equal visibility assumed",
    )  # fmt: skip
    if no_metal:
        share = replace(share, lower95=None, upper95=None, method="", reason=f"{no_metal}: nothing to share out")
    salts = doubtful.value if doubtful and doubtful.value else 0.0
    if salts and share.value is None and share.lower95 is not None:
        most = doubtful.upper95 if doubtful and doubtful.upper95 is not None else salts
        share = replace(
            share, lower95=share.lower95 * (1 - most / 100),
            reason=f"{share.reason}; lower limit without the lines that may be salts ({salts:.0f} % of the region)",
        )  # fmt: skip
    found = [share, *_as_x(share, options)]
    if salts and share.value is not None:
        kept = 1 - salts / 100
        found.append(
            replace(
                share, value=share.value * kept, stderr=None, systematic=None, condition=LEFT_OUT,
                verdict="lower limit", reason=f"{salts:.3g} % of the Li-Si region need not be Li-Si",
            )
        )  # fmt: skip
    return found


def _as_x(share: Conclusion, options: Quantifying) -> list[Conclusion]:
    """Return x = p x_nominal, where x_nominal is known."""
    if options.x_nominal is None:
        return []
    x, dx = options.x_nominal, options.x_nominal_stderr
    parts: dict[str, Any] = {k: None if getattr(share, k) is None else getattr(share, k) / 100 * x
             for k in ("value", "systematic", "lower95", "upper95")}  # fmt: skip
    stderr = None
    if share.value is not None and share.stderr is not None:
        stderr = float(np.hypot(share.stderr / 100 * x, share.value / 100 * dx))
    return [replace(share, quantity="x_alloyed", unit="1", stderr=stderr, **parts)]
