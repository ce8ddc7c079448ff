"""Whether a candidate phase explains a set of lines: cell fitted, evidence weighed, dense line
lists not favoured.

Each line found is a draw from the mixture ``(1 - e) sum_l v_l N(x; x_l(cell), s) + e / range`` of
the candidate's own lines, weighed by how strong they should be, and of background lines that belong
to something else. Since the density is normalised, a cell with a line everywhere explains nothing.
The evidence of the candidate is the likelihood integrated over its cell within the strain allowed
(Laplace's approximation), against that of background lines alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr

STARTS = 240
"""Cells within the strain allowed from which the fit starts."""
STEPS = 16
"""Steps of the fit."""
FINAL_STEPS = 5
"""Steps of these in which lines have their own width."""
FIRST_BLUR = 0.15
"""Width of lines at the first step, as a share of how far the strain can move them."""
BACKGROUND_SHARE = 0.15
"""Share of lines expected to belong to something else."""
WEAKEST = 0.02
"""Lines less likely to be seen than this are not looked for."""
FAINT = 1e-3
"""Share of the strongest line below which a phase's lines are left out."""
MEAN_FALL = 7.0
"""ASSUME: mean fall of |F|^2 with angle where no atoms are known, exp(-B s^2) [angstrom^2], about
that of 3d metals."""
FREE = {
    "cubic": (0,),
    "tetragonal": (0, 2),
    "hexagonal": (0, 2),
    "trigonal": (0, 2),
    "rhombohedral": (0, 3),
    "orthorhombic": (0, 1, 2),
    "monoclinic": (0, 1, 2, 4),
    "triclinic": (0, 1, 2, 3, 4, 5),
}
"""Free cell parameters (a b c alpha beta gamma) of each crystal system."""
TIES = {
    "cubic": ((1, 0), (2, 0)),
    "tetragonal": ((1, 0),),
    "hexagonal": ((1, 0),),
    "trigonal": ((1, 0),),
    "rhombohedral": ((1, 0), (2, 0), (4, 3), (5, 3)),
}
"""Cell parameters that equal another one: (parameter, the free one)."""


@dataclass(frozen=True, kw_only=True)
class CandidateLines:
    """What a candidate should show inside the measured range."""

    name: str
    system: str
    """Crystal system, a key of `FREE`."""
    cell: Array
    """a b c [angstrom], alpha beta gamma [degree]."""
    hkl: Array
    """Shape (lines, 3)."""
    strength: Array
    """Intensity expected of each line, in any unit, shape (lines,)."""

    def select_seen(self, count: int) -> tuple[Bool, Array]:
        """Return which lines may be among `count` seen, and each one's share of what is seen (sums
        to one).

        Intensities scatter about what is expected as in Wilson's statistics, P(I > t) = exp(-t /
        <I>) (A. J. C. Wilson, Acta Cryst. 2 (1949) 318); t is where `count` lines exceed it on
        average.

        Parameters
        ----------
        count : int
            Lines seen.

        Returns
        -------
        ndarray of bool, shape (lines,), and ndarray, shape (kept lines,)
            Shares [1].
        """
        low, high = 1e-6 * self.strength.min(), 60.0 * self.strength.max()
        for _ in range(80):
            threshold = np.sqrt(low * high)
            if np.exp(-threshold / self.strength).sum() > count:
                low = threshold
            else:
                high = threshold
        chance = np.exp(-threshold / self.strength)
        kept = chance > WEAKEST * chance.max()
        return kept, chance[kept] / chance[kept].sum()


@dataclass(frozen=True, kw_only=True)
class FoundLines:
    """Lines found in a pattern, that a candidate may explain."""

    position: Array
    """2theta [degree], shape (found,)."""
    stderr: Array
    """[degree]"""
    wavelength: float
    """[angstrom]"""
    bounds: tuple[float, float]
    """Range of 2theta in which lines could be found [degree]."""


@dataclass(frozen=True, kw_only=True)
class CellMatch:
    """How well a candidate explains the lines found."""

    name: str
    evidence: float
    """Logarithm of the likelihood ratio against background lines alone, integrated over the
    cell."""
    cell: Array
    """a b c [angstrom], alpha beta gamma [degree]."""
    cell_stderr: Array
    explained: Bool
    """Which lines found are more likely the candidate's than background, shape (found,)."""
    expected: int
    """Lines of the candidate that could be among those found."""
    found: int
    """Of these, how many were."""
    misfit: float
    """Root mean square of explained lines off the candidate's, in standard errors."""


def list_candidate_lines(
    phase: xr.Dataset, wavelength: float, bounds: tuple[float, float], weakest: float = FAINT
) -> CandidateLines | None:
    """Return the lines of a phase inside the range, down to a share of the strongest, with the
    intensities expected.

    Parameters
    ----------
    phase : Dataset
        Reflections: ``d`` [angstrom], ``h k l``, ``multiplicity`` and
        ``structure_factor_squared``, shape (reflections,).
    wavelength : float
        [angstrom]
    bounds : (float, float)
        Range of 2theta [degree].
    weakest : float
        Share of the strongest [1].

    Returns
    -------
    CandidateLines or None
        None where the phase has no line in the range.
    """
    angle = two_theta_from_d(phase["d"].values, wavelength)
    inside = (angle > bounds[0]) & (angle < bounds[1])
    if not inside.any():
        return None
    theta, d = np.radians(angle[inside]) / 2, phase["d"].values[inside]
    power = phase["structure_factor_squared"].values[inside]
    if not np.all(np.isfinite(power)):
        power = np.exp(-MEAN_FALL / (4 * d**2))
    strength = power * phase["multiplicity"].values[inside] / (np.sin(theta) ** 2 * np.cos(theta))
    kept = strength > weakest * strength.max()
    hkl = np.stack([phase[i].values[inside] for i in "hkl"], axis=1).astype(float)
    return CandidateLines(
        name=str(phase.attrs["phase"]),
        system=str(phase.attrs["crystal_system"]),
        cell=np.array(phase.attrs["cell"], float),
        hkl=hkl[kept],
        strength=strength[kept],
    )


def match_cell(lines: CandidateLines, found: FoundLines, strain: float) -> CellMatch:
    """Return the best fit of a candidate's cell to lines found.

    Parameters
    ----------
    lines : CandidateLines
    found : FoundLines
        Positions in 2theta and their errors [degree], shape (found,).
    strain : float
        How far the cell may be off, relative (lengths), and half of it in radians (angles).

    Returns
    -------
    CellMatch
        Cell in angstrom and degree.
    """
    free = FREE[lines.system]
    kept, weight = lines.select_seen(found.position.size)
    lines = replace(lines, hkl=lines.hkl[kept], strength=lines.strength[kept])
    size = np.array([strain if i < 3 else strain / 2 for i in free])
    start = two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), found.wavelength)
    # changes of the cell are counted in what is allowed: each between -1 and 1
    slope = _differentiate_places(lines, found.wavelength) * size
    changes = _fit_changes(_draw_starts(free), start, slope, found, weight, strain=strain)
    likelihood = _likelihood_from_places(start + changes @ slope.T, found, weight)
    best = int(np.argmax(likelihood))
    place = start + slope @ changes[best]
    share = _assign_lines(place[None], found, weight)[0]
    own = share.sum(axis=1)
    assigned = np.argmax(share, axis=1)
    # more likely the candidate's than background
    explained = own > 0.5
    design = slope[assigned] * np.sqrt(own)[:, None] / found.stderr[:, None]
    covariance = np.linalg.inv(design.T @ design + np.eye(len(free)))
    off = (found.position - place[assigned])[explained] / found.stderr[explained]
    cell = _change_cell(lines, changes[best] * size)
    return CellMatch(
        name=lines.name,
        evidence=float(likelihood[best]) + min(_occam_factor(covariance), 0.0),
        cell=cell,
        cell_stderr=_cell_stderr_from_covariance(lines.system, cell, covariance, size),
        explained=explained,
        expected=len(lines.hkl),
        found=len(set(assigned[explained].tolist())),
        misfit=float(np.sqrt(np.mean(off**2))) if off.size else float("nan"),
    )


def _occam_factor(covariance: Array) -> float:
    """Return ln of the cells' volume that the lines allow, over that allowed before: (2 pi)^(n/2)
    |C|^(1/2) / 2^n."""
    count = len(covariance)
    _, logdet = np.linalg.slogdet(covariance)
    return float(0.5 * logdet + 0.5 * count * np.log(2 * np.pi) - count * np.log(2.0))


def _cell_stderr_from_covariance(system: str, cell: Array, covariance: Array, size: Array) -> Array:
    """Return standard errors of all six cell parameters from the covariance of the changes."""
    free = list(FREE[system])
    unit = np.where(np.array(free) < 3, cell[free], np.degrees(1))
    stderr = np.zeros(6)
    stderr[free] = np.sqrt(np.diag(covariance)) * size * unit
    for child, parent in TIES.get(system, ()):
        stderr[child] = stderr[parent]
    return stderr


def weigh_known_cell(lines: CandidateLines, found: FoundLines) -> tuple[float, Bool]:
    """Return the evidence that lines found are those of a phase whose cell is known, and which of
    them are.

    All its lines count alike: what a refinement leaves over are those whose intensity it did not
    foresee.

    Parameters
    ----------
    lines : CandidateLines
    found : FoundLines
        Positions [degree], shape (found,).

    Returns
    -------
    float
        Logarithm of the likelihood ratio [1].
    ndarray of bool, shape (found,)
    """
    place = two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), found.wavelength)
    weight = np.full(place.size, 1.0 / place.size)
    evidence = float(_likelihood_from_places(place[None], found, weight)[0])
    return evidence, _assign_lines(place[None], found, weight)[0].sum(axis=1) > 0.5


def _draw_starts(free: tuple[int, ...]) -> Array:
    """Return changes of the cell to start from, (starts, free), between -1 and 1: a third scales
    all lengths alike, the others are random."""
    starts = np.random.default_rng(0).uniform(-1, 1, (STARTS, len(free)))
    same = np.linspace(-1, 1, STARTS // 3)
    starts[: same.size] = np.where(np.array(free) < 3, same[:, None], 0.0)
    return starts


def _fit_changes(
    changes: Array,
    start: Array,
    slope: Array,
    found: FoundLines,
    weight: Array,
    *,
    strain: float,
) -> Array:
    """Return the changes of the cell after all steps: lines are wide at first, and narrow down to
    their own errors."""
    widest = np.maximum(FIRST_BLUR * strain * found.position, 2 * found.stderr)
    for n in range(STEPS):
        sharpness = min(n / (STEPS - FINAL_STEPS), 1.0)
        width = widest ** (1 - sharpness) * found.stderr**sharpness
        changes = _step_cells(changes, start, slope, replace(found, stderr=width), weight)
    return changes


def _change_cell(lines: CandidateLines, change: Array) -> Array:
    """Return the cell with its free parameters changed: lengths relative, angles in radians."""
    cell = lines.cell.copy()
    for i, value in zip(FREE[lines.system], change, strict=True):
        cell[i] = cell[i] * np.exp(value) if i < 3 else cell[i] + np.degrees(value)
    for child, parent in TIES.get(lines.system, ()):
        cell[child] = cell[parent]
    return cell


def _differentiate_places(lines: CandidateLines, wavelength: float) -> Array:
    """Return d(2theta)/d(change) of each line [degree], shape (lines, free)."""
    step = 1e-5

    def places(change: Array) -> Array:
        """Return 2theta [degree] of each line, shape (lines,)."""
        return two_theta_from_d(d_from_hkl(lines.hkl, _change_cell(lines, change)), wavelength)

    columns = []
    for unit in np.eye(len(FREE[lines.system])):
        columns.append((places(1 * step * unit) - places(-1 * step * unit)) / (2 * step))
    return np.stack(columns, axis=1)


def _step_cells(
    changes: Array, start: Array, slope: Array, found: FoundLines, weight: Array
) -> Array:
    """Return the changes (starts, free) after one step: lines shared softly among those near, then
    least squares with a prior of unit width."""
    off, share = _share_softly(start + changes @ slope.T, found, weight)
    share /= found.stderr[:, None] ** 2
    load, pull = share.sum(axis=1), (share * off).sum(axis=1)
    normal = np.einsum("sl,la,lb->sab", load, slope, slope) + np.eye(changes.shape[1])
    right = np.einsum("sl,la->sa", pull + load * (changes @ slope.T), slope)
    return np.asarray(np.clip(np.linalg.solve(normal, right[..., None])[..., 0], -1, 1))


def _share_softly(place: Array, found: FoundLines, weight: Array) -> tuple[Array, Array]:
    """Return how far each line found is from each of the candidate's [degree], and its probability
    to be that one; (starts, found, lines).

    A line further than three widths from all is given up: it counts as background.
    """
    off = found.position[None, :, None] - place[:, None, :]
    share = weight * np.exp(-0.5 * np.minimum((off / found.stderr[:, None]) ** 2, 80.0))
    share /= share.sum(axis=2, keepdims=True) + weight.mean() * np.exp(-4.5)
    return off, share


def _density_from_places(place: Array, found: FoundLines, weight: Array) -> Array:
    """Return the density (1 - e) v_l N(x; x_l, s) of each line found at each of the candidate's,
    [1/degree], shape (cells, found, lines)."""
    off = (found.position[None, :, None] - place[:, None, :]) / found.stderr[:, None]
    own = (1 - BACKGROUND_SHARE) * weight * np.exp(-0.5 * np.minimum(off**2, 200.0))
    return np.asarray(own / (np.sqrt(2 * np.pi) * found.stderr[:, None]))


def _likelihood_from_places(place: Array, found: FoundLines, weight: Array) -> Array:
    """Return the log likelihood ratio against background lines alone, of each of many cells."""
    own = _density_from_places(place, found, weight).sum(axis=2)
    measured = found.bounds[1] - found.bounds[0]
    return np.asarray(np.sum(np.log(own * measured + BACKGROUND_SHARE), axis=1))


def _assign_lines(place: Array, found: FoundLines, weight: Array) -> Array:
    """Return the probability that each line found is each of the candidate's, (cells, found,
    lines)."""
    own = _density_from_places(place, found, weight)
    background = BACKGROUND_SHARE / (found.bounds[1] - found.bounds[0])
    return np.asarray(own / (own.sum(axis=2, keepdims=True) + background))
