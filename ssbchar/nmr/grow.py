"""How many lines and of which shape: components join one by one while the information criterion falls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ssbchar.nmr.shift import transform
from ssbchar.nmr.varpro import (
    PER_LINE,
    PER_SLICE,
    SHARED,
    Problem,
    Shapes,
    Solution,
    basis,
    model,
    solve,
)

WIDTHS = (100.0, 400.0, 1600.0, 6400.0, 25600.0)
"""Starting widths tried for a new line [Hz]."""
SIGNIFICANT = 4.0
"""A line whose amplitude exceeds this many standard errors helps to fix the time origin."""


def grow(problem: Problem, shapes: tuple[str, ...], max_components: int, min_gain: float) -> tuple[Solution, Problem]:
    """Return the best fit with one to `max_components` lines per region, and the problem with its phase model.

    Parameters
    ----------
    problem : Problem
        Data and regions.
    shapes : tuple of str
        ``lorentz`` and perhaps ``voigt``.
    max_components : int
        Most lines per region.
    min_gain : float
        Least fall of the information criterion for a further line or a Voigt shape.
    """
    problem = replace(problem, power=np.sum(np.abs(problem.y) ** 2, axis=1))
    best, problem = _with_phases(problem, _seeded(problem))
    floor = 1e-9 * float(np.sum(problem.power / problem.sigma**2))
    voigt = "voigt" in shapes
    active = set(range(problem.low.size))
    while active:
        trials = []
        for region in sorted(active):
            tried = [_add(problem, best, region)] if np.sum(best.shapes.region == region) < max_components else []
            tried += [_bent(problem, best, region)] if voigt else []
            good = [t for t in tried if t is not None and t.bic < best.bic - min_gain and best.chi2 - t.chi2 > floor]
            if good:
                trials.append(min(good, key=lambda t: t.bic))
            else:
                active.discard(region)
        if not trials:
            break
        best = min(trials, key=lambda t: t.bic)
    return _sorted(problem, best), problem


def _seeded(problem: Problem) -> Solution:
    """Return one line per region, strongest first, each with its own phases."""
    free = replace(problem, phases=PER_LINE)
    none = Shapes(np.empty(0), np.empty(0), np.empty(0), np.empty(0, bool), np.empty(0, np.int64))
    best, left, todo = None, problem.y, set(range(problem.low.size))
    while todo:
        peaks = {r: _peak(problem, left, r) for r in todo}
        region = max(todo, key=lambda r: peaks[r][1])
        todo.discard(region)
        start = best.shapes if best else none
        best = solve(free, _started(free, start, region, peaks[region][0]), max_steps=15)
        left = problem.y - _amplitudes_times_shapes(free, best)
    assert best is not None
    return best


def _amplitudes_times_shapes(problem: Problem, fit: Solution) -> NDArray[np.complex128]:
    f, _ = basis(fit.shapes, problem.time)
    return np.asarray(_free_amplitudes(problem, fit.shapes) @ f)


def _free_amplitudes(problem: Problem, shapes: Shapes) -> NDArray[np.complex128]:
    """Return complex least-squares amplitudes, shape (slice, line)."""
    f, _ = basis(shapes, problem.time)
    gram = f.conj() @ f.T
    return np.asarray(np.linalg.solve(gram + 1e-12 * np.trace(gram).real * np.eye(len(gram)), f.conj() @ problem.y.T).T)


def _peak(problem: Problem, left: NDArray[np.complex128], region: int) -> tuple[float, float]:
    """Return frequency and height of the highest peak of what is left within a region."""
    size = 1 << (problem.time.size - 1).bit_length()
    offset, spectrum = transform(left, problem.time, size)
    inside = (offset >= problem.low[region]) & (offset <= problem.high[region])
    height = np.sqrt(np.sum((np.abs(spectrum) / problem.sigma[:, None]) ** 2, axis=0)) * inside
    at = int(height.argmax())
    return float(offset[at]), float(height[at])


def _started(problem: Problem, shapes: Shapes, region: int, nu: float) -> Shapes:
    """Return shapes with one more line, its starting width the best of a few."""
    best, least = shapes, np.inf
    for width in WIDTHS:
        trial = replace(
            shapes, nu=np.append(shapes.nu, nu), width=np.append(shapes.width, width),
            gauss2=np.append(shapes.gauss2, 0.0), voigt=np.append(shapes.voigt, False),
            region=np.append(shapes.region, region),
        )  # fmt: skip
        f, _ = basis(trial, problem.time)
        amplitude = _free_amplitudes(problem, trial)
        explained = np.real(np.sum((problem.y @ f.conj().T).conj() * amplitude, axis=1))
        chi2 = float(np.sum((problem.power - explained) / problem.sigma**2))
        if chi2 < least:
            best, least = trial, chi2
    return best


def _with_phases(problem: Problem, seed: Solution) -> tuple[Solution, Problem]:
    """Return the fit with the simplest phase model that the data admit (one slice: one phase)."""
    origin = _origin(problem, seed)
    start = replace(seed.shapes, origin=origin)
    fits = [(solve(replace(problem, phases=SHARED), start), SHARED)]
    if len(problem.y) > 1:
        fits.append((solve(replace(problem, phases=PER_SLICE), start), PER_SLICE))
        fits.append((solve(replace(problem, phases=PER_LINE), seed.shapes), PER_LINE))
    best, phases = fits[0]
    for fit, kind in fits[1:]:
        if fit.bic < best.bic - 10.0:
            best, phases = fit, kind
    return best, replace(problem, phases=phases)


def _origin(problem: Problem, seed: Solution) -> float:
    """Return the time origin [s] from the phase between the two strongest lines, zero where one is lost in noise."""
    amplitude = _free_amplitudes(problem, seed.shapes) / problem.sigma[:, None]
    f, _ = basis(seed.shapes, problem.time)
    error = 1 / np.sqrt(np.sum(np.abs(f) ** 2, axis=1))
    strength = np.sqrt(np.sum(np.abs(amplitude) ** 2, axis=0)) / error
    order = np.argsort(strength)[::-1]
    if order.size < 2 or strength[order[1]] < SIGNIFICANT:
        return 0.0
    first, second = order[:2]
    turn = np.angle(np.sum(amplitude[:, second] * amplitude[:, first].conj()))
    return float(turn / (2 * np.pi * (seed.shapes.nu[second] - seed.shapes.nu[first])))


def _add(problem: Problem, best: Solution, region: int) -> Solution | None:
    """Return the fit with one more line in a region."""
    left = problem.y - model(best, problem.time, problem.phases).sum(axis=1)
    nu, height = _peak(problem, left, region)
    if height == 0.0:
        return None
    return solve(problem, _started(problem, best.shapes, region, nu), max_steps=25)


def _bent(problem: Problem, best: Solution, region: int) -> Solution | None:
    """Return the fit with the strongest Lorentzian of a region made a Voigt line."""
    plain = (best.shapes.region == region) & ~best.shapes.voigt
    if not plain.any():
        return None
    line = int(np.where(plain, best.area.sum(axis=0), -1.0).argmax())
    voigt, gauss2, width = best.shapes.voigt.copy(), best.shapes.gauss2.copy(), best.shapes.width.copy()
    voigt[line], gauss2[line], width[line] = True, (0.7 * width[line]) ** 2, 0.5 * width[line]
    return solve(problem, replace(best.shapes, voigt=voigt, gauss2=gauss2, width=width), max_steps=25)


def _sorted(problem: Problem, best: Solution) -> Solution:
    """Return the fit with lines ordered by region, then from high to low frequency."""
    order = np.lexsort((-best.shapes.nu, best.shapes.region))
    s = best.shapes
    start = replace(
        s, nu=s.nu[order], width=s.width[order], gauss2=s.gauss2[order], voigt=s.voigt[order], region=s.region[order]
    )
    return solve(problem, start)
