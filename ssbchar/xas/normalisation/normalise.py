"""Calibrated scans to normalised spectra on one grid: glitches masked, repeats merged with their
scatter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.errors import BadInput
from ssbchar.typing import Array, Bool, Index
from ssbchar.xas import notes
from ssbchar.xas.edge_features import (
    find_half_step,
    find_inflection,
    measure_white_line,
)
from ssbchar.xas.edge_tables import look_up_core_width
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.agreement import (
    compare_repeats,
    exclude_others,
    tell_differences,
    widen_errors,
)
from ssbchar.xas.normalisation.exafs_free import ExafsFree, remove_exafs
from ssbchar.xas.normalisation.glitches import find_consistent_repeats, mask_glitches
from ssbchar.xas.normalisation.near_edge import correct_self_absorption, measure_near_edge
from ssbchar.xas.normalisation.noise import (
    calculate_jump_scale,
    estimate_point_noise,
    estimate_repeat_noise,
)
from ssbchar.xas.normalisation.noisy_edges import widen_by_copies
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.normalisation.outputs import NORMALISED
from ssbchar.xas.normalisation.processing import (
    NormalisationChoice,
    NormalisedMeasurement,
    StoredNormalisation,
    is_given_normalised,
    normalise_under_choice,
)
from ssbchar.xas.normalisation.thickness import check_heights
from ssbchar.xas.normalisation.wild_readings import replace_wild_readings
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr

MERGED = "merged"
"""Name of the spectrum that is the mean of the good scans."""
SAME_GRID = 1e-6
"""Scans whose points differ by less than this lie on one grid [eV]."""
SCATTER_FROM = 3
"""From so many repeats on, the noise of the mean is that of their scatter."""
CORRECTION_ATTRIBUTES = (
    "self_absorption_share",
    "self_absorption_half_step",
    "self_absorption_white_line",
    "self_absorption_amplitude",
)
"""Attributes of a correction of self-absorption; 0 where there is none."""
MIN_FOIL_POINTS = 20
"""A foil with no more readings than this is taken for absent."""


@dataclass(frozen=True, kw_only=True)
class GriddedScans:
    """Scans on one energy axis; arrays of shape (spectrum, energy) but for `energy`."""

    energy: Array
    """Shape (energy,) [eV]."""
    mu: Array
    counted_stderr: Array
    """Counting error of mu, NaN where the counts are unknown."""
    jump_scale: Array
    """What interpolation leaves of the jumps of white noise."""


@dataclass(frozen=True, kw_only=True)
class MergedRepeats:
    """The mean of the good repeats."""

    mu: Array
    """Shape (energy,)."""
    stderr: Array
    """Shape (energy,)."""
    step_spread: float
    """Relative scatter of the edge step over repeats, 0 for one repeat."""


def normalise_spectra(calibrated: xr.Dataset, options: Normalisation) -> xr.Dataset:
    """Return normalised spectra of the scans and of their merge, with E0, edge step and white line.

    Parameters
    ----------
    calibrated : Dataset
        From `ssbchar.xas.calibration.calibrate_energy`.
    options : Normalisation
        Ranges, glitches, outliers.

    Returns
    -------
    Dataset, dims spectrum, energy
        `ssbchar.xas.normalisation.outputs.NORMALISED`. The last spectrum, named ``merged``, is the
        mean of the good scans. ``mu_stderr`` is the noise of a point; ``norm_stderr`` holds that of
        baseline and step too. Energies in eV.

    Raises
    ------
    BadInput
        No edge is found.
    """
    options = resolve_core_width(options, calibrated.attrs)
    names = [str(file) for file in calibrated["source_file"].values]
    status = np.array(calibrated["status"].values, dtype=object)
    good = np.flatnonzero(status == ScanStatus.OK)
    as_given = is_given_normalised(calibrated.attrs)

    calibrated, wild = replace_wild_readings(calibrated, good, options)
    scans = regrid_scans(calibrated, good)
    energy = scans.energy
    unglitched = mask_glitches(energy, calibrated, good, scans.mu, options)
    mu = unglitched.mu
    e0 = find_origin(energy, mu, options, names[good[0]], as_given)
    # Repeats are compared and merged normalised: thickness and gain may change between them.
    first = normalise_by_options(energy, mu, e0, options, as_given=as_given).spectra

    keep = find_consistent_repeats(first.norm, options.outlier)
    if not keep.all():
        # What is left out of the merge may not have shaped its origin either.
        e0 = find_origin(energy, mu[keep], options, names[good[keep][0]], as_given)
        first = normalise_by_options(energy, mu, e0, options, as_given=as_given).spectra
    corrected = correct_self_absorption(
        energy,
        mu,
        e0,
        spectra=first,
        options=options,
        attrs=calibrated.attrs,
        where=names[good[0]],
    )
    if corrected is not None:
        mu = corrected.mu
        e0 = find_origin(energy, mu[keep], options, names[good[keep][0]], as_given)
        first = normalise_by_options(energy, mu, e0, options, as_given=as_given).spectra
    exclusions = notes.read_exclusions(calibrated.attrs)
    for scan in good[~keep]:
        status[scan] = str(ScanStatus.OUTLIER)
        exclusions.append(
            notes.make_exclusion(
                names[scan],
                "the repeat differs from the others far beyond their scatter",
                "left out of the merge; look at it",
            )
        )
    all_notes = [
        *notes.read_notes(calibrated.attrs),
        *wild,
        *unglitched.remarks,
        *check_heights(
            calibrated,
            good,
            first,
            options,
            names,
            None if corrected is None else corrected.correction,
        ),
    ]

    estimated = estimate_point_noise(energy, mu, e0, scans.jump_scale)
    counted = scans.counted_stderr
    if corrected is not None:
        # What is estimated from the corrected spectra has grown with them.
        counted = counted * corrected.noise_factor
    noise = choose_noise(counted, estimated, calibrated.attrs)
    own_names = [names[scan] for scan in good]
    agreement = compare_repeats(
        normalise_by_options(energy, mu, e0, options, as_given=as_given, mu_stderr=noise),
        keep,
        str(calibrated.attrs.get("alignment", "")),
        float(calibrated.attrs.get("alignment_error", np.nan)),
    )
    exclusions += exclude_others(agreement, own_names)
    all_notes += tell_differences(
        agreement, own_names, str(calibrated.attrs.get("measurement", ""))
    )
    if (agreement.keep != keep).any():
        status[good[keep & ~agreement.keep]] = str(ScanStatus.OUTLIER)
        keep = agreement.keep
        e0 = find_origin(energy, mu[keep], options, names[good[keep][0]], as_given)
        first = normalise_by_options(energy, mu, e0, options, as_given=as_given).spectra
    merged = merge_repeats(energy, first, noise, keep, scans.jump_scale)
    measurement = normalise_by_options(
        energy,
        np.vstack([mu, merged.mu]),
        e0,
        options,
        as_given=as_given,
        mu_stderr=np.vstack([noise, merged.stderr]),
    )
    more: dict[str, Any] = {
        **carry_calibration(calibrated, good),
        "name": [*(names[scan] for scan in good), MERGED],
        "status": [*(str(status[scan]) for scan in good), str(ScanStatus.OK)],
        "step_spread": merged.step_spread,
        "masked": unglitched.masked,
        **measure_near_edge(measurement, options, calibrated.attrs),
    }
    if np.isfinite(calibrated["mu_foil"].values[good]).sum(axis=1).min() > MIN_FOIL_POINTS:
        more["mu_foil"] = _average_foils(calibrated, good, energy)
    ds = build_normalised_dataset(measurement, options, more)
    widen_by_copies(ds)
    widen_errors(ds, agreement)
    ds.attrs = {
        **calibrated.attrs,
        **ds.attrs,
        **({} if corrected is None else corrected.attributes),
        "repeats": int(keep.sum()),
        "set_aside": json.dumps(exclusions),
        "notes": json.dumps(all_notes),
    }
    return ds


def choose_noise(counted: Array, estimated: Array, attrs: Mapping[Any, Any]) -> Array:
    """Return the noise of each point: counted where the counts are known, else as the spectrum's
    own scatter tells it.

    Points that are means have an error from the scatter of what they are of, which knows nothing of
    slow noise: the larger of both is taken.

    Parameters
    ----------
    counted, estimated : array, shape (spectrum, energy)
        Standard errors of mu; NaN where the counts are unknown.
    attrs : mapping
        Of the scans: whether points are means (``rebinned``).

    Returns
    -------
    array, shape (spectrum, energy)
    """
    if int(attrs.get("rebinned", 0)):
        return np.asarray(np.fmax(counted, estimated))
    return np.where(np.isfinite(counted), counted, estimated)


def resolve_core_width(options: Normalisation, attrs: Mapping[Any, Any]) -> Normalisation:
    """Return the options with the core level's width, tabulated where none is configured.

    Parameters
    ----------
    options : Normalisation
    attrs : mapping
        Element and edge, str.

    Returns
    -------
    Normalisation
        With a core_width [eV].
    """
    if options.core_width is not None:
        return options
    width = look_up_core_width(str(attrs.get("element", "")), str(attrs.get("edge", "")))
    return replace(options, core_width=width)


def regrid_scans(calibrated: xr.Dataset, good: Index) -> GriddedScans:
    """Return the good scans on the first one's energies, within the range of all.

    Scans on other axes are interpolated by a cubic spline through their points
    (`ssbchar.xas.normalisation.noise.calculate_jump_scale`).

    Parameters
    ----------
    calibrated : Dataset, dims scan, point
        From `ssbchar.xas.calibration.calibrate_energy`, energies in eV.
    good : array of int, shape (spectrum,)
        The scans to take.

    Returns
    -------
    GriddedScans
    """
    from scipy.interpolate import CubicSpline

    energies = calibrated["energy"].values[good]
    # No scan is extrapolated.
    low = np.nanmin(energies, axis=1).max()
    high = np.nanmax(energies, axis=1).min()
    grid = energies[0][np.isfinite(energies[0])]
    grid = grid[(grid >= low - 1e-9) & (grid <= high + 1e-9)]
    mu, counted, scale = (np.ones((good.size, grid.size)) for _ in range(3))
    for row, scan in enumerate(good):
        x, y, stderr = (calibrated[name].values[scan] for name in ("energy", "mu", "mu_stderr"))
        use = np.isfinite(x) & np.isfinite(y)
        x, y, stderr = x[use], y[use], stderr[use]
        inside = (x >= low - 1e-9) & (x <= high + 1e-9)
        if inside.sum() == grid.size and np.abs(x[inside] - grid).max() < SAME_GRID:
            mu[row] = y[inside]
            counted[row] = stderr[inside]
        else:
            mu[row] = CubicSpline(x, y)(grid)
            counted[row] = np.interp(grid, x, stderr)
            scale[row] = calculate_jump_scale(grid, x)
    return GriddedScans(energy=grid, mu=mu, counted_stderr=counted, jump_scale=scale)


def choose_by_options(
    energy: Array, e0: float, options: Normalisation, as_given: bool
) -> NormalisationChoice:
    """Return the choice of normalisation that the options ask for.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    e0 : float
        [eV]
    options : Normalisation
        With the width of the core level (`resolve_core_width`).
    as_given : bool
        The scans came normalised.

    Returns
    -------
    NormalisationChoice
    """
    limits = edge.FitLimits(
        pre1=options.pre1,
        pre2=options.pre2,
        norm1=options.norm1,
        norm2=options.norm2,
        nnorm=options.nnorm,
    )
    return NormalisationChoice(
        e0=e0,
        ranges=edge.choose_fit_ranges(energy, e0, limits),
        victoreen=options.victoreen,
        core_width=options.core_width or 0.0,
        as_given=as_given,
    )


def normalise_by_options(
    energy: Array,
    mu: Array,
    e0: float,
    options: Normalisation,
    *,
    as_given: bool,
    mu_stderr: Array | None = None,
) -> NormalisedMeasurement:
    """Return spectra normalised as the options ask.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    e0 : float
        [eV]
    options : Normalisation
        With the width of the core level (`resolve_core_width`).
    as_given : bool
        The scans came normalised and stay as they are.
    mu_stderr : array, shape (spectrum, energy), optional
        Standard error of each point of mu; None where it is not known yet.

    Returns
    -------
    NormalisedMeasurement
    """
    free = ExafsFree()
    if options.exafs_free and not as_given:
        free = remove_exafs(energy, mu, e0, Exafs())
    choice = choose_by_options(energy, e0, options, as_given)
    return normalise_under_choice(energy, mu, choice, exafs_free=free, mu_stderr=mu_stderr)


def find_origin(
    energy: Array, mu: Array, options: Normalisation, where: str, as_given: bool
) -> float:
    """Return E0: configured, else the half step of the mean spectrum, found from its inflection.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    options : Normalisation
        With the width of the core level (`resolve_core_width`).
    where : str
        The first scan, for the message.
    as_given : bool
        The scans came normalised.

    Returns
    -------
    float
        [eV]

    Raises
    ------
    BadInput
        The spectrum does not rise through 0.5.
    """
    if options.e0:
        return options.e0
    mean = mu.mean(axis=0, keepdims=True)
    e0 = float(find_inflection(energy, mean)[0][0])
    # The step depends on E0, and E0 on the step: the second round moves it by little.
    for _ in range(2):
        norm = normalise_by_options(energy, mean, e0, options, as_given=as_given).spectra.norm
        found = float(find_half_step(energy, norm).energy[0])
        if not np.isfinite(found):
            raise BadInput(
                where,
                "no half step: the spectrum does not rise through 0.5",
                "check mode and columns",
            )
        e0 = found
    return e0


def merge_repeats(
    energy: Array, scans: edge.NormalisedSpectra, noise: Array, keep: Bool, scale: Array
) -> MergedRepeats:
    """Return the mean of the good repeats.

    Normalised spectra are averaged with weights 1/noise**2 and given the mean baseline and step
    back, so that a change of thickness or gain between repeats adds no scatter. From three repeats
    on the noise is that of their scatter
    (`ssbchar.xas.normalisation.noise.estimate_repeat_noise`), else the stated one.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    scans : NormalisedSpectra
        Arrays of shape (spectrum, energy).
    noise : array, shape (spectrum, energy)
        Stated standard error of each point of mu.
    keep : array of bool, shape (spectrum,)
        The good repeats.
    scale : array, shape (spectrum, energy)
        From `ssbchar.xas.normalisation.noise.calculate_jump_scale`.

    Returns
    -------
    MergedRepeats
    """
    step = scans.edge_step[keep]
    relative = noise[keep] / step[:, None]
    weight = 1 / np.maximum(np.median(relative, axis=1), 1e-12) ** 2
    weight /= weight.sum()
    norm = weight @ scans.norm[keep]
    mean_step = float(weight @ step)
    # Fewer repeats do not tell their scatter.
    if keep.sum() >= SCATTER_FROM:
        one_repeat = estimate_repeat_noise(energy, scans.norm[keep] - norm, scale[keep])
        stderr = one_repeat * np.sqrt(float((weight**2).sum()))
    else:
        stderr = np.sqrt((weight[:, None] ** 2 * relative**2).sum(axis=0))
    return MergedRepeats(
        mu=norm * mean_step + weight @ scans.pre_edge[keep],
        stderr=stderr * mean_step,
        step_spread=float(np.std(step, ddof=1) / mean_step) if step.size > 1 else 0.0,
    )


def carry_calibration(calibrated: xr.Dataset, scans: Index) -> dict[str, Any]:
    """Return shift, its error [eV] and ledger of the scans, and none for their mean.

    Parameters
    ----------
    calibrated : Dataset
        From `ssbchar.xas.calibration.calibrate_energy`.
    scans : array of int, shape (spectrum - 1,)
        The scans to take.

    Returns
    -------
    dict
        Variables of shape (spectrum,) by name.
    """
    return {
        "shift": np.append(calibrated["shift"].values[scans], np.nan),
        "shift_stderr": np.append(calibrated["shift_stderr"].values[scans], np.nan),
        "ledger": [*(str(line) for line in calibrated["ledger"].values[scans]), ""],
    }


def build_normalised_dataset(
    measurement: NormalisedMeasurement, options: Normalisation, more: Mapping[str, Any]
) -> xr.Dataset:
    """Return the Dataset of normalised spectra, with their edges.

    Parameters
    ----------
    measurement : NormalisedMeasurement
        Arrays of shape (spectrum, energy), with the noise of mu.
    options : Normalisation
        What the spectra were normalised by.
    more : mapping
        Variables of `ssbchar.xas.normalisation.outputs.NORMALISED` that do not follow from the
        spectra.

    Returns
    -------
    Dataset, dims spectrum, energy
        Energies in eV.
    """
    energy, e0 = measurement.energy, measurement.choice.e0
    spectra = measurement.spectra
    norm_stderr, step_stderr = measurement.calculate_norm_stderr()
    half = find_half_step(energy, spectra.norm)
    half_stderr = measurement.calculate_functional_stderr(half.rows) / half.slope
    steepest, steepest_stderr = find_inflection(energy, measurement.mu)
    top = measure_white_line(energy, spectra.flat, e0)
    top_stderr = measurement.calculate_functional_stderr(top.rows)
    values = {
        "energy": energy,
        "mu": measurement.mu,
        "mu_stderr": measurement.mu_stderr,
        "norm": spectra.norm,
        "norm_stderr": norm_stderr,
        "flat": spectra.flat,
        "pre_edge": spectra.pre_edge,
        "post_edge": spectra.post_edge,
        "e0": e0,
        "edge_step": spectra.edge_step,
        "edge_step_stderr": step_stderr,
        "e0_half": half.energy,
        "e0_half_stderr": half_stderr,
        "e0_derivative": steepest,
        "e0_derivative_stderr": steepest_stderr,
        "white_line": top.height,
        "white_line_stderr": top_stderr,
        "white_line_energy": top.energy,
    }
    attrs = {
        "exafs_free": int(options.exafs_free),
        "core_width": options.core_width or 0.0,
        "ranges": StoredNormalisation.of(measurement).to_json(),
        **dict.fromkeys(CORRECTION_ATTRIBUTES, 0.0),
    }
    return NORMALISED.dataset({**values, **more}, attrs)


def _average_foils(calibrated: xr.Dataset, good: Index, energy: Array) -> Array:
    rows = []
    for scan in good:
        x, y = calibrated["energy"].values[scan], calibrated["mu_foil"].values[scan]
        use = np.isfinite(x) & np.isfinite(y)
        rows.append(np.interp(energy, x[use], y[use]))
    return np.asarray(np.mean(rows, axis=0))
