"""Lines fitted to the free induction decay itself, with one phase and one time origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import xarray as xr

from ssbchar.nmr.lineshape.dataset import build_dataset
from ssbchar.nmr.lineshape.fid import (
    build_ringing,
    collect_points,
    find_good_slices,
    find_signal_end,
    noise_from_tail,
    offsets_from_regions,
)
from ssbchar.nmr.lineshape.model_selection import SelectionRules
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.nmr.lineshape.site_selection import select_shapes
from ssbchar.nmr.regions import DEFAULT_REGIONS, Regions
from ssbchar.nmr.transform.coverage import explain_unmeasured
from ssbchar.typing import Index

TRANSIENT = 4.0
"""Points at the start that a digital filter's transient spoils."""
DEAD_TIME_REACH = 25e-6
"""How much later than stated the first point of a decay after a pulse may be [s]."""
FILTER_SLACK = 30.0
"""How much better another time origin must be where a digital filter rings at the first points,
which extra lines at a wrong origin describe as well [1]."""
LEAST_NOISE = 1e-6
"""Noise at least, over the largest point: data without noise must not weigh without limit."""


def fit_lines(
    fid: xr.Dataset, options: LineFitOptions, *, regions: Regions = DEFAULT_REGIONS
) -> xr.Dataset:
    """Fit all slices with shared line shapes, and areas per slice.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    options : LineFitOptions
        Shapes, number of components.
    regions : Regions
        Where lines may lie [ppm].

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.lineshape.outputs.LINES`: ``area`` (slice, component) and
        ``shift`` [ppm], ``fwhm_lorentz``, ``fwhm_gauss`` [Hz] (component); ``region_area`` (slice,
        region), the signal at the time origin, with its covariance; spectra of the data, the model
        and each component.

    Raises
    ------
    BadInput
        No good slice is left, or no signal.
    """
    good = find_good_slices(fid)
    low, high = offsets_from_regions(regions, fid)
    rules = SelectionRules(
        low=low,
        high=high,
        voigt="voigt" in options.shapes,
        max_components=options.max_components,
        min_gain=options.min_gain,
        absent_width=options.absent_width,
        outside=options.outside,
    )
    problem = _pose_problem(fid, good, options)
    selection = select_shapes(problem, rules, powder="powder" in options.shapes)
    lines = build_dataset(fid, good, selection, options)
    lines.attrs["unmeasured"] = explain_unmeasured(fid, regions) or ""
    return lines


def _pose_problem(fid: xr.Dataset, good: Index, options: LineFitOptions) -> LineshapeProblem:
    """Return the decays between the filter's transient and the end of the signal."""
    y, time = collect_points(fid, good), fid.variables["time"].values
    least = LEAST_NOISE * np.sqrt((y.real**2 + y.imag**2).max(axis=1))
    sigma = np.maximum(noise_from_tail(y), least)
    filtered = float(fid.attrs["group_delay"]) > 0
    skip = options.skip
    if skip is None:
        skip = TRANSIENT if filtered else 0.0
    step = float(time[1] - time[0])
    start = int(np.searchsorted(time, (skip - 1e-6) * step))
    end = start + find_signal_end(y[:, start:], sigma)
    stop = min(end, start + options.max_points)
    # What is behind the signal is noise: the more of it, the surer is its size.
    sigma = np.maximum(noise_from_tail(y, end), least)
    problem = LineshapeProblem(
        y=y[:, start:stop],
        time=time[start:stop],
        sigma=sigma,
        origin_prior=options.time_origin_prior,
        origin_expected=_find_expected_origin(fid),
        origin_slack=FILTER_SLACK if filtered else 0.0,
        origin_range=_find_origin_range(fid, options.time_origin_prior),
        max_width=options.max_width,
    )
    if not filtered:
        return problem
    # The filter's response to the sharp start rings on through the decay.
    problem = replace(problem, nuisance=build_ringing(problem.time / step))
    return replace(problem, y=problem.clean(problem.y))


def _find_expected_origin(fid: xr.Dataset) -> float:
    """Return the time origin that the sequence gives [s]: the top of an echo is at the first point,
    a pulse ends one dead time before it.

    The delay of a digital filter is counted from the pulse: then it is the first point's.
    """
    if float(fid.attrs["group_delay"]) > 0:
        return 0.0
    dead_time = float(fid.attrs.get("dead_time", np.nan))
    return dead_time if np.isfinite(dead_time) else 0.0


def _find_origin_range(fid: xr.Dataset, prior: float) -> tuple[float, float]:
    """Return between which time origins those that turn the lines alike are tried [s]; none for an
    echo, whose top is timed by the sequence.

    The dead time of a receiver is often more than stated, and hardly less.
    """
    if not np.isfinite(float(fid.attrs.get("dead_time", np.nan))):
        return 0.0, 0.0
    return -prior, _find_expected_origin(fid) + DEAD_TIME_REACH
