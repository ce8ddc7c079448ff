"""A start file for TOPAS from a series' first frame with phases: its pattern, wavelength, zero and
the cells refined here, the intensities of each phase free (Pawley)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import ssbchar
from ssbchar.results.export.run_tables import AXES, load_result

if TYPE_CHECKING:
    import xarray as xr

TAGS = ("a", "b", "c", "al", "be", "ga")
"""What TOPAS calls the cell's parameters."""
TIES = {
    "cubic": {1: "a", 2: "a"},
    "tetragonal": {1: "a"},
    "hexagonal": {1: "a"},
    "trigonal": {1: "a"},
    "rhombohedral": {1: "a", 2: "a", 4: "al", 5: "al"},
}
"""Parameters that follow another one, by crystal system."""
FREE_ANGLES = {"monoclinic": (4,), "triclinic": (3, 4, 5), "rhombohedral": (3,)}
BACKGROUND = 12
"""Chebychev terms to start with."""


def write_start_files(folder: Path, run: Path) -> dict[str, str]:
    """Return the start file and the pattern it names, by file name; none for a measurement without
    refined cells.

    Parameters
    ----------
    folder : Path
        ``results/<run>/hexrd/<measurement>``.
    run : Path
        ``results/<run>``.
    """
    patterns, lattice = (load_result(folder / f"{name}.nc") for name in ("patterns", "lattice"))
    if patterns is None or lattice is None:
        return {}
    present = lattice["present"].transpose("frame", "phase").values > 0
    with_phases = np.flatnonzero(present.any(axis=1))
    if not with_phases.size:
        return {}
    frame = int(with_phases[0])
    pattern = f"{folder.name}.xye"
    lines = [
        f"' Start file for TOPAS, written by ssbchar {ssbchar.__version__} from {folder.name}, "
        f"frame {lattice['frame'].values[frame]}",
        "' Intensities are free (hkl_Is); replace it by str and sites for Rietveld.",
        f'xdd "{pattern}"',
        f"   bkg @ {' '.join(['0'] * BACKGROUND)}",
        "   LP_Factor(0)",
        f"   Zero_Error(@, {_find_zero(lattice, frame):.6f})",
        "   lam",
        "      ymin_on_ymax 0.001",
        f"      la 1 lo {float(patterns['wavelength']):.8g} lh 0.0001",
    ]
    for place, name in enumerate(map(str, lattice["phase"].values)):
        if present[frame, place]:
            lines += _write_phase(lattice, frame, place, load_result(run / f"phases/{name}.nc"))
    return {f"{folder.name}.inp": "\n".join(lines) + "\n", pattern: _write_pattern(patterns, frame)}


def _find_zero(lattice: xr.Dataset, frame: int) -> float:
    """Return the zero of a frame [degree]; TOPAS adds it to the calculated 2theta, as it is meant
    here."""
    value = float(lattice["zero"].values[frame])
    return value if np.isfinite(value) else 0.0


def _write_phase(
    lattice: xr.Dataset, frame: int, place: int, phase: xr.Dataset | None
) -> list[str]:
    name = str(lattice["phase"].values[place])
    system = str(np.atleast_1d(lattice["crystal_system"].values)[place])
    cell = lattice["cell"].values[frame, place]
    group = str(phase.attrs.get("space_group", "")) if phase is not None else ""
    lines = [
        "   hkl_Is",
        f'      phase_name "{name}"',
        f'      space_group "{group.replace(" ", "")}"',
    ]
    ties = TIES.get(system, {})
    for i, tag in enumerate(TAGS[: len(AXES)]):
        if i in ties:
            lines.append(f"      {tag} =Get({ties[i]});")
        elif i < 3 or i in FREE_ANGLES.get(system, ()):
            lines.append(f"      {tag} @ {cell[i]:.7g}")
        else:
            lines.append(f"      {tag} {cell[i]:.7g}")
    return lines


def _write_pattern(patterns: xr.Dataset, frame: int) -> str:
    axis = patterns["two_theta"].values
    values, errors = (
        np.asarray(patterns[name].isel(frame=frame).values, float)
        for name in ("intensity", "intensity_stderr")
    )
    good = np.isfinite(values) & np.isfinite(errors)
    rows = zip(axis[good], values[good], errors[good], strict=True)
    return "".join(f"{x:.6f} {y:.6g} {error:.6g}\n" for x, y, error in rows)
