"""Every sentence of this room: reasons and methods, built last from fields that were decided
before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ssbchar.decision import Decision, describe_open_difference
from ssbchar.hexrd.verdict.common_change import CommonChange
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    from ssbchar.hexrd.pairs.cells import CellDifference, MeanCell
    from ssbchar.hexrd.pairs.line_ratios import LineRatio

CELL_METHOD = "whole-pattern refinement, weighted mean"
CHANGE_METHOD = "whole-pattern refinements of both specimens, equivalence test"
BREADTH_METHOD = "widths of the lines fitted one by one in both specimens, equivalence test"
WILLIAMSON_HALL_METHOD = "Williamson-Hall, integral breadths of the known lines"
RATIO_METHOD = "refined intensities of both specimens, equivalence test"
SHARE_METHOD = "refined intensities of both specimens"
COMMON_METHOD = "change of the lengths of the phase that changed least"
LINES_METHOD = "matched filter on what the refinements of both specimens leave, one less the other"
NAMING_METHOD = (
    "cell fitted to the lines found; likelihood against background lines, integrated over the cell"
)
LIMIT_METHOD = "lines put into the residual (matched filter, linear)"
NO_SHARED_RANGE = "both specimens have no refined pattern over a common range"
SCATTERED = 2.0
"""Reduced chi-square from which the scatter of frames is mentioned."""
MOST_SPACINGS = 6
"""Spacings that are listed, at most."""


def describe_cell(cell: MeanCell, *, is_fitted: bool, scale_stderr: float) -> str:
    """Return the reason of a cell: its frames and their scatter.

    Parameters
    ----------
    cell : MeanCell
    is_fitted : bool
        Whether the refinement explains the lines.
    scale_stderr : float
        Relative error [1] of wavelength and distance; 0 where none is stated.
    """
    parts = ["1 frame" if cell.frames == 1 else f"{cell.frames} frames"]
    if not is_fitted:
        parts.append("the refinement does not explain the lines of these frames")
    if cell.scatter > SCATTERED:
        times = float(np.sqrt(cell.scatter))
        parts.append(f"frames scatter {times:.1f} times their esds, which the error includes")
    if scale_stderr == 0:
        parts.append("the wavelength has no stated error")
    return "; ".join(parts)


def describe_change(
    decision: Decision, unit: str, *, difference: CellDifference, common: CommonChange
) -> str:
    """Return the reason of the change of a cell parameter.

    Parameters
    ----------
    decision : Decision
        In percent or degree.
    unit : str
        As it is printed.
    difference : CellDifference
    common : CommonChange
    """
    parts = [*_describe_equality(decision, unit)]
    if difference.has_one_zero:
        parts.append("both brought to one zero of 2theta")
    else:
        parts.append("each at the zero of its own pattern")
    if common.standard:
        parts.append(f"relative to the internal standard {common.standard}")
    elif common.is_seen:
        who = "all phases" if common.all_alike else common.phase
        parts.append(
            f"the change of {who} by {100 * common.value:+.4f} % in lengths may be displacement"
        )
    return "; ".join(parts)


def _describe_equality(decision: Decision, unit: str, *, scale: float = 1.0) -> list[str]:
    """Return the tolerance, what stays open, and a difference that is there within it."""
    parts = [f"tolerance {scale * (decision.bound or 0.0):.3g} {unit}"]
    if decision.verdict == Verdict.INCONCLUSIVE:
        parts.append(describe_open_difference(decision, unit, scale=scale))
    elif decision.verdict == Verdict.RETAINED and decision.is_difference_seen:
        apart = scale * (decision.value - decision.reference)
        parts.append(f"a difference of {apart:+.2g} {unit} is there, within it")
    return [part for part in parts if part]


def describe_ratio(decision: Decision, basis: str) -> str:
    """Return the reason of a ratio [1].

    Parameters
    ----------
    decision : Decision
    basis : str
        What it rests on.
    """
    return "; ".join([*_describe_equality(decision, "%", scale=100.0), basis])


def describe_breadth_basis(ratio: LineRatio, *, one_setup: bool) -> str:
    """Return what a ratio of breadths rests on.

    Parameters
    ----------
    ratio : LineRatio
    one_setup : bool
        Whether both specimens were measured on one set-up.
    """
    text = f"{ratio.lines} lines; the instrument's breadth is in both, so that the sample's own "
    text += "changed by more"
    if np.isfinite(ratio.dof):
        text += "; the lines scatter beyond their errors, which the error includes"
    if not one_setup:
        text += "; two set-ups: their own breadths may differ, so nothing is concluded"
    return text


def describe_common_change(common: CommonChange) -> str:
    """Return what the common change of lengths [1] may be, in mm where the distance is known."""
    if common.standard:
        return f"taken out: every cell is relative to the internal standard {common.standard}"
    if not common.is_seen:
        text = "no common change seen"
    elif common.all_alike:
        text = (
            f"every length of every phase changed by about {100 * common.value:+.4f} %: possible "
            "displacement of the specimen along the beam"
        )
        if common.distance:
            text += f" ({common.value * common.distance:+.2f} mm of {common.distance:.0f} mm)"
        text += ", or a temperature or wavelength that differs"
    else:
        text = (
            f"{common.phase} changed least, by {100 * common.value:+.4f} %: so much may be "
            "displacement"
        )
    return (
        f"{text}; in the systematic of every length; an internal standard "
        "(hexrd.stability.standard) takes it out, a ratio of lengths does not know it"
    )


def describe_lines(d: Array, *, best: float, share: float) -> str:
    """Return where some lines are and how strong.

    Parameters
    ----------
    d : ndarray, shape (lines,)
        Spacings [angstrom].
    best : float
        Largest significance [standard deviations].
    share : float
        Their area over the intensity of the strongest phase [1].
    """
    ordered = np.sort(d)[::-1]
    listed = ", ".join(f"{value:.3f}" for value in ordered[:MOST_SPACINGS])
    more = " ..." if d.size > MOST_SPACINGS else ""
    return (
        f"best {best:.0f} sigma, d {listed}{more} angstrom, together {100 * share:.2g} % of the "
        "strongest phase's intensity"
    )


def describe_structure(parts: Sequence[str], *, tests: int) -> str:
    """Return the reason of the verdict on a pair.

    Parameters
    ----------
    parts : sequence of str
        What changed, and what is open.
    tests : int
        How many comparisons were made.
    """
    if parts:
        return "; ".join(parts)
    return f"all {tests} comparisons within the limits that matter at 95 %, and no line is new"
