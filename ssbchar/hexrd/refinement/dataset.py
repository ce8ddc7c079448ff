"""From the table of a refined series to its data set: cells, volumes, scales and weight
fractions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.hexrd.refinement.frame.lattice import (
    Lattice,
    cell_from_reciprocal_metric,
)
from ssbchar.hexrd.refinement.frame.lines import (
    lorentz_factor_from_two_theta,
    two_theta_from_metric,
)
from ssbchar.hexrd.refinement.frame.series import SeriesModel
from ssbchar.hexrd.refinement.frame_pass import PassSetup
from ssbchar.hexrd.refinement.outputs import LATTICE
from ssbchar.hexrd.refinement.profile_terms import describe_terms
from ssbchar.hexrd.refinement.result_table import ResultTable, write_cells
from ssbchar.hexrd.refinement.second_cell import SecondCell, describe_second_cells
from ssbchar.hexrd.refinement.series_priors import SeriesPriors
from ssbchar.statistics import Z95
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

AXES = ("a", "b", "c", "alpha", "beta", "gamma")
CELL_STEP = 1e-5
"""Step of a cell parameter for derivatives of the volume [angstrom or degree]."""
ONE_SIDED_95 = 1.6449
"""One-sided 95 % quantile of the normal distribution, to the digits that ``intensity_upper95`` has
always had."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A quantity of every phase in every frame, shape (frame, phase); NaN where there is none."""

    value: Array
    stderr: Array


def build_dataset(
    table: ResultTable,
    setup: PassSetup,
    phases: list[xr.Dataset],
    patterns: xr.Dataset,
    seconds: Mapping[int, list[SecondCell]] | None = None,
) -> xr.Dataset:
    """Return the data set of ``lattice.nc`` (`ssbchar.hexrd.refinement.outputs.LATTICE`).

    Parameters
    ----------
    table : ResultTable
        Of all frames; its cells are written here.
    setup : PassSetup
        Of the last pass.
    phases : list of Dataset
        From `ssbchar.crystal.tabulate_reflections`; their ``cell_mass`` is in u.
    patterns : Dataset
        From `ssbchar.hexrd.patterns.read_patterns`.
    seconds : mapping of int to list of SecondCell, optional
        Phases with two cells, and where.

    Returns
    -------
    Dataset
        Arrays of shape (frame, phase, ...), in the units of the table of variables.
    """
    series, frames, priors = setup.series, setup.frames, setup.priors
    write_cells(table, series)
    write_joint_cells(table, series, priors)
    intensity = Estimate(
        value=table.intensity,
        stderr=add_monitor_error(table.intensity, table.intensity_stderr, patterns),
    )
    absent = table.present == 0
    volume = estimate_volumes(table.cell, table.cell_covariance)
    # a cell of a phase that is not there is a guess of its prior
    for array in (table.cell, table.cell_covariance, volume.value, volume.stderr):
        array[absent] = np.nan
    variance = np.einsum("fpii->fpi", table.cell_covariance)
    scale = estimate_scales(intensity, series, volume.value)
    mass = np.array([float(ds.attrs.get("cell_mass", np.nan)) for ds in phases])
    fraction = estimate_weight_fractions(scale, mass, volume.value, table.present == 1)
    # a held zero has the error of the series' own
    zero_is_held = table.zero_stderr == 0
    values = {
        "frame": patterns["frame"],
        **{str(name): axis for name, axis in patterns["two_theta"].coords.items()},
        "phase": np.array([p.name for p in series.phases], object),
        "axis": np.array(AXES, object),
        "axis2": np.array(AXES, object),
        "cell": table.cell,
        "cell_stderr": np.sqrt(np.maximum(variance, 0)),
        "cell_covariance": table.cell_covariance,
        "cell_shared": table.cell_shared,
        "cell_joint": table.joint_cell,
        "cell_joint_stderr": table.joint_cell_stderr,
        "volume": volume.value,
        "volume_stderr": volume.stderr,
        "volume_joint": volume_from_cell(table.joint_cell),
        "intensity": intensity.value,
        "intensity_stderr": intensity.stderr,
        "intensity_upper95": np.maximum(intensity.value, 0) + ONE_SIDED_95 * intensity.stderr,
        "significance": table.significance,
        "scale": scale.value,
        "scale_stderr": scale.stderr,
        "weight_fraction": fraction.value,
        "weight_fraction_stderr": fraction.stderr,
        "size_width": table.size_width,
        "strain_width": table.strain_width,
        "present": table.present,
        "axes_merged": table.axes_merged,
        "verdict": table.status.astype(str).astype(object),
        "rwp": table.rwp,
        "rexp": table.rexp,
        "gof": table.gof,
        "zero": table.zero,
        "zero_stderr": np.where(zero_is_held, priors.held_zero_stderr, table.zero_stderr),
        "parameters": table.parameter_count,
        **frames.curves,
        "refinable": np.array([int(p.refinable) for p in series.phases]),
        "crystal_system": np.array([p.system for p in series.phases], object),
    }
    attrs = {
        "mode": setup.options.mode,
        "wavelength": frames.wavelength,
        "length_scale_stderr": frames.length_scale_stderr,
        "confidence": Z95,
        "second_cells": json.dumps(
            describe_second_cells(seconds or {}, series, patterns["frame"].values)
        ),
        "profile_terms": json.dumps(describe_terms(priors.profile, series)),
    }
    if patterns.attrs.get("synthetic"):
        attrs["synthetic"] = patterns.attrs["synthetic"]
    return LATTICE.dataset(values, attrs)


def write_joint_cells(table: ResultTable, series: SeriesModel, priors: SeriesPriors) -> None:
    """Write the smooth cell(T) of each phase that has one [angstrom, degree], shape (frame, phase,
    6), in place; it stands where a phase shows too weakly for a cell of its own."""
    for p, phase in enumerate(series.phases):
        if not priors.has_joint_cell[p]:
            continue
        rows = np.flatnonzero(np.isfinite(table.rwp))
        strain = priors.strain[rows, p, : phase.free]
        table.joint_cell[rows, p], gradient = phase.differentiate_cell(strain)
        spread = gradient * priors.strain_sigma[rows, p, None, : phase.free]
        table.joint_cell_stderr[rows, p] = np.sqrt(np.sum(spread**2, axis=-1))
        has_no_cell = (table.present[rows, p] == 1) & np.isnan(table.cell[rows, p, 0])
        for i in np.flatnonzero(has_no_cell):
            table.cell[rows[i], p] = table.joint_cell[rows[i], p]
            table.cell_covariance[rows[i], p] = spread[i] @ spread[i].T


def add_monitor_error(intensity: Array, stderr: Array, patterns: xr.Dataset) -> Array:
    """Return the standard errors of intensities with the error of the monitor, which all points of
    a frame share.

    Parameters
    ----------
    intensity, stderr : ndarray, shape (frame, phase)
        [count degree].
    patterns : Dataset
        Where it has no ``monitor_scale_stderr``, the errors stay as they are.

    Returns
    -------
    ndarray, shape (frame, phase)
        [count degree].
    """
    if "monitor_scale_stderr" not in patterns:
        return stderr
    relative = (patterns["monitor_scale_stderr"] / patterns["monitor_scale"]).values[:, None]
    return np.asarray(np.hypot(stderr, np.abs(intensity) * np.nan_to_num(relative)))


def volume_from_cell(cell: Array) -> Array:
    """Return the volume [angstrom^3], shape (...), of cells [angstrom, degree], shape (..., 6); NaN
    where a cell is."""
    out = np.full(cell.shape[:-1], np.nan)
    good = np.all(np.isfinite(cell), axis=-1)
    out[good] = np.sqrt(np.linalg.det(metric_from_cell(cell[good])))
    return out


def volume_from_lattice(phase: Lattice) -> float:
    """Return the volume of a phase's reference cell [angstrom^3], a float."""
    return float(volume_from_cell(cell_from_reciprocal_metric(phase.reference)))


def estimate_volumes(cell: Array, covariance: Array) -> Estimate:
    """Return volumes [angstrom^3] and their standard errors, by the gradient of the volume.

    Parameters
    ----------
    cell : ndarray, shape (frame, phase, 6)
        [angstrom, degree].
    covariance : ndarray, shape (frame, phase, 6, 6)
    """
    gradient = np.full(cell.shape, np.nan)
    for k in range(6):
        step = np.zeros(6)
        step[k] = CELL_STEP
        change = volume_from_cell(cell + step) - volume_from_cell(cell - step)
        gradient[..., k] = change / (2 * CELL_STEP)
    variance = np.einsum("...i,...ij,...j->...", gradient, covariance, gradient)
    return Estimate(value=volume_from_cell(cell), stderr=np.sqrt(np.maximum(variance, 0)))


def estimate_scales(intensity: Estimate, series: SeriesModel, volume: Array) -> Estimate:
    """Return Rietveld scales [count degree / electron^2], intensity / sum of m |F|^2 L over the
    phase's reflections; NaN for phases that are not refinable.

    Parameters
    ----------
    intensity : Estimate
        [count degree].
    series : SeriesModel
    volume : ndarray, shape (frame, phase)
        [angstrom^3]; Lorentz factors are those of the median cell.
    """
    scale = Estimate(
        value=np.full(intensity.value.shape, np.nan), stderr=np.full(intensity.value.shape, np.nan)
    )
    for p, phase in enumerate(series.phases):
        if not phase.refinable:
            continue
        metric_elements = phase.reference
        if np.isfinite(volume[:, p]).any():
            shrink = (volume_from_lattice(phase) / volume[:, p]) ** (2 / 3)
            metric_elements = phase.reference * np.nanmedian(np.append(shrink, np.nan))
        two_theta, _ = two_theta_from_metric(phase.form, metric_elements, series.wavelength)
        power = float(np.sum(phase.strength * lorentz_factor_from_two_theta(two_theta)))
        scale.value[:, p] = intensity.value[:, p] / power
        scale.stderr[:, p] = intensity.stderr[:, p] / power
    return scale


def estimate_weight_fractions(
    scale: Estimate, cell_mass: Array, volume: Array, present: Array
) -> Estimate:
    """Return weight fractions [1], S (ZM) V over the sum of those of the refinable phases that are
    present.

    R. J. Hill & C. J. Howard, J. Appl. Cryst. 20 (1987) 467, eq. 2; scales taken as uncorrelated.

    Parameters
    ----------
    scale : Estimate
        From `estimate_scales`.
    cell_mass : ndarray, shape (phase,)
        ZM, the mass of all atoms in the cell [u].
    volume : ndarray, shape (frame, phase)
        [angstrom^3].
    present : ndarray of bool, shape (frame, phase)
    """
    counts = present & np.isfinite(scale.value) & np.isfinite(volume)
    mass = np.where(counts, scale.value * cell_mass * volume, 0.0)
    error = np.where(counts, scale.stderr * cell_mass * volume, 0.0)
    total = mass.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = mass / total
        of_others = (error**2).sum(axis=1, keepdims=True) - error**2
        variance = ((1 - share) * error) ** 2 + share**2 * of_others
        return Estimate(
            value=np.where(counts, share, np.nan),
            stderr=np.where(counts, np.sqrt(variance) / total, np.nan),
        )
