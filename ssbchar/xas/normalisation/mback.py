"""Normalisation to tabulated cross sections, beside that by a polynomial above the edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.edge_features import measure_white_line
from ssbchar.xas.normalisation import edge
from ssbchar.xas.normalisation.processing import NormalisedMeasurement

BELOW, ABOVE = (-300.0, -60.0), (60.0, 600.0)
"""Ranges of the table that tell both curves [eV, relative to the edge]: nearer to it the table is
interpolated over the step."""
SPACING = 10.0
"""Of the points that are looked up [eV]."""
COPIES, SEED = 64, 20050706
"""Noisy copies of a spectrum whose scatter is its error."""


@dataclass(frozen=True, kw_only=True)
class ScatteringFactor:
    """f'' of an atom without its edge, and with it; arrays of shape (energy,)."""

    below: Array
    """Of the levels that are not excited at the edge, over all energies."""
    above: Array
    """Of all levels, over all energies."""

    def calculate_step(self, at: int) -> float:
        """Return the step at point `at`."""
        return float(self.above[at] - self.below[at])


@dataclass(frozen=True, kw_only=True)
class MatchedSpectra:
    """Spectra in units of the atom's step."""

    norm: Array
    """Shape (spectrum, energy)."""
    flat: Array
    """The same with the tabulated decay above the edge taken out."""
    edge_step: Array
    """In the unit of mu, shape (spectrum,)."""


def look_up_scattering_factor(
    energy: Array, e0: float, element: str, tabulated: float
) -> ScatteringFactor:
    """Return f'' of an element by C. T. Chantler (XrayDB), power laws on both sides of its edge.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    e0 : float
        Where the edge is on this axis [eV].
    element : str
    tabulated : float
        Where it is in the table [eV].

    Returns
    -------
    ScatteringFactor
    """
    import xraydb

    curves = []
    for low, high in (BELOW, ABOVE):
        x = tabulated + np.arange(low, high, SPACING)
        law = np.polyfit(np.log(x), np.log(xraydb.f2_chantler(element, x)), 1)
        # The axis of the scan may lie elsewhere; what counts is the distance from the edge.
        curves.append(np.exp(np.polyval(law, np.log(energy - e0 + tabulated))))
    return ScatteringFactor(below=curves[0], above=curves[1])


def match_spectra(
    energy: Array,
    mu: Array,
    ranges: edge.FitRanges,
    factor: ScatteringFactor,
    *,
    order: int,
    fitted: Array | None = None,
    tail: Array | None = None,
) -> MatchedSpectra:
    """Return spectra normalised to f'' as MBACK does.

    Minimises (1/n1) sum_pre + (1/n2) sum_post of (s mu - polynomial - f'')^2 in the scale s and the
    polynomial (T.-C. Weng, G. S. Waldo & J. E. Penner-Hahn, J. Synchrotron Rad. 12 (2005) 506,
    without the term for scattered radiation); norm is s mu without polynomial and lower levels, in
    units of the step of f''.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    ranges : FitRanges
        Points below and above the edge.
    factor : ScatteringFactor
    order : int
        Degree of the polynomial.
    fitted : array, shape (spectrum, energy), optional
        What is fitted above the edge in place of mu: spectra without EXAFS.
    tail : array, shape (energy,), optional
        Tails of the edge in steps (`ssbchar.xas.normalisation.edge.calculate_tail`).

    Returns
    -------
    MatchedSpectra
    """
    at = ranges.at_e0
    step = factor.calculate_step(at)
    use = np.r_[ranges.pre, ranges.post]
    is_post = np.arange(use.size) >= ranges.pre.stop - ranges.pre.start
    target = np.where(is_post, factor.above[use], factor.below[use])
    if tail is not None:
        target = target + step * tail[use]
    weight = np.where(is_post, 1 / np.sqrt(is_post.sum()), 1 / np.sqrt((~is_post).sum()))
    x = (energy - energy[at]) / np.ptp(energy)
    basis = np.vander(x, order + 1, increasing=True)
    data = (
        mu if fitted is None else np.where(np.arange(energy.size) < ranges.post.start, mu, fitted)
    )
    # The polynomial is projected out of data and target; what is left gives the scale.
    weighted = basis[use] * weight[:, None]
    q, _ = np.linalg.qr(weighted)
    left_target = weight * target - q @ (q.T @ (weight * target))
    left = weight * data[:, use] - (weight * data[:, use]) @ q @ q.T
    scale = (left @ left_target) / (left**2).sum(axis=1)
    rest = weight * (scale[:, None] * data[:, use] - target)
    polynomial = (rest @ np.linalg.pinv(weighted).T) @ basis.T
    norm = (scale[:, None] * mu - polynomial - factor.below) / step
    decay = np.where(np.arange(energy.size) >= at, (factor.above - factor.below) / step - 1, 0.0)
    return MatchedSpectra(norm=norm, flat=norm - decay, edge_step=step / scale)


def match_measurement(
    measurement: NormalisedMeasurement, element: str, tabulated: float, order: int
) -> dict[str, Array]:
    """Return norm, edge step and white line by MBACK, by the names of the output.

    Their errors are the scatter of noisy copies, which the EXAFS is removed from as it was.

    Parameters
    ----------
    measurement : NormalisedMeasurement
        With the noise of mu.
    element : str
    tabulated : float
        Energy of its edge [eV].
    order : int
        Degree of the polynomial.

    Returns
    -------
    dict
        Arrays of shape (spectrum,) and (spectrum, energy).
    """
    energy, choice = measurement.energy, measurement.choice
    factor = look_up_scattering_factor(energy, choice.e0, element, tabulated)
    curve = measurement.exafs_free.curve

    def match(mu: Array, fitted: Array | None) -> tuple[MatchedSpectra, Array]:
        found = match_spectra(
            energy, mu, choice.ranges, factor, order=order, fitted=fitted, tail=measurement.tail
        )
        return found, measure_white_line(energy, found.flat, choice.e0).height

    matched, top = match(measurement.mu, curve)
    errors = np.empty((2, len(top)))
    random = np.random.default_rng(SEED)
    smoother = measurement.exafs_free.build_smoother(energy.size)
    for row, (mu, stderr) in enumerate(zip(measurement.mu, measurement.mu_stderr, strict=True)):
        noise = stderr * random.standard_normal((COPIES, energy.size))
        free = None
        if curve is not None and smoother is not None:
            free = curve[row] + noise @ smoother.T
        copies, tops = match(mu + noise, free)
        errors[:, row] = np.std(copies.edge_step, ddof=1), np.std(tops, ddof=1)
    return {
        "norm_mback": matched.norm,
        "edge_step_mback": matched.edge_step,
        "edge_step_mback_stderr": errors[0],
        "white_line_mback": top,
        "white_line_mback_stderr": errors[1],
    }
