"""What all frames of a series share, and the points of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ssbchar.hexrd.refinement.frame.lattice import Lattice
from ssbchar.hexrd.refinement.frame.windows import Windows, windows_from_curves
from ssbchar.typing import Array, Bool, Index


@dataclass(frozen=True, kw_only=True)
class ReflectionList:
    """The reflections of some phases, phase after phase."""

    ranges: tuple[slice, ...]
    """Those of each phase."""
    owner: Index
    """Phase of each reflection, as index into those phases."""
    is_free: Bool
    """Whether a reflection has an intensity of its own."""


@dataclass(frozen=True, kw_only=True)
class SeriesModel:
    """Axis, candidate phases and background terms of a series."""

    two_theta: Array
    """Ascending axis [degree], shape (points,)."""
    wavelength: float
    """[angstrom]."""
    phases: tuple[Lattice, ...]
    """All candidates; a phase is named by its index here."""
    background_terms: Array
    """Splines of the background, shape (terms, points)."""
    strength: tuple[Array, ...]
    """Strength of each phase's reflections (its own m |F|^2, or learnt), any scale, shape
    (reflection,) each."""
    free_reflections: tuple[Index, ...]
    """Reflections of each phase with an intensity of their own."""
    intensity_freedom: Array
    """Relative standard deviation of those intensities around the phase's pattern, shape
    (phase,)."""
    reach: float
    """Half width of a reflection's profile, in full widths."""

    def list_reflections(self, present: tuple[int, ...]) -> ReflectionList:
        """Return whose the reflections of some phases are, shape (reflection,) each."""
        if present not in self._lists:
            ends = np.cumsum([self.phases[p].reflection_count for p in present])
            starts = np.concatenate([[0], ends[:-1]])
            is_free = np.zeros(ends[-1], bool)
            for p, start in zip(present, starts, strict=True):
                is_free[start + self.free_reflections[p]] = True
            self._lists[present] = ReflectionList(
                ranges=tuple(slice(a, b) for a, b in zip(starts, ends, strict=True)),
                owner=np.repeat(np.arange(len(present)), ends - starts),
                is_free=is_free,
            )
        return self._lists[present]

    @cached_property
    def _lists(self) -> dict[tuple[int, ...], ReflectionList]:
        """Those made so far: the frames of a series have few sets of phases."""
        return {}

    @cached_property
    def splines(self) -> Windows:
        """The background terms, each over the points where it is not zero."""
        return windows_from_curves(self.background_terms)


@dataclass(frozen=True, kw_only=True)
class FramePattern:
    """The points of one frame."""

    intensity: Array
    """[counts], shape (points,)."""
    weight: Array
    """1 / sigma^2 [1/counts^2], shape (points,); 0 leaves a point out."""
