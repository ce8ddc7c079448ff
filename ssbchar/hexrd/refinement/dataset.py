"""From the table of a refined series to the data set: volumes, scales and weight fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import metric_from_cell
from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.inputs import Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.priors import Priors
from ssbchar.hexrd.refinement.result_table import Table, cell_at, with_cells
from ssbchar.hexrd.refinement.state import Series
from ssbchar.statistics import Z95
from ssbchar.storage import lazy_rows
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


AXES = ("a", "b", "c", "alpha", "beta", "gamma")


def _joint(table: Table, series: Series, priors: Priors) -> None:
    """Write the smooth cell(T) of each phase that has one; it stands where a phase shows too weakly
    for its own."""
    for p, phase in enumerate(series.phases):
        if not priors.known[p]:
            continue
        rows = np.flatnonzero(np.isfinite(table.rwp))
        table.joint[rows, p], gradient = cell_at(phase, priors.strain[rows, p, : phase.free])
        spread = gradient * priors.sigma[rows, p, None, : phase.free]
        table.joint_stderr[rows, p] = np.sqrt(np.sum(spread**2, axis=-1))
        for i in np.flatnonzero((table.present[rows, p] == 1) & np.isnan(table.cell[rows, p, 0])):
            table.cell[rows[i], p], table.covariance[rows[i], p] = (
                table.joint[rows[i], p],
                spread[i] @ spread[i].T,
            )


def dataset(
    table: Table,
    series: Series,
    frames: Frames,
    priors: Priors,
    options: Refinement,
    phases: list[xr.Dataset],
    patterns: xr.Dataset,
) -> xr.Dataset:
    """Return the table as a Dataset (docs/data-model.md, ``lattice.nc``)."""
    import xarray as xr

    with_cells(table, series)
    _joint(table, series, priors)
    if "monitor_scale_stderr" in patterns:  # an error that all points of a frame share
        relative = (patterns["monitor_scale_stderr"] / patterns["monitor_scale"]).values[:, None]
        table.intensity_stderr = np.hypot(
            table.intensity_stderr, np.abs(table.intensity) * np.nan_to_num(relative)
        )
    absent = table.present == 0
    volume, volume_stderr = _volumes(table)
    for values in (table.cell, table.covariance, volume, volume_stderr):
        values[absent] = np.nan
    stderr = np.sqrt(np.maximum(np.einsum("fpii->fpi", table.covariance), 0))
    scale, scale_stderr = _scales(table, series, volume)
    fraction, fraction_stderr = _fractions(table, phases, scale, scale_stderr, volume)
    zero_stderr = np.where(
        table.zero_stderr == 0, priors.zero_error, table.zero_stderr
    )  # 0: held at the series' own
    fp, fpa = ("frame", "phase"), ("frame", "phase", "axis")
    one = {"units": "1"}
    mixed = {"units": "angstrom for a b c, degree for angles"}
    joint_volume = _volume_of(table.joint)
    ds = xr.Dataset(
        {
            "cell": (
                fpa,
                table.cell,
                {**mixed, "ancillary_variables": "cell_stderr cell_covariance"},
            ),
            "cell_stderr": (fpa, stderr, mixed),
            "cell_covariance": (
                (*fpa, "axis2"),
                table.covariance,
                {"units": "products of those of cell"},
            ),
            "cell_shared": (
                fpa,
                table.shared,
                {
                    **mixed,
                    "long_name": "part of the error that all frames share (held zero): one sigma, signed",
                },
            ),
            "cell_joint": (
                fpa,
                table.joint,
                {**mixed, "long_name": "smooth cell(T) of the series"},
            ),
            "cell_joint_stderr": (fpa, table.joint_stderr, mixed),
            "volume": (fp, volume, {"units": "angstrom^3", "ancillary_variables": "volume_stderr"}),
            "volume_stderr": (fp, volume_stderr, {"units": "angstrom^3"}),
            "volume_joint": (fp, joint_volume, {"units": "angstrom^3"}),
            "intensity": (
                fp,
                table.intensity,
                {"units": "count degree", "ancillary_variables": "intensity_stderr"},
            ),
            "intensity_stderr": (fp, table.intensity_stderr, {"units": "count degree"}),
            "intensity_upper95": (
                fp,
                np.maximum(table.intensity, 0) + 1.6449 * table.intensity_stderr,
                {"units": "count degree"},
            ),
            "significance": (fp, table.significance, one),
            "scale": (fp, scale, {"units": "count degree / electron^2"}),
            "scale_stderr": (fp, scale_stderr, {"units": "count degree / electron^2"}),
            "weight_fraction": (
                fp,
                fraction,
                {**one, "ancillary_variables": "weight_fraction_stderr"},
            ),
            "weight_fraction_stderr": (fp, fraction_stderr, one),
            "size_width": (
                fp,
                table.width[..., 0],
                {"units": "degree", "long_name": "Lorentz width x cos(theta)"},
            ),
            "strain_width": (
                fp,
                table.width[..., 1],
                {"units": "degree", "long_name": "Lorentz width / tan(theta)"},
            ),
            "present": (fp, table.present),
            "verdict": (fp, table.verdict.astype(str).astype(object)),
            "rwp": ("frame", table.rwp, {"units": "percent"}),
            "rexp": ("frame", table.rexp, {"units": "percent"}),
            "gof": ("frame", table.gof, one),
            "zero": (
                "frame",
                table.zero,
                {"units": "degree", "ancillary_variables": "zero_stderr"},
            ),
            "zero_stderr": ("frame", zero_stderr, {"units": "degree"}),
            "parameters": ("frame", table.parameters),
            **{
                k: lazy_rows.make_variable(("frame", "two_theta"), v, {"units": "count"})
                for k, v in frames.curves.items()
            },
        },
        coords={
            "frame": patterns["frame"],
            "two_theta": patterns["two_theta"],
            "phase": np.array([p.name for p in series.phases], object),
            "axis": np.array(AXES, object),
            "axis2": np.array(AXES, object),
        },
        attrs={
            "mode": options.mode,
            "wavelength": frames.wavelength,
            "length_scale_stderr": frames.length_scale_stderr,
        },
    )
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
    out[good] = np.sqrt(np.linalg.det(metric_from_cell(cell[good])))
    return out


def _volumes(table: Table) -> tuple[Array, Array]:
    """Return volumes and standard errors, by the gradient of the volume with the cell's
    covariance."""
    volume = _volume_of(table.cell)
    gradient = np.full(table.cell.shape, np.nan)
    for k in range(6):
        step = np.zeros(6)
        step[k] = 1e-5
        gradient[..., k] = (_volume_of(table.cell + step) - _volume_of(table.cell - step)) / 2e-5
    variance = np.einsum("...i,...ij,...j->...", gradient, table.covariance, gradient)
    return volume, np.sqrt(np.maximum(variance, 0))


def _scales(table: Table, series: Series, volume: Array) -> tuple[Array, Array]:
    """Return Rietveld scales, intensity / sum of m |F|^2 L over the phase's reflections; NaN
    without atoms."""
    scale, stderr = np.full(table.intensity.shape, np.nan), np.full(table.intensity.shape, np.nan)
    for p, phase in enumerate(series.phases):
        if not phase.refinable:
            continue
        g = (
            phase.reference
            * np.nanmedian(np.append((phase_volume(phase) / volume[:, p]) ** (2 / 3), np.nan))
            if np.isfinite(volume[:, p]).any()
            else phase.reference
        )
        angle, _ = profile_model.two_theta(phase.form, g, series.wavelength)
        power = float(np.sum(phase.strength * profile_model.lorentz_factor(angle)))
        scale[:, p], stderr[:, p] = (
            table.intensity[:, p] / power,
            table.intensity_stderr[:, p] / power,
        )
    return scale, stderr


def phase_volume(phase: profile_model.Lattice) -> float:
    """Return the volume of a phase's reference cell [angstrom^3]."""
    return float(_volume_of(profile_model.cell_from_reciprocal(phase.reference)))


def _fractions(
    table: Table, phases: list[xr.Dataset], scale: Array, stderr: Array, volume: Array
) -> tuple[Array, Array]:
    """Return weight fractions S (ZM) V / sum of those of the refinable phases that are present, and
    errors.

    R. J. Hill & C. J. Howard, J. Appl. Cryst. 20 (1987) 467, eq. 2; scales taken as
    uncorrelated.
    """
    mass = np.array([float(ds.attrs.get("cell_mass", np.nan)) for ds in phases])
    there = (table.present == 1) & np.isfinite(scale) & np.isfinite(volume)
    part = np.where(there, scale * mass * volume, 0.0)
    error = np.where(there, stderr * mass * volume, 0.0)
    total = part.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = part / total
        variance = ((1 - share) * error) ** 2 + share**2 * (
            (error**2).sum(axis=1, keepdims=True) - error**2
        )
        found = np.where(there, share, np.nan)
        return found, np.where(there, np.sqrt(variance) / total, np.nan)
