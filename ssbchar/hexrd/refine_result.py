"""From the two passes to one table: the better fit of each frame beside the joint cell(T), its verdicts and errors."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar import progress
from ssbchar.conclusion import Z95
from ssbchar.hexrd import pattern, presence, refine_frame
from ssbchar.hexrd.options import Refinement
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_frame import Fit, Series
from ssbchar.phases import metric

if TYPE_CHECKING:
    import xarray as xr

    from ssbchar.hexrd.refine import Frames, Priors

Fits = dict[int, Fit]
SETTLED = 0.05
"""A cell whose variance is below this share of its prior's does not depend on it."""
AXES = ("a", "b", "c", "alpha", "beta", "gamma")


@dataclass
class Table:
    """Arrays of the result, filled frame by frame."""

    cell: Array
    covariance: Array
    joint: Array
    joint_stderr: Array
    intensity: Array
    intensity_stderr: Array
    width: Array
    present: Any
    verdict: Any
    curves: dict[str, Any]
    rwp: Array
    rexp: Array
    gof: Array
    zero: Array
    zero_stderr: Array
    parameters: Array
    shared: Array


def polish(
    table: Table, series: Series, frames: Frames, priors: tuple[Priors, Priors], forward: Fits, backward: Fits,
    options: Refinement,
) -> None:  # fmt: skip
    """Refine again, beside the final cell(T), the frames that this could change; judge all.

    Parameters
    ----------
    table : Table
        Filled from the backward pass.
    priors : pair of Priors
        Those of the backward pass, and the final ones.
    """
    before, after = priors
    for i in progress.steps(range(frames.count), "refine joint"):
        if not frames.usable[i]:
            continue
        fit = backward[i]
        if _unsettled(series, before, after, forward.get(i), fit, i):
            y, weight = frames.points(i)
            fit = _final(series, after, forward.get(i), fit, options, i, y, weight)
            fill(table, frames, after, presence.remainder(series, fit, y, weight), i, y)
        _judge(table, series, after, fit, forward.get(i), backward.get(i), i)
    _hysteresis(table, options)


def _unsettled(series: Series, before: Priors, after: Priors, forward: Fit | None, fit: Fit, i: int) -> bool:
    """Return whether a frame depends on what was learnt after its backward fit: phases, or priors that weigh."""
    if forward is None or forward.present != fit.present or not fit.converged:
        return True
    if np.any(before.known != after.known):
        return True
    for n, p in enumerate(fit.present):
        free = series.phases[p].free
        if np.any(np.diagonal(fit.strain_covariance[n]) > SETTLED * after.sigma[i, p, :free] ** 2):
            return True
    return False


def empty(frames: int, phases: int, points: int) -> Table:
    """Return a table in which nothing is measured yet."""
    nan = np.nan
    per = (frames, phases)
    curves = {k: np.full((frames, points), nan, np.float32) for k in ("calculated", "background", "residual")}
    return Table(
        np.full((*per, 6), nan), np.full((*per, 6, 6), nan), np.full((*per, 6), nan), np.full((*per, 6), nan),
        np.full(per, nan), np.full(per, nan), np.full((*per, 2), nan), np.zeros(per, np.int8),
        np.full(per, "not_measured", object), curves, np.full(frames, nan), np.full(frames, nan),
        np.full(frames, nan), np.full(frames, nan), np.full(frames, nan), np.zeros(frames, np.int64),
        np.zeros((*per, 6)),
    )  # fmt: skip


def _final(
    series: Series, priors: Priors, forward: Fit | None, backward: Fit | None, options: Refinement,
    i: int, y: Array, weight: Array,
) -> Fit:  # fmt: skip
    """Return the frame refined once more from the better pass, all phases of both passes in, each near its cell(T)."""
    found = [f for f in (forward, backward) if f is not None]
    best = min(found, key=lambda f: f.misfit)
    present = tuple(sorted({p for f in found for p in f.present}))
    state = best.state
    for other in found:
        for p in other.present:
            if p not in best.present:
                state = replace(
                    state, strain=refine_frame.put(state.strain, p, other.state.strain[p]),
                    size=refine_frame.put(state.size, p, other.state.size[p]),
                    micro=refine_frame.put(state.micro, p, other.state.micro[p]),
                    amount=refine_frame.put(state.amount, p, other.state.amount[p]),
                    inflation=refine_frame.put(state.inflation, p, other.state.inflation[p]),
                )  # fmt: skip
    prior = priors.at(i, present, {}, None)
    return refine_frame.refine(series, y, weight, state, present, prior, options.iterations, options.tolerance)


def fill(table: Table, frames: Frames, priors: Priors, left: presence.Remainder, i: int, y: Array) -> None:
    """Write a frame's fit into the table, with the intensities that the phases not in it would have."""
    series, fit, weight = left.series, left.fit, left.weight
    for n, p in enumerate(fit.present):
        phase = series.phases[p]
        strain = fit.state.strain[p, : phase.free]
        table.cell[i, p], gradient = _cell(phase, strain)
        table.covariance[i, p] = gradient @ fit.strain_covariance[n] @ gradient.T
        if fit.strain_shared:
            table.shared[i, p] = gradient @ fit.strain_shared[n]
        table.intensity[i, p] = fit.intensity[n]
        table.intensity_stderr[i, p] = presence.stderr(left, p)
        table.width[i, p] = np.exp(fit.state.size[p]), np.exp(fit.state.micro[p])
    for p, phase in enumerate(series.phases):
        expected = priors.strain[i, p, : phase.free]
        if p not in fit.present:
            trace = presence.trace(left, p, expected[None])
            assert trace is not None
            table.intensity[i, p], table.intensity_stderr[i, p] = trace.intensity[0], trace.stderr[0]
    inside = frames.inside
    table.curves["calculated"][i, inside] = fit.calculated
    table.curves["background"][i, inside] = fit.background
    table.curves["residual"][i, inside] = y - fit.calculated
    power = float(np.dot(weight, y**2))
    used = int(np.sum(weight > 0))
    table.rwp[i] = 100 * np.sqrt(float(np.dot(weight, (y - fit.calculated) ** 2)) / power)
    table.rexp[i] = 100 * np.sqrt(max(used - fit.parameters, 1) / power)
    table.gof[i] = table.rwp[i] / table.rexp[i]
    table.zero[i], table.zero_stderr[i] = fit.state.zero, fit.zero_stderr
    table.parameters[i] = fit.parameters


def _cell(phase: pattern.Lattice, strain: Array) -> tuple[Array, Array]:
    """Return the cell at strains and its derivatives by them, shape (6, free)."""
    step = 1e-6
    moves = np.concatenate([step * np.eye(phase.free), -step * np.eye(phase.free)])
    cells = phase.cell(strain + np.concatenate([np.zeros((1, phase.free)), moves]))
    gradient = (cells[1 : phase.free + 1] - cells[phase.free + 1 :]).T / (2 * step)
    fixed = [k for k in range(6) if np.max(np.abs(gradient[k]), initial=0.0) < 1e-6 * np.max(np.abs(gradient))]
    gradient[fixed] = 0.0
    return cells[0], gradient


def _judge(
    table: Table, series: Series, priors: Priors, fit: Fit, forward: Fit | None, backward: Fit | None, i: int
) -> None:
    for p, phase in enumerate(series.phases):
        if p not in fit.present:
            table.verdict[i, p] = "absent"
            continue
        n = fit.present.index(p)
        variance = np.diagonal(fit.strain_covariance[n])
        held = priors.sigma[i, p, : phase.free] ** 2
        shift = fit.state.strain[p, : phase.free] - priors.strain[i, p, : phase.free]
        verdict = "ok"
        if not fit.converged:
            verdict = "not_converged"
        elif _disagree(forward, backward, p, phase.free):
            verdict = "inconsistent"
        elif priors.known[p] and np.any(variance > 0.5 * held):
            verdict = "held"
        elif priors.known[p] and np.any(np.abs(shift) > 3 * np.sqrt(held)):
            verdict = "departs"
        table.verdict[i, p] = verdict


def _disagree(forward: Fit | None, backward: Fit | None, p: int, free: int) -> bool:
    """Return whether the two passes put a phase's cell apart by more than three standard errors."""
    if forward is None or backward is None or p not in forward.present or p not in backward.present:
        return False
    variance = [np.diagonal(f.strain_covariance[f.present.index(p)]) for f in (forward, backward)]
    apart = forward.state.strain[p, :free] - backward.state.strain[p, :free]
    return bool(np.any(np.abs(apart) > 3 * np.sqrt(np.maximum(variance[0], variance[1]))))


def _hysteresis(table: Table, options: Refinement) -> None:
    """Mark a phase present in each run of frames above `leave` that rises above `enter` somewhere."""
    ratio = table.intensity / table.intensity_stderr
    for p in range(ratio.shape[1]):
        above = np.nan_to_num(ratio[:, p]) > options.leave
        edges = np.flatnonzero(np.diff(np.concatenate([[0], above.astype(int), [0]])))
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            table.present[first:last, p] = np.nanmax(ratio[first:last, p]) > options.enter
        weak = (table.present[:, p] == 0) & (table.verdict[:, p] != "not_measured")
        table.verdict[weak, p] = "absent"
        found = (table.present[:, p] == 1) & (table.verdict[:, p] == "absent")
        table.verdict[found, p] = "held"


def _joint(table: Table, series: Series, priors: Priors) -> None:
    """Write the smooth cell(T) of each phase that has one; it stands where a phase shows too weakly for its own."""
    for p, phase in enumerate(series.phases):
        for i in np.flatnonzero(np.isfinite(table.rwp)) if priors.known[p] else ():
            table.joint[i, p], gradient = _cell(phase, priors.strain[i, p, : phase.free])
            spread = gradient * priors.sigma[i, p, : phase.free]
            table.joint_stderr[i, p] = np.sqrt(np.sum(spread**2, axis=1))
            if table.present[i, p] and np.isnan(table.cell[i, p, 0]):
                table.cell[i, p], table.covariance[i, p] = table.joint[i, p], spread @ spread.T


def dataset(
    table: Table, series: Series, frames: Frames, priors: Priors, options: Refinement,
    phases: list[xr.Dataset], patterns: xr.Dataset,
) -> xr.Dataset:  # fmt: skip
    """Return the table as a Dataset (docs/data-model.md, ``lattice.nc``)."""
    import xarray as xr

    _joint(table, series, priors)
    absent = table.present == 0
    volume, volume_stderr = _volumes(table)
    for values in (table.cell, table.covariance, volume, volume_stderr):
        values[absent] = np.nan
    stderr = np.sqrt(np.maximum(np.einsum("fpii->fpi", table.covariance), 0))
    scale, scale_stderr = _scales(table, series, volume)
    fraction, fraction_stderr = _fractions(table, phases, scale, scale_stderr, volume)
    significance = table.intensity / table.intensity_stderr
    fp, fpa = ("frame", "phase"), ("frame", "phase", "axis")
    one = {"units": "1"}
    mixed = {"units": "angstrom for a b c, degree for angles"}
    joint_volume = _volume_of(table.joint)
    ds = xr.Dataset(
        {
            "cell": (fpa, table.cell, {**mixed, "ancillary_variables": "cell_stderr cell_covariance"}),
            "cell_stderr": (fpa, stderr, mixed),
            "cell_covariance": ((*fpa, "axis2"), table.covariance, {"units": "products of those of cell"}),
            "cell_shared": (
                fpa, table.shared,
                {**mixed, "long_name": "part of the error that all frames share (held zero): one sigma, signed"},
            ),
            "cell_joint": (fpa, table.joint, {**mixed, "long_name": "smooth cell(T) of the series"}),
            "cell_joint_stderr": (fpa, table.joint_stderr, mixed),
            "volume": (fp, volume, {"units": "angstrom^3", "ancillary_variables": "volume_stderr"}),
            "volume_stderr": (fp, volume_stderr, {"units": "angstrom^3"}),
            "volume_joint": (fp, joint_volume, {"units": "angstrom^3"}),
            "intensity": (fp, table.intensity, {"units": "count degree", "ancillary_variables": "intensity_stderr"}),
            "intensity_stderr": (fp, table.intensity_stderr, {"units": "count degree"}),
            "intensity_upper95": (
                fp, np.maximum(table.intensity, 0) + 1.6449 * table.intensity_stderr, {"units": "count degree"}
            ),
            "significance": (fp, significance, one),
            "scale": (fp, scale, {"units": "count degree / electron^2"}),
            "scale_stderr": (fp, scale_stderr, {"units": "count degree / electron^2"}),
            "weight_fraction": (fp, fraction, {**one, "ancillary_variables": "weight_fraction_stderr"}),
            "weight_fraction_stderr": (fp, fraction_stderr, one),
            "size_width": (fp, table.width[..., 0], {"units": "degree", "long_name": "Lorentz width x cos(theta)"}),
            "strain_width": (fp, table.width[..., 1], {"units": "degree", "long_name": "Lorentz width / tan(theta)"}),
            "present": (fp, table.present),
            "verdict": (fp, table.verdict.astype(str).astype(object)),
            "rwp": ("frame", table.rwp, {"units": "percent"}),
            "rexp": ("frame", table.rexp, {"units": "percent"}),
            "gof": ("frame", table.gof, one),
            "zero": ("frame", table.zero, {"units": "degree", "ancillary_variables": "zero_stderr"}),
            "zero_stderr": ("frame", table.zero_stderr, {"units": "degree"}),
            "parameters": ("frame", table.parameters),
            **{k: (("frame", "two_theta"), v, {"units": "count"}) for k, v in table.curves.items()},
        },
        coords={
            "frame": patterns["frame"], "two_theta": patterns["two_theta"],
            "phase": np.array([p.name for p in series.phases], object),
            "axis": np.array(AXES, object), "axis2": np.array(AXES, object),
        },
        attrs={"mode": options.mode, "wavelength": frames.wavelength, "scale_stderr": frames.scale_stderr},
    )  # fmt: skip
    ds["refinable"] = ("phase", np.array([int(p.refinable) for p in series.phases]))
    ds["crystal_system"] = ("phase", np.array([p.system for p in series.phases], object))
    for key in ("synthetic",):
        if patterns.attrs.get(key):
            ds.attrs[key] = patterns.attrs[key]
    ds.attrs["confidence"] = Z95
    return ds


def _volume_of(cell: Array) -> Array:
    out = np.full(cell.shape[:-1], np.nan)
    good = np.all(np.isfinite(cell), axis=-1)
    out[good] = np.sqrt(np.linalg.det(metric(cell[good])))
    return out


def _volumes(table: Table) -> tuple[Array, Array]:
    """Return volumes and standard errors, by the gradient of the volume with the cell's covariance."""
    volume = _volume_of(table.cell)
    gradient = np.full(table.cell.shape, np.nan)
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-5
        gradient[..., k] = (_volume_of(table.cell + step) - _volume_of(table.cell - step)) / 2e-5
    variance = np.einsum("...i,...ij,...j->...", gradient, table.covariance, gradient)
    return volume, np.sqrt(np.maximum(variance, 0))


def _scales(table: Table, series: Series, volume: Array) -> tuple[Array, Array]:
    """Return Rietveld scales, intensity / sum of m |F|^2 L over the phase's reflections; NaN without atoms."""
    scale, stderr = np.full(table.intensity.shape, np.nan), np.full(table.intensity.shape, np.nan)
    for p, phase in enumerate(series.phases):
        if not phase.refinable:
            continue
        g = phase.reference * np.nanmedian(
            np.append((phase_volume(phase) / volume[:, p]) ** (2 / 3), np.nan)
        ) if np.isfinite(volume[:, p]).any() else phase.reference  # fmt: skip
        angle, _ = pattern.two_theta(phase.form, g, series.wavelength)
        power = float(np.sum(phase.strength * pattern.lorentz_factor(angle)))
        scale[:, p], stderr[:, p] = table.intensity[:, p] / power, table.intensity_stderr[:, p] / power
    return scale, stderr


def phase_volume(phase: pattern.Lattice) -> float:
    """Return the volume of a phase's reference cell [angstrom^3]."""
    return float(_volume_of(pattern.cell_from_reciprocal(phase.reference)))


def _fractions(
    table: Table, phases: list[xr.Dataset], scale: Array, stderr: Array, volume: Array
) -> tuple[Array, Array]:
    """Return weight fractions S (ZM) V / sum of those of the refinable phases that are present, and errors.

    R. J. Hill & C. J. Howard, J. Appl. Cryst. 20 (1987) 467, eq. 2; scales taken as uncorrelated.
    """
    mass = np.array([float(ds.attrs.get("cell_mass", np.nan)) for ds in phases])
    there = (table.present == 1) & np.isfinite(scale) & np.isfinite(volume)
    part = np.where(there, scale * mass * volume, 0.0)
    error = np.where(there, stderr * mass * volume, 0.0)
    total = part.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = part / total
        variance = ((1 - share) * error) ** 2 + share**2 * ((error**2).sum(axis=1, keepdims=True) - error**2)
        found = np.where(there, share, np.nan)
        return found, np.where(there, np.sqrt(variance) / total, np.nan)
