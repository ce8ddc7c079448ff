"""What a refinement takes in: the frames of a series and the reflections of its candidate
phases."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import get_length_scale_stderr
from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.refinement.frame.background import build_background_splines
from ssbchar.hexrd.refinement.frame.lattice import Lattice, build_lattice
from ssbchar.hexrd.refinement.frame.lines import (
    BRAGG_BRENTANO,
    FLAT_DETECTOR,
    MOST_ANISOTROPY,
    SCANNING_DETECTOR,
)
from ssbchar.hexrd.refinement.frame.parameters import FrameParameters
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.laboratory import find_emission, transmission_of_capillary
from ssbchar.hexrd.refinement.options import Instrument, Refinement
from ssbchar.storage.lazy_rows import RowReader
from ssbchar.storage.row_file import RowFile, split_rows
from ssbchar.typing import Array, Bool, Index

if TYPE_CHECKING:
    import xarray as xr

START_LOG_SIZE_WIDTH = np.log(0.01)
"""Expected Lorentzian width of size over 1/cos(theta) [log degree]."""
START_LOG_STRAIN_WIDTH = np.log(0.05)
"""Expected Lorentzian width of microstrain over tan(theta) [log degree]."""
START_GAUSS_POINTS = 5
"""Expected Gaussian width of the instrument [points of the axis]."""
UNKNOWN_FREEDOM = 3.0
"""Relative freedom of the intensities of a phase known by its cell, before its pattern is
learnt."""
UNLEARNT_FREE = 400
"""Most free reflections of a phase that has the pattern of its structure, which is never quite that
of the sample: cells follow what the others lack."""
WEAKEST = 1e-3
"""Reflections below this share of a phase's strongest are not used, where atoms are known."""
FEWEST_POINTS = 50
"""Points in the fitted range below which there is nothing to refine."""
ROOM_TEMPERATURE = 25.0
"""Temperature of frames without any [degC]."""
GEOMETRIES: dict[Instrument, int] = {
    "flat_detector": FLAT_DETECTOR,
    "bragg_brentano": BRAGG_BRENTANO,
    "scanning_detector": SCANNING_DETECTOR,
}
"""How ``lines`` names the instruments."""
CURVES = ("calculated", "background", "residual")
"""What is kept of each fitted frame at every point."""


class Frames:
    """The frames of a series: their points, weights, temperatures and whether they can be used."""

    def __init__(self, patterns: xr.Dataset, furnace: xr.Dataset, options: Refinement) -> None:
        axis = patterns["two_theta"].values.astype(float)
        self.inside: Bool = (axis >= options.two_theta_min) & (axis <= options.two_theta_max)
        """Points of the patterns that are fitted, shape (two_theta,)."""
        if self.inside.sum() < FEWEST_POINTS:
            raise BadInput(
                "hexrd.refine",
                f"{self.inside.sum()} points between two_theta_min and two_theta_max",
                f"choose a range within {axis[0]:g} to {axis[-1]:g} degree",
            )
        self.two_theta: Array = axis[self.inside]
        """Fitted points [degree], shape (points,)."""
        self.wavelength = float(patterns["wavelength"])
        """[angstrom]."""
        self.length_scale_stderr = get_length_scale_stderr(patterns)
        """Relative error that all lengths share [1]."""
        self._intensity = RowReader(patterns["intensity"])
        self._stderr = RowReader(patterns["intensity_stderr"])
        self.count: int = patterns.sizes["frame"]
        """Number of frames."""
        self.curves = {name: RowFile((self.count, axis.size), np.float32) for name in CURVES}
        """`CURVES` of each frame [counts], on disk: every process writes its own frames."""
        for part in split_rows((self.count, axis.size)):
            for curve in self.curves.values():
                curve[part] = np.nan
        self.usable: Bool = np.ones(self.count, bool)
        """Whether a frame has a pattern, shape (frame,)."""
        if "status" in patterns:
            self.usable = np.asarray(patterns["status"].values == FrameStatus.OK)
        self.temperature = _fill_temperatures(furnace["temperature"].values.astype(float))
        """[degC], finite, shape (frame,)."""
        self.segment: NDArray[np.object_] = furnace["segment"].values.astype(object)
        """heating, hold or cooling, shape (frame,)."""

    def read_pattern(self, i: int) -> FramePattern:
        """Return the fitted points of frame `i` [counts], shape (points,); those without intensity
        or error have no weight."""
        y = self._intensity[i][self.inside].astype(float)
        sigma = self._stderr[i][self.inside].astype(float)
        good = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0)
        weight = np.where(good, 1 / np.where(good, sigma, 1.0) ** 2, 0.0)
        return FramePattern(intensity=np.where(good, y, 0.0), weight=weight)

    def store_curves(self, i: int, calculated: Array, background: Array, observed: Array) -> None:
        """Store the curves of frame `i` [counts], each of shape (points,)."""
        curves = (calculated, background, observed - calculated)
        for name, values in zip(CURVES, curves, strict=True):
            row = np.full(self.inside.size, np.nan, np.float32)
            row[self.inside] = values
            self.curves[name][i] = row


def _fill_temperatures(temperature: Array) -> Array:
    """Return the temperatures [degC], those of frames without one interpolated along the
    frames."""
    known = np.flatnonzero(np.isfinite(temperature))
    if not known.size:
        return np.full(temperature.size, ROOM_TEMPERATURE)
    return np.interp(np.arange(temperature.size), known, temperature[known])


def build_series_model(
    frames: Frames, phases: list[xr.Dataset], options: Refinement
) -> SeriesModel:
    """Return axis, phases, reflections and background terms that all frames share.

    Parameters
    ----------
    frames : Frames
    phases : list of Dataset
        From `ssbchar.crystal.tabulate_reflections`, with d spacings in angstrom, shape
        (reflection,).
    options : Refinement

    Raises
    ------
    BadInput
        No candidate phase, or one without a reflection in the range.
    """
    if not phases:
        raise BadInput("hexrd.refine", "no candidate phase", "name phases in the sample sheet")
    lattices, free_reflections = [], []
    for phase in phases:
        lattice, weight = _select_reflections(frames, phase, options)
        follows_structure = options.follows_structures and lattice.refinable
        free = select_free_reflections(weight, lattice.has_atoms, free_more(options))
        lattices.append(lattice)
        free_reflections.append(free[:0] if follows_structure else free)
    freedom = [options.intensity_freedom if p.has_atoms else UNKNOWN_FREEDOM for p in lattices]
    return SeriesModel(
        two_theta=frames.two_theta,
        wavelength=frames.wavelength,
        phases=tuple(lattices),
        background_terms=build_background_splines(frames.two_theta, options.background_terms),
        strength=tuple(p.strength for p in lattices),
        free_reflections=tuple(free_reflections),
        intensity_freedom=np.array(freedom),
        reach=options.reach,
        emission=find_emission(frames.wavelength),
        geometry=GEOMETRIES[options.instrument],
    )


def _select_reflections(
    frames: Frames, phase: xr.Dataset, options: Refinement
) -> tuple[Lattice, Array]:
    """Return a phase with its reflections in and near the fitted range, and their expected
    intensities m |F|^2 d^2 (any scale)."""
    # cells change with temperature: 3 % beyond the range may come into it
    theta = np.radians([frames.two_theta[0], frames.two_theta[-1]]) / 2
    d_max, d_min = frames.wavelength / (2 * np.sin(np.maximum(theta, 1e-3)))
    d = phase["d"].values
    kept = (d > 0.97 * d_min) & (d < 1.03 * d_max)
    if not kept.any():
        raise BadInput(
            f"phase {phase.attrs['phase']}",
            "none of its reflections lies in the range of the patterns",
            "widen hexrd.refine.two_theta_min/max, or lower hexrd.phases.d_min",
        )
    multiplicity = phase["multiplicity"].values.astype(float)
    structure_factor_squared = phase["structure_factor_squared"].values
    has_atoms = bool(np.all(np.isfinite(structure_factor_squared)))
    strength = multiplicity * structure_factor_squared if has_atoms else multiplicity
    if options.capillary_absorption:
        sine = np.minimum(frames.wavelength / (2 * d), 1.0)
        strength = strength * transmission_of_capillary(options.capillary_absorption, sine)
    weight = strength * d**2
    if has_atoms:
        kept &= weight > WEAKEST * weight[kept].max()
    hkl = np.stack([phase[index].values for index in "hkl"], axis=1).astype(float)
    name = str(phase.attrs["phase"])
    operations = json.loads(phase.attrs.get("laue_operations", "null"))
    axis = options.texture_axes.get(name)
    lattice = build_lattice(
        name,
        cell=np.array(phase.attrs["cell"], float),
        system=str(phase.attrs["crystal_system"]),
        hkl=hkl[kept],
        strength=strength[kept],
        has_atoms=has_atoms,
        refinable=bool(phase.attrs["refinable"]),
        rotations=None if operations is None else np.array(operations, float),
        texture_axis=None if axis is None else np.array(axis, float),
    )
    return lattice, weight[kept]


def free_more(options: Refinement) -> Refinement:
    """Return the options with up to `UNLEARNT_FREE` free reflections: those of a phase whose
    pattern is not learnt yet, or cannot be from so few frames.

    Parameters
    ----------
    options : Refinement
    """
    return replace(options, free_reflections=max(options.free_reflections, UNLEARNT_FREE))


def select_free_reflections(weight: Array, has_atoms: bool, options: Refinement) -> Index:
    """Return the reflections with an intensity of their own, ascending.

    Parameters
    ----------
    weight : ndarray, shape (reflection,)
        Expected intensities, in any unit.
    has_atoms : bool
        Where false, nothing says how weak the weak ones are: all are free.
    options : Refinement
        Its `free_reflections` is the number of the strongest that are taken.

    Returns
    -------
    ndarray of int, shape (free,)
    """
    # stable, so that equal reflections are chosen alike on every machine
    strongest = np.argsort(-weight, kind="stable")
    return np.sort(strongest[: options.free_reflections] if has_atoms else strongest)


def expect_gauss_fwhm(frames: Frames, options: Refinement) -> float:
    """Return the instrument's Gaussian width to start from [degree], a float."""
    step = float(np.median(np.diff(frames.two_theta)))
    return options.gauss_fwhm or START_GAUSS_POINTS * step


def choose_start(series: SeriesModel, frames: Frames, options: Refinement) -> FrameParameters:
    """Return the parameters from which the first frame starts: angles in degree, arrays of shape
    (phase, ...), amounts unknown."""
    count = len(series.phases)
    return FrameParameters(
        zero=options.zero_start,
        gauss_fwhm=expect_gauss_fwhm(frames, options),
        overall_b=np.zeros(count),
        strain=np.zeros((count, 6)),
        log_size_width=np.full(count, START_LOG_SIZE_WIDTH),
        log_strain_width=np.full(count, START_LOG_STRAIN_WIDTH),
        amount=np.full(count, np.nan),
        inflation=np.ones(count),
        log_texture=np.zeros(count),
        anisotropy=np.zeros((count, MOST_ANISOTROPY)),
    )
