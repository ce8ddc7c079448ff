"""What changes all cells alike: a sample that moves along the beam, a wavelength, a temperature.

The same relative change in every length of every phase is geometry until an internal standard says
otherwise. A sample that moves by z at the distance L scales every length by z / L (small angles).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import cell_parameters
from ssbchar.hexrd.expansion.dataset import AXES, VOLUME
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

POWER_OF_LENGTH = np.array([1, 1, 1, 0, 0, 0, 3])
"""How a, b, c, alpha, beta, gamma and volume scale with the unit of length."""
LENGTHS = np.array([0, 1, 2])
RECTANGULAR = 1 / np.sqrt(3)
"""Standard deviation of what may be anything up to a limit, over that limit (JCGM 100:2008,
4.3.7)."""
SURELY = 2.0
"""Standard errors within which a length may have changed otherwise."""
FIRST = 8
"""Frames in which a standard of unknown expansion has the ratio one, at most."""


@dataclass(frozen=True, kw_only=True)
class PhaseChange:
    """Relative change of the free lengths of one phase [1]."""

    name: str
    value: Array
    """Shape (lengths,)."""
    stderr: Array


@dataclass(frozen=True, kw_only=True)
class CommonChange:
    """The part of the changes of all phases that may be geometry."""

    value: float
    """Relative change of lengths [1]."""
    stderr: float
    margin: float
    """What the common change may be beyond its value [1]."""
    phase: str
    """The phase that has changed least, from which it is taken; empty where nothing was
    compared."""
    all_alike: bool
    """Whether every phase changed by it, within the errors."""
    displacement: float
    """Relative error of lengths [1] of a sample that may have moved as far as the options say; 0
    where the distance is not known, or where a standard is named."""
    distance: float | None
    """Sample to detector [mm]."""
    standard: str = ""
    """The internal standard whose cell has taken the common change out; empty where none has."""

    @property
    def is_seen(self) -> bool:
        """Whether the change is beyond its own error, a bool."""
        return abs(self.value) > SURELY * self.stderr

    @property
    def largest(self) -> float:
        """What the common change [1] may be at most, without sign, a float."""
        return abs(self.value) + self.margin

    @property
    def length_systematic(self) -> float:
        """Relative error [1] of a change of length, one standard deviation, a float."""
        return float(np.hypot(RECTANGULAR * self.largest, self.displacement))

    @property
    def systematic(self) -> Array:
        """Relative error [1] of changes of a, b, c, alpha, beta, gamma and volume, shape (7,)."""
        return np.asarray(self.length_systematic * POWER_OF_LENGTH)


@dataclass(frozen=True, kw_only=True)
class BeamPath:
    """What is known of the sample's place along the beam."""

    displacement: float
    """How far it may have moved, relative to the distance [1]; 0 where that is not known."""
    distance: float | None
    """[mm]"""
    standard: str = ""
    """The internal standard that the cells were divided by."""
    uncorrected: float = 0.0
    """The same displacement [1] for the standard itself, which nothing was divided by."""


def describe_beam_path(
    distance: float | None, options: Stability, *, standard: str = ""
) -> BeamPath:
    """Return how far the sample may have moved, relative to its distance [1].

    Parameters
    ----------
    distance : float or None
        Sample to detector of the images [mm], None where it is not known.
    options : Stability
        The displacement and, where it is given, the distance [mm].
    standard : str
        The internal standard that the cells were divided by; it moves with the sample.
    """
    known = options.distance or distance
    relative = options.displacement / known if known else 0.0
    return BeamPath(
        displacement=0.0 if standard else relative,
        distance=known,
        standard=standard,
        uncorrected=relative,
    )


def list_length_changes(name: str, value: Array, stderr: Array) -> PhaseChange:
    """Return the changes of the free lengths of a phase.

    Parameters
    ----------
    name : str
        The phase.
    value, stderr : ndarray, shape (>= 3,)
        Relative changes [1] of a, b, c, ...; what symmetry ties or fixes repeats another or has no
        error.
    """
    free = [i for i in LENGTHS if np.isfinite(value[i]) and stderr[i] > 0]
    return PhaseChange(name=name, value=value[free], stderr=stderr[free])


def find_common_change(
    phases: Iterable[PhaseChange], path: BeamPath, *, at_rest: bool
) -> CommonChange:
    """Return the relative change of all lengths that may be geometry: that of the phase that has
    changed least.

    A phase whose lengths changed by the same sign has changed alike in all directions by the
    smallest of them at least; one whose lengths moved against each other, by nothing. Which phase
    has changed least is judged by what each may have changed at most, so that a poor measurement
    does not decide.

    Parameters
    ----------
    phases : iterable of PhaseChange
    path : BeamPath
        A standard's cell has taken the common change out already: the change is then 0.
    at_rest : bool
        Whether cells at rest are compared: then what is common may be two standard errors more. A
        trend is known too poorly for that: its errors are large without it.
    """
    none = CommonChange(
        value=0.0,
        stderr=0.0,
        margin=0.0,
        phase="",
        all_alike=False,
        displacement=path.displacement,
        distance=path.distance,
        standard=path.standard,
    )
    alike = [_find_isotropic(phase) for phase in phases if phase.value.size]
    if not alike or path.standard:
        return none
    least = min(alike, key=lambda part: abs(part.value[0]) + SURELY * part.stderr[0])
    value, stderr = float(least.value[0]), float(least.stderr[0])
    near = [
        abs(part.value[0] - value) <= SURELY * np.hypot(part.stderr[0], stderr) + abs(value) / 2
        and part.value[0] * value > 0
        for part in alike
    ]
    return replace(
        none,
        value=value,
        stderr=stderr,
        margin=SURELY * stderr if at_rest else 0.0,
        phase=least.name,
        all_alike=all(near),
    )


def _find_isotropic(phase: PhaseChange) -> PhaseChange:
    """Return the part of a phase's change that all of its lengths share, as arrays of shape (1,):
    their mean where they agree, else the smallest, and none where they moved against each
    other."""
    weight = 1 / phase.stderr**2
    mean = float(np.sum(weight * phase.value) / np.sum(weight))
    mean_stderr = float(1 / np.sqrt(np.sum(weight)))
    if np.all(np.abs(phase.value - mean) <= SURELY * phase.stderr):
        return replace(phase, value=np.array([mean]), stderr=np.array([mean_stderr]))
    least = int(np.argmin(np.abs(phase.value)))
    signs = np.sign(phase.value[np.abs(phase.value) > SURELY * phase.stderr])
    value = phase.value[least] if np.unique(signs).size < 2 else 0.0
    return replace(phase, value=np.array([value]), stderr=phase.stderr[[least]])


def conclude_common_change(common: CommonChange, options: Stability) -> list[Conclusion]:
    """Return the row of the common relative change of lengths after cooling [percent], none where
    nothing was compared.

    Parameters
    ----------
    common : CommonChange
    options : Stability
        The displacement [mm] that is possible.
    """
    if not common.phase and not common.standard:
        return []
    is_alike = common.is_seen and common.all_alike
    return [
        Conclusion(
            "common_change",
            value=100 * common.value if common.phase else None,
            stderr=100 * common.stderr if common.phase else None,
            systematic=100 * common.displacement if common.phase else None,
            unit="percent",
            verdict=Verdict.POSSIBLE_DISPLACEMENT if is_alike else Verdict.OK,
            reason=sentences.describe_common_change(common, options),
            method=sentences.COMMON_METHOD,
            condition="after cooling",
        )
    ]


@dataclass(frozen=True, kw_only=True)
class StandardRatio:
    """Lengths of the internal standard over its known ones, frame by frame."""

    value: Array
    """Shape (frames,); NaN where the standard has no usable cell."""
    stderr: Array
    is_absolute: bool
    """Whether the known cell is known at the temperature of every frame; else the ratio is one in
    the first frames, and only changes are corrected."""


def divide_by_standard(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    known: Mapping[str, xr.Dataset],
    options: Stability,
) -> tuple[xr.Dataset, StandardRatio | None]:
    """Return the series with the lengths of all other phases divided, frame by frame, by those of
    the internal standard over its known ones.

    Its known cell is that of the phases file, brought to the temperature of the frame by the mean
    expansion that stands there. Where none does, only changes against the first frames are taken
    out, and the standard's own expansion with them.

    Parameters
    ----------
    lattice : Dataset
        ``lattice.nc``: ``cell`` [angstrom, degree] with errors and covariance.
    furnace : Dataset
        ``furnace.nc``: ``temperature`` [degC].
    known : mapping
        Phase to its table, with ``volume`` [angstrom^3], ``temperature`` [degC] and ``expansion``.
    options : Stability
        Name of the standard.

    Returns
    -------
    lattice : Dataset
        As given where there is no standard, or where it has no cell.
    ratio : StandardRatio or None
    """
    names = list(lattice["phase"].values.astype(str))
    if not options.standard or options.standard not in names or options.standard not in known:
        return lattice, None
    ratio = measure_standard_ratio(lattice, furnace, names.index(options.standard), known)
    if ratio is None:
        return lattice, None
    others = np.array([name != options.standard for name in names])
    scale = np.where(others[None, :], ratio.value[:, None], 1.0)
    relative = np.where(others[None, :], (ratio.stderr / ratio.value)[:, None], 0.0)
    is_length = POWER_OF_LENGTH[: cell_parameters.PARAMETERS] == 1
    factor = np.where(is_length, 1 / scale[:, :, None], 1.0)
    cell = lattice["cell"].values * factor
    # A free length carries the standard's error; what symmetry fixes keeps none.
    added = np.where(is_length, cell * relative[:, :, None], 0.0)
    added = np.where(np.nan_to_num(lattice["cell_stderr"].values) > 0, added, 0.0)
    covariance = lattice["cell_covariance"].values * factor[..., :, None] * factor[..., None, :]
    covariance = covariance + added[..., :, None] * added[..., None, :]
    stderr = np.hypot(lattice["cell_stderr"].values * factor, added)
    changed = {
        "cell": (lattice["cell"].dims, cell),
        "cell_stderr": (lattice["cell_stderr"].dims, stderr),
        "cell_covariance": (lattice["cell_covariance"].dims, covariance),
    }
    if "cell_shared" in lattice:
        shared = lattice["cell_shared"].values * factor
        changed["cell_shared"] = (lattice["cell_shared"].dims, shared)
    return lattice.assign(changed), ratio


def measure_standard_ratio(
    lattice: xr.Dataset,
    furnace: xr.Dataset,
    phase: int,
    known: Mapping[str, xr.Dataset],
) -> StandardRatio | None:
    """Return the lengths [1] of the standard over its known ones, the cube root of its volumes, in
    every frame; None where no frame has its cell.

    Parameters
    ----------
    lattice, furnace : Dataset
    phase : int
        Place of the standard.
    known : mapping
        Phase to its table.
    """
    table = known[str(lattice["phase"].values.astype(str)[phase])]
    frames = np.arange(lattice.sizes["frame"])
    usable = cell_parameters.select_usable(lattice, furnace, phase, frames=frames, significance=0.0)
    if not usable.any() or "volume" not in table.attrs:
        return None
    cell = lattice["cell"].values[:, phase]
    volume = volume_from_cell(np.where(usable[:, None], cell, [1, 1, 1, 90, 90, 90]))
    # A third of the relative error of the volume is that of a length.
    stderr = lattice["volume_stderr"].values[:, phase] / volume / 3
    growth = _read_volume_expansion(table)
    temperature = furnace["temperature"].values.astype(float)
    reference = float(table.attrs.get("temperature", 25.0))
    expected = 1.0 + (growth or 0.0) * (temperature - reference)
    value = np.cbrt(volume / (float(table.attrs["volume"]) * expected))
    value = np.where(usable, value, np.nan)
    if growth is None:
        value = value / np.median(value[usable][:FIRST])
    return StandardRatio(
        value=value,
        stderr=np.where(usable, stderr, np.nan),
        is_absolute=growth is not None,
    )


def _read_volume_expansion(table: xr.Dataset) -> float | None:
    """Return the mean expansion of the volume [1/K] of the phases file, None where it does not
    follow from what stands there."""
    entries = json.loads(table.attrs.get("expansion", "{}"))
    rates = {axis: float(entry["value"]) for axis, entry in entries.items() if "value" in entry}
    if AXES[VOLUME] in rates:
        return rates[AXES[VOLUME]]
    lengths = np.asarray(table.attrs.get("cell", [np.nan] * cell_parameters.PARAMETERS), float)
    total = 0.0
    for i in LENGTHS:
        # Axes of one length expand alike: the file names one of them.
        same = [AXES[j] for j in LENGTHS if lengths[j] == lengths[i] and AXES[j] in rates]
        if not same:
            return None
        total += rates[same[0]]
    return total
