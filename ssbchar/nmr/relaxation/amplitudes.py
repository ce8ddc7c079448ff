"""Signed amplitudes of a relaxation series: shapes from its strongest slices, all else linear.

Inverted signals are negative, which a fit of areas at or above zero cannot follow. Shapes, phases
and the time origin are those of slices in which all signals stand upright; with them the amplitude
of every line in every slice is linear and keeps its sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.fid import (
    build_ringing,
    collect_points,
    find_good_slices,
)
from ssbchar.nmr.lineshape.shapes import LineShapes, evaluate_shapes, make_empty_shapes
from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    ASYMMETRY,
    COUPLING,
    PARAMETERS,
    SATELLITES,
    SCATTER,
    SHIFT_ASYMMETRY,
)
from ssbchar.nmr.transform.chemical_shift import offset_from_shift
from ssbchar.typing import Array, Complex

UPRIGHT = 0.5
"""Least part of the strongest slice's signal that a slice of shapes has [1]."""
MOST_SLICES = 6
"""Slices that shapes are fitted to, at most."""
TRANSIENT = 4
"""Points at the start that a digital filter's transient spoils."""
PATTERN = {
    "coupling": COUPLING,
    "asymmetry": ASYMMETRY,
    "satellites": SATELLITES,
    "coupling_scatter": SCATTER,
    "anisotropy": ANISOTROPY,
    "shift_asymmetry": SHIFT_ASYMMETRY,
}
"""Variables of ``lines.nc`` that make a powder pattern."""


def select_strong_slices(fid: xr.Dataset) -> xr.Dataset:
    """Return the slices that shapes are fitted to: the strongest, and those in which half of its
    signal or more stands upright as there, at most six.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`; times in s.

    Returns
    -------
    Dataset
        The same variables; the strongest slice is the first.

    Raises
    ------
    BadInput
        No good slice is left.
    """
    good = find_good_slices(fid)
    y = collect_points(fid, good)
    power = np.sum(np.abs(y) ** 2, axis=1)
    strongest = int(power.argmax())
    upright = (y @ y[strongest].conj()).real / power[strongest]
    order = np.argsort(-upright, kind="stable")
    chosen = [strongest, *(i for i in order if i != strongest and upright[i] >= UPRIGHT)]
    return fid.isel(slice=good[chosen[:MOST_SLICES]])


@dataclass(frozen=True, kw_only=True)
class SignedAmplitudes:
    """Amplitudes of the regions, with the sign that they have to the strongest slice."""

    amplitude: Array
    """(slice, region), in the unit of the areas."""
    stderr: Array
    """(slice, region)."""


def measure_amplitudes(fid: xr.Dataset, lines: xr.Dataset) -> SignedAmplitudes:
    """Return the amplitude of each region in each good slice.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`, all slices.
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines` on the slices of `select_strong_slices`.
    """
    good = find_good_slices(fid)
    y, time = collect_points(fid, good), fid["time"].values
    step = float(time[1] - time[0])
    filtered = float(fid.attrs["group_delay"]) > 0
    start = int(np.searchsorted(time, ((TRANSIENT if filtered else 0) - 1e-6) * step))
    stop = start + int(lines.attrs["points"])
    y, time = y[:, start:stop], time[start:stop]
    templates = evaluate_shapes(_read_shapes(lines), time)
    templates = templates * np.exp(1j * lines["phase"].values[0])[:, None]
    if filtered:
        columns = build_ringing(time / step)
        y, templates = _clean(y, columns), _clean(templates, columns)
    # Real amplitudes of complex signals: real and imaginary parts are points of their own.
    design = np.concatenate([templates.real, templates.imag], axis=1).T
    points = np.concatenate([y.real, y.imag], axis=1).T
    inverse = np.linalg.pinv(design.T @ design, hermitian=True)
    amplitude = (inverse @ (design.T @ points)).T
    # A decay that outlasts its record leaves no tail for the noise; what the lines leave does.
    residual = points - design @ amplitude.T
    sigma = np.sqrt(np.sum(residual**2, axis=0) / (len(points) - design.shape[1]))
    member = np.array(
        [lines["region_of"].values.astype(str) == region for region in lines["region"].values]
    ).astype(float)
    of_regions = np.einsum("rj,jk,rk->r", member, inverse, member)
    return SignedAmplitudes(
        amplitude=amplitude @ member.T,
        stderr=sigma[:, None] * np.sqrt(of_regions),
    )


def _clean(rows: Complex, columns: Complex) -> Complex:
    """Return signals without their part along a filter's ringing."""
    return np.asarray(rows - (rows @ columns.conj().T) @ columns)


def _read_shapes(lines: xr.Dataset) -> LineShapes:
    """Return the shapes of a fit, for the time axis that it was made on."""
    sfo1, sf = float(lines.attrs["sfo1"]), float(lines.attrs["sf"])
    shapes = make_empty_shapes()
    for nu, width in zip(
        offset_from_shift(lines["shift"].values, sfo1, sf),
        lines["fwhm_lorentz"].values,
        strict=True,
    ):
        shapes = shapes.add_line(
            nu=float(nu), width=float(width), region=0, low=-np.inf, high=np.inf
        )
    pattern = np.zeros((shapes.n, PARAMETERS))
    for name, place in PATTERN.items():
        unit = sf if name == "anisotropy" else 1.0
        pattern[:, place] = unit * np.nan_to_num(lines[name].values)
    return replace(
        shapes,
        gauss2=lines["fwhm_gauss"].values ** 2,
        origin=float(lines["time_origin"]),
        pattern=pattern,
        fitted=np.zeros((shapes.n, PARAMETERS), bool),
    )
