"""Where each phase is expected in each frame: from the literature first, then from the series itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd import refine_joint, refine_zero
from ssbchar.hexrd.options import Refinement
from ssbchar.hexrd.pattern import Array
from ssbchar.hexrd.refine_series import START_MICRO, START_SIZE, Frames
from ssbchar.hexrd.refine_state import Fit, Fits, Prior, Series, significance

if TYPE_CHECKING:
    import xarray as xr


WIDTH_FREEDOM = 1.5
"""Their prior standard deviation (of the log)."""


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
