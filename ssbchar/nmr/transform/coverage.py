"""Whether the spectral width holds the regions whose shares are asked for."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.nmr.regions import REGION_NAMES, Regions
from ssbchar.nmr.transform.chemical_shift import shift_from_offset


def find_width(data: xr.Dataset) -> tuple[float, float] | None:
    """Return the lowest and highest shift of the spectral width [ppm], None where it is unknown.

    Parameters
    ----------
    data : Dataset
        ``fid.nc`` or what is made of it, with ``sw`` [Hz], ``sfo1`` and ``sf`` [MHz].
    """
    about = data.attrs
    if not {"sw", "sfo1", "sf"} <= about.keys():
        return None
    half = float(about["sw"]) / 2
    low, high = shift_from_offset(np.array([-half, half]), about["sfo1"], about["sf"])
    return float(low), float(high)


def explain_unmeasured(data: xr.Dataset, regions: Regions) -> str | None:
    """Return why shares of the regions cannot be told, None where they can.

    What lies beyond the spectral width is filtered away or folded into it. A region counts as
    measured where its middle lies inside: its window is wider than its lines.

    Parameters
    ----------
    data : Dataset
        As for `find_width`.
    regions : Regions
        Edges [ppm].
    """
    width = find_width(data)
    if width is None:
        return None
    low, high = width
    missing = [
        f"{name} ({first:g} to {last:g} ppm)"
        for name, (first, last) in zip(REGION_NAMES, regions.edges(), strict=True)
        if not low <= (first + last) / 2 <= high
    ]
    if not missing:
        return None
    lies = "lies" if len(missing) == 1 else "lie"
    return (
        f"{' and '.join(missing)} {lies} outside the spectral width ({low:.0f} to {high:.0f} ppm): "
        "measure with a wider SW, or with the carrier between the regions"
    )
