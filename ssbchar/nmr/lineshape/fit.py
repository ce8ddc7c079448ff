"""Lines fitted to the free induction decay itself, with one phase and one time origin."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape import assignment, model_selection, varpro
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.shapes import LineshapeProblem, evaluate_shapes
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, Regions
from ssbchar.nmr.transform.chemical_shift import (
    offset_from_shift,
    select_range,
    shift_from_offset,
    transform_signal,
)
from ssbchar.statistics import MAD_TO_SIGMA

REGIONS = (METAL, LI_SI)
PLACES = (*REGIONS, "outside")
TAIL = 0.1
"""Share of the decay, at its end, that gives the noise."""
MISFIT = 1.3
"""Reduced chi-square above which the fit is called a misfit (errors are scaled by its square root
anyway)."""


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
        Where lines may lie.

    Returns
    -------
    Dataset
        ``area`` (slice, component), ``shift`` [ppm], ``fwhm_lorentz``, ``fwhm_gauss`` [Hz],
        ``region_of``, ``assignment`` (component); ``region_area`` (slice, region), the signal at
        the time origin, with ``region_covariance`` (slice, region, slice2, region2), and
        ``region_area_free`` without the bound at zero; ``phase``, ``time_origin``; per slice
        ``chi2`` (reduced), ``noise``, ``verdict``; ``measured``, ``model`` (slice, ppm) and
        ``component_spectrum`` (component, ppm) of the first good slice.

    Raises
    ------
    BadInput
        No good slice is left, or no signal.
    """
    good = find_good_slices(fid)
    low, high = offsets_from_regions(regions, fid)
    rules = model_selection.SelectionRules(
        low,
        high,
        "voigt" in options.shapes,
        options.max_components,
        options.min_gain,
        options.absent_width,
        options.outside,
    )
    solution, problem = model_selection.select_model(_problem(fid, good, options), rules)
    return _dataset(fid, good, problem, solution, options)


def find_good_slices(fid: xr.Dataset) -> NDArray[np.int64]:
    """Return the positions of the slices that are ``ok``; raise `BadInput` where there is none."""
    good = np.flatnonzero(fid.variables["status"].values == "ok")
    if not good.size:
        raise BadInput(fid.attrs.get("measurement", "series"), "no good slice", "measure it again")
    return good


def collect_points(fid: xr.Dataset, good: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Return the complex points of these slices, shape (slice, time)."""
    real, imag = fid.variables["real"].values, fid.variables["imag"].values
    y = np.empty((good.size, real.shape[1]), complex)
    y.real, y.imag = (real, imag) if good.size == len(real) else (real[good], imag[good])
    return y


def noise_from_tail(y: NDArray[np.complex128]) -> NDArray[np.float64]:
    """Return the standard deviation of real and imaginary part per slice, from the last tenth, by
    the median.

    sigma = 1.4826 median |x| of the tail, which a weak remaining signal hardly moves.
    """
    size = np.abs(np.ascontiguousarray(y[:, -max(int(y.shape[1] * TAIL), 8) :]).view(float))
    middle = size.shape[1] // 2
    size.partition([middle - 1, middle], axis=1)
    return np.asarray(MAD_TO_SIGMA / 2 * (size[:, middle - 1] + size[:, middle]))


def _problem(fid: xr.Dataset, good: NDArray[np.int64], options: LineFitOptions) -> LineshapeProblem:
    y, time = collect_points(fid, good), fid.variables["time"].values
    sigma = np.maximum(noise_from_tail(y), 1e-6 * np.abs(y).max(axis=1))
    filtered = float(fid.attrs["group_delay"]) > 0
    skip = options.skip if options.skip is not None else (4.0 if filtered else 0.0)
    step = float(time[1] - time[0])
    start = int(np.searchsorted(time, (skip - 1e-6) * step))
    stop = min(_end(y[:, start:], sigma), options.max_points)
    problem = LineshapeProblem(
        y[:, start : start + stop],
        time[start : start + stop],
        sigma,
        options.time_origin_prior,
        options.max_width,
    )
    if not filtered:
        return problem
    problem = replace(problem, nuisance=build_ringing(problem.time / step))
    return replace(problem, y=problem.cleaned(problem.y))


def build_ringing(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return orthonormal columns along which a digital filter's response to the sharp start of the
    signal lies.

    Cutting the band at the Nyquist frequency turns a step into a step and (-1)^n (c1/n + c2/n^2 +
    ...) / pi^2, n the points since the start (Gibbs ringing); c1 and c2 are left free.

    Parameters
    ----------
    points : ndarray, shape (time,)
        Time since the start [points], above zero, one apart.
    """
    sign = 1.0 - 2.0 * (np.arange(points.size) % 2)
    first, second = sign / points, sign / points**2
    first /= np.linalg.norm(first)
    second -= (first @ second) * first
    return np.stack([first, second / np.linalg.norm(second)]).astype(complex)


def offsets_from_regions(
    regions: Regions, fid: xr.Dataset
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lowest and highest frequency of each region [Hz against the carrier]."""
    edges = np.sort([regions.li_metal, regions.li_si], axis=1)
    return tuple(offset_from_shift(edges, fid.attrs["sfo1"], fid.attrs["sf"]).T)


def _end(y: NDArray[np.complex128], sigma: NDArray[np.float64]) -> int:
    """Return the number of points after which only noise is left (twice the last visible block; at
    least 256)."""
    size = 64
    blocks = y.shape[1] // size
    if blocks < 4:
        return int(y.shape[1])
    cut = y[:, : blocks * size].reshape(len(y), blocks, size)
    power = (cut.real**2 + cut.imag**2).sum(axis=2) / (2 * size * sigma[:, None] ** 2)
    seen = np.flatnonzero((power > 1 + 6 / np.sqrt(size)).any(axis=0))
    return min(int(y.shape[1]), max(256, 2 * size * (int(seen[-1]) + 1 if seen.size else 2)))


def _dataset(
    fid: xr.Dataset,
    good: NDArray[np.int64],
    problem: LineshapeProblem,
    solution: varpro.LineFit,
    options: LineFitOptions,
) -> xr.Dataset:
    shapes, slices, n = solution.shapes, len(good), solution.shapes.n
    per_slice = solution.state.chi2_slice / (2 * problem.time.size)
    reduced = solution.chi2 / max(solution.points - solution.parameters, 1)
    covariance = solution.covariance * reduced
    stderr = np.sqrt(np.diag(covariance))
    free = dict(zip(solution.free.tolist(), range(solution.free.size), strict=True))
    shape_stderr = np.array([stderr[free[i]] if i in free else 0.0 for i in range(3 * n + 1)])
    area_covariance = covariance[solution.free.size :, solution.free.size :].reshape(
        slices, n, slices, n
    )
    belongs = (shapes.region[None] == np.arange(len(REGIONS))[:, None]).astype(float)
    region_covariance = np.einsum("rj,sjtk,qk->srtq", belongs, area_covariance, belongs)
    region_area = solution.area @ belongs.T
    drawn, ppm = _pictures(fid, problem, solution, options)
    data = _components(
        fid, solution, shape_stderr, stderr[solution.free.size :].reshape(slices, n)
    ) | {
        "region_area": (("slice", "region"), region_area, {"units": "1"}),
        "region_area_free": (("slice", "region"), solution.free_area @ belongs.T, {"units": "1"}),
        "region_area_stderr": (
            ("slice", "region"),
            np.sqrt(np.einsum("srsr->sr", region_covariance)),
            {"units": "1"},
        ),
        "region_covariance": (
            ("slice", "region", "slice2", "region2"),
            region_covariance,
            {"units": "1"},
        ),
        "phase": (("slice", "component"), solution.phase, {"units": "rad"}),
        "time_origin": ((), shapes.origin, {"units": "s"}),
        "time_origin_stderr": ((), shape_stderr[3 * n], {"units": "s"}),
        "chi2": ("slice", per_slice, {"units": "1"}),
        "noise": ("slice", problem.sigma, {"units": "1"}),
        "decay_time": ("slice", fid.variables["decay_time"].values[good], {"units": "s"}),
        "verdict": ("slice", np.where(per_slice > MISFIT, "misfit", "ok").astype(str)),
    }
    return xr.Dataset(
        data | drawn,
        coords=make_coordinates(
            slice=(fid.variables["slice"].values[good], {}),
            region=REGIONS,
            ppm=(ppm, {"units": "ppm", "long_name": "chemical shift"}),
        ),
        attrs=_attrs(fid)
        | {"phases": problem.phases, "points": int(problem.time.size), "bic": solution.bic},
    )


def _components(
    fid: xr.Dataset,
    solution: varpro.LineFit,
    stderr: NDArray[np.float64],
    area_stderr: NDArray[np.float64],
) -> dict[str, tuple[object, ...]]:
    """Return what there is per line; `stderr` is of nu, width and squared Gaussian width of all
    lines."""
    shapes, n, gauss = solution.shapes, solution.shapes.n, np.sqrt(solution.shapes.gauss2)
    sfo1, sf = fid.attrs["sfo1"], fid.attrs["sf"]
    shift, carrier = shift_from_offset(shapes.nu, sfo1, sf), float(shift_from_offset(0.0, sfo1, sf))
    names = assignment.assign_lines(shift, stderr[:n] / sf, solution.area.sum(axis=0), carrier)
    return {
        "area": (
            ("slice", "component"),
            solution.area,
            {"units": "1", "ancillary_variables": "area_stderr"},
        ),
        "area_stderr": (("slice", "component"), area_stderr, {"units": "1"}),
        "shift": ("component", shift, {"units": "ppm"}),
        "shift_stderr": ("component", stderr[:n] / sf, {"units": "ppm"}),
        "fwhm_lorentz": ("component", shapes.width, {"units": "Hz"}),
        "fwhm_lorentz_stderr": ("component", stderr[n : 2 * n], {"units": "Hz"}),
        "fwhm_gauss": ("component", gauss, {"units": "Hz"}),
        "fwhm_gauss_stderr": (
            "component",
            stderr[2 * n : 3 * n] / np.maximum(2 * gauss, 1e-300) * (gauss > 0),
            {"units": "Hz"},
        ),
        "region_of": ("component", np.array(PLACES)[shapes.region]),
        "assignment": ("component", names),
        "seen": ("component", (~shapes.held).astype(int)),
    }


def _attrs(fid: xr.Dataset) -> dict[str, object]:
    keep = {k: v for k, v in fid.attrs.items() if k not in ("set_aside", "provenance")}
    keep["conflicts"] = fid.attrs.get("conflicts", json.dumps([]))
    return keep


def _pictures(
    fid: xr.Dataset, problem: LineshapeProblem, solution: varpro.LineFit, options: LineFitOptions
) -> tuple[dict[str, tuple[object, ...]], NDArray[np.float64]]:
    """Return phased spectra of the data, of the model, and of each component of the first slice,
    and their axis [ppm].

    Points left out at the start, and the filter's ringing, are the model's in all three, so that no
    baseline rolls.
    """
    size = 2 << (problem.time.size - 1).bit_length()
    inside, _, ppm = select_range(
        problem.time, size, options.display, fid.attrs["sfo1"], fid.attrs["sf"]
    )
    step = float(problem.time[1] - problem.time[0])
    missing = int(problem.time[0] / step + 1e-6)
    time = np.concatenate([problem.time[0] - step * np.arange(missing, 0, -1), problem.time])
    lines, amplitude = (
        evaluate_shapes(solution.shapes, time),
        varpro.complex_amplitudes(solution.state),
    )
    total = amplitude @ lines
    seen = np.concatenate(
        [total[:, :missing], total[:, missing:] + problem.y - problem.cleaned(total[:, missing:])],
        1,
    )
    weak = np.exp(-3.0 * (time - time[0]) / (time[-1] - time[0]))
    weak[0] *= 0.5
    spectra = transform_signal(
        np.concatenate([seen, lines]) * (step * weak), time + solution.shapes.origin, size, inside
    )
    turn = np.exp(-1j * solution.phase[:, solution.area.sum(axis=0).argmax(), None])
    each = spectra[len(seen) :]
    measured, model = (turn * spectra[: len(seen)]).real, ((turn * amplitude) @ each).real
    components = solution.area[0][:, None] * each.real
    attrs = {
        "units": "s",
        "long_name": "amplitude density (area 1 = 1), at the phase of the strongest line",
    }
    drawn: dict[str, tuple[object, ...]] = {
        "measured": (("slice", "ppm"), measured, attrs),
        "model": (("slice", "ppm"), model, attrs),
        "component_spectrum": (("component", "ppm"), components, attrs),
    }
    return drawn, ppm
