"""What all frames of a series share, and the points of one of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ssbchar.hexrd.refinement.frame.lattice import Lattice
from ssbchar.hexrd.refinement.frame.lines import (
    FLAT_DETECTOR,
    MOST_ANISOTROPY,
    Reflections,
)
from ssbchar.hexrd.refinement.frame.windows import Windows, windows_from_curves
from ssbchar.typing import Array, Index


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
    emission: Array = field(default_factory=lambda: np.empty(0))
    """K-alpha1 and K-alpha2 over the wavelength [1], shape (2,); empty where it is none of
    these."""
    geometry: int = FLAT_DETECTOR
    """How a displaced sample moves lines, as in ``lines``."""

    def list_reflections(self, present: tuple[int, ...]) -> Reflections:
        """Return the reflections of some phases, arrays of shape (reflection, ...)."""
        if present not in self._lists:
            self._lists[present] = self._join_reflections(present)
        return self._lists[present]

    @cached_property
    def _lists(self) -> dict[tuple[int, ...], Reflections]:
        """Those made so far: the frames of a series have few sets of phases."""
        return {}

    def _join_reflections(self, present: tuple[int, ...]) -> Reflections:
        phases = [self.phases[p] for p in present]
        counts = [phase.reflection_count for phase in phases]
        edge = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        is_free = np.zeros(edge[-1], bool)
        directions = np.zeros((len(present), 6, 6))
        anisotropy = np.zeros((edge[-1], MOST_ANISOTROPY))
        most = max((phase.alignment.shape[1] for phase in phases), default=0)
        alignment = np.full((edge[-1], most), -1.0)
        for i, (p, phase) in enumerate(zip(present, phases, strict=True)):
            own = slice(edge[i], edge[i + 1])
            anisotropy[own, : phase.anisotropy_count] = phase.anisotropy
            alignment[own, : phase.alignment.shape[1]] = phase.alignment
            is_free[edge[i] + self.free_reflections[p]] = True
            directions[i, : phase.free] = phase.directions
        return Reflections(
            edge=edge,
            owner=np.repeat(np.arange(len(present)), counts),
            form=np.concatenate([phase.form for phase in phases]).astype(float),
            strength=np.concatenate([self.strength[p] for p in present]).astype(float),
            is_free=is_free,
            reference=np.array([phase.reference for phase in phases], float),
            directions=directions,
            wavelength=float(self.wavelength),
            emission=self.emission,
            anisotropy=anisotropy,
            alignment=alignment,
            geometry=self.geometry,
        )

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
