"""A series followed while it is measured: each frame is refined once, from the one before it.

It is the forward pass of a refinement (`ssbchar.hexrd.refinement.frame_pass`), one frame at a time.
What a refinement learns from the whole series (one zero, the instrument's width, patterns, a smooth
cell(T)) is not known yet: the zero is free in every frame, and cells are a little less precise.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.hexrd.refinement.dataset import estimate_volumes
from ssbchar.hexrd.refinement.find_start import find_start
from ssbchar.hexrd.refinement.frame.fit import FrameFit
from ssbchar.hexrd.refinement.frame.parameters import (
    FrameParameters,
    GaussianPrior,
    replace_entry,
)
from ssbchar.hexrd.refinement.frame.series import FramePattern, SeriesModel
from ssbchar.hexrd.refinement.frame_pass import (
    SETTLED_FRAMES,
    PassSetup,
    refine_from_neighbour,
)
from ssbchar.hexrd.refinement.inputs import Frames, build_series_model, choose_start
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.hexrd.refinement.phase_detection import prepare_residual
from ssbchar.hexrd.refinement.result_table import create_table, record_fit, write_cells
from ssbchar.hexrd.refinement.series_priors import SeriesPriors, expect_from_literature
from ssbchar.typing import Array, Bool

if TYPE_CHECKING:
    import xarray as xr


WORSE = 1.5
"""Goodness of fit in that of the frame before from which a frame is also refined from the cells of
the literature."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where in a series the next frame starts."""

    parameters: FrameParameters
    """Of the frame before."""
    present: tuple[int, ...]
    """Phases of the frame before."""
    temperature: float
    """Of the last frame that has one [degC]; NaN where none has."""
    is_current: bool
    """Whether that is the frame before."""
    moved: Array
    """How far from the literature phases are expected, strains [1], shape (phase, 6)."""
    zero: float
    """Zero that is expected [degree]."""
    frames: int
    """Frames refined so far."""

    def as_plain(self) -> dict[str, Any]:
        """Return it as plain data for a file, numbers to the last digit."""
        parameters = {
            field.name: np.asarray(getattr(self.parameters, field.name)).tolist()
            for field in fields(FrameParameters)
        }
        return {
            "parameters": parameters,
            "present": list(self.present),
            "temperature": self.temperature,
            "is_current": self.is_current,
            "moved": self.moved.tolist(),
            "zero": self.zero,
            "frames": self.frames,
        }


def read_place(plain: dict[str, Any]) -> Place:
    """Return a place from what `Place.as_plain` made of it."""
    values: dict[str, Any] = {
        name: np.asarray(value, float) if isinstance(value, list) else value
        for name, value in plain["parameters"].items()
    }
    return Place(
        parameters=FrameParameters(**values),
        present=tuple(plain["present"]),
        temperature=plain["temperature"],
        is_current=plain["is_current"],
        moved=np.asarray(plain["moved"], float),
        zero=plain["zero"],
        frames=plain["frames"],
    )


@dataclass(frozen=True, kw_only=True)
class FollowedFrame:
    """A frame as it was refined, arrays over all candidate phases."""

    present: Bool
    """Shape (phase,)."""
    cell: Array
    """[angstrom, degree], shape (phase, 6); NaN for phases that are not there, and for all where
    the frame has not converged."""
    cell_stderr: Array
    volume: Array
    """[angstrom^3], shape (phase,)."""
    volume_stderr: Array
    intensity: Array
    """[counts degree], shape (phase,)."""
    intensity_stderr: Array
    rwp: float
    """[percent]"""
    gof: float
    converged: bool
    two_theta: Array
    """Fitted points [degree], shape (points,)."""
    observed: Array
    """[counts], shape (points,)."""
    calculated: Array
    background: Array


class SeriesFollower:
    """Refines the frames of one series in the order they come."""

    def __init__(
        self, phases: list[xr.Dataset], options: Refinement, place: Place | None = None
    ) -> None:
        """Begin a series, or go on with one.

        Parameters
        ----------
        phases : list of Dataset
            From `ssbchar.crystal.tabulate_reflections`.
        options : Refinement
        place : Place, optional
            Where a series stands that is gone on with.
        """
        self._phases, self._options = phases, options
        self.place = place
        """Where the next frame starts; None before the first."""
        self._model: SeriesModel | None = None

    def refine(self, patterns: xr.Dataset, temperature: Array) -> list[FollowedFrame | None]:
        """Return the frames of a file, refined; None for one that cannot be used.

        Parameters
        ----------
        patterns : Dataset
            From `ssbchar.hexrd.patterns.read_patterns`; of one series, on one axis.
        temperature : ndarray, shape (frame,)
            [degC]; NaN where it is not known (yet): that of the frame before stands for it.

        Raises
        ------
        BadInput
            No candidate phase, or one without a reflection in the range.
        """
        import xarray as xr

        filled = self._fill(temperature)
        segment = np.full(filled.size, "none", object)
        furnace = xr.Dataset({"temperature": ("frame", filled), "segment": ("frame", segment)})
        frames = Frames(patterns, furnace, self._options)
        if self._model is None:
            self._model = build_series_model(frames, self._phases, self._options)
        series = self._model
        priors = expect_from_literature(series, frames, self._phases, self._options)
        setup = PassSetup(series=series, frames=frames, priors=priors, options=self._options)
        if self.place is None and frames.usable.any():
            self.place = self._find_first_place(setup)
        if self.place is None:
            return [None] * frames.count
        setup = replace(setup, priors=_move_priors(priors, self.place))
        return [
            self._refine_frame(setup, i, float(temperature[i])) if frames.usable[i] else None
            for i in range(frames.count)
        ]

    def _fill(self, temperature: Array) -> Array:
        """Return temperatures [degC], shape (frame,), those before the first known one too."""
        last = self.place.temperature if self.place else np.nan
        filled = []
        for value in temperature.tolist():
            last = value if np.isfinite(value) else last
            filled.append(last)
        return np.array(filled)

    def _find_first_place(self, setup: PassSetup) -> Place:
        """Return where the first frame of a series starts."""
        start = choose_start(setup.series, setup.frames, self._options)
        found, start = find_start(setup, start)
        i = int(np.flatnonzero(setup.frames.usable)[0])
        return Place(
            parameters=start,
            present=(),
            temperature=np.nan,
            is_current=False,
            moved=found.priors.strain[i] - setup.priors.strain[i],
            zero=found.priors.zero.mean,
            frames=0,
        )

    def _refine_frame(self, setup: PassSetup, i: int, temperature: float) -> FollowedFrame:
        """Return a frame refined from the place of the series, which moves on."""
        assert self.place is not None
        place, pattern = self.place, setup.frames.read_pattern(i)
        start, rows = place.parameters, list(place.present)
        # Where either temperature is a guess, the cells of the frame before are the better one.
        warming = temperature - place.temperature if place.is_current else np.nan
        if rows and np.isfinite(warming):
            strain = start.strain[rows] + warming * setup.priors.expansion[rows]
            start = replace(start, strain=replace_entry(start.strain, rows, strain))
        goodness_before = start.goodness
        fit = _refine_until_converged(
            setup, i, pattern, start, place.present, settle=place.frames < SETTLED_FRAMES
        )
        if place.frames and fit.parameters.goodness > WORSE * goodness_before:
            # There is no pass in the other direction to show that a start was wrong.
            forgetful = _forget(setup, i, start)
            anew = refine_from_neighbour(setup, i, pattern, forgetful, (), settle=True)
            fit = anew if anew.misfit < fit.misfit else fit
        self.place = replace(
            place,
            parameters=fit.parameters,
            present=fit.present,
            temperature=temperature if np.isfinite(temperature) else place.temperature,
            is_current=bool(np.isfinite(temperature)),
            frames=place.frames + 1,
        )
        return _describe_fit(setup, i, fit)


def _refine_until_converged(
    setup: PassSetup,
    i: int,
    pattern: FramePattern,
    start: FrameParameters,
    present: tuple[int, ...],
    *,
    settle: bool,
) -> FrameFit:
    """Return a frame refined from the one before, and where that does not converge again from where
    it came to: more closely, then as usual."""
    fit = refine_from_neighbour(setup, i, pattern, start, present, settle=settle)
    for closely in (False,) if settle else (True, False):
        if fit.converged:
            break
        fit = refine_from_neighbour(setup, i, pattern, fit.parameters, fit.present, settle=closely)
    return fit


def _forget(setup: PassSetup, i: int, start: FrameParameters) -> FrameParameters:
    """Return a start with all phases where they are expected, nothing known of their amounts."""
    amount = np.full_like(start.amount, np.nan)
    return replace(start, strain=setup.priors.strain[i].copy(), amount=amount)


def _move_priors(priors: SeriesPriors, place: Place) -> SeriesPriors:
    """Return the priors of the literature with what the first frame showed of cells and zero."""
    zero = GaussianPrior(mean=place.zero, sigma=priors.zero.sigma)
    return replace(priors, strain=priors.strain + place.moved, zero=zero)


def _describe_fit(setup: PassSetup, i: int, fit: FrameFit) -> FollowedFrame:
    """Return what is told of a frame's fit."""
    pattern = setup.frames.read_pattern(i)
    table = create_table(range(i, i + 1), len(setup.series.phases))
    left = prepare_residual(setup.series, fit, pattern)
    record_fit(table, setup.frames, setup.priors, left, i)
    write_cells(table, setup.series)
    volume = estimate_volumes(table.cell, table.cell_covariance)
    present = np.zeros(len(setup.series.phases), bool)
    present[list(fit.present)] = True
    variance = np.einsum("fpii->fpi", table.cell_covariance)[0]

    def hide_unknown(values: Array) -> Array:
        hidden = values.copy()
        hidden[~present | (not fit.converged)] = np.nan
        return hidden

    return FollowedFrame(
        present=present,
        cell=hide_unknown(table.cell[0]),
        cell_stderr=hide_unknown(np.sqrt(np.maximum(variance, 0))),
        volume=hide_unknown(volume.value[0]),
        volume_stderr=hide_unknown(volume.stderr[0]),
        intensity=table.intensity[0],
        intensity_stderr=table.intensity_stderr[0],
        rwp=float(table.rwp[0]),
        gof=float(table.gof[0]),
        converged=fit.converged,
        two_theta=setup.series.two_theta,
        observed=pattern.intensity,
        calculated=fit.calculated,
        background=fit.background,
    )
