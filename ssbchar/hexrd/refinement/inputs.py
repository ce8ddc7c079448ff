"""What a refinement takes in: the frames of a series and the reflections of its candidate
phases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import get_length_scale_stderr
from ssbchar.hexrd.refinement import profile_model
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.state import Series, State
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.row_file import RowFile, split_rows
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr


START_SIZE, START_MICRO = np.log(0.01), np.log(0.05)
"""Expected Lorentzian widths [log degree]: of size over 1/cos(theta), of strain over tan(theta)."""


UNKNOWN_FREEDOM = 3.0
"""Freedom of the intensities of a phase known by its cell, before its pattern is learnt."""


WEAKEST = 1e-3
"""Reflections below this share of a phase's strongest are not used, where atoms are known."""


CURVES = ("calculated", "background", "residual")
"""What is kept of each fitted frame at every point, in the order of the result."""


class Frames:
    """The frames of a series: their points, weights, temperatures and whether they can be used."""

    def __init__(self, patterns: xr.Dataset, furnace: xr.Dataset, options: Refinement) -> None:
        axis = patterns["two_theta"].values.astype(float)
        self.inside = (axis >= options.two_theta_min) & (axis <= options.two_theta_max)
        if self.inside.sum() < 50:
            raise BadInput(
                "hexrd.refine",
                f"{self.inside.sum()} points between two_theta_min and two_theta_max",
                f"choose a range within {axis[0]:g} to {axis[-1]:g} degree",
            )
        self.x = axis[self.inside]
        self.wavelength = float(patterns["wavelength"])
        self.length_scale_stderr = get_length_scale_stderr(patterns)
        self._intensity, self._stderr = (
            RowReader(patterns["intensity"]),
            RowReader(patterns["intensity_stderr"]),
        )
        self.count = patterns.sizes["frame"]
        self.curves = {name: RowFile((self.count, axis.size), np.float32) for name in CURVES}
        """What is calculated of each frame, on disk: every process writes its own frames."""
        for part in split_rows((self.count, axis.size)):
            for curve in self.curves.values():
                curve[part] = np.nan
        status = patterns["status"].values if "status" in patterns else np.full(self.count, "ok")
        self.usable = np.asarray(status == "ok")
        temperature = furnace["temperature"].values.astype(float)
        known = np.flatnonzero(np.isfinite(temperature))
        every = np.arange(self.count)
        self.temperature = (
            np.interp(every, known, temperature[known]) if known.size else np.full(self.count, 25.0)
        )
        self.segment: NDArray[np.object_] = furnace["segment"].values.astype(object)

    def keep(self, i: int, calculated: Array, background: Array, y: Array) -> None:
        """Put away the curves of a fitted frame, given at the points inside the range."""
        for name, values in zip(CURVES, (calculated, background, y - calculated), strict=True):
            row = np.full(self.inside.size, np.nan, np.float32)
            row[self.inside] = values
            self.curves[name][i] = row

    def points(self, i: int) -> tuple[Array, Array]:
        """Return intensity and weight of a frame; points without either have no weight."""
        y = self._intensity[i][self.inside].astype(float)
        sigma = self._stderr[i][self.inside].astype(float)
        good = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0)
        return np.where(good, y, 0.0), np.where(good, 1 / np.where(good, sigma, 1.0) ** 2, 0.0)


def series_of(frames: Frames, phases: list[xr.Dataset], options: Refinement) -> Series:
    """Return the axis, phases, reflections and background terms that all frames share.

    Raises
    ------
    BadInput
        No candidate phase, or one without a reflection in the range.
    """
    if not phases:
        raise BadInput("hexrd.refine", "no candidate phase", "name phases in the sample sheet")
    half = np.radians([frames.x[0], frames.x[-1]]) / 2
    d_max, d_min = frames.wavelength / (2 * np.sin(np.maximum(half, 1e-3)))
    found, free = [], []
    for ds in phases:
        d = ds["d"].values
        multiplicity, squared = (
            ds["multiplicity"].values.astype(float),
            ds["structure_factor_squared"].values,
        )
        known = bool(np.all(np.isfinite(squared)))
        strength = multiplicity * squared if known else multiplicity
        weight = strength * d**2
        kept = (d > 0.97 * d_min) & (d < 1.03 * d_max)
        if not kept.any():
            raise BadInput(
                f"phase {ds.attrs['phase']}",
                "none of its reflections lies in the range of the patterns",
                "widen hexrd.refine.two_theta_min/max, or lower hexrd.phases.d_min",
            )
        if known:
            kept &= weight > WEAKEST * weight[kept].max()
        hkl = np.stack([ds[name].values for name in "hkl"], axis=1).astype(float)[kept]
        cell, system = np.array(ds.attrs["cell"], float), str(ds.attrs["crystal_system"])
        refinable = bool(ds.attrs["refinable"])
        found.append(
            profile_model.lattice(
                str(ds.attrs["phase"]), cell, system, hkl, strength[kept], known, refinable
            )
        )
        fixed = options.mode == "rietveld" and refinable
        free.append(
            np.empty(0, np.int64) if fixed else free_reflections(weight[kept], known, options)
        )
    freedom = [options.intensity_freedom if p.known else UNKNOWN_FREEDOM for p in found]
    return Series(
        frames.x,
        frames.wavelength,
        tuple(found),
        profile_model.splines(frames.x, options.background_terms),
        tuple(p.strength for p in found),
        tuple(free),
        np.array(freedom),
        options.reach,
    )


def free_reflections(weight: Array, known: bool, options: Refinement) -> NDArray[np.int64]:
    """Return the reflections with an intensity of their own; all, where no atoms say what the weak
    ones have."""
    strongest = np.argsort(-weight, kind="stable")
    return np.sort(strongest[: options.free_reflections] if known else strongest)


def start_of(series: Series, options: Refinement, x: Array) -> State:
    """Return the state from which the first frame starts."""
    count = len(series.phases)
    gauss = options.gauss_fwhm or 5 * float(np.median(np.diff(x)))
    return State(
        options.zero_start,
        gauss,
        0.0,
        np.zeros((count, 6)),
        np.full(count, START_SIZE),
        np.full(count, START_MICRO),
        np.full(count, np.nan),
        np.ones(count),
    )
