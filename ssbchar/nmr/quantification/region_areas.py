"""Region areas of the quantified slice by one route, and the shares they make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.decision import Estimate, decide_quantity
from ssbchar.nmr.decay.t2_star import select_region_areas
from ssbchar.nmr.lineshape.line_status import LineStatus
from ssbchar.nmr.quantification.back_correction import RegionDecays, propagate_fractions
from ssbchar.nmr.quantification.options import Route
from ssbchar.nmr.quantification.window_leakage import build_leak_matrix
from ssbchar.nmr.regions import LI_SI, METAL, Regions
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

FRACTIONS = {METAL: "li_metal_fraction", LI_SI: "li_si_fraction"}
"""Quantity of each region's share."""
ROUTE_METHODS: Mapping[Route, str] = {
    "lines": "lines fitted to the decay",
    "windows": "window integrals",
}
"""The two routes, in words."""
LEAST_INSIDE = 0.5
"""Share of a region's line that must lie inside its window."""
LEAST_AREA = 3.0
"""Standard errors that the area of a line must exceed."""


@dataclass(frozen=True, kw_only=True)
class RegionSignal:
    """Region areas with covariance."""

    area: Array
    """(region,)."""
    covariance: Array
    """(region, region)."""

    def compute_shares(self) -> tuple[Array, Array]:
        """Return the shares of the signal and their standard errors, shape (region,)
        [dimensionless]."""
        n = self.area.size
        flat = RegionDecays(t2=np.ones(n), exponent=np.ones(n), covariance=np.zeros((n, 2, 2)))
        return propagate_fractions(self.area, self.covariance, flat, 0.0)


def select_first_slice(data: xr.Dataset) -> RegionSignal:
    """Return the first slice of either route's output.

    Parameters
    ----------
    data : Dataset
        ``lines.nc`` or ``spectrum.nc``; areas of shape (slice, region), in any unit.
    """
    area, covariance = select_region_areas(data)
    return RegionSignal(area=area[0], covariance=covariance[0, :, 0, :])


def explain_absence(lines: xr.Dataset, region: str, windows: Regions) -> str | None:
    """Return why a region holds no line that could be quantified, None where it holds one.

    The area of what is a line there, not a component at a bound of the fit, is above three standard
    errors, and at least half of the region's area lies inside its window: a line broader than the
    window is something else that reaches into it.

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.
    region : str
        Its name.
    windows : Regions
        Edges [ppm].
    """
    inside_region = lines["region_of"].values == region
    r = lines["region"].values.tolist().index(region)
    area = float(lines["region_area"].values[0, r])
    stderr = float(lines["region_area_stderr"].values[0, r])
    total = float(lines["region_area"].values[0].sum()) or 1.0
    status = lines["line_status"].values.astype(str)[inside_region]
    any_seen = (lines["seen"].values[inside_region] > 0).any()
    if not any_seen or area <= LEAST_AREA * stderr:
        share = f"{100 * area / total:.2f} +- {100 * stderr / total:.2f} %"
        return f"no {region} line above three standard errors ({share})"
    is_line = status == LineStatus.LINE
    if not is_line.any():
        return f"no {region} line: what is fitted there is {' and '.join(sorted({*status}))}"
    # The error of a sum over lines that overlap is far below that of each: the region's own.
    of_lines, its_error = area, stderr
    if not is_line.all():
        of_lines = float(lines["area"].values[0, inside_region][is_line].sum())
        its_error = float(np.linalg.norm(lines["area_stderr"].values[0, inside_region][is_line]))
    if of_lines <= LEAST_AREA * its_error:
        share = f"{100 * of_lines / total:.2f} +- {100 * its_error / total:.2f} %"
        return f"no {region} line above three standard errors ({share})"
    inside = float(build_leak_matrix(lines, 0.0, np.array(windows.edges()))[r, r])
    if inside < LEAST_INSIDE:
        percent = f"{100 * inside:.0f} %"
        return f"no {region} line: what is fitted there has {percent} of its area inside the window"
    return None


def conclude_route_share(
    region: str, condition: str, share: float, stderr: float, method: str = ""
) -> Conclusion:
    """Return the row of a region's share by one route or convention, without its systematics.

    Value and limits are cut to 0 to 100 percent; where the limits lie outside, the value stays, and
    the row is ``undetermined``: the route does not hold there.

    Parameters
    ----------
    region : str
        Its name.
    condition : str
        Of the row.
    share, stderr : float
        [dimensionless].
    method : str
    """
    number = decide_quantity(
        Estimate(value=100 * share, stderr=100 * stderr), lowest=0.0, highest=100.0
    )
    is_possible = number.value is None or 0.0 <= number.value <= 100.0
    return Conclusion(
        FRACTIONS[region],
        value=number.value,
        stderr=number.stderr,
        lower95=number.lower95,
        upper95=number.upper95,
        unit="percent",
        subject=region,
        condition=condition,
        verdict="" if is_possible else Verdict.UNDETERMINED,
        reason="" if is_possible else "outside 0 to 100 % by more than its error",
        method=method,
    )
