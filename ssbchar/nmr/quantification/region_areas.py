"""Region areas of the quantified slice by one route, and the shares they make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from ssbchar.nmr.decay.t2_star import select_region_areas
from ssbchar.nmr.quantification import back_correction
from ssbchar.nmr.quantification.window_leakage import build_leak_matrix
from ssbchar.nmr.regions import LI_SI, METAL, Regions
from ssbchar.typing import Array

FRACTIONS = {METAL: "li_metal_fraction", LI_SI: "li_si_fraction"}
"""Quantity of each region's share."""
ROUTE_METHODS = {"lines": "lines fitted to the decay", "windows": "window integrals"}
"""The two routes, in words."""
LEAST_INSIDE = 0.5
"""Share of a region's line that must lie inside its window."""


@dataclass(frozen=True)
class RegionSignal:
    """Region areas with covariance."""

    area: Array
    """(region,)."""
    covariance: Array
    """(region, region)."""

    def shares(self) -> tuple[Array, Array]:
        """Return the shares of the signal and their standard errors."""
        n = self.area.size
        return back_correction.propagate_fractions(
            self.area, self.covariance, np.ones(n), np.ones(n), np.zeros((n, 2, 2)), 0.0
        )


def select_first_slice(data: xr.Dataset) -> RegionSignal:
    """Return the first slice of either route's output."""
    area, covariance = select_region_areas(data)
    return RegionSignal(area[0], covariance[0, :, 0, :])


def explain_absence(lines: xr.Dataset, region: str, windows: Regions) -> str:
    """Return why a region holds no line that could be quantified, empty where it holds one.

    The region's area is above three standard errors, and at least half of it lies inside the
    region's window: a line broader than the window is something else that reaches into it.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    region : str
        Its name.
    windows : Regions
        Edges [ppm].
    """
    mine = lines["region_of"].values == region
    r = lines["region"].values.tolist().index(region)
    area, stderr = (float(lines[k].values[0, r]) for k in ("region_area", "region_area_stderr"))
    total = float(lines["region_area"].values[0].sum()) or 1.0
    if not (lines["seen"].values[mine] > 0).any() or area <= 3 * stderr:
        share = f"{100 * area / total:.2f} +- {100 * stderr / total:.2f} %"
        return f"no {region} line above three standard errors ({share})"
    edges = np.array([windows.li_metal, windows.li_si])
    inside = float(build_leak_matrix(lines, 0.0, edges)[r, r])
    if inside < LEAST_INSIDE:
        return f"no {region} line: what is fitted there has {100 * inside:.0f} % of its area inside the window"
    return ""
