"""Standard errors of edge shift and white line of a pair: noise, the scatter of repeats, and the
energy axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array, Index
from ssbchar.xas.normalisation.calibrate import AlignmentKind
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr

SCATTER_FROM = 3
"""From so many repeats on their scatter is the error."""
INFINITE = 1e9
"""Degrees of freedom of an error that no scatter enters."""


@dataclass(frozen=True, kw_only=True)
class MeanError:
    """The standard error of a mean over repeats."""

    variance: float
    """Of the mean."""
    freedom_term: float
    """variance**2 by its degrees of freedom, 0 where these are infinite."""
    from_scatter: bool
    """The scatter of the repeats is in it."""


def propagate_edge_errors(
    pair: Sequence[xr.Dataset], *, half_step_noise: Array, white_line_noise: Array
) -> dict[str, float]:
    """Return the standard errors of edge shift and white-line change, by the names of the output.

    Variances of both parts add; degrees of freedom by Welch and Satterthwaite (F. E. Satterthwaite,
    Biometrics Bull. 2 (1946) 110). The error of the energy axis is systematic where no three
    repeats show it.

    Parameters
    ----------
    pair : sequence of Dataset
        Pristine and cycled, from `ssbchar.xas.normalisation.normalise_spectra`.
    half_step_noise : array, shape (part,)
        Noise of the half-step energy [eV].
    white_line_noise : array, shape (part,)
        Noise of the white line.

    Returns
    -------
    dict
        ``edge_shift_stderr``, ``edge_shift_systematic`` [eV], ``edge_shift_dof``,
        ``white_line_stderr``, ``white_line_dof``.
    """
    repeats = [find_repeats(part) for part in pair]
    halves = [
        estimate_mean_error(part["e0_half"].values[good], float(noise))
        for part, good, noise in zip(pair, repeats, half_step_noise, strict=True)
    ]
    tops = [
        estimate_mean_error(part["white_line"].values[good], float(noise))
        for part, good, noise in zip(pair, repeats, white_line_noise, strict=True)
    ]
    systematic = 0.0
    for part, good, half in zip(pair, repeats, halves, strict=True):
        systematic += axis_variance_from_alignment(
            str(part.attrs.get("alignment", AlignmentKind.NONE)),
            float(part.attrs.get("alignment_error", np.nan)),
            repeats=good.size,
            seen_in_scatter=half.from_scatter,
        )
    return {
        "edge_shift_stderr": float(np.sqrt(_add_variances(halves))),
        "edge_shift_dof": combine_freedom(halves),
        "edge_shift_systematic": float(np.sqrt(systematic)),
        "white_line_stderr": float(np.sqrt(_add_variances(tops))),
        "white_line_dof": combine_freedom(tops),
    }


def find_repeats(normalised: xr.Dataset) -> Index:
    """Return which spectra are in the mean, the mean itself left out: indices without a unit, shape
    (repeat,)."""
    return np.flatnonzero(normalised["status"].values[:-1] == ScanStatus.OK)


def estimate_mean_error(values: Array, noise: float) -> MeanError:
    """Return the error of the mean of a quantity over repeats.

    Parameters
    ----------
    values : array, shape (repeat,)
        The quantity of each repeat; from three on its scatter counts, if it exceeds the noise.
    noise : float
        Standard error of the mean by the noise of points, in the unit of the values.

    Returns
    -------
    MeanError
    """
    if values.size < SCATTER_FROM:
        return MeanError(variance=noise**2, freedom_term=0.0, from_scatter=False)
    scatter = float(np.var(values, ddof=1)) / values.size
    variance = max(scatter, noise**2)
    return MeanError(
        variance=variance, freedom_term=variance**2 / (values.size - 1), from_scatter=True
    )


def axis_variance_from_alignment(
    alignment: str, error: float, *, repeats: int, seen_in_scatter: bool
) -> float:
    """Return the variance of a measurement's energy axis that its repeats do not show.

    Parameters
    ----------
    alignment : str
        What the axis rests on.
    error : float
        Of one alignment [eV].
    repeats : int
        Each is aligned on its own foil, so that their errors average out.
    seen_in_scatter : bool
        The scatter of the repeats holds the error of their foils.

    Returns
    -------
    float
        [eV**2]
    """
    if alignment == AlignmentKind.REPEATABILITY:
        return error**2
    if alignment == AlignmentKind.FOIL and not seen_in_scatter:
        return error**2 / max(repeats, 1)
    return 0.0


def _add_variances(parts: Sequence[MeanError]) -> float:
    total = 0.0
    for part in parts:
        total += part.variance
    return total


def combine_freedom(parts: Sequence[MeanError]) -> float:
    """Return the degrees of freedom of a sum of independent means.

    Parameters
    ----------
    parts : sequence of MeanError

    Returns
    -------
    float
        (sum v)**2 / sum (v**2 / dof); a thousand million where no scatter enters.
    """
    freedom = 0.0
    for part in parts:
        freedom += part.freedom_term
    return _add_variances(parts) ** 2 / freedom if freedom > 0 else INFINITE
