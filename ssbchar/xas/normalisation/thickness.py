"""Heights that thickness or self-absorption may have made wrong: what a leaking beam takes of a
white line, and the doubts to state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.typing import Index
from ssbchar.xas import notes
from ssbchar.xas.normalisation.edge import NormalisedSpectra
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.normalisation.self_absorption import Correction, describe_correction
from ssbchar.xas.scans.scan import Mode

if TYPE_CHECKING:
    import xarray as xr

LARGEST_TOTAL = 20.0
"""Total absorptions are taken for no more than this; beyond, the beam is all leakage."""
SMALLEST_TOP = 1.05
"""White lines are taken for no lower than this, in edge steps."""


def estimate_thickness_loss(total: float, step: float, top: float, leakage: float) -> float:
    """Return the share of the white line (top - 1, in edge steps) that a leaking beam takes.

    Harmonics, pinholes and leakage, a share h of the beam that is not absorbed, turn mu into
    m = -ln((exp(-mu) + h) / (1 + h)); the edge keeps its place, and what stands on it shrinks
    (E. A. Stern & K. Kim, Phys. Rev. B 23 (1981) 3781).

    Parameters
    ----------
    total : float
        Absorption at the white line, dimensionless.
    step : float
        Edge step.
    top : float
        White line in edge steps, above 1.
    leakage : float
        h.

    Returns
    -------
    float
        0 without leakage.
    """
    mu = total + step * np.array([0.0, 1.0 - top, -top])
    high, above, below = -np.log((np.exp(-mu) + leakage) / (1 + leakage))
    return float(1 - (high - above) / (above - below) / (top - 1))


def check_heights(
    calibrated: xr.Dataset,
    good: Index,
    scans: NormalisedSpectra,
    options: Normalisation,
    names: Sequence[str],
    correction: Correction | None = None,
) -> list[notes.Note]:
    """Return doubts on spectra whose heights may be wrong.

    Scans in transmission may be too thick or too faint, scans in fluorescence are damped by
    self-absorption. The loss stated for a thick sample is that of `estimate_thickness_loss` for the
    configured leakage.

    Parameters
    ----------
    calibrated : Dataset
        From `ssbchar.xas.calibration.calibrate_energy`: mode, and total absorption of each scan.
    good : array of int, shape (spectrum,)
        The scans that `scans` holds.
    scans : NormalisedSpectra
        Arrays of shape (spectrum, energy), dimensionless.
    options : Normalisation
        Limits of thickness and step.
    names : sequence of str
        Of all scans.
    correction : Correction, optional
        What the fluorescence was corrected by.

    Returns
    -------
    list of Note
    """
    mode = calibrated.attrs.get("mode")
    if mode == Mode.FLUORESCENCE:
        measurement = str(calibrated.attrs.get("measurement", ""))
        text = (
            "fluorescence, not corrected for self-absorption: "
            "white line and EXAFS of a concentrated sample are damped"
        )
        if correction is not None:
            text = describe_correction(correction)
        return [notes.make_doubt(measurement, text)]
    if mode != Mode.TRANSMISSION:
        return []
    totals = calibrated["total"].values[good]
    thickest = np.max(np.where(np.isfinite(totals), totals, -np.inf), axis=1)
    tops = scans.norm.max(axis=1)
    doubts = []
    for row, scan in enumerate(good):
        texts = _describe_doubts(
            float(thickest[row]), float(scans.edge_step[row]), float(tops[row]), options
        )
        doubts += [notes.make_doubt(names[scan], text) for text in texts]
    return doubts


def _describe_doubts(total: float, step: float, top: float, options: Normalisation) -> list[str]:
    doubts = []
    if total > options.max_thickness:
        loss = 100 * estimate_thickness_loss(
            min(total, LARGEST_TOTAL), step, max(top, SMALLEST_TOP), options.leakage
        )
        doubts.append(
            f"total absorption {total:.1f} above {options.max_thickness:g}: "
            f"harmonics or leakage of {options.leakage:g} would take {loss:.1f} % of its white line"
        )
    elif step > options.max_step:
        doubts.append(
            f"edge step {step:.2f} above {options.max_step:g}: "
            "thickness flattens its features, harmonics more"
        )
    if step < options.min_step:
        doubts.append(
            f"edge step {step:.3f} below {options.min_step:g}: "
            "a thicker sample or fluorescence would show more"
        )
    return doubts
