"""Share of all Li that alloyed, p = A_LiSi / (A_Li + A_LiSi) after back-correction, and x = p x_nominal in Li_xSi."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.options import Quantifying


def prelithiation(li_si: Conclusion, options: Quantifying, no_metal: str = "") -> list[Conclusion]:
    """Return the headline rows ``alloyed_share`` and, with a nominal composition, ``x_alloyed``.

    A closed Li balance and equal visibility of all Li are assumed and said so. Without a line of Li metal the question
    has no answer: that all Li alloyed, that the metal is hidden, and that the sample holds other Li look alike.

    Parameters
    ----------
    li_si : Conclusion
        Corrected share of Li-Si.
    options : Quantifying
        Nominal composition with its standard uncertainty.
    no_metal : str
        Why there is no line of Li metal, empty where there is one.
    """
    share = replace(
        li_si, quantity="alloyed_share", condition="", subject="sample",
        method="corrected Li-Si share; closed Li balance and equal visibility assumed",
    )  # fmt: skip
    if no_metal:
        share = replace(share, lower95=None, upper95=None, method="", reason=f"{no_metal}: nothing to share out")
    if options.x_nominal is None:
        return [share]
    x, dx = options.x_nominal, options.x_nominal_stderr
    parts: dict[str, Any] = {k: None if getattr(share, k) is None else getattr(share, k) / 100 * x
             for k in ("value", "systematic", "lower95", "upper95")}  # fmt: skip
    stderr = None
    if share.value is not None and share.stderr is not None:
        stderr = float(np.hypot(share.stderr / 100 * x, share.value / 100 * dx))
    return [share, replace(share, quantity="x_alloyed", unit="1", stderr=stderr, **parts)]
