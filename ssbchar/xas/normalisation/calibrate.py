"""One energy axis for all: each scan's foil is laid on the standard's as a whole, the shift applied
once and listed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas.normalisation.edge_features import find_inflection
from ssbchar.xas.normalisation.edge_tables import CONVENTIONS
from ssbchar.xas.normalisation.options import Calibration

if TYPE_CHECKING:
    import xarray as xr


def calibrate_energy(
    scans: xr.Dataset, standard: xr.Dataset | None, options: Calibration
) -> xr.Dataset:
    """Return scans on the calibrated axis, with the ledger of shifts.

    Where every scan has a foil: shift = (foil onto the standard's foil) + (tabulated edge -
    standard foil's inflection). Where an Athena project holds shifts, these are applied and forbid
    shift claims. Otherwise the axis stays raw.

    Parameters
    ----------
    scans : Dataset
        From `ssbchar.xas.scans.read_scans`.
    standard : Dataset or None
        Scans whose foil is the common standard (of a pair, the pristine's); none takes these scans'
        own.
    options : Calibration
        Foil, convention, window.

    Returns
    -------
    Dataset, dims scan, point
        The scans with `energy` shifted, `shift` and `shift_stderr` [eV] per scan, `ledger` (scan,
        JSON); attrs ``alignment`` (``foil``, ``project``, ``repeatability``, ``none``),
        ``alignment_error`` [eV] and ``alignment_source``.
    """
    ds = scans.copy()
    energy = np.array(ds["energy"].values)
    n = energy.shape[0]
    shift, stderr = np.zeros(n), np.full(n, np.nan)
    status = np.array(ds["status"].values, dtype=object)
    notes = json.loads(ds.attrs.get("set_aside", "[]"))
    base = scans if standard is None else standard
    own, other = _has_foil(scans), _has_foil(base)
    kind, source, error = "none", "no foil: the raw axis is kept", float("nan")
    if own.any() and other.any():
        kind, error = "foil", options.alignment_error
        shift, stderr, source = _onto_foil(scans, base, options)
        for i in np.flatnonzero(~np.isfinite(shift)):
            status[i] = "no_foil" if not own[i] else "foil_not_aligned"
            where = str(ds["source_file"].values[i])
            problem = f"no shift found on its foil ({status[i]})"
            notes.append(
                {
                    "where": where,
                    "problem": problem,
                    "remedy": "the scan is set aside; look at its foil channel",
                }
            )
        shift = np.where(np.isfinite(shift), shift, 0.0)
    elif np.any(ds["eshift"].values != 0):
        kind, shift = "project", np.array(ds["eshift"].values, float)
        source = "energy shifts stored in the Athena project, applied"
    elif options.repeatability > 0:
        kind, error = "repeatability", options.repeatability
        source = options.repeatability_source
        stderr = np.full(n, error)
    ds["energy"] = (
        ("scan", "point"),
        energy + shift[:, None],
        {"units": "eV", "long_name": "calibrated energy"},
    )
    ds["shift"] = ("scan", shift, {"units": "eV", "ancillary_variables": "shift_stderr"})
    ds["shift_stderr"] = ("scan", stderr, {"units": "eV"})
    ds["status"] = ("scan", status.astype(str))
    ds["ledger"] = ("scan", [_entry(ds, i, kind, source) for i in range(n)])
    ds.attrs.update(
        alignment=kind, alignment_error=error, alignment_source=source, set_aside=json.dumps(notes)
    )
    if not (ds["status"].values == "ok").any():
        where = str(ds["source_file"].values[0])
        raise BadInput(
            where,
            "no scan of the measurement could be aligned on its foil",
            "check read.foil and the foil",
        )
    return ds


def _entry(ds: xr.Dataset, i: int, kind: str, source: str) -> str:
    start = float(ds["energy"].values[i, 0]) - float(ds["shift"].values[i])
    about = {
        "scan": str(ds["source_file"].values[i]),
        "raw_start_eV": round(start, 4),
        "shift_eV": round(float(ds["shift"].values[i]), 4),
        "stderr_eV": None
        if np.isnan(ds["shift_stderr"].values[i])
        else round(float(ds["shift_stderr"].values[i]), 4),
        "by": kind,
        "source": source,
    }
    return json.dumps(about, sort_keys=True)


def _has_foil(ds: xr.Dataset) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(ds["mu_foil"].values).sum(axis=1) > 20)


def look_up_foil_energy(options: Calibration, element: str, edge: str) -> float:
    """Return the edge energy of the foil [eV] by the option or the convention."""
    if options.foil_energy:
        return options.foil_energy
    key = (options.foil_element or element, options.foil_edge or edge)
    table = CONVENTIONS[options.convention]
    if key not in table:
        raise BadInput(
            " ".join(key),
            f"no edge energy by the convention '{options.convention}'",
            "set calibrate.foil_energy",
        )
    return table[key]


def _onto_foil(
    scans: xr.Dataset, base: xr.Dataset, options: Calibration
) -> tuple[Array, Array, str]:
    """Return shift and standard error of each scan, and what it was aligned by."""
    tabulated = look_up_foil_energy(options, str(scans.attrs["element"]), str(scans.attrs["edge"]))
    grid, mean = _standard_foil(base, tabulated, options)
    inflection = float(find_inflection(grid, mean[None], first=0.5)[0][0])
    window = inflection + options.window[0], inflection + options.window[1]
    shift = np.full(scans.sizes["scan"], np.nan)
    for i in range(shift.size):
        x, y = _finite(scans["energy"].values[i], scans["mu_foil"].values[i])
        if x.size > 20:
            shift[i] = align_edges(grid, mean, x, y, window, options.max_shift)[0]
    absolute = tabulated - inflection
    stderr = np.where(np.isfinite(shift), options.alignment_error, np.nan)
    foil = f"{options.foil_element or scans.attrs['element']} {options.foil_edge or scans.attrs['edge']} foil"
    convention = "configured" if options.foil_energy else options.convention
    standard = base.attrs.get("measurement", "the scans")
    source = f"{foil} of {standard}, inflection {inflection:.3f} eV set to {tabulated:g} eV ({convention})"
    return shift + absolute, stderr, source


def _finite(x: Array, y: Array) -> tuple[Array, Array]:
    use = np.isfinite(x) & np.isfinite(y)
    return x[use], y[use]


def _standard_foil(base: xr.Dataset, tabulated: float, options: Calibration) -> tuple[Array, Array]:
    """Return the mean foil spectrum of the standard's scans, each aligned on the first one's
    axis."""
    from scipy.interpolate import CubicSpline

    foils = [
        _finite(base["energy"].values[i], base["mu_foil"].values[i])
        for i in np.flatnonzero(_has_foil(base))
    ]
    grid, total = foils[0][0], foils[0][1].copy()
    at = float(find_inflection(grid, total[None], first=0.5)[0][0])
    if abs(at - tabulated) > options.max_shift + 40:
        problem = f"the foil's edge is at {at:.0f} eV, {tabulated:g} eV expected"
        raise BadInput(
            str(base["source_file"].values[0]),
            problem,
            "correct calibrate.foil_element and foil_edge",
        )
    count, window = np.ones(grid.size), (at + options.window[0], at + options.window[1])
    for x, y in foils[1:]:
        shift, _ = align_edges(grid, foils[0][1], x, y, window, options.max_shift)
        if np.isfinite(shift):
            inside = (grid >= x[0] + shift) & (grid <= x[-1] + shift)
            total[inside] += CubicSpline(x + shift, y)(grid[inside])
            count += inside
    return grid, total / count


def align_edges(
    grid: Array,
    target: Array,
    energy: Array,
    mu: Array,
    window: tuple[float, float],
    limit: float = 20.0,
) -> tuple[float, float]:
    """Return the shift [eV] that lays one edge on another as a whole, and its formal standard
    error.

    Minimises sum (target(E) - a mu(E - s) - b - c E)**2 over the window, by Gauss-Newton in s with
    a, b, c solved linearly at each step. Both are smoothed alike first (`smoothed`): the noise of
    an interpolated scan is least half-way between its points, which would draw s there. The formal
    error is far too small (it knows nothing of drift): take sigma from repeats.

    Parameters
    ----------
    grid, target : array, shape (m,)
        Energies [eV] and absorption of the standard.
    energy, mu : array, shape (n,)
        The scan to be laid on it.
    window : tuple of float
        Range on the standard's axis [eV].
    limit : float
        NaN is returned for larger shifts [eV].
    """
    from scipy.interpolate import CubicSpline

    s = float(
        find_inflection(grid, target[None], first=0.5)[0][0]
        - find_inflection(energy, mu[None], first=0.5)[0][0]
    )
    if not abs(s) <= limit:
        return float("nan"), float("nan")
    low, high = (
        max(window[0], energy[0] + s + 1, grid[0]),
        min(window[1], energy[-1] + s - 1, grid[-1]),
    )
    near = (energy > low - s) & (energy < high - s), (grid > low) & (grid < high)
    if min(near[0].sum(), near[1].sum()) < 12:
        return float("nan"), float("nan")
    x = np.arange(low, high, 0.3)
    width = 1.2 * np.maximum(_spacing(energy, x - s), _spacing(grid, x))
    fine = np.arange(low - s - 2.0, high - s + 2.0, 0.1)
    spline = CubicSpline(fine, smooth_locally(energy, mu, fine, np.interp(fine + s, x, width)))
    slope = spline.derivative()
    y = smooth_locally(grid, target, x, width)
    line = (x - x.mean()) / np.ptp(x)
    for _ in range(30):
        moved, rate = spline(x - s), -slope(x - s)
        basis = np.column_stack([moved, np.ones_like(x), line])
        a = np.linalg.lstsq(basis, y, rcond=None)[0]
        full = np.column_stack([basis, a[0] * rate])
        inverse = np.linalg.pinv(full)
        residual = y - basis @ a
        step = float((inverse @ residual)[-1])
        s += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-7:
            break
    variance = residual @ residual / max(x.size - 4, 1)
    formal = float(np.sqrt(variance) * np.linalg.norm(inverse[-1]))
    return (s, formal) if abs(s) <= limit else (float("nan"), float("nan"))


def _spacing(energy: Array, at: Array) -> Array:
    """Return the widest spacing of points about each energy [eV], smooth from place to place."""
    steps = np.diff(energy)
    widest = np.max(
        np.stack([np.roll(np.pad(steps, 2, mode="edge"), j)[2:-2] for j in (-1, 0, 1)]), axis=0
    )
    return np.asarray(np.interp(at, (energy[1:] + energy[:-1]) / 2, widest))


def smooth_locally(energy: Array, mu: Array, at: Array, width: Array) -> Array:
    """Return a spectrum at other energies by local quadratic regression, Gaussian weights of sigma
    `width` [eV]."""
    distance = (energy[None] - at[:, None]) / width[:, None]
    weight = np.exp(-0.5 * distance**2)
    basis = np.stack([np.ones_like(distance), distance, distance**2], axis=2)
    weighted = basis * weight[:, :, None]
    normal = np.einsum("nei,nej->nij", weighted, basis)
    right = np.einsum("nei,e->ni", weighted, mu)
    return np.asarray(np.linalg.solve(normal, right[:, :, None])[:, 0, 0])
