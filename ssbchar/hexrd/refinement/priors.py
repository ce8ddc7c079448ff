"""Where each phase is expected in each frame: from the literature first, then from the series
itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.refinement import frame, smooth_cell, zero_shift
from ssbchar.hexrd.refinement.inputs import START_MICRO, START_SIZE, Frames
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.state import Fits, Prior, Series, significance, slim
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


WIDTH_FREEDOM, B_FREEDOM = 1.5, 3.0
"""Prior standard deviations of the log of a width, and of a displacement factor [angstrom^2]."""

WIDTH_KNOWN = 0.5
"""The same for widths learnt from the series, about their smooth course."""

SHARP = 0.25
"""Quantile of the frames' Gaussian widths that is the instrument's: the phases of the others add
their own."""

LEARNING = {"pawley": 12, "rietveld": 96}
"""Frames of each phase from which widths and displacement factors are learnt; `rietveld` then holds
them."""

CLEAR = 5.0
"""A cell counts for cell(T) where its phase is so many standard errors above nothing."""


class Priors:
    """Where each phase is expected in each frame."""

    def __init__(
        self, series: Series, options: Refinement, frames: Frames, phases: list[xr.Dataset]
    ) -> None:
        self.options, self.temperature = options, frames.temperature
        count = len(series.phases)
        self.slope = np.zeros((count, 6))
        """d(strain)/dT of each phase [1/K]."""
        self.known = np.zeros(count, bool)
        """Phases that have a joint cell(T)."""
        self.strain = np.zeros((frames.count, count, 6))
        self.sigma = np.full((frames.count, count, 6), 2 * options.search)
        self.size, self.micro = np.full(count, START_SIZE), np.full(count, START_MICRO)
        self.own = np.zeros((frames.count, count, 3))
        """Log widths of size and of strain and displacement factor of each phase in each frame."""
        self.own[:, :, 0], self.own[:, :, 1] = START_SIZE, START_MICRO
        fixed = np.array([options.mode == "rietveld" and p.refinable for p in series.phases])
        self.own_sigma = np.stack(
            [np.full(count, WIDTH_FREEDOM)] * 2 + [np.where(fixed, B_FREEDOM, 0.0)], axis=1
        )
        """Their prior standard deviations, shape (phase, 3)."""
        self.own_free = self.own_sigma
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

    def at(
        self, i: int, present: tuple[int, ...], near: dict[int, Array], loose: float | None
    ) -> Prior:
        """Return the prior of frame `i`; `near` holds strains that neighbours suggest, `loose`
        their freedom."""
        mean, sigma = self.strain[i].copy(), self.sigma[i].copy()
        for p in present:
            if p in near and loose is not None:
                mean[p], sigma[p] = near[p], loose
        size, micro, b = ((self.own[i, :, k], self.own_sigma[:, k]) for k in range(3))
        return Prior(self.zero, self.gauss, b, (mean, sigma), size, micro, self.zero_error)

    def free(self, i: int, present: tuple[int, ...], near: dict[int, Array]) -> Prior:
        """Return the prior of frame `i` in which all widths and displacement factors are free."""
        prior = self.at(i, present, near, self.options.cell_prior)
        sigma = self.own_free.T
        return replace(
            prior,
            easy=True,
            size=(prior.size[0], sigma[0]),
            micro=(prior.micro[0], sigma[1]),
            overall_b=(prior.overall_b[0], sigma[2]),
        )

    def joint(self, series: Series, passes: list[Fits], frames: Frames) -> Priors:
        """Return priors from a smooth cell(T) of each phase, and one zero and instrument for the
        series."""
        new = object.__new__(Priors)
        new.__dict__ = {**self.__dict__, "strain": self.strain.copy(), "sigma": self.sigma.copy()}
        new.known, new.own = self.known.copy(), self.own.copy()
        new.size, new.micro = self.size.copy(), self.micro.copy()
        fits = [f for found in passes for f in found.values()]
        if self.options.zero == "series" and fits:
            shared = zero_shift.shared(
                (
                    f.present,
                    f.state.zero,
                    f.zero_stderr,
                    float(np.median(f.state.inflation[list(f.present)])),
                )
                for f in fits
                if f.present
            )
            if shared is not None:
                new.zero, new.zero_error = (shared[0], 0.0), shared[1]
        for p, phase in enumerate(series.phases):
            table = _strains(passes, p, phase.free, frames.count)
            if table is not None:
                new._course(p, phase.free, table[0], table[1], frames)
        if len(passes) == 1 or self.options.mode == "rietveld":
            new.learnt(series, _free(series, passes[-1], new, frames, self.options), frames)
        known = 0.0 if self.options.mode == "rietveld" else WIDTH_KNOWN
        new.own_sigma = np.where(self.own_free > 0, known, 0.0)
        return new

    def _course(self, p: int, free: int, values: Array, stderr: Array, frames: Frames) -> None:
        """Set the smooth cell(T) of a phase from its strains and their errors."""
        usual = float(np.max(np.abs(self.slope[p, :free])))
        courses = [
            smooth_cell.smooth(
                frames.temperature,
                frames.segment,
                values[:, k],
                stderr[:, k],
                self.slope[p, k],
                usual,
            )
            for k in range(free)
        ]
        if not all(np.all(np.isfinite(course)) for course, _ in courses):
            return
        self.strain[:, p, :free] = np.stack([course for course, _ in courses], axis=1)
        spread = np.stack([sigma for _, sigma in courses], axis=1)
        self.sigma[:, p, :free] = np.hypot(spread, 2 * self.options.cell_prior)
        self.known[p] = True

    def learnt(self, series: Series, found: Fits, frames: Frames) -> None:
        """Set instrument, widths and displacement factors from fits in which they are free, as
        smooth courses."""
        if not found:
            return
        if self.gauss[1] > 0:
            self.gauss = (float(np.quantile([f.state.gauss for f in found.values()], SHARP)), 0.0)
        for p in range(len(series.phases)):
            values = np.full((frames.count, 3), np.nan)
            for i, f in found.items():
                if p in f.present and significance(f, p) > CLEAR:
                    values[i] = f.state.size[p], f.state.micro[p], np.asarray(f.state.overall_b)[p]
            seen = np.isfinite(values[:, 0])
            if not seen.any():
                continue
            middle = np.median(values[seen], axis=0)
            self.size[p], self.micro[p] = middle[0], middle[1]
            for k in range(3):
                course, _ = smooth_cell.smooth(
                    frames.temperature,
                    frames.segment,
                    values[:, k],
                    np.where(seen, 0.1, np.nan),
                    0.0,
                )
                self.own[:, p, k] = np.where(np.isfinite(course), course, middle[k])


def _free(series: Series, fits: Fits, priors: Priors, frames: Frames, options: Refinement) -> Fits:
    """Return some frames of a pass refined again with all widths and displacement factors free."""
    some: set[int] = set()
    for p in range(len(series.phases)):
        there = [i for i in sorted(fits) if p in fits[i].present]
        some |= {
            there[k]
            for k in np.linspace(0, len(there) - 1, min(LEARNING[options.mode], len(there))).astype(
                int
            )
        }
    found: Fits = {}
    for i in sorted(some):
        start = fits[i]
        near = {p: start.state.strain[p] for p in start.present}
        prior = priors.free(i, start.present, near)
        if not options.gauss_fwhm:
            prior = replace(prior, gauss=(start.state.gauss, 0.03))
        y, weight = frames.points(i)
        fit = frame.refine(
            series,
            y,
            weight,
            start.state,
            start.present,
            prior,
            2 * options.iterations,
            options.tolerance,
        )
        found[i] = slim(fit)
    return found


def _strains(passes: list[Fits], p: int, free: int, count: int) -> tuple[Array, Array] | None:
    """Return strains and errors of a phase where it is well above its noise, the mean of the
    passes."""
    values, stderr = np.full((count, free), np.nan), np.full((count, free), np.nan)
    for i in range(count):
        rows = [
            f
            for f in (found.get(i) for found in passes)
            if f is not None and p in f.present and f.converged
        ]
        rows = [f for f in rows if significance(f, p) > CLEAR]
        if rows:
            values[i] = np.mean([f.state.strain[p, :free] for f in rows], axis=0)
            variance = [np.diagonal(f.strain_covariance[f.present.index(p)]) for f in rows]
            stderr[i] = np.sqrt(np.mean(variance, axis=0))
    return (values, stderr) if np.isfinite(values).any() else None
