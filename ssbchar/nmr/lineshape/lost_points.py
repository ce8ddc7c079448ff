"""Points of a decay that the receiver's dead time has cost, from the lines fitted to the rest.

A spectrum without its first points has a baseline that rolls: a window's integral is then no area.
The lines carry their decays back to the time origin, and their spectrum is flat where they are not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.shapes import evaluate_shapes, make_empty_shapes
from ssbchar.nmr.transform.chemical_shift import offset_from_shift
from ssbchar.typing import Array, Complex


def restore_lost_points(
    y: Complex, time: Array, lines: xr.Dataset | None
) -> tuple[Complex, Array] | None:
    """Return decays with the points between the time origin and the first one, and their axis; None
    where none are lost.

    Parameters
    ----------
    y : ndarray, shape (slice, time)
        Decays that begin at their first point, without a digital filter's transient.
    time : ndarray, shape (time,)
        Even axis [s].
    lines : Dataset or None
        From `ssbchar.nmr.lineshape.fit_lines`, of the same slices.

    Returns
    -------
    tuple of ndarray, shapes (slice, lost + time) and (lost + time,), or None
        In the unit of `y`, and in s.
    """
    if lines is None or time[0] < 0:
        return None
    step = float(time[1] - time[0])
    late = (float(time[0]) + float(lines["time_origin"])) / step
    lost = round(late)
    if lost < 1 or len(y) != lines.sizes["slice"]:
        return None
    early = float(time[0]) - step * np.arange(lost, 0, -1)
    # Two points at least: the axis tells its step.
    axis = np.asarray(early if lost > 1 else np.append(early, time[0]), float)
    nu = offset_from_shift(lines["shift"].values, lines.attrs["sfo1"], lines.attrs["sf"])
    shapes = make_empty_shapes()
    for place, width in zip(nu, lines["fwhm_lorentz"].values, strict=True):
        shapes = shapes.add_line(
            nu=float(place), width=float(width), region=0, low=-np.inf, high=np.inf
        )
    gauss2, origin = lines["fwhm_gauss"].values ** 2, float(lines["time_origin"])
    shapes = replace(shapes, gauss2=gauss2, origin=origin)
    amplitude = lines["area"].values * np.exp(1j * lines["phase"].values)
    before = (amplitude @ evaluate_shapes(shapes, axis))[:, :lost]
    # The first point counts half; what lies between the origin and it counts with it, or less.
    before[:, 0] *= 1 + 2 * (late - lost)
    return np.concatenate([before, y], axis=1), np.concatenate([early, time])
