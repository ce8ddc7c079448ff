"""Names and colours of regions, the same in every NMR figure."""

from ssbchar.nmr.regions import LI_SI, METAL
from ssbchar.results.figures import style

NAMES = {METAL: "Li metal", LI_SI: "Li-Si", "outside": "other"}
COLOUR = {METAL: style.VERMILION, LI_SI: style.BLUE, "outside": style.GREEN}
SHIFT = r"$^7$Li shift (ppm vs. LiCl(aq))"
"""Label of a shift axis."""
