"""Cells of the phases of one specimen, and by how much those of another differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters, tensor
from ssbchar.hexrd.verdict.common_change import (
    RECTANGULAR,
    BeamPath,
    CommonChange,
    find_common_change,
    list_length_changes,
)
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import (
    ReferenceFrames,
    read_length_scale_stderr,
    select_reference_frames,
)
from ssbchar.typing import Array, Bool, Index
from ssbchar.uncertain import average_by_weight

if TYPE_CHECKING:
    import xarray as xr

QUANTITIES = ("a", "b", "c", "alpha", "beta", "gamma", "volume", "b/a", "c/a")
"""What a cell is compared by: a ratio of lengths knows no displacement and no wavelength."""
UNITS = ("angstrom",) * 3 + ("degree",) * 3 + ("angstrom^3", "1", "1")
LENGTHS, ANGLES, VOLUME, RATIOS = (0, 1, 2), (3, 4, 5), 6, (7, 8)
POWER_OF_LENGTH = np.array([1, 1, 1, 0, 0, 0, 3, 0, 0])
"""How each quantity scales with the unit of length."""
PARAMETERS = cell_parameters.PARAMETERS
STEP = 1e-5
"""Step of cell parameters [angstrom, degree] for numerical derivatives."""
APART = 2.0
"""Standard errors within which the zeros of two specimens count as one."""
AT_ONE_TEMPERATURE = 10.0
"""Frames whose temperatures span less are all of one state [K]."""
SAME_SETUP = 1e-6
"""Relative difference [1] below which two wavelengths, or two distances, are one."""


@dataclass(frozen=True, kw_only=True)
class Specimen:
    """One measurement of a pair: what was refined, and the frames that stand for it."""

    lattice: xr.Dataset
    """``lattice.nc``"""
    furnace: xr.Dataset
    """``furnace.nc``"""
    frames: Index
    """Indices of the frames that stand for the specimen."""
    is_fitted: bool
    """Whether the refinement explains the lines of these frames."""
    distance: float | None = None
    """From sample to detector [mm], None where it is not known."""

    @property
    def phases(self) -> list[str]:
        """Names of the phases that were refined."""
        return [str(name) for name in self.lattice["phase"].values.astype(str)]

    @property
    def present(self) -> list[str]:
        """Names of the phases that most of the frames show."""
        there = self.lattice["present"].values[self.frames] == 1
        share = there.mean(axis=0) if self.frames.size else np.zeros(len(self.phases))
        return [name for name, part in zip(self.phases, share, strict=True) if part > 0.5]

    @property
    def temperature(self) -> float:
        """Median temperature of the frames [degC], a float, NaN where none is known."""
        values = self.furnace["temperature"].values.astype(float)[self.frames]
        known = values[np.isfinite(values)]
        return float(np.median(known)) if known.size else float("nan")

    @property
    def wavelength(self) -> float:
        """[angstrom], a float."""
        return float(self.lattice.attrs["wavelength"])


@dataclass(frozen=True, kw_only=True)
class MeanCell:
    """The cell of a phase in a specimen; arrays hold `QUANTITIES`, shape (9,)."""

    value: Array
    """[angstrom, degree, angstrom^3, 1]"""
    own: Array
    """Standard error without that of the zero of 2theta."""
    by_zero: Array
    """Derivative by the zero [unit/degree]; 0 where the zero is free in every frame or held."""
    zero: float
    """Zero of 2theta that the cell was refined at [degree]."""
    zero_stderr: float
    """[degree]; 0 where its error is within `own`."""
    free: Sequence[int]
    """Places of the quantities that symmetry leaves free, the volume, and ratios of free
    lengths."""
    frames: int
    scatter: float
    """Largest reduced chi-square [1] of the frames about their mean."""

    @property
    def stderr(self) -> Array:
        """Standard error with that of the zero, shape (9,)."""
        return np.hypot(self.own, self.by_zero * self.zero_stderr)


@dataclass(frozen=True, kw_only=True)
class CellDifference:
    """Relative change of every quantity of a cell from one specimen to another, shape (9,) [1]."""

    value: Array
    stderr: Array
    zero_systematic: Array
    """What one zero for both and a zero for each differ by, one standard deviation."""
    has_one_zero: bool
    """Whether both cells were brought to one zero."""
    zeros: tuple[float, float]
    """Zeros of 2theta that the cells are at [degree]."""
    cell: Array
    """Of the pristine [angstrom, degree], shape (6,)."""
    free: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class ComparedCells:
    """The cells of all phases that both specimens have."""

    changes: Mapping[str, CellDifference]
    refined: Mapping[str, CellDifference]
    """The same as refined: not relative to an internal standard."""
    common: CommonChange
    temperature: float
    """Relative error [1] of lengths for temperatures that may differ, one standard deviation."""
    scale: float
    """Relative error [1] of lengths of two set-ups, 0 where both share one."""

    def find_systematic(self, name: str) -> Array:
        """Return the systematic of the relative changes of a phase (its name), shape (9,) [1]."""
        length = np.hypot(np.hypot(self.temperature, self.scale), self.common.length_systematic)
        return np.asarray(np.hypot(self.changes[name].zero_systematic, length * POWER_OF_LENGTH))


def select_frames(furnace: xr.Dataset, lattice: xr.Dataset, misfit: Bool) -> Index:
    """Return the indices of the frames that stand for a specimen: all that were refined, of a
    heating programme those before it.

    Parameters
    ----------
    furnace, lattice : Dataset
        ``furnace.nc`` (temperature [degC]) and ``lattice.nc``.
    misfit : ndarray of bool, shape (frames,)
        Frames whose lines the refinement does not explain; left out where others are there.
    """
    fitted = np.isfinite(lattice["rwp"].values)
    temperature = furnace["temperature"].values.astype(float)
    known = temperature[np.isfinite(temperature)]
    frames = np.flatnonzero(fitted)
    if known.size and float(np.ptp(known)) > AT_ONE_TEMPERATURE:
        found: ReferenceFrames = select_reference_frames(furnace, Stability(), misfit)
        frames = found.before[fitted[found.before]]
    explained = frames[~misfit[frames]]
    return explained if explained.size else frames


def append_quantities(cell: Array) -> Array:
    """Return `QUANTITIES`, shape (n, 9), of cells (n, 6) [angstrom, degree]."""
    ratios = cell[:, 1:3] / cell[:, :1]
    return np.concatenate([cell, volume_from_cell(cell)[:, None], ratios], axis=1)


def average_cell(specimen: Specimen, phase: str) -> MeanCell | None:
    """Return the mean cell of a phase [angstrom, degree] over the frames of a specimen; None where
    none has it.

    Parameters
    ----------
    specimen : Specimen
    phase : str
    """
    lattice, frames = specimen.lattice, specimen.frames
    p = specimen.phases.index(phase)
    good = frames[_select_usable(lattice.isel(phase=p, frame=frames))]
    if not good.size:
        return None
    cell = lattice["cell"].values[good, p]
    values = append_quantities(cell)
    covariance, shared = cell_parameters.split_covariance(lattice, good, p)
    turn = tensor.differentiate(append_quantities, cell, np.full_like(cell, STEP))
    variance = np.einsum("tai,tij,taj->ta", turn, np.nan_to_num(covariance), turn)
    own = np.sqrt(np.maximum(variance, 0))
    by_shared = np.einsum("tai,ti->ta", turn, shared).mean(axis=0)
    zero, zero_stderr = (
        float(np.mean(lattice[name].values[good])) for name in ("zero", "zero_stderr")
    )
    is_shared = zero_stderr > 0 and bool(np.any(shared))
    tied = cell_parameters.find_free_parameters(cell, own[:, : cell_parameters.PARAMETERS])
    free = _list_free(tied.free)
    mean, stderr, scatter = values[0].copy(), np.zeros(len(QUANTITIES)), 1.0
    for i in free:
        if np.all(own[:, i] > 0):
            mean[i], stderr[i], chi2 = average_by_weight(values[:, i], own[:, i])
            scatter = max(scatter, chi2)
    return MeanCell(
        value=mean,
        own=stderr,
        by_zero=by_shared / zero_stderr if is_shared else np.zeros(len(QUANTITIES)),
        zero=zero,
        zero_stderr=zero_stderr if is_shared else 0.0,
        free=free,
        frames=int(good.size),
        scatter=scatter,
    )


def _select_usable(one: xr.Dataset) -> Bool:
    """Return which frames have a cell of their own."""
    has_cell = np.all(np.isfinite(one["cell"].values), axis=1)
    has_error = np.any(np.nan_to_num(one["cell_stderr"].values) > 0, axis=1)
    is_good = np.isin(one["verdict"].values.astype(str), cell_parameters.USABLE_VERDICTS)
    return np.asarray(has_cell & has_error & is_good & (one["present"].values == 1))


def _list_free(free: Index) -> list[int]:
    """Return the places of the free quantities of a cell, of the volume, and of ratios of free
    lengths."""
    ratios = [place for place, length in zip(RATIOS, LENGTHS[1:], strict=True) if length in free]
    return [*(int(place) for place in free), VOLUME, *ratios]


def compare_means(first: MeanCell, second: MeanCell, *, one_setup: bool) -> CellDifference:
    """Return second / first - 1 [1] of every quantity.

    The zero of 2theta moves the lengths of one pattern far more than counting does. Two specimens
    on one set-up share it: where their zeros agree within `APART` standard errors, both cells are
    brought to the weighted mean of the zeros, along their own derivatives, and its error cancels
    but for what the derivatives differ by. What both routes differ by stays in the systematic.

    Parameters
    ----------
    first, second : MeanCell
    one_setup : bool
        Whether wavelength, detector and zero are those of one set-up.
    """
    ratio = second.value / first.value
    own = np.hypot(first.own / first.value, second.own / second.value)
    slopes = (first.by_zero / first.value, second.by_zero / second.value)
    stderrs = (first.zero_stderr, second.zero_stderr)
    apart = second.zero - first.zero
    has_one = one_setup and min(stderrs) > 0 and abs(apart) <= APART * float(np.hypot(*stderrs))
    systematic = np.zeros(len(QUANTITIES))
    zeros = (first.zero, second.zero)
    if has_one:
        weight = 1 / np.square(stderrs)
        zero = float(np.dot(weight, (first.zero, second.zero)) / weight.sum())
        # To first order: lengths follow the zero by parts in a thousand.
        moved = slopes[1] * (zero - second.zero) - slopes[0] * (zero - first.zero)
        by_zero = (slopes[1] - slopes[0]) / np.sqrt(weight.sum())
        ratio, systematic = ratio * (1 + moved), RECTANGULAR * np.abs(moved)
        zeros = (zero, zero)
    else:
        by_zero = np.hypot(slopes[0] * stderrs[0], slopes[1] * stderrs[1])
    return CellDifference(
        value=ratio - 1,
        stderr=np.abs(ratio) * np.hypot(own, by_zero),
        zero_systematic=systematic,
        has_one_zero=has_one,
        zeros=zeros,
        cell=first.value[:PARAMETERS],
        free=[place for place in first.free if place in second.free],
    )


def compare_cells(
    pristine: Specimen,
    cycled: Specimen,
    path: BeamPath,
    *,
    expansion: float,
    temperature_apart: float,
) -> ComparedCells:
    """Return the relative changes [1] of the cells of all phases that both specimens have, and
    what all lengths share.

    Parameters
    ----------
    pristine, cycled : Specimen
    path : BeamPath
        What is known of the place along the beam; the internal standard, where there is one.
    expansion : float
        Of a length [1/K].
    temperature_apart : float
        By how much unknown temperatures may differ [K].
    """
    one_setup = is_one_setup(pristine, cycled)
    changes = {}
    for name in pristine.phases:
        if name not in cycled.phases:
            continue
        cells = (average_cell(pristine, name), average_cell(cycled, name))
        if cells[0] is not None and cells[1] is not None:
            changes[name] = compare_means(cells[0], cells[1], one_setup=one_setup)
    refined = dict(changes)
    if path.standard in changes:
        changes = _divide_by_standard(changes, path.standard)
    lengths = [
        list_length_changes(name, one.value[:3], np.hypot(one.stderr, one.zero_systematic)[:3])
        for name, one in ((name, _mask_tied(one)) for name, one in changes.items())
        if name != path.standard
    ]
    apart = abs(cycled.temperature - pristine.temperature)
    # Rooms differ, and a header tells the room's temperature, not the specimen's.
    known = apart if np.isfinite(apart) else 0.0
    unknown = 0.0 if np.isfinite(apart) else temperature_apart
    before, after = (read_length_scale_stderr(one.lattice) for one in (pristine, cycled))
    return ComparedCells(
        changes=changes,
        refined=refined,
        common=find_common_change(lengths, path, at_rest=True),
        temperature=expansion * float(np.hypot(known, unknown)),
        scale=0.0 if one_setup or path.standard else float(np.hypot(before, after)),
    )


def is_one_setup(pristine: Specimen, cycled: Specimen) -> bool:
    """Return whether two specimens were measured at one wavelength, on one detector, a bool."""
    pairs = [(pristine.wavelength, cycled.wavelength)]
    if pristine.distance and cycled.distance:
        pairs.append((pristine.distance, cycled.distance))
    return all(abs(second / first - 1) <= SAME_SETUP for first, second in pairs)


def _mask_tied(one: CellDifference) -> CellDifference:
    """Return a change whose tied lengths have no error, so that each counts once."""
    stderr = np.zeros_like(one.stderr)
    stderr[list(one.free)] = one.stderr[list(one.free)]
    systematic = np.where(stderr > 0, one.zero_systematic, 0.0)
    return replace(one, stderr=stderr, zero_systematic=systematic)


def _divide_by_standard(
    changes: Mapping[str, CellDifference], standard: str
) -> dict[str, CellDifference]:
    """Return the changes of all other phases relative to the lengths of the internal standard."""
    of_standard = changes[standard]
    length = float(np.cbrt(1 + of_standard.value[VOLUME]))
    stderr = float(of_standard.stderr[VOLUME]) / 3
    systematic = float(of_standard.zero_systematic[VOLUME]) / 3
    divided = {standard: of_standard}
    for name, one in changes.items():
        if name == standard:
            continue
        ratio = (1 + one.value) / length**POWER_OF_LENGTH
        # The zero moves the standard's lengths as it moves the others': the difference counts.
        apart = np.abs(one.zero_systematic - systematic * POWER_OF_LENGTH)
        divided[name] = replace(
            one,
            value=ratio - 1,
            stderr=np.hypot(one.stderr, stderr * POWER_OF_LENGTH),
            zero_systematic=apart,
        )
    return divided
