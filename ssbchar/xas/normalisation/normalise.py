"""Calibrated scans to normalised spectra on one grid: glitches masked, repeats merged with their
scatter."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.typing import Array
from ssbchar.xas import notes
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.edge_features import (
    find_half_step,
    find_inflection,
    measure_white_line,
)
from ssbchar.xas.normalisation.edge_tables import look_up_core_width
from ssbchar.xas.normalisation.exafs_free import ExafsFree, remove_exafs
from ssbchar.xas.normalisation.glitches import check_heights, find_consistent_repeats, mask_glitches
from ssbchar.xas.normalisation.noise import (
    calculate_jump_scale,
    estimate_point_noise,
    estimate_repeat_noise,
)
from ssbchar.xas.normalisation.options import Normalisation

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr


def normalise_spectra(calibrated: xr.Dataset, options: Normalisation) -> xr.Dataset:
    """Return normalised spectra of the scans and of their merge, with E0, edge step and white line.

    Parameters
    ----------
    calibrated : Dataset
        From `ssbchar.xas.normalisation.calibrate_energy`.
    options : Normalisation
        Ranges, glitches, outliers.

    Returns
    -------
    Dataset, dims spectrum, energy
        ``mu``, ``norm``, ``flat`` with ``_stderr``; per spectrum ``e0_half``, ``e0_derivative``
        [eV], ``edge_step``, ``white_line``, ``white_line_energy`` with ``_stderr``, ``status``,
        ``name``. The last spectrum, named ``merged``, is the mean of the good scans. Scalar ``e0``
        [eV], the origin all share. ``mu_stderr`` is the noise of a point; ``norm_stderr`` holds
        that of baseline and step too.

    Raises
    ------
    BadInput
        No scan is left, or no edge is found.
    """
    aside: list[dict[str, str]] = json.loads(calibrated.attrs.get("set_aside", "[]"))
    found, options = (
        notes.read_notes(calibrated.attrs),
        resolve_core_width(options, calibrated.attrs),
    )
    names = [str(s) for s in calibrated["source_file"].values]
    status = np.array(calibrated["status"].values, dtype=object)
    good = np.flatnonzero(status == "ok")
    energy, mu, counted, scale = regrid_scans(calibrated, good)
    mu, masked = mask_glitches(energy, calibrated, good, mu, options, found)
    done = calibrated.attrs.get("mode") == "normalised"
    e0 = find_origin(energy, mu, options, names[good[0]], done)
    first, _ = _normalised(energy, mu, e0, options, done)
    keep = find_consistent_repeats(first.norm, options.outlier)
    for i in np.flatnonzero(~keep):
        status[good[i]] = "outlier"
        problem = "the repeat differs from the others far beyond their scatter"
        aside.append(
            {
                "where": names[good[i]],
                "problem": problem,
                "remedy": "left out of the merge; look at it",
            }
        )
    check_heights(calibrated, good, first, options, names, found)
    noise = np.where(np.isfinite(counted), counted, estimate_point_noise(energy, mu, e0, scale))
    merged, merged_stderr, step_spread = merge_repeats(energy, first, noise, keep, scale)
    both = np.vstack([mu, merged])
    stderr = np.vstack([noise, merged_stderr])
    label = [*(names[i] for i in good), "merged"]
    states = [*(str(status[i]) for i in good), "ok"]
    ds = build_normalised_dataset(energy, both, stderr, e0, options, label, states, done)
    ds["step_spread"] = (
        (),
        step_spread,
        {"units": "1", "long_name": "relative scatter of the edge step over repeats"},
    )
    ds["masked"] = (
        "energy",
        masked,
        {"long_name": "1 where a glitch was replaced by its neighbours' cubic"},
    )
    for name in ("shift", "shift_stderr"):
        values = calibrated[name].values[good]
        ds[name] = ("spectrum", np.append(values, np.nan), {"units": "eV"})
    ds["ledger"] = ("spectrum", [*(str(s) for s in calibrated["ledger"].values[good]), ""])
    if np.isfinite(calibrated["mu_foil"].values[good]).sum(axis=1).min() > 20:
        ds["mu_foil"] = (
            "energy",
            _mean_foil(calibrated, good, energy),
            {"units": "1", "long_name": "mean foil"},
        )
    ds.attrs = {**calibrated.attrs, **ds.attrs, "repeats": int(keep.sum())}
    ds.attrs.update(set_aside=json.dumps(aside), notes=json.dumps(found))
    return ds


def resolve_core_width(options: Normalisation, attrs: Mapping[Any, Any]) -> Normalisation:
    """Return the options with the core level's width, tabulated for element and edge where none is
    configured."""
    if options.core_width is not None:
        return options
    return replace(
        options,
        core_width=look_up_core_width(str(attrs.get("element", "")), str(attrs.get("edge", ""))),
    )


def regrid_scans(
    calibrated: xr.Dataset, good: NDArray[np.int_]
) -> tuple[Array, Array, Array, Array]:
    """Return the first good scan's energies within all scans' range; there mu, its counted error
    and jump scale.

    Scans on other axes are interpolated by a cubic spline through their points
    (`ssbchar.xas.normalisation.noise.jump_scale`).
    """
    from scipy.interpolate import CubicSpline

    energies = calibrated["energy"].values[good]
    low, high = np.nanmin(energies, axis=1).max(), np.nanmax(energies, axis=1).min()
    grid = energies[0][np.isfinite(energies[0])]
    grid = grid[(grid >= low - 1e-9) & (grid <= high + 1e-9)]
    mu, counted, scale = (np.ones((good.size, grid.size)) for _ in range(3))
    for row, i in enumerate(good):
        x, y, s = (calibrated[v].values[i] for v in ("energy", "mu", "mu_stderr"))
        use = np.isfinite(x) & np.isfinite(y)
        x, y, s = x[use], y[use], s[use]
        inside = (x >= low - 1e-9) & (x <= high + 1e-9)
        if inside.sum() == grid.size and np.abs(x[inside] - grid).max() < 1e-6:
            mu[row], counted[row] = y[inside], s[inside]
        else:
            mu[row], counted[row] = CubicSpline(x, y)(grid), np.interp(grid, x, s)
            scale[row] = calculate_jump_scale(grid, x)
    return grid, mu, counted, scale


def _normalised(
    energy: Array, mu: Array, e0: float, options: Normalisation, done: bool
) -> tuple[edge.NormalisedSpectra, ExafsFree]:
    """Return normalised spectra and what the step was found on; `done` ones pass as they are."""
    if done:
        return edge.NormalisedSpectra(
            np.zeros_like(mu), np.ones_like(mu), np.ones(len(mu)), mu, mu
        ), ExafsFree(None)
    limits = edge.choose_fit_ranges(
        energy, e0, options.pre1, options.pre2, options.norm1, options.norm2, options.nnorm
    )
    smooth = remove_exafs(energy, mu, e0, Exafs()) if options.exafs_free else ExafsFree(None)
    tail = edge.calculate_tail(energy, e0, options.core_width or 0.0)
    return edge.normalise_edges(energy, mu, limits, options.victoreen, smooth.curve, tail), smooth


def find_origin(energy: Array, mu: Array, options: Normalisation, where: str, done: bool) -> float:
    """Return E0 [eV]: configured, else the half step of the mean spectrum, found from its
    inflection."""
    if options.e0:
        return options.e0
    mean = mu.mean(axis=0, keepdims=True)
    e0 = float(find_inflection(energy, mean)[0][0])
    for _ in range(2):
        found = float(
            find_half_step(energy, _normalised(energy, mean, e0, options, done)[0].norm)[0][0]
        )
        if not np.isfinite(found):
            raise BadInput(
                where,
                "no half step: the spectrum does not rise through 0.5",
                "check mode and columns",
            )
        e0 = found
    return e0


def merge_repeats(
    energy: Array,
    scans: edge.NormalisedSpectra,
    noise: Array,
    keep: NDArray[np.bool_],
    scale: Array,
) -> tuple[Array, Array, float]:
    """Return the merged absorption, the standard error of its points and the relative scatter of
    the edge step.

    Normalised spectra are averaged with weights 1/noise**2 and given the mean baseline and step
    back, so that a change of thickness or gain between repeats adds no scatter. From three repeats
    on the noise is that of their scatter (`ssbchar.xas.normalisation.noise.repeat_noise`), else the
    stated one.
    """
    step = scans.edge_step[keep]
    relative = noise[keep] / step[:, None]
    weight = 1 / np.maximum(np.median(relative, axis=1), 1e-12) ** 2
    weight /= weight.sum()
    norm = weight @ scans.norm[keep]
    mean_step = float(weight @ step)
    stderr = np.sqrt((weight[:, None] ** 2 * relative**2).sum(axis=0))
    if keep.sum() >= 3:
        stderr = estimate_repeat_noise(energy, scans.norm[keep] - norm, scale[keep]) * np.sqrt(
            float((weight**2).sum())
        )
    spread = float(np.std(step, ddof=1) / mean_step) if step.size > 1 else 0.0
    return norm * mean_step + weight @ scans.pre_edge[keep], stderr * mean_step, spread


def build_normalised_dataset(
    energy: Array,
    mu: Array,
    stderr: Array,
    e0: float,
    options: Normalisation,
    names: list[str],
    states: list[str],
    already: bool = False,
) -> xr.Dataset:
    """Return the Dataset of normalised spectra with their edges (see `normalise`)."""
    import xarray as xr

    limits = edge.choose_fit_ranges(
        energy, e0, options.pre1, options.pre2, options.norm1, options.norm2, options.nnorm
    )
    done, smooth = _normalised(energy, mu, e0, options, already)
    rest, weights = np.eye(energy.size), np.zeros(energy.size)
    if not already:
        tail = edge.calculate_tail(energy, e0, options.core_width or 0.0)
        rest, weights = edge.derive_operators(
            energy, limits, options.victoreen, smooth.operator(energy.size), tail
        )
    relative, step_stderr = edge.norm_stderr_from_mu_stderr(stderr, done, rest, weights)
    half, slope, rows = find_half_step(energy, done.norm)
    half_stderr = edge.functional_stderr_from_mu_stderr(rows, stderr, done, rest, weights) / slope
    steepest, steepest_stderr = find_inflection(energy, mu)
    height, place, rows = measure_white_line(energy, done.flat, e0)
    top = edge.functional_stderr_from_mu_stderr(rows, stderr, done, rest, weights)
    dims = ("spectrum", "energy")
    ds = xr.Dataset(
        {
            "mu": (dims, mu, {"units": "1", "ancillary_variables": "mu_stderr"}),
            "mu_stderr": (dims, stderr, {"units": "1"}),
            "norm": (dims, done.norm, {"units": "1", "ancillary_variables": "norm_stderr"}),
            "norm_stderr": (dims, relative, {"units": "1"}),
            "flat": (dims, done.flat, {"units": "1", "ancillary_variables": "norm_stderr"}),
            "pre_edge": (dims, done.pre_edge, {"units": "1"}),
            "post_edge": (dims, done.post_edge, {"units": "1"}),
            "e0": ((), e0, {"units": "eV", "long_name": "origin of the photoelectron energy"}),
        },
        coords={"energy": ("energy", energy, {"units": "eV"})},
    )
    columns: dict[str, tuple[Any, str]] = {
        "edge_step": (done.edge_step, "1"),
        "edge_step_stderr": (step_stderr, "1"),
        "e0_half": (half, "eV"),
        "e0_half_stderr": (half_stderr, "eV"),
        "e0_derivative": (steepest, "eV"),
        "e0_derivative_stderr": (steepest_stderr, "eV"),
        "white_line": (height, "1"),
        "white_line_stderr": (top, "1"),
        "white_line_energy": (place, "eV"),
    }
    for name, (values, unit) in columns.items():
        ds[name] = ("spectrum", values, {"units": unit})
    ds["name"], ds["status"] = ("spectrum", names), ("spectrum", states)
    about = [
        limits.pre.start,
        limits.pre.stop,
        limits.post.start,
        limits.post.stop,
        limits.at_e0,
        limits.nnorm,
    ]
    ds.attrs.update(exafs_free=int(options.exafs_free), core_width=options.core_width or 0.0)
    ds.attrs["ranges"] = json.dumps([*about, options.victoreen, int(smooth.curve is not None)])
    return ds


def _mean_foil(calibrated: xr.Dataset, good: NDArray[np.int_], energy: Array) -> Array:
    rows = []
    for i in good:
        x, y = calibrated["energy"].values[i], calibrated["mu_foil"].values[i]
        use = np.isfinite(x) & np.isfinite(y)
        rows.append(np.interp(energy, x[use], y[use]))
    return np.asarray(np.mean(rows, axis=0))
