"""Names and colours of regions, and how numbers are written, the same in every NMR figure."""

import numpy as np

from ssbchar.nmr.regions import LI_SI, METAL
from ssbchar.results.figures import style

NAMES = {METAL: "Li metal", LI_SI: "Li-Si", "outside": "other"}
COLOUR = {METAL: style.VERMILION, LI_SI: style.BLUE, "outside": style.GREEN}
SHIFT = r"$^7$Li shift (ppm vs. LiCl(aq))"
"""Label of a shift axis."""


def write_error(value: float, stderr: float) -> str:
    """Return a number with its standard error to one or two digits, both in one unit."""
    if not stderr > 0:
        return f"{value:.4g}"
    places = max(0, -int(np.floor(np.log10(stderr / 2))))
    return f"{value:.{places}f} ± {stderr:.{places}f}"
