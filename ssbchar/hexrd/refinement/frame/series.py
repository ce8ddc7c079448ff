"""What all frames of a series share, and the points of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from ssbchar.hexrd.refinement.frame.lattice import Lattice
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
    """Splines of the background, shape (points, terms)."""
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


@dataclass(frozen=True, kw_only=True)
class FramePattern:
    """The points of one frame."""

    intensity: Array
    """[counts], shape (points,)."""
    weight: Array
    """1 / sigma^2 [1/counts^2], shape (points,); 0 leaves a point out."""
