"""Thermal expansion of every phase on every ramp: cells against temperature, tensor, bands,
hysteresis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.expansion import curves as model
from ssbchar.hexrd.expansion.dataset import SIZES, build_dataset, empty
from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.hexrd.furnace.segments import Segment, split_segments
from ssbchar.statistics import sigma_from_deviations
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


def fit_expansion(lattice: xr.Dataset, furnace: xr.Dataset, options: Expansion) -> xr.Dataset:
    """Return cells against temperature with their expansion on every ramp (docs/data-model.md,
    ``expansion.nc``).

    Each phase's free cell parameters are fitted together (`expansion_model.fit`), with the
    covariance of every frame's cell and the error of its temperature. Tensor, principal axes,
    volume and mean linear expansion follow from the curves with the covariance of their
    coefficients.
    """
    courses = [r for r in split_segments(furnace["segment"].values) if r.kind != "hold"]
    temperature = furnace["temperature"].values.astype(float)
    grid = _grid(temperature, options.step)
    names = [r.name for r in courses] or ["heating"]
    out = empty(lattice.sizes["phase"], len(names), grid.size)
    out["reacting"] = flag_reacting(lattice, courses, options)
    curves: dict[tuple[int, int], tuple[model.CellCurve, cell_parameters.FreeParameters]] = {}
    for p in range(lattice.sizes["phase"]):
        for s, ramp in enumerate(courses):
            found = _fit(lattice, furnace, p, ramp, options)
            if isinstance(found, str):
                out["verdict"][p, s] = found
                continue
            curve, free, frames = found
            curves[p, s] = curve, free
            _fill(out, (p, s), curve, free, grid, options)
            _mean(out, (p, s), curve, free, furnace, options)
            out["frames_used"][p, s], out["frames_rejected"][p, s] = (
                curve.used.sum(),
                (~curve.used).sum(),
            )
            out["reacting_from"][p, s] = _first(out["reacting"][frames, p], temperature[frames])
            out["verdict"][p, s] = "reacting" if np.isfinite(out["reacting_from"][p, s]) else "ok"
    _hysteresis(out, curves, courses)
    return build_dataset(lattice, out, names, grid, options)


def _grid(temperature: Array, step: float) -> Array:
    known = temperature[np.isfinite(temperature)]
    if known.size == 0:
        return np.array([25.0])
    return np.arange(np.floor(known.min() / step), np.ceil(known.max() / step) + 1) * step


def _fit(
    lattice: xr.Dataset, furnace: xr.Dataset, phase: int, ramp: Segment, options: Expansion
) -> tuple[model.CellCurve, cell_parameters.FreeParameters, NDArray[np.intp]] | str:
    """Return the curve of a phase on a ramp, its free parameters and frames; or why there is
    none."""
    frames = ramp.frames[
        cell_parameters.select_usable(
            lattice, furnace, phase, frames=ramp.frames, significance=options.significance
        )
    ]
    if frames.size < 4:
        return "too_few_frames" if frames.size else "not_present"
    at = lattice.isel(phase=phase, frame=frames)
    free = cell_parameters.find_free_parameters(at["cell"].values, at["cell_stderr"].values)
    index = free.free
    covariance = cell_parameters.split_covariance(lattice, frames, phase)[0][
        :, index[:, None], index
    ]
    own = np.einsum("tii->ti", covariance)
    good = np.all(np.isfinite(covariance), axis=(1, 2)) & np.all(own > 0, axis=1)
    if good.sum() < 4:
        return "too_few_frames"
    frames = frames[good]
    stderr = np.nan_to_num(furnace["temperature_stderr"].values[frames])
    y = at["cell"].values[good][:, index]
    temperature = furnace["temperature"].values[frames]
    curve = model.fit_curves(
        temperature,
        stderr,
        y,
        cell_parameters.condition_covariance(covariance[good]),
        options.model,
        options.order,
    )
    return (curve, free, frames) if curve is not None else "too_few_frames"


def flag_reacting(
    lattice: xr.Dataset, courses: list[Segment], options: Expansion
) -> NDArray[np.int8]:
    """Return 1 where a phase's intensity has left its first level on the ramp for good, by share
    and by 4 sigma."""
    intensity, stderr = lattice["intensity"].values, lattice["intensity_stderr"].values
    out = np.zeros(intensity.shape, np.int8)
    for ramp in courses:
        for p in range(intensity.shape[1]):
            frames = ramp.frames[
                np.isfinite(intensity[ramp.frames, p])
                & (lattice["present"].values[ramp.frames, p] == 1)
            ]
            if frames.size < 6:
                continue
            first = intensity[frames[: max(3, frames.size // 5)], p]
            level = float(np.median(first))
            scatter = sigma_from_deviations(first - level)
            off = np.abs(intensity[frames, p] - level)
            gone = (off > options.reacting * level) & (
                off > 4 * np.hypot(stderr[frames, p], scatter)
            )
            stays = np.logical_and.accumulate(gone[::-1])[::-1]
            out[frames, p] = stays
    return out


def _first(flags: Array, temperature: Array) -> float:
    hit = np.flatnonzero(flags)
    return float(temperature[hit[0]]) if hit.size else float("nan")


def _fill(
    out: dict[str, Any],
    at: tuple[int, int],
    curve: model.CellCurve,
    free: cell_parameters.FreeParameters,
    grid: Array,
    options: Expansion,
) -> None:
    """Put cells, expansion, tensor and axes on the grid, inside the range of the frames."""
    inside = np.flatnonzero(
        (grid >= curve.basis.low - options.step / 2) & (grid <= curve.basis.high + options.step / 2)
    )
    t = np.clip(grid[inside], curve.basis.low, curve.basis.high)
    values, rates, jacobian = curve.at(t)
    covariance = jacobian @ curve.covariance @ np.swapaxes(jacobian, 1, 2)
    state = np.concatenate([values, rates], axis=1)
    step = np.maximum(0.1 * np.sqrt(np.einsum("tii->ti", covariance)), 1e-9 * np.abs(state) + 1e-14)

    def put(name: str, function: Any) -> Any:
        turn = tensor.differentiate(function, state, step)
        full = turn @ covariance @ np.swapaxes(turn, 1, 2)
        sigma = np.sqrt(np.maximum(np.einsum("tii->ti", full), 0.0))
        return function(state), sigma, full

    cell, sigma, _ = put("cell", lambda x: cell_parameters.cell_and_volume_from_state(free, x))
    out["cell"][at][:, inside], out["cell_stderr"][at][:, inside] = cell.T, sigma.T
    alpha, sigma, _ = put(
        "linear_expansion", lambda x: cell_parameters.expansion_from_state(free, x)
    )
    out["linear_expansion"][at][SIZES[:, None], inside] = alpha.T
    out["linear_expansion_stderr"][at][SIZES[:, None], inside] = sigma.T
    components, sigma, full = put("tensor", lambda x: cell_parameters.tensor_from_state(free, x))
    out["tensor"][at][inside], out["tensor_stderr"][at][inside] = components, sigma
    value, vector = tensor.find_principal_axes(cell_parameters.matrix_from_components(components))
    out["principal_expansion"][at][:, inside] = value.T
    out["principal_expansion_stderr"][at][:, inside] = tensor.propagate_to_principal_values(
        vector, full
    ).T
    out["principal_axis"][at][:, inside] = np.transpose(vector, (2, 0, 1))
    out["principal_axis_stderr"][at][:, inside] = tensor.propagate_to_principal_axes(
        value, vector, full
    ).T
    strain = tensor.strain_from_cell(cell[:, :6], cell[0, :6])
    out["lagrangian_strain"][at][inside] = np.stack(
        [strain[:, i, j] for i, j in tensor.PAIRS], axis=1
    )
    out["inflation"][at][free.free] = curve.inflation
    out["chi2"][at], out["order"][at] = curve.chi2, curve.basis.order
    out["characteristic_temperature"][at] = curve.basis.theta


def _mean(
    out: dict[str, Any],
    at: tuple[int, int],
    curve: model.CellCurve,
    free: cell_parameters.FreeParameters,
    furnace: xr.Dataset,
    options: Expansion,
) -> None:
    """Put the mean linear expansion between two temperatures, shortened to where the phase was
    seen."""
    low, high = max(options.mean_from, curve.basis.low), min(options.mean_to, curve.basis.high)
    if high - low < options.smallest_range:
        return
    ends = np.array([low, high])
    values, _, jacobian = curve.at(ends)
    p = free.free.size
    rows = jacobian[:, :p].reshape(2 * p, -1)
    covariance = (rows @ curve.covariance @ rows.T)[None]

    def mean(x: Array) -> Array:
        sizes = cell_parameters.cell_and_volume_from_state(free, x.reshape(-1, p)).reshape(-1, 2, 7)
        return np.asarray((sizes[:, 1] / sizes[:, 0] - 1) / (high - low))[:, SIZES]

    flat = values.reshape(1, -1)
    turn = tensor.differentiate(
        mean, flat, np.maximum(0.1 * np.sqrt(np.einsum("tii->ti", covariance)), 1e-9)
    )
    out["mean_linear_expansion"][at][SIZES] = mean(flat)[0]
    stderr = np.sqrt(np.einsum("qi,ij,qj->q", turn[0], covariance[0], turn[0]))
    out["mean_linear_expansion_stderr"][at][SIZES] = stderr
    shift = _systematic(furnace, ends)
    shifted, _, _ = curve.at(
        np.clip(ends + shift, curve.basis.low - np.max(shift), curve.basis.high + np.max(shift))
    )
    out["mean_linear_expansion_systematic"][at][SIZES] = np.abs(
        mean(shifted.reshape(1, -1)) - mean(flat)
    )[0]
    out["mean_from"][at], out["mean_to"][at] = low, high


def _systematic(furnace: xr.Dataset, temperature: Array) -> Array:
    """Return the systematic error of the temperature scale [K] at temperatures [degC]."""
    at, value = furnace["temperature"].values, furnace["temperature_systematic"].values
    good = np.isfinite(at) & np.isfinite(value)
    if not good.any():
        return np.zeros_like(temperature)
    order = np.argsort(at[good], kind="stable")
    return np.asarray(np.interp(temperature, at[good][order], value[good][order]))


def _hysteresis(
    out: dict[str, Any],
    curves: dict[tuple[int, int], tuple[model.CellCurve, cell_parameters.FreeParameters]],
    courses: list[Segment],
) -> None:
    """Put cooling minus heating (the first of each), relative, amid their common range, and the
    test of no difference.

    The test takes all free parameters at three temperatures: chi-square of the differences with
    both covariances.
    """
    from scipy.special import gammaincc

    kinds = [r.name for r in courses]
    if "heating" not in kinds or "cooling" not in kinds:
        return
    up, down = kinds.index("heating"), kinds.index("cooling")
    for p in {p for p, _ in curves}:
        if (p, up) not in curves or (p, down) not in curves:
            continue
        (warm, free), (cold, other) = curves[p, up], curves[p, down]
        low, high = max(warm.basis.low, cold.basis.low), min(warm.basis.high, cold.basis.high)
        if high <= low or not np.array_equal(free.free, other.free):
            continue
        at = np.array([low, (low + high) / 2, high])
        values, covariances = [], []
        for curve in (warm, cold):
            value, _, jacobian = curve.at(at)
            rows = jacobian[:, : free.free.size].reshape(value.size, -1)
            values.append(value)
            covariances.append(rows @ curve.covariance @ rows.T)
        difference, total = (values[1] - values[0]).ravel(), covariances[0] + covariances[1]
        size = np.sqrt(np.diag(total))
        eigen, vector = np.linalg.eigh(total / np.outer(size, size))
        kept = eigen > 1e-9 * eigen[-1]
        chi2 = float(np.sum((vector[:, kept].T @ (difference / size)) ** 2 / eigen[kept]))
        out["hysteresis_p"][p] = gammaincc(kept.sum() / 2, chi2 / 2)
        out["hysteresis_temperature"][p] = at[1]
        middle = slice(free.free.size, 2 * free.free.size)
        state = np.concatenate([values[0][1], values[1][1]])[None]
        block = np.zeros((1, state.size, state.size))
        half = free.free.size
        block[0, :half, :half], block[0, half:, half:] = (c[middle, middle] for c in covariances)

        def relative(
            x: Array, free: cell_parameters.FreeParameters = free, half: int = half
        ) -> Array:
            return np.asarray(
                cell_parameters.cell_and_volume_from_state(free, x[:, half:])
                / cell_parameters.cell_and_volume_from_state(free, x[:, :half])
                - 1
            )

        turn = tensor.differentiate(relative, state, 0.1 * np.sqrt(np.einsum("tii->ti", block)))
        out["hysteresis"][p] = relative(state)[0]
        out["hysteresis_stderr"][p] = np.sqrt(np.einsum("qi,ij,qj->q", turn[0], block[0], turn[0]))
