"""Every frame of a series refined with all phases that are there: forward, backward, then beside a joint cell(T)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar import progress
from ssbchar.errors import BadInput
from ssbchar.hexrd import pattern, presence, refine_frame, refine_joint, refine_result, refine_zero
from ssbchar.hexrd.options import Refinement
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_frame import Fit, Prior, Series, State
from ssbchar.hexrd.wavelength import scale_stderr

if TYPE_CHECKING:
    import xarray as xr

Fits = dict[int, Fit]

START_SIZE, START_MICRO = np.log(0.01), np.log(0.05)
"""Expected Lorentzian widths [log degree]: of size over 1/cos(theta), of strain over tan(theta)."""
WIDTH_FREEDOM = 1.5
"""Their prior standard deviation (of the log)."""
LEARNT = 12
"""Frames, those where the phase is strongest, from which its pattern is learnt."""
UNKNOWN_FREEDOM = 3.0
"""Freedom of the intensities of a phase known by its cell, before its pattern is learnt."""
CLEAR = 12.0
"""A phase this far above its error by misfit and serial correlation needs no further test."""
WEAKEST = 1e-3
"""Reflections below this share of a phase's strongest are not used, where atoms are known."""


def refine(patterns: xr.Dataset, furnace: xr.Dataset, phases: list[xr.Dataset], options: Refinement) -> xr.Dataset:
    """Return cells, intensities and residuals of all candidate phases in every frame.

    See docs/data-model.md, ``lattice.nc``.

    Parameters
    ----------
    patterns : Dataset
        From `ssbchar.hexrd.read.patterns`.
    furnace : Dataset
        From `ssbchar.hexrd.furnace.join`.
    phases : list of Dataset
        From `ssbchar.phases.reflections`.
    options : Refinement

    Raises
    ------
    BadInput
        No candidate phase, or no point in the range asked for.
    """
    frames = Frames(patterns, furnace, options)
    series = _series(frames, phases, options)
    start = _start(series, options, frames.x)
    priors = Priors(series, options, frames, phases)
    forward = explore(series, frames, priors, start, options, range(frames.count), "forward", {}, None)
    series = learnt(series, forward, options)
    priors = priors.joint(series, [forward], frames)
    last = forward[max(forward)].state if forward else start
    order = range(frames.count - 1, -1, -1)
    table = refine_result.empty(frames.count, len(series.phases), patterns.sizes["two_theta"])

    def keep(i: int, left: presence.Remainder, y: Array) -> None:
        refine_result.fill(table, frames, priors, left, i, y)

    backward = explore(series, frames, priors, last, options, order, "backward", forward, keep)
    series = learnt(series, {**forward, **backward}, options)
    after = priors.joint(series, [forward, backward], frames)
    refine_result.polish(table, series, frames, (priors, after), forward, backward, options)
    return refine_result.dataset(table, series, frames, after, options, phases, patterns)


class Frames:
    """The frames of a series: their points, weights, temperatures and whether they can be used."""

    def __init__(self, patterns: xr.Dataset, furnace: xr.Dataset, options: Refinement) -> None:
        axis = patterns["two_theta"].values.astype(float)
        self.inside = (axis >= options.two_theta_min) & (axis <= options.two_theta_max)
        if self.inside.sum() < 50:
            raise BadInput(
                "hexrd.refine", f"{self.inside.sum()} points between two_theta_min and two_theta_max",
                f"choose a range within {axis[0]:g} to {axis[-1]:g} degree",
            )  # fmt: skip
        self.x = axis[self.inside]
        self.wavelength = float(patterns["wavelength"])
        self.scale_stderr = scale_stderr(patterns)
        self._intensity, self._stderr = patterns["intensity"].values, patterns["intensity_stderr"].values
        self.count = patterns.sizes["frame"]
        status = patterns["status"].values if "status" in patterns else np.full(self.count, "ok")
        self.usable = np.asarray(status == "ok")
        temperature = furnace["temperature"].values.astype(float)
        known = np.flatnonzero(np.isfinite(temperature))
        every = np.arange(self.count)
        self.temperature = np.interp(every, known, temperature[known]) if known.size else np.full(self.count, 25.0)
        self.segment: NDArray[np.object_] = furnace["segment"].values.astype(object)

    def points(self, i: int) -> tuple[Array, Array]:
        """Return intensity and weight of a frame; points without either have no weight."""
        y = self._intensity[i][self.inside].astype(float)
        sigma = self._stderr[i][self.inside].astype(float)
        good = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0)
        return np.where(good, y, 0.0), np.where(good, 1 / np.where(good, sigma, 1.0) ** 2, 0.0)


def _series(frames: Frames, phases: list[xr.Dataset], options: Refinement) -> Series:
    if not phases:
        raise BadInput("hexrd.refine", "no candidate phase", "name phases in the sample sheet")
    half = np.radians([frames.x[0], frames.x[-1]]) / 2
    d_max, d_min = frames.wavelength / (2 * np.sin(np.maximum(half, 1e-3)))
    found, free = [], []
    for ds in phases:
        d = ds["d"].values
        multiplicity, squared = ds["multiplicity"].values.astype(float), ds["structure_factor_squared"].values
        known = bool(np.all(np.isfinite(squared)))
        strength = multiplicity * squared if known else multiplicity
        weight = strength * d**2
        kept = (d > 0.97 * d_min) & (d < 1.03 * d_max)
        if not kept.any():
            raise BadInput(
                f"phase {ds.attrs['phase']}", "none of its reflections lies in the range of the patterns",
                "widen hexrd.refine.two_theta_min/max, or lower hexrd.phases.d_min",
            )  # fmt: skip
        if known:
            kept &= weight > WEAKEST * weight[kept].max()
        hkl = np.stack([ds[name].values for name in "hkl"], axis=1).astype(float)[kept]
        cell, system = np.array(ds.attrs["cell"], float), str(ds.attrs["crystal_system"])
        refinable = bool(ds.attrs["refinable"])
        found.append(pattern.lattice(str(ds.attrs["phase"]), cell, system, hkl, strength[kept], known, refinable))
        fixed = options.mode == "rietveld" and refinable
        free.append(np.empty(0, np.int64) if fixed else _free(weight[kept], known, options))
    freedom = [options.intensity_freedom if p.known else UNKNOWN_FREEDOM for p in found]
    return Series(
        frames.x, frames.wavelength, tuple(found), pattern.splines(frames.x, options.background_terms),
        tuple(p.strength for p in found), tuple(free), np.array(freedom), options.reach,
    )  # fmt: skip


def _free(weight: Array, known: bool, options: Refinement) -> NDArray[np.int64]:
    """Return the reflections with an intensity of their own; all, where no atoms say what the weak ones have."""
    strongest = np.argsort(-weight, kind="stable")
    return np.sort(strongest[: options.free_reflections] if known else strongest)


def _start(series: Series, options: Refinement, x: Array) -> State:
    count = len(series.phases)
    gauss = options.gauss_fwhm or 5 * float(np.median(np.diff(x)))
    return State(
        options.zero_start, gauss, 0.0, np.zeros((count, 6)), np.full(count, START_SIZE), np.full(count, START_MICRO),
        np.full(count, np.nan), np.ones(count),
    )  # fmt: skip


class Priors:
    """Where each phase is expected in each frame."""

    def __init__(self, series: Series, options: Refinement, frames: Frames, phases: list[xr.Dataset]) -> None:
        self.options, self.temperature = options, frames.temperature
        count = len(series.phases)
        self.slope = np.zeros((count, 6))
        """d(strain)/dT of each phase [1/K]."""
        self.known = np.zeros(count, bool)
        """Phases that have a joint cell(T)."""
        self.strain = np.zeros((frames.count, count, 6))
        self.sigma = np.full((frames.count, count, 6), 2 * options.search)
        self.size, self.micro = np.full(count, START_SIZE), np.full(count, START_MICRO)
        self.width_sigma = WIDTH_FREEDOM
        self.zero = (options.zero_start, 0.0 if options.zero == "fixed" else 0.01)
        self.zero_error = 0.0
        self.gauss = (
            options.gauss_fwhm or 5 * float(np.median(np.diff(frames.x))),
            0.0 if options.gauss_fwhm else 0.03,
        )
        for p, (phase, ds) in enumerate(zip(series.phases, phases, strict=True)):
            self.slope[p, : phase.free] = phase.isotropic(np.array(1e-3 * options.expansion)) / 1e-3
            warming = frames.temperature - float(ds.attrs.get("temperature", 25.0))
            self.strain[:, p] = warming[:, None] * self.slope[p]

    def at(self, i: int, present: tuple[int, ...], near: dict[int, Array], loose: float | None) -> Prior:
        """Return the prior of frame `i`; `near` holds strains that neighbours suggest, `loose` their freedom."""
        mean, sigma = self.strain[i].copy(), self.sigma[i].copy()
        for p in present:
            if p in near and loose is not None:
                mean[p], sigma[p] = near[p], loose
        widths = np.full(len(self.size), self.width_sigma)
        b = (0.0, 2.0 if self.options.mode == "rietveld" else 0.0)
        return Prior(
            self.zero, self.gauss, b, (mean, sigma), (self.size, widths), (self.micro, widths), self.zero_error
        )

    def joint(self, series: Series, passes: list[Fits], frames: Frames) -> Priors:
        """Return priors from a smooth cell(T) of each phase, and one zero and instrument for the series."""
        new = object.__new__(Priors)
        new.__dict__ = {**self.__dict__, "strain": self.strain.copy(), "sigma": self.sigma.copy()}
        new.known = self.known.copy()
        fits = [f for found in passes for f in found.values()]
        if self.options.zero == "series" and fits:
            shared = refine_zero.shared((f.present, f.state.zero, f.zero_stderr) for f in fits)
            if shared is not None:
                new.zero, new.zero_error = (shared[0], 0.0), shared[1]
        if self.gauss[1] > 0 and fits:
            new.gauss = (float(np.median([f.state.gauss for f in fits])), 0.0)
        size, micro = self.size.copy(), self.micro.copy()
        for p, phase in enumerate(series.phases):
            table = _strains(passes, p, phase.free, frames.count)
            if table is None:
                continue
            values, stderr, strong = table
            courses = [
                refine_joint.smooth(frames.temperature, frames.segment, values[:, k], stderr[:, k], self.slope[p, k])
                for k in range(phase.free)
            ]
            if not all(np.all(np.isfinite(course)) for course, _ in courses):
                continue
            new.strain[:, p, : phase.free] = np.stack([course for course, _ in courses], axis=1)
            spread = np.stack([sigma for _, sigma in courses], axis=1)
            new.sigma[:, p, : phase.free] = np.hypot(spread, 2 * self.options.cell_prior)
            new.known[p] = True
            size[p] = np.median([f.state.size[p] for f in strong])
            micro[p] = np.median([f.state.micro[p] for f in strong])
        new.size, new.micro = size, micro
        return new


def _strains(passes: list[Fits], p: int, free: int, count: int) -> tuple[Array, Array, list[Fit]] | None:
    """Return strains and errors of a phase where it is well above its noise, the mean of the passes."""
    values, stderr = np.full((count, free), np.nan), np.full((count, free), np.nan)
    strong: list[Fit] = []
    for i in range(count):
        rows = [f for f in (found.get(i) for found in passes) if f is not None and p in f.present and f.converged]
        rows = [f for f in rows if significance(f, p) > 8]
        if rows:
            strong += rows
            values[i] = np.mean([f.state.strain[p, :free] for f in rows], axis=0)
            variance = [np.diagonal(f.strain_covariance[f.present.index(p)]) for f in rows]
            stderr[i] = np.sqrt(np.mean(variance, axis=0))
    return (values, stderr, strong) if strong else None


def significance(fit: Fit, p: int) -> float:
    """Return a phase's intensity over its corrected standard error."""
    i = fit.present.index(p)
    return float(fit.intensity[i] / fit.intensity_stderr[i]) if fit.intensity_stderr[i] > 0 else 0.0


def learnt(series: Series, fits: Fits, options: Refinement) -> Series:
    """Return the series with each free phase's pattern as measured where it is strongest."""
    patterns, free, freedom = list(series.pattern), list(series.free), series.freedom.copy()
    for p, phase in enumerate(series.phases):
        if not series.free[p].size:
            continue
        rows = [f for f in fits.values() if p in f.present and significance(f, p) > 15]
        rows = sorted(rows, key=lambda f: -significance(f, p))[:LEARNT]
        if len(rows) < 3:
            continue
        total = np.zeros(len(phase.form))
        for f in rows:
            angle, _ = pattern.two_theta(
                phase.form, phase.metric_at(f.state.strain[p, : phase.free]), series.wavelength
            )
            share = f.shares[f.present.index(p)] / pattern.lorentz_factor(angle)
            total += share / share.sum()
        patterns[p] = total / len(rows) + 1e-6 * total.sum() / len(rows) / total.size
        weight = patterns[p] * pattern.lorentz_factor(angle)
        free[p] = _free(weight, phase.known, options)
        freedom[p] = options.intensity_freedom
    return replace(series, pattern=tuple(patterns), free=tuple(free), freedom=freedom)


def explore(
    series: Series, frames: Frames, priors: Priors, state: State, options: Refinement,
    order: range, name: str, other: Fits, keep: Callable[[int, presence.Remainder, Array], None] | None,
) -> Fits:  # fmt: skip
    """Return the fits of all frames in one direction; phases enter and leave by their significance.

    A frame starts from the one before. Of the phases not in the model the one that explains most joins, if it is above
    `enter` standard errors, until there is none; then those below `leave` go.
    """
    fits: Fits = {}
    present: tuple[int, ...] = ()
    before = order[0]
    for i in progress.steps(list(order), f"refine {name}"):
        if not frames.usable[i]:
            continue
        y, weight = frames.points(i)
        near = {p: state.strain[p] + priors.strain[i, p] - priors.strain[before, p] for p in present}
        state = replace(state, strain=_placed(state.strain, near))
        if other.get(i) is not None and not fits:
            present = other[i].present
            near = {p: state.strain[p] for p in present}
        fit = _one(series, frames, priors, state, options, i, y, weight, present, near)
        if keep is not None:
            keep(i, presence.remainder(series, fit, y, weight), y)
        fits[i] = refine_frame.slim(fit)
        state, present, before = fit.state, fit.present, i
    return fits


def _placed(strain: Array, near: dict[int, Array]) -> Array:
    out = strain.copy()
    for p, value in near.items():
        out[p] = value
    return out


def _one(
    series: Series, frames: Frames, priors: Priors, state: State, options: Refinement,
    i: int, y: Array, weight: Array, present: tuple[int, ...], near: dict[int, Array],
) -> Fit:  # fmt: skip
    """Return one frame of a pass: refined, weak phases dropped, new ones added."""
    near, gone = dict(near), set[int]()
    while True:
        prior = priors.at(i, present, near, options.search / 2)
        fit = refine_frame.refine(series, y, weight, state, present, prior, options.iterations, options.tolerance)
        state = fit.state
        if len(present) == len(series.phases) and all(significance(fit, p) >= CLEAR for p in present):
            return fit
        left = presence.remainder(series, fit, y, weight)
        found = _newcomer(priors, options, left, i, gone)
        if found is not None:
            p, strain = found
            present = tuple(sorted((*present, p)))
            near[p] = np.pad(strain, (0, 6 - strain.size))
            state = _reset(replace(state, strain=_placed(state.strain, {p: near[p]})), p, priors)
            continue
        worst = _weakest(left, options)
        if worst is None:
            return fit
        gone.add(worst)
        present = tuple(p for p in present if p != worst)
        state = _reset(state, worst, priors)


def _weakest(left: presence.Remainder, options: Refinement) -> int | None:
    """Return the weakest phase below `leave` standard errors, if there is one."""
    found, fit = [], left.fit
    for i, p in enumerate(fit.present):
        if significance(fit, p) < CLEAR:
            error = presence.stderr(left, p)
            ratio = fit.intensity[i] / error if error > 0 else 0.0
            if ratio < options.leave:
                found.append((ratio, p))
    return min(found)[1] if found else None


def _reset(state: State, p: int, priors: Priors) -> State:
    """Return the state with a phase's amount unknown and its widths as expected."""
    amount, size, micro = np.full_like(state.amount, np.nan), state.size.copy(), state.micro.copy()
    size[p], micro[p] = priors.size[p], priors.micro[p]
    return replace(state, amount=amount, size=size, micro=micro)


def _newcomer(
    priors: Priors, options: Refinement, left: presence.Remainder, i: int, gone: set[int]
) -> tuple[int, Array] | None:
    """Return the phase that explains most of the residual, of those clear of chance, and its trial cell."""
    series, fit = left.series, left.fit
    best: tuple[float, int, Array] | None = None
    for p, phase in enumerate(series.phases):
        if p in fit.present or p in gone:
            continue
        expected = priors.strain[i, p, : phase.free]
        step = 0.3 * fit.state.gauss / max(series.x[-1] * 0.5, 1e-3)
        cells = presence.trials(phase, expected, 0.0 if priors.known[p] else options.search, step)
        trace = presence.trace(left, p, cells, options.enter if fit.present else 0.0)
        if trace is None:
            continue
        k = int(np.argmax(trace.gain))
        clear = trace.intensity[k] > options.enter * trace.stderr[k] or not fit.present
        if clear and (best is None or trace.gain[k] > best[0]):
            best = (float(trace.gain[k]), p, cells[k])
    return None if best is None else (best[1], best[2])
