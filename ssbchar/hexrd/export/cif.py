"""Refined cells as CIF (core dictionary), with standard uncertainties, symmetry and the phase's
atoms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.crystal.cell import Phase, identify_crystal_system

if TYPE_CHECKING:
    import xarray as xr

CELL_TAGS = (
    "_cell_length_a",
    "_cell_length_b",
    "_cell_length_c",
    "_cell_angle_alpha",
    "_cell_angle_beta",
    "_cell_angle_gamma",
)


def format_cif(
    known: Phase, lattice: xr.Dataset, furnace: xr.Dataset, phase: int, frame: int, note: str
) -> str:
    """Return the CIF of one phase in one frame.

    Parameters
    ----------
    known : Phase
        From the phases file.
    lattice, furnace : Dataset
        As docs/data-model.md has them.
    phase, frame : int
        Positions in `lattice`.
    note : str
        Sample, and whether it is synthetic.
    """
    at = lattice.isel(phase=phase, frame=frame)
    number = int(lattice["frame"].values[frame])
    temperature = float(furnace["temperature"].values[frame])
    parts = [float(furnace[f"temperature_{k}"].values[frame]) for k in ("stderr", "systematic")]
    error = float(np.hypot(parts[0], parts[1]))
    shared = float(lattice.attrs.get("length_scale_stderr", np.nan))
    lines = [
        f"# {note}, frame {number}; cell refined on the whole pattern by ssbchar",
        f"# verdict of the cell: {at['verdict'].item()}; phase model: {known.about['source']}",
        "# uncertainties are those of the fit; all lengths also share a relative error of "
        + (
            f"{shared:.1e}" if shared > 0 else "unknown size (no error of the wavelength is stated)"
        ),
        f"data_{_word(known.name)}_frame_{number}",
        f"_cell_measurement_temperature {_kelvin(temperature, error)}",
        f"_diffrn_ambient_temperature {_kelvin(temperature, error)}",
        f"_diffrn_radiation_wavelength {float(lattice.attrs['wavelength']):.7g}",
        f"_space_group_crystal_system {identify_crystal_system(known).replace('rhombohedral', 'trigonal')}",
        f"_space_group_name_H-M_alt '{known.group}'",
    ]
    cell, stderr = at["cell"].values, at["cell_stderr"].values
    lines += [
        f"{tag} {format_with_su(v, s)}" for tag, v, s in zip(CELL_TAGS, cell, stderr, strict=True)
    ]
    lines.append(f"_cell_volume {format_with_su(float(at['volume']), float(at['volume_stderr']))}")
    return "\n".join([*lines, *_symmetry(known), *_atoms(known)]) + "\n"


def format_with_su(value: float, su: float) -> str:
    """Return a value with its standard uncertainty in CIF notation, ``8.2614(3)``: of one digit, or
    of two up to 19.

    Without a finite positive uncertainty the value stands alone (a parameter fixed by symmetry).
    """
    if not np.isfinite(su) or su <= 0:
        return f"{value:.10g}"
    decimals = -int(np.floor(np.log10(su)))
    if round(su * 10.0 ** (decimals + 1)) <= 19:
        decimals += 1
    if decimals <= 0:
        unit = 10.0**-decimals
        return f"{round(value / unit) * unit:.0f}({round(su / unit) * unit:.0f})"
    digits = round(su * 10.0**decimals)
    return f"{value:.{decimals}f}({digits})"


def _kelvin(celsius: float, error: float) -> str:
    return format_with_su(celsius - ABSOLUTE_ZERO_C, error) if np.isfinite(celsius) else "?"


def _word(name: str) -> str:
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name)


def _symmetry(known: Phase) -> list[str]:
    texts = [
        format_operation(r, t) for r, t in zip(known.rotations, known.translations, strict=True)
    ]
    texts.sort(key=lambda text: text != "x, y, z")  # the identity stands first
    rows = [
        f"'{text}'" for text in texts
    ]  # those of the refinement, so that no program need guess the setting
    return ["loop_", "_space_group_symop_operation_xyz", *rows]


def format_operation(rotation: NDArray[np.float64], shift: NDArray[np.float64]) -> str:
    """Return a symmetry operation as text, such as ``-x+y, -x, z+1/2``."""
    return ", ".join(_component(row, float(t)) for row, t in zip(rotation, shift, strict=True))


def _component(row: NDArray[np.float64], shift: float) -> str:
    words = ""
    for factor, name in zip(np.round(row).astype(int), "xyz", strict=True):
        if factor:
            words += ("+" if factor > 0 and words else "-" if factor < 0 else "") + name
    twelfths = round((shift % 1.0) * 12) % 12
    if twelfths:
        divisor = int(np.gcd(twelfths, 12))
        words += f"+{twelfths // divisor}/{12 // divisor}"
    return words


def _atoms(known: Phase) -> list[str]:
    """Return the atoms of the phases file, which the refinement of the cell leaves as they are."""
    if not known.sites:
        return ["# no atoms: the phase is known by its cell alone"]
    trust = "" if known.about.get("refinable") else " and not trusted there"
    rows = [
        f"# atoms as in the phases file, not refined{trust}",
        "loop_",
        "_atom_site_label",
        "_atom_site_type_symbol",
        "_atom_site_fract_x",
        "_atom_site_fract_y",
        "_atom_site_fract_z",
        "_atom_site_occupancy",
        "_atom_site_B_iso_or_equiv",
    ]
    for i, site in enumerate(known.sites, 1):
        x, y, z = (f"{v:.6g}" for v in site.position)
        rows.append(
            f"{site.element}{i} {site.element} {x} {y} {z} {site.occupancy:.6g} {site.b_iso:.4g}"
        )
    return rows
