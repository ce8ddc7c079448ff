"""Quick and continuous scans on a grid of edge-wise steps: points that share a step are averaged,
and their scatter gives the error of the mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ssbchar.constants import ETOK
from ssbchar.statistics import MAD_TO_SIGMA
from ssbchar.typing import Array, Index
from ssbchar.xas.edge_tables import find_nearest_edge, list_edges
from ssbchar.xas.scans.scan import Scan
from ssbchar.xas.slopes import find_steepest, remove_spikes

LEAST_GAIN = 2.0
"""A scan is rebinned where at least so many points share a step on average [1]."""
BEFORE, STEP_BEFORE = -20.0, 2.0
"""Steps this far below an edge and beyond [eV]."""
ON_EDGE, STEP_ON_EDGE = 30.0, 0.25
"""Steps on an edge, up to this far above it [eV]."""
WIDENING = 0.02
"""Above it steps widen by this share of the distance [1]..."""
STEP_IN_K = 0.04
"""... up to this step of k [1/angstrom], which reaches 39 angstrom in R."""
CLOSE = 0.02
"""Points of a step scan closer than this are readings of one energy [eV]: a monochromator that
waits reads on, and a fit would hold each of them for a point of its own."""
FOIL_WITHIN = 20.0
"""A foil's edge is that of the table within this distance, else a multiple of it [eV]."""
FEWEST_FOIL = 20
"""Readings of a foil that has an edge."""
RUNNING = 101
"""Points of the running median of the noise."""


def rebin_scan(scan: Scan) -> Scan:
    """Return a scan whose points are averaged where they are denser than an edge needs.

    Steps are 2 eV below an edge, 0.25 eV on it, and 0.04/angstrom in k above it; the edges are the
    scan's own and the foil's. A step's energy is the mean of its points, so that lines stay as they
    are. Single wild readings are left out first. A scan with few points per step stays as it
    is, but for points where the monochromator waited.

    Parameters
    ----------
    scan : Scan
        Arrays of shape (point,) by rising energy [eV], its element settled.

    Returns
    -------
    Scan
        ``mu_stderr`` is that of the means: from the counting errors where these are known, else
        from the scatter of neighbouring points.
    """
    own = list_edges().get((scan.element, scan.edge))
    if own is None or scan.energy.size < 2:
        return scan
    edges = [own, *_find_foil_edge(scan)]
    bounds = build_steps(float(scan.energy[0]), float(scan.energy[-1]), edges)
    cell = np.searchsorted(bounds, scan.energy, side="right")
    _, group = np.unique(cell, return_inverse=True)
    count = int(group[-1]) + 1
    if scan.energy.size < LEAST_GAIN * count:
        return _average_waiting(scan)
    mu = remove_spikes(scan.mu)
    noise = scan.mu_stderr
    if not np.isfinite(noise).any():
        noise = estimate_noise_of_points(mu)
    n = np.bincount(group)
    note = f"{scan.energy.size} points averaged to {count}, {STEP_ON_EDGE} eV apart on the edge"
    return replace(
        scan,
        energy=_average(scan.energy, group),
        mu=_average(mu, group),
        mu_stderr=np.sqrt(_average(noise**2, group) / n),
        i0=_average(scan.i0, group),
        mu_foil=_average(_clean(scan.mu_foil), group),
        total=_average(_clean(scan.total), group),
        notes=(*scan.notes, note),
        is_rebinned=True,
    )


def _average_waiting(scan: Scan) -> Scan:
    """Return a scan with the points averaged that lie less than `CLOSE` above the first of them."""
    if np.diff(scan.energy).min() >= CLOSE:
        return scan
    group = np.zeros(scan.energy.size, int)
    first, last = float(scan.energy[0]), 0
    for i, energy in enumerate(scan.energy.tolist()):
        if energy - first >= CLOSE:
            first, last = energy, last + 1
        group[i] = last
    note = f"{scan.energy.size - last - 1} points within {CLOSE} eV of another: averaged"
    return replace(
        scan,
        energy=_average(scan.energy, group),
        mu=_average(scan.mu, group),
        mu_stderr=np.sqrt(_average(scan.mu_stderr**2, group) / np.bincount(group)),
        i0=_average(scan.i0, group),
        mu_foil=_average(scan.mu_foil, group),
        total=_average(scan.total, group),
        notes=(*scan.notes, note),
    )


def _clean(values: Array) -> Array:
    return remove_spikes(values) if np.isfinite(values).all() else values


def _find_foil_edge(scan: Scan) -> list[float]:
    """Return the energy of the foil's edge where there is a foil [eV]; a tabulated one, so that all
    scans of a measurement have the same steps."""
    good = np.isfinite(scan.mu_foil)
    if good.sum() < FEWEST_FOIL:
        return []
    at = find_steepest(scan.energy[good], scan.mu_foil[good])
    near = find_nearest_edge(at, FOIL_WITHIN)
    return [list_edges()[near] if near else FOIL_WITHIN * round(at / FOIL_WITHIN)]


def build_steps(first: float, last: float, edges: Sequence[float]) -> Array:
    """Return the bounds of steps from a first to a last energy.

    Parameters
    ----------
    first, last : float
        [eV]
    edges : sequence of float
        About each of them the steps are narrow [eV].

    Returns
    -------
    array, shape (bound,)
        Rising [eV]; the first is the first energy.
    """
    bounds = [first]
    while bounds[-1] <= last:
        bounds.append(bounds[-1] + min(_choose_step(bounds[-1] - edge) for edge in edges))
    return np.array(bounds)


def _choose_step(offset: float) -> float:
    """Return the step at an offset from an edge [eV]."""
    if offset < BEFORE:
        # Not beyond the place where the steps become narrow.
        return min(STEP_BEFORE, max(BEFORE - offset, STEP_ON_EDGE))
    if offset < ON_EDGE:
        return STEP_ON_EDGE
    in_k = 2 * float(np.sqrt(ETOK * offset)) * STEP_IN_K / ETOK
    return min(in_k, STEP_ON_EDGE + WIDENING * (offset - ON_EDGE))


def estimate_noise_of_points(mu: Array) -> Array:
    """Return the noise of each point from how far it lies off the middle of its two neighbours, by
    a running median.

    Parameters
    ----------
    mu : array, shape (point,)
        Of a dense scan.

    Returns
    -------
    array, shape (point,)
    """
    from scipy.ndimage import median_filter

    off = np.zeros(mu.size)
    off[1:-1] = np.abs(mu[1:-1] - (mu[2:] + mu[:-2]) / 2) / np.sqrt(1.5)
    off[[0, -1]] = off[[1, -2]]
    return np.asarray(MAD_TO_SIGMA * median_filter(off, min(RUNNING, mu.size), mode="reflect"))


def _average(values: Array, group: Index) -> Array:
    """Return means over groups of what is finite, NaN where nothing is."""
    good = np.isfinite(values)
    size = int(group[-1]) + 1
    count = np.bincount(group[good], minlength=size)
    total = np.bincount(group[good], weights=values[good], minlength=size)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
