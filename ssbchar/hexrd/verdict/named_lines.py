"""What reflections that are followed by name do over each hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.peaks.known_lines import LineVerdict
from ssbchar.hexrd.verdict import sentences, trend
from ssbchar.hexrd.verdict.comparison import Stretch, read_times

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = {"d": "line_spacing_change", "area": "line_area_change", "fwhm": "line_width_change"}
"""Variables of ``peaks.nc`` and their rows."""
METHOD = "lines fitted one by one, straight line in time, over the mean"
PERCENT = 100.0


def conclude_named_lines(
    peaks: xr.Dataset, furnace: xr.Dataset, stretches: Sequence[Stretch]
) -> list[Conclusion]:
    """Return the change of spacing, area and width of every named line over each hold [percent].

    Parameters
    ----------
    peaks : Dataset
        ``peaks.nc``: ``d`` [angstrom], ``area`` [count degree] and ``fwhm`` [degree], shape (frame,
        peak).
    furnace : Dataset
        ``furnace.nc``: ``time`` [s] and ``temperature`` [degC], shape (frame,).
    stretches : sequence of Stretch

    Returns
    -------
    list of Conclusion
        Without a verdict.
    """
    if "named" not in peaks:
        return []
    rows = []
    time = read_times(furnace)
    for n in np.flatnonzero(peaks["named"].values == 1):
        line = peaks.isel(peak=int(n))
        is_good = line["verdict"].values.astype(str) == LineVerdict.OK
        for stretch in stretches:
            frames = stretch.frames[is_good[stretch.frames]]
            if stretch.kind != SegmentKind.HOLD or frames.size < 2:
                continue
            for variable, quantity in QUANTITIES.items():
                value = line[variable].values[frames]
                stderr = line[f"{variable}_stderr"].values[frames]
                good = np.isfinite(value) & (stderr > 0)
                if good.sum() < 2:
                    continue
                drift = trend.measure_drift(time[frames[good]], value[good], stderr[good])
                mean = float(np.mean(value[good]))
                if drift is None or not mean > 0:
                    continue
                rows.append(
                    Conclusion(
                        quantity,
                        value=PERCENT * drift.value / mean,
                        stderr=PERCENT * drift.stderr / mean,
                        unit="percent",
                        reason=sentences.describe_drift(drift, furnace, frames[good]),
                        method=METHOD,
                        subject=str(line["phase"].values),
                        condition=f"{stretch.name} {str(line['hkl'].values).replace(' ', ',')}",
                    )
                )
    return rows
