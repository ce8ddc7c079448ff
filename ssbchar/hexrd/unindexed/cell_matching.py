"""Does a candidate phase explain a set of lines: cell fitted, evidence weighed, dense line lists
not favoured.

Each line found is a draw from the mixture ``(1 - e) sum_l v_l N(x; x_l(cell), s) + e / range`` of
the candidate's own lines, weighed by how strong they should be, and of strangers. Since the density
is normalised, a cell with a line everywhere explains nothing. The evidence of the candidate is the
likelihood integrated over its cell within the strain allowed (Laplace's approximation), against
that of strangers alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.crystal.cell import d_from_hkl
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

if TYPE_CHECKING:
    pass

STARTS = 240
TURNS = 16
STRANGERS = 0.15
"""Share of lines expected to belong to something else."""
WEAKEST = 0.02
"""Lines less likely to be seen than this are not looked for."""
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
TIES = {
    "cubic": ((1, 0), (2, 0)),
    "tetragonal": ((1, 0),),
    "hexagonal": ((1, 0),),
    "trigonal": ((1, 0),),
    "rhombohedral": ((1, 0), (2, 0), (4, 3), (5, 3)),
}


@dataclass(frozen=True)
class CandidateLines:
    """What a candidate should show inside the measured range."""

    name: str
    system: str
    cell: Array
    hkl: Array
    strength: Array
    """Intensity expected of each line, in any unit."""

    def seen(self, count: int) -> tuple[Array, Array]:
        """Return which lines may be among `count` seen, and each one's share of what is seen (sums
        to one).

        Intensities scatter about what is expected as in Wilson's statistics, P(I > t) = exp(-t /
        <I>) (A. J. C. Wilson, Acta Cryst. 2 (1949) 318); t is where `count` lines exceed it on
        average.
        """
        low, high = 1e-6 * self.strength.min(), 60.0 * self.strength.max()
        for _ in range(80):
            t = np.sqrt(low * high)
            low, high = (t, high) if np.exp(-t / self.strength).sum() > count else (low, t)
        chance = np.exp(-t / self.strength)
        kept = chance > WEAKEST * chance.max()
        return kept, chance[kept] / chance[kept].sum()


@dataclass(frozen=True)
class CellMatch:
    """How well a candidate explains the lines found."""

    name: str
    evidence: float
    """Logarithm of the likelihood ratio against strangers alone, integrated over the cell."""
    cell: Array
    cell_stderr: Array
    explained: NDArray[np.bool_]
    """Which lines found are more likely the candidate's than strangers'."""
    expected: int
    """Lines of the candidate that could be among those found."""
    found: int
    """Of these, how many were."""
    misfit: float
    """Root mean square of explained lines off the candidate's, in standard errors."""


def list_candidate_lines(
    phase: xr.Dataset, wavelength: float, bounds: tuple[float, float], weakest: float = 1e-3
) -> CandidateLines | None:
    """Return the lines of a phase inside the range, down to a share of the strongest, with the
    intensities expected."""
    angle = two_theta_from_d(phase["d"].values, wavelength)
    inside = (angle > bounds[0]) & (angle < bounds[1])
    if not inside.any():
        return None
    theta, d = np.radians(angle[inside]) / 2, phase["d"].values[inside]
    power = phase["structure_factor_squared"].values[inside]
    if not np.all(np.isfinite(power)):
        power = np.exp(-MEAN_FALL / (4 * d**2))
    strength = power * phase["multiplicity"].values[inside] / (np.sin(theta) ** 2 * np.cos(theta))
    hkl = np.stack([phase[i].values[inside] for i in "hkl"], axis=1).astype(float)
    cell = np.array(phase.attrs["cell"], float)
    kept = strength > weakest * strength.max()
    name, system = str(phase.attrs["phase"]), str(phase.attrs["crystal_system"])
    return CandidateLines(name, system, cell, hkl[kept], strength[kept])


def match_cell(
    lines: CandidateLines,
    x: Array,
    x_stderr: Array,
    wavelength: float,
    bounds: tuple[float, float],
    strain: float,
) -> CellMatch:
    """Return the best fit of a candidate's cell to lines found.

    Parameters
    ----------
    lines : Lines
    x, x_stderr : ndarray, shape (found,)
        Positions in 2theta and their errors [degree].
    wavelength : float
        [angstrom]
    bounds : (float, float)
        Range of 2theta in which lines could be found [degree].
    strain : float
        How far the cell may be off, relative (lengths), and half of it in radians (angles).
    """
    free = FREE[lines.system]
    kept, weight = lines.seen(x.size)
    lines = replace(lines, hkl=lines.hkl[kept], strength=lines.strength[kept])
    turn = _derivatives(lines, wavelength)
    start = two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), wavelength)
    rng = np.random.default_rng(0)
    p = rng.uniform(-1, 1, (STARTS, len(free)))
    same = np.linspace(-1, 1, STARTS // 3)
    p[: same.size] = np.where(np.array(free) < 3, same[:, None], 0.0)
    turn = turn * _scale(free, strain)
    widest = np.maximum(0.15 * strain * x, 2 * x_stderr)
    for n in range(TURNS):
        blur = min(n / (TURNS - 5), 1.0)
        p = _step(p, start, turn, x, widest ** (1 - blur) * x_stderr**blur, weight)
    likelihood = _likelihood(start + p @ turn.T, x, x_stderr, weight, bounds)
    best = int(np.argmax(likelihood))
    place = start + turn @ p[best]
    share = _shares(place[None], x, x_stderr, weight, bounds)[0]
    mine = share.sum(axis=1)
    assigned = np.argmax(share, axis=1)
    design = turn[assigned] * np.sqrt(mine)[:, None] / x_stderr[:, None]
    covariance = np.linalg.inv(design.T @ design + np.eye(len(free)))
    _, logdet = np.linalg.slogdet(covariance)
    occam = 0.5 * logdet + 0.5 * len(free) * np.log(2 * np.pi) - len(free) * np.log(2.0)
    explained = mine > 0.5
    off = (x - place[assigned])[explained] / x_stderr[explained]
    size = _scale(free, strain)
    cell = _moved(lines, p[best] * size)
    stderr = np.zeros(6)
    stderr[list(free)] = (
        np.sqrt(np.diag(covariance))
        * size
        * np.where(np.array(free) < 3, cell[list(free)], np.degrees(1))
    )
    for child, parent in TIES.get(lines.system, ()):
        stderr[child] = stderr[parent]
    misfit = float(np.sqrt(np.mean(off**2))) if off.size else float("nan")
    found = len(set(assigned[explained].tolist()))
    evidence = float(likelihood[best]) + min(occam, 0.0)
    return CellMatch(lines.name, evidence, cell, stderr, explained, len(lines.hkl), found, misfit)


def weigh_known_cell(
    lines: CandidateLines, x: Array, x_stderr: Array, wavelength: float, bounds: tuple[float, float]
) -> tuple[float, NDArray[np.bool_]]:
    """Return the evidence that lines found are those of a phase whose cell is known, and which of
    them are.

    All its lines count alike: what a refinement leaves over are those whose intensity it did not
    foresee.
    """
    place = two_theta_from_d(d_from_hkl(lines.hkl, lines.cell), wavelength)
    weight = np.full(place.size, 1.0 / place.size)
    evidence = float(_likelihood(place[None], x, x_stderr, weight, bounds)[0])
    return evidence, np.asarray(
        _shares(place[None], x, x_stderr, weight, bounds)[0].sum(axis=1) > 0.5
    )


def _scale(free: tuple[int, ...], strain: float) -> Array:
    return np.array([strain if i < 3 else strain / 2 for i in free])


def _moved(lines: CandidateLines, change: Array) -> Array:
    """Return the cell with its free parameters changed: lengths relative, angles in radians."""
    cell = lines.cell.copy()
    for i, value in zip(FREE[lines.system], change, strict=True):
        cell[i] = cell[i] * np.exp(value) if i < 3 else cell[i] + np.degrees(value)
    for child, parent in TIES.get(lines.system, ()):
        cell[child] = cell[parent]
    return cell


def _derivatives(lines: CandidateLines, wavelength: float) -> Array:
    """Return d(2theta)/d(change) of each line [degree], shape (lines, free)."""
    count, h = len(FREE[lines.system]), 1e-5
    out = []
    for unit in np.eye(count):
        up, down = (
            two_theta_from_d(d_from_hkl(lines.hkl, _moved(lines, s * h * unit)), wavelength)
            for s in (1, -1)
        )
        out.append((up - down) / (2 * h))
    return np.stack(out, axis=1)


def _step(p: Array, start: Array, turn: Array, x: Array, width: Array, weight: Array) -> Array:
    """Return the cells (starts, free) after one step: lines shared softly among those near, then
    least squares."""
    place = start + p @ turn.T
    off = x[None, :, None] - place[:, None, :]
    share = weight * np.exp(-0.5 * np.minimum((off / width[:, None]) ** 2, 80.0))
    share /= share.sum(axis=2, keepdims=True) + weight.mean() * np.exp(-4.5)
    share /= width[:, None] ** 2
    load, pull = share.sum(axis=1), (share * off).sum(axis=1)
    normal = np.einsum("sl,la,lb->sab", load, turn, turn) + np.eye(p.shape[1])
    right = np.einsum("sl,la->sa", pull + load * (p @ turn.T), turn)
    return np.asarray(np.clip(np.linalg.solve(normal, right[..., None])[..., 0], -1, 1))


def _densities(place: Array, x: Array, x_stderr: Array, weight: Array) -> Array:
    off = (x[None, :, None] - place[:, None, :]) / x_stderr[:, None]
    return np.asarray(
        (1 - STRANGERS)
        * weight
        * np.exp(-0.5 * np.minimum(off**2, 200.0))
        / (np.sqrt(2 * np.pi) * x_stderr[:, None])
    )


def _likelihood(
    place: Array, x: Array, x_stderr: Array, weight: Array, bounds: tuple[float, float]
) -> Array:
    """Return the log likelihood ratio against strangers alone, of each of many cells."""
    own = _densities(place, x, x_stderr, weight).sum(axis=2)
    return np.asarray(np.sum(np.log(own * (bounds[1] - bounds[0]) + STRANGERS), axis=1))


def _shares(
    place: Array, x: Array, x_stderr: Array, weight: Array, bounds: tuple[float, float]
) -> Array:
    """Return the probability that each line found is each of the candidate's."""
    own = _densities(place, x, x_stderr, weight)
    return np.asarray(own / (own.sum(axis=2, keepdims=True) + STRANGERS / (bounds[1] - bounds[0])))
