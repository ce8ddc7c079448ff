"""Was the wavelength checked: the scale of the cells against an internal standard, or against
published cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.expansion.dataset import VOLUME
from ssbchar.hexrd.verdict import sentences
from ssbchar.hexrd.verdict.options import Stability
from ssbchar.hexrd.verdict.reference_cells import ReferenceCell
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, kw_only=True)
class Scale:
    """Measured over known length [1]."""

    value: float
    stderr: float


@dataclass(frozen=True, kw_only=True)
class ScaleCheck:
    """The scale of the cells, and what it says of the wavelength."""

    verdict: Verdict
    phases: Mapping[str, Scale]
    """Scale of each phase with a known cell."""
    wavelength_stderr: float
    """Relative standard error [1] of the wavelength as stated; 0 none."""
    standard: str = ""
    """The internal standard, empty where none is named."""
    value: float | None = None
    """Scale of the standard, or the median of all phases [1]."""
    stderr: float | None = None
    tolerance: float | None = None
    """Largest deviation from 1 that is allowed [1]."""


def check_cell_scale(
    cells: Mapping[str, ReferenceCell],
    known: Mapping[str, xr.Dataset],
    options: Stability,
    wavelength_stderr: float,
) -> Conclusion:
    """Return the scale of the cells against known ones [1] and whether the wavelength counts as
    checked.

    Parameters
    ----------
    cells : mapping
        Phase to its reference cell before heating.
    known : mapping
        Phase to its table, with the attribute ``volume`` [angstrom^3].
    options : Stability
        The internal standard and the tolerances [percent].
    wavelength_stderr : float
        Relative standard error [1] of the wavelength as stated; 0 none.
    """
    check = judge_scale(cells, known, options, wavelength_stderr)
    return Conclusion(
        "cell_scale",
        unit="1",
        value=check.value,
        stderr=check.stderr,
        systematic=check.tolerance,
        verdict=check.verdict,
        reason=sentences.describe_scale(check),
        method=sentences.SCALE_METHOD,
    )


def judge_scale(
    cells: Mapping[str, ReferenceCell],
    known: Mapping[str, xr.Dataset],
    options: Stability,
    wavelength_stderr: float,
) -> ScaleCheck:
    """Return the scale of the cells [1], the cube root of measured over known volume, and the
    verdict on the wavelength.

    With an internal standard (`options.standard`): `checked` within its tolerance, else `off`.
    Without: `off` where all phases deviate alike by more than the tolerance of their published
    cells, else `not_checked`. Parameters as of `check_cell_scale`; a scale is a float.
    """
    phases = {
        name: _scale_from_volumes(cell, known[name].attrs["volume"])
        for name, cell in cells.items()
        if name in known and "volume" in known[name].attrs
    }
    if options.standard:
        return _judge_standard(phases, options, wavelength_stderr)
    if not phases:
        return ScaleCheck(
            verdict=Verdict.NOT_CHECKED,
            phases=phases,
            wavelength_stderr=wavelength_stderr,
        )
    # The median: one phase of another composition must not decide.
    values = np.array([scale.value for scale in phases.values()])
    middle, spread = float(np.median(values)), float(np.ptp(values)) / 2
    tolerance = options.reference_tolerance / 100
    deviation = abs(middle - 1)
    # One wrong wavelength scales all cells alike; thermal history or composition does not.
    all_alike = spread < deviation / 2
    return ScaleCheck(
        verdict=Verdict.OFF if deviation > tolerance and all_alike else Verdict.NOT_CHECKED,
        phases=phases,
        wavelength_stderr=wavelength_stderr,
        value=middle,
        tolerance=tolerance,
    )


def _judge_standard(
    phases: Mapping[str, Scale],
    options: Stability,
    wavelength_stderr: float,
) -> ScaleCheck:
    """Return the check against the internal standard."""
    found = phases.get(options.standard)
    if found is None:
        return ScaleCheck(
            verdict=Verdict.NOT_CHECKED,
            phases=phases,
            wavelength_stderr=wavelength_stderr,
            standard=options.standard,
        )
    tolerance = options.standard_tolerance / 100
    # Twice its error: a standard measured poorly must not raise a false alarm.
    is_within = abs(found.value - 1) <= tolerance + 2 * found.stderr
    return ScaleCheck(
        verdict=Verdict.CHECKED if is_within else Verdict.OFF,
        phases=phases,
        wavelength_stderr=wavelength_stderr,
        standard=options.standard,
        value=found.value,
        stderr=found.stderr,
        tolerance=tolerance,
    )


def _scale_from_volumes(cell: ReferenceCell, known: float) -> Scale:
    """Return (V / V0)^(1/3), V0 the known volume [angstrom^3]; a third of the relative error of the
    volume is that of a length."""
    volume = cell.value[VOLUME]
    stderr = cell.stderr[VOLUME] / volume / 3
    return Scale(value=float((volume / known) ** (1 / 3)), stderr=float(stderr))
