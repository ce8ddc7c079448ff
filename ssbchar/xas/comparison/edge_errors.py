"""Standard errors of a pair: the noise of points, the scatter of repeats, and the energy axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Array, Index
from ssbchar.xas.calibration.calibrate import AlignmentKind
from ssbchar.xas.scans.scan import ScanStatus

if TYPE_CHECKING:
    import xarray as xr

FREEDOM_OF_NOISE = 4.0
"""Degrees of freedom of an error that no repeat confirms: the noise of points knows nothing of
drift, harmonics or the sample's position [1]."""


CONFIRMED_NOISE = 8.0
"""Degrees of freedom that the noise of points adds to those of the repeats whose scatter is no more
than it: the repeats confirm it [1]; ours."""


@dataclass(frozen=True, kw_only=True)
class PairError:
    """The error of a difference, or of a relative change, between two means over repeats."""

    stderr: float
    """In the unit of the values."""
    dof: float
    from_scatter: bool
    """The scatter of the repeats is in it."""


def estimate_pair_error(values: Sequence[Array], noise: Sequence[float]) -> PairError:
    """Return the error of the difference of two means over repeats.

    Both measurements were made alike, so that the scatter of both is one: it is pooled over their
    repeats, once as it is (drift of the axis, of the beam) and once in units of each one's noise
    (what grows with the noise). Of the two and the noise itself the largest counts for each mean.

    Parameters
    ----------
    values : sequence of array, shape (repeat,)
        The quantity in each repeat of each part; a part of one repeat has no scatter.
    noise : sequence of float
        Standard error of each part's mean by the noise of its points, in the unit of the values;
        where one is NaN there is no error, and nothing is measured.

    Returns
    -------
    PairError
        Its degrees of freedom are those of the pooled scatter, and `CONFIRMED_NOISE` more as far as
        noise explains that scatter; `FREEDOM_OF_NOISE` without repeats.
    """
    if not np.isfinite(noise).all():
        return PairError(stderr=float("nan"), dof=FREEDOM_OF_NOISE, from_scatter=False)
    finite = [one[np.isfinite(one)] for one in values]
    freedom = [max(one.size - 1, 0) for one in finite]
    total = float(sum(freedom))
    if total == 0:
        return PairError(
            stderr=float(np.linalg.norm(noise)), dof=FREEDOM_OF_NOISE, from_scatter=False
        )
    variances = [float(np.var(one, ddof=1)) if one.size > 1 else 0.0 for one in finite]
    pooled = sum(f * v for f, v in zip(freedom, variances, strict=True)) / total
    of_noise = [max(one.size, 1) * sigma**2 for one, sigma in zip(finite, noise, strict=True)]
    factor, dof = 0.0, total
    if min(of_noise) > 0:
        ratios = [v / own for v, own in zip(variances, of_noise, strict=True)]
        factor = sum(f * r for f, r in zip(freedom, ratios, strict=True)) / total
        dof += CONFIRMED_NOISE / max(factor, 1.0)
    whole = 0.0
    for one, sigma in zip(finite, noise, strict=True):
        whole += max(sigma**2 * max(factor, 1.0), pooled / max(one.size, 1))
    return PairError(stderr=float(np.sqrt(whole)), dof=dof, from_scatter=True)


def propagate_edge_errors(
    pair: Sequence[xr.Dataset], *, half_step_noise: Array, white_line_noise: Array
) -> dict[str, float]:
    """Return the standard errors of edge shift and white-line change, by the names of the output.

    The error of the energy axis is systematic where the repeats do not show it.

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
        ``white_line_stderr``, ``white_line_dof``, ``white_line_systematic`` and
        ``amplitude_systematic`` by corrections of self-absorption, and of the inflection's shift
        ``inflection_shift`` and ``inflection_shift_stderr`` [eV].
    """
    repeats = [find_repeats(part) for part in pair]

    def estimate(name: str, noise: Sequence[float]) -> PairError:
        values = [part[name].values[good] for part, good in zip(pair, repeats, strict=True)]
        return estimate_pair_error(values, noise)

    half = estimate("e0_half", [float(sigma) for sigma in half_step_noise])
    top = estimate("white_line", [float(sigma) for sigma in white_line_noise])
    inflections = [float(part["e0_derivative"].values[-1]) for part in pair]
    steepest = estimate(
        "e0_derivative", [float(part["e0_derivative_stderr"].values[-1]) for part in pair]
    )
    systematic = sum(
        axis_variance_from_alignment(
            str(part.attrs.get("alignment", AlignmentKind.NONE)),
            float(part.attrs.get("alignment_error", np.nan)),
            repeats=good.size,
            seen_in_scatter=half.from_scatter,
        )
        + float(part.attrs.get("alignment_common_error", 0.0)) ** 2
        + float(part.attrs.get("self_absorption_half_step", 0.0)) ** 2
        for part, good in zip(pair, repeats, strict=True)
    )
    return {
        "edge_shift_stderr": half.stderr,
        "edge_shift_dof": half.dof,
        "edge_shift_systematic": float(np.sqrt(systematic)),
        "white_line_stderr": top.stderr,
        "white_line_dof": top.dof,
        "white_line_systematic": _add_corrections(pair, "self_absorption_white_line"),
        "amplitude_systematic": _add_corrections(pair, "self_absorption_amplitude"),
        "inflection_shift": inflections[1] - inflections[0],
        "inflection_shift_stderr": steepest.stderr,
    }


def _add_corrections(pair: Sequence[xr.Dataset], name: str) -> float:
    """Return what two corrections may be off by together: composition and angles of one sample say
    nothing of the other's."""
    return float(np.linalg.norm([float(part.attrs.get(name, 0.0)) for part in pair]))


def find_repeats(normalised: xr.Dataset) -> Index:
    """Return which spectra are in the mean, the mean itself left out: indices without a unit, shape
    (repeat,)."""
    return np.flatnonzero(normalised["status"].values[:-1] == ScanStatus.OK)


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
    if alignment != AlignmentKind.FOIL:
        return 0.0
    of_mean = error**2 / max(repeats, 1)
    # The mean foil that all were aligned to has an error, too, which no repeat shows.
    return of_mean / 2 if seen_in_scatter else of_mean
