"""``lines.nc`` of a fit: lines, areas of regions, and spectra of data and model."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape.assignment import assign_lines, salt_probabilities
from ssbchar.nmr.lineshape.hidden_signal import HiddenSignal
from ssbchar.nmr.lineshape.line_status import find_line_status, find_shapes
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.outputs import LINES, keep_attributes
from ssbchar.nmr.lineshape.shapes import evaluate_shapes
from ssbchar.nmr.lineshape.site_selection import Selection
from ssbchar.nmr.lineshape.varpro import LineFit
from ssbchar.nmr.powder.parameters import (
    ANISOTROPY,
    ASYMMETRY,
    COUPLING,
    SATELLITES,
    SCATTER,
    SHIFT_ASYMMETRY,
)
from ssbchar.nmr.regions import OUTSIDE, REGION_NAMES
from ssbchar.nmr.transform.chemical_shift import shift_from_offset
from ssbchar.nmr.transform.fourier import SpectrumRange, select_range, transform_signal
from ssbchar.typing import Array, Index
from ssbchar.verdict import Verdict

PLACES = (*REGION_NAMES, OUTSIDE)
"""Where a line lies, by its region."""
MISFIT = 1.3
"""Chi-square per datum above which the fit is called a misfit (errors are scaled by the square root
of the reduced chi-square anyway)."""
SPECTRUM_DECAY = 3.0
"""The decay is weighted by exp(-3 t / T) for the spectra, T its length: steps at its end would
ring."""


def build_dataset(
    fid: xr.Dataset, good: Index, selection: Selection, options: LineFitOptions
) -> xr.Dataset:
    """Return the output of a fit.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    good : ndarray of int, shape (slice,)
        Positions of the slices fitted.
    selection : Selection
        Lines, areas, covariance, and what else the decays admit.
    options : LineFitOptions
        Range of the spectra [ppm].

    Returns
    -------
    Dataset
        The variables of `ssbchar.nmr.lineshape.outputs.LINES`.
    """
    fit = selection.fit
    reduced = fit.chi2 / max(fit.points - fit.parameters, 1)
    per_datum = fit.state.chi2_slice / (2 * fit.problem.time.size)
    shown = _select_shown(fid, fit, options)
    values = (
        _describe_lines(fid, fit, reduced)
        | _sum_regions(fit, reduced)
        | _describe_patterns(fid, fit, reduced)
        | _describe_hidden_signal(selection.hidden)
        | _describe_rival(fit)
        | _draw_spectra(fit, shown)
        | {
            "model_spread": selection.spread,
            "chi2": per_datum,
            "noise": fit.problem.sigma,
            "decay_time": fid.variables["decay_time"].values[good],
            "verdict": np.where(per_datum > MISFIT, str(Verdict.MISFIT), str(Verdict.OK)),
        }
    )
    attributes = keep_attributes(fid) | {
        "conflicts": fid.attrs.get("conflicts", json.dumps([])),
        "phases": fit.problem.phases.value,
        "points": int(fit.problem.time.size),
        "bic": fit.bic,
        "models": 1 + len(selection.alternatives),
        "satellite_models": sum(other.satellites for other in selection.alternatives),
    }
    coordinates = make_coordinates(
        slice=(fid.variables["slice"].values[good], {}),
        region=REGION_NAMES,
        ppm=(shown.ppm, LINES.variables["ppm"].attributes()),
    )
    return LINES.dataset(values, attributes, coords=coordinates)


def _describe_lines(fid: xr.Dataset, fit: LineFit, reduced: float) -> dict[str, Any]:
    """Return what there is per line, errors scaled by the square root of the reduced chi-square."""
    shapes, n = fit.shapes, fit.shapes.n
    stderr = np.sqrt(np.diag(fit.covariance * reduced))
    place = {parameter: i for i, parameter in enumerate(fit.free.tolist())}
    of_shapes = np.array([stderr[place[i]] if i in place else 0.0 for i in range(3 * n + 1)])
    of_nu, of_width, of_gauss2 = of_shapes[: 3 * n].reshape(3, n)
    sfo1, sf = fid.attrs["sfo1"], fid.attrs["sf"]
    gauss = np.sqrt(shapes.gauss2)
    shift = shift_from_offset(shapes.nu, sfo1, sf)
    carrier = float(shift_from_offset(0.0, sfo1, sf))
    # Voigt: J. J. Olivero & R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17 (1977) 233.
    full_width = 0.5346 * shapes.width + np.sqrt(0.2166 * shapes.width**2 + shapes.gauss2)
    return {
        "area": fit.area,
        "area_stderr": stderr[fit.free.size :].reshape(fit.area.shape),
        "shift": shift,
        "shift_stderr": of_nu / sf,
        "fwhm_lorentz": shapes.width,
        "fwhm_lorentz_stderr": of_width,
        "fwhm_gauss": gauss,
        "fwhm_gauss_stderr": of_gauss2 / np.maximum(2 * gauss, 1e-300) * (gauss > 0),
        "region_of": np.array(PLACES)[shapes.region],
        "assignment": assign_lines(shift, of_nu / sf, fit.area.sum(axis=0), carrier),
        "salt_probability": salt_probabilities(
            shift, of_nu / sf, fit.area.sum(axis=0), carrier, width=full_width / sf
        ),
        "seen": (~shapes.held).astype(int),
        "line_status": find_line_status(shapes, fit.problem.max_width),
        "phase": fit.phase,
        "time_origin": shapes.origin,
        "time_origin_stderr": of_shapes[3 * n],
    }


def _describe_patterns(fid: xr.Dataset, fit: LineFit, reduced: float) -> dict[str, Any]:
    """Return the shape of every line and the parameters of its powder pattern, NaN where it has
    none."""
    shapes, sf = fit.shapes, float(fid.attrs["sf"])
    stderr = np.full(shapes.pattern.shape, np.nan)
    places = {int(parameter): i for i, parameter in enumerate(fit.free)}
    variance = fit.covariance.diagonal() * reduced
    first = 3 * shapes.n + 2
    for i, (line, parameter) in enumerate(np.argwhere(shapes.fitted)):
        if first + i in places:
            stderr[line, parameter] = np.sqrt(variance[places[first + i]])
    has_satellites = shapes.pattern[:, COUPLING] > 0
    is_scattered = shapes.pattern[:, SCATTER] > 0
    has_anisotropy = shapes.pattern[:, ANISOTROPY] != 0
    rows: dict[str, Any] = {"shape": np.array(find_shapes(shapes).tolist())}
    for name, parameter, known, unit in (
        ("coupling", COUPLING, has_satellites, 1.0),
        ("asymmetry", ASYMMETRY, has_satellites, 1.0),
        ("satellites", SATELLITES, has_satellites | is_scattered, 1.0),
        ("coupling_scatter", SCATTER, is_scattered, 1.0),
        ("anisotropy", ANISOTROPY, has_anisotropy, sf),
        ("shift_asymmetry", SHIFT_ASYMMETRY, has_anisotropy, 1.0),
    ):
        rows[name] = np.where(known, shapes.pattern[:, parameter] / unit, np.nan)
        rows[f"{name}_stderr"] = np.where(known, stderr[:, parameter] / unit, np.nan)
    return rows


def _describe_hidden_signal(hidden: HiddenSignal) -> dict[str, Any]:
    """Return what a powder pattern under the Li-Si lines of the first slice would change."""
    return {
        "hidden_gain": hidden.gain,
        "hidden_penalty": hidden.penalty,
        "hidden_coupling": hidden.coupling,
        "hidden_area": hidden.area,
        "hidden_area_stderr": hidden.area_stderr,
        "hidden_region_area": hidden.region_area,
    }


def _describe_rival(fit: LineFit) -> dict[str, Any]:
    """Return the next best time origin, and what it would make of the first slice."""
    rival = fit.rival
    if rival is None:
        unknown = np.full(len(REGION_NAMES), np.nan)
        return {"rival_origin": np.nan, "rival_gain": np.nan, "rival_region_area": unknown}
    member = np.arange(len(REGION_NAMES))[:, None] == rival.shapes.region[None]
    return {
        "rival_origin": rival.shapes.origin,
        "rival_gain": fit.rival_gain,
        "rival_region_area": member @ rival.area[0],
    }


def _sum_regions(fit: LineFit, reduced: float) -> dict[str, Any]:
    """Return the areas of the regions with their covariance."""
    regions = np.arange(len(REGION_NAMES))
    member = (fit.shapes.region[None] == regions[:, None]).astype(float)
    covariance = np.einsum("rj,sjtk,qk->srtq", member, fit.area_covariance * reduced, member)
    return {
        "region_area": fit.area @ member.T,
        "region_area_free": fit.free_area @ member.T,
        "region_area_stderr": np.sqrt(np.einsum("srsr->sr", covariance)),
        "region_covariance": covariance,
    }


def _select_shown(fid: xr.Dataset, fit: LineFit, options: LineFitOptions) -> SpectrumRange:
    return select_range(
        fit.problem.time,
        _count_spectrum_points(fit),
        options.display,
        sfo1=fid.attrs["sfo1"],
        sf=fid.attrs["sf"],
    )


def _count_spectrum_points(fit: LineFit) -> int:
    return 2 << (fit.problem.time.size - 1).bit_length()


def _draw_spectra(fit: LineFit, shown: SpectrumRange) -> dict[str, Any]:
    """Return phased spectra of the data, of the model, and of each component of the first slice.

    Points left out at the start, and the filter's ringing, are the model's in all three, so that no
    baseline rolls.
    """
    problem = fit.problem
    step = float(problem.time[1] - problem.time[0])
    missing = int(problem.time[0] / step + 1e-6)
    early = problem.time[0] - step * np.arange(missing, 0, -1)
    time = np.concatenate([early, problem.time])
    lines, amplitude = evaluate_shapes(fit.shapes, time), fit.state.amplitude
    total = amplitude @ lines
    late = total[:, missing:]
    completed = np.concatenate([total[:, :missing], late + problem.y - problem.clean(late)], 1)
    weight = np.exp(-SPECTRUM_DECAY * (time - time[0]) / (time[-1] - time[0]))
    weight[0] *= 0.5
    # Data and lines go through one transform, so that nothing but noise tells them apart.
    signals = np.concatenate([completed, lines]) * (step * weight)
    size = _count_spectrum_points(fit)
    spectra = transform_signal(signals, time + fit.shapes.origin, size, shown.part)
    of_data, of_lines = spectra[: len(completed)], spectra[len(completed) :]
    strongest = fit.area.sum(axis=0).argmax()
    turn = np.exp(-1j * fit.phase[:, strongest, None])
    return {
        "measured": (turn * of_data).real,
        "model": ((turn * amplitude) @ of_lines).real,
        "component_spectrum": fit.area[0][:, None] * of_lines.real,
    }


def noise_of_spectra(lines: xr.Dataset) -> Array:
    """Return the standard deviation of the noise in the spectra of a fit.

    The real part of a transform is a weighted sum of the decay's points: s = sigma dt sqrt(sum
    w^2), with the weights exp(-3 t / T).

    Parameters
    ----------
    lines : Dataset
        From `ssbchar.nmr.lineshape.fit_lines`.

    Returns
    -------
    ndarray, shape (slice,)
        In the unit of ``measured`` [s].
    """
    points, step = int(lines.attrs["points"]), 1 / float(lines.attrs["sw"])
    weight = np.exp(-SPECTRUM_DECAY * np.arange(points) / (points - 1))
    weight[0] *= 0.5
    return np.asarray(lines["noise"].values * step * np.linalg.norm(weight))
