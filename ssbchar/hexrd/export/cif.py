"""Refined cells as CIF (core dictionary): standard uncertainties, symmetry and the atoms of the
phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.constants import ABSOLUTE_ZERO_C
from ssbchar.crystal.cell import Phase, identify_crystal_system
from ssbchar.typing import Array

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
ATOM_TAGS = (
    "_atom_site_label",
    "_atom_site_type_symbol",
    "_atom_site_fract_x",
    "_atom_site_fract_y",
    "_atom_site_fract_z",
    "_atom_site_occupancy",
    "_atom_site_B_iso_or_equiv",
)
TWO_DIGITS_UP_TO = 19
"""Standard uncertainties up to this have two digits, larger ones a single digit (rule of 19)."""
UNKNOWN_SCALE = "unknown size (no error of the wavelength is stated)"


def format_cif(
    known: Phase, lattice: xr.Dataset, furnace: xr.Dataset, phase: int, frame: int, *, note: str
) -> str:
    """Return the CIF of one phase in one frame.

    Parameters
    ----------
    known : Phase
        From the phases file: symmetry and atoms.
    lattice : Dataset
        Refined cells [angstrom, degree] (docs/data-model.md, ``lattice.nc``).
    furnace : Dataset
        Temperatures [degC] (``furnace.nc``).
    phase, frame : int
        Positions in `lattice`.
    note : str
        Sample, and whether it is synthetic.

    Returns
    -------
    str
        Text of the file.
    """
    at = lattice.isel(phase=phase, frame=frame)
    number = int(lattice["frame"].values[frame])
    temperature = format_temperature(furnace.isel(frame=frame))
    scale_stderr = float(lattice.attrs.get("length_scale_stderr", np.nan))
    shared = f"{scale_stderr:.1e}" if scale_stderr > 0 else UNKNOWN_SCALE
    # the core dictionary has no system of its own for rhombohedral axes
    system = identify_crystal_system(known).replace("rhombohedral", "trigonal")
    lines = [
        f"# {note}, frame {number}; cell refined on the whole pattern by ssbchar",
        f"# verdict of the cell: {at['verdict'].item()}; phase model: {known.about['source']}",
        "# uncertainties are those of the fit; all lengths also share a relative error of "
        + shared,
        f"data_{make_data_name(known.name)}_frame_{number}",
        f"_cell_measurement_temperature {temperature}",
        f"_diffrn_ambient_temperature {temperature}",
        f"_diffrn_radiation_wavelength {float(lattice.attrs['wavelength']):.7g}",
        f"_space_group_crystal_system {system}",
        f"_space_group_name_H-M_alt '{known.group}'",
        *_list_cell(at),
        *list_symmetry(known),
        *_list_atoms(known),
    ]
    return "\n".join(lines) + "\n"


def format_temperature(at: xr.Dataset) -> str:
    """Return the temperature of a frame [K] with its standard uncertainty, ``?`` where unknown."""
    celsius = float(at["temperature"])
    stderr = float(at["temperature_stderr"])
    systematic = float(at["temperature_systematic"])
    if not np.isfinite(celsius):
        return "?"
    return format_with_su(celsius - ABSOLUTE_ZERO_C, float(np.hypot(stderr, systematic)))


def _list_cell(at: xr.Dataset) -> list[str]:
    """Return the lines of the cell of one phase in one frame."""
    cell, stderr = at["cell"].values, at["cell_stderr"].values
    lines = [
        f"{tag} {format_with_su(value, su)}"
        for tag, value, su in zip(CELL_TAGS, cell, stderr, strict=True)
    ]
    volume = format_with_su(float(at["volume"]), float(at["volume_stderr"]))
    return [*lines, f"_cell_volume {volume}"]


def format_with_su(value: float, su: float) -> str:
    """Return a value with its standard uncertainty in CIF notation, ``8.2614(3)``.

    Parameters
    ----------
    value : float
        In any unit.
    su : float
        Standard uncertainty in the same unit: rounded to one digit, or to two up to
        `TWO_DIGITS_UP_TO`. Where it is not finite and positive, the value stands alone (a parameter
        fixed by symmetry).

    Returns
    -------
    str
        Value and uncertainty, rounded to the same digit.
    """
    if not np.isfinite(su) or su <= 0:
        return f"{value:.10g}"
    decimals = -int(np.floor(np.log10(su)))
    if round(su * 10.0 ** (decimals + 1)) <= TWO_DIGITS_UP_TO:
        decimals += 1
    if decimals <= 0:
        unit = 10.0**-decimals
        return f"{round(value / unit) * unit:.0f}({round(su / unit) * unit:.0f})"
    digits = round(su * 10.0**decimals)
    return f"{value:.{decimals}f}({digits})"


def make_data_name(name: str) -> str:
    """Return a phase's name with the characters [1] that a CIF data block may have."""
    return "".join(c if c.isalnum() or c in "_-" else "_" for c in name)


def list_symmetry(known: Phase) -> list[str]:
    """Return the loop of the symmetry operations used in the refinement, so that no program needs
    to guess the setting."""
    operations = [
        format_operation(rotation, translation)
        for rotation, translation in zip(known.rotations, known.translations, strict=True)
    ]
    # the dictionary asks for the identity first
    operations.sort(key=lambda text: text != "x, y, z")
    return [
        "loop_",
        "_space_group_symop_operation_xyz",
        *(f"'{operation}'" for operation in operations),
    ]


def format_operation(rotation: Array, translation: Array) -> str:
    """Return a symmetry operation as text, such as ``-x+y, -x, z+1/2``.

    Parameters
    ----------
    rotation : ndarray, shape (3, 3)
        Rotation part, of integers.
    translation : ndarray, shape (3,)
        Translation part, as fractions of the axes.

    Returns
    -------
    str
        In fractional coordinates (dimensionless); translations are multiples of 1/12.
    """
    components = [
        _format_component(row, float(shift))
        for row, shift in zip(rotation, translation, strict=True)
    ]
    return ", ".join(components)


def _format_component(row: Array, shift: float) -> str:
    text = ""
    for factor, axis in zip(np.round(row).astype(int), "xyz", strict=True):
        if factor < 0:
            text += f"-{axis}"
        elif factor > 0:
            text += f"+{axis}" if text else axis
    twelfths = round((shift % 1.0) * 12) % 12
    if twelfths:
        divisor = int(np.gcd(twelfths, 12))
        text += f"+{twelfths // divisor}/{12 // divisor}"
    return text


def _list_atoms(known: Phase) -> list[str]:
    """Return the loop of the atoms of the phases file, which the refinement leaves unchanged."""
    if not known.sites:
        return ["# no atoms: the phase is known by its cell alone"]
    trust = "" if known.about.get("refinable") else " and not trusted there"
    lines = [f"# atoms as in the phases file, not refined{trust}", "loop_", *ATOM_TAGS]
    for number, site in enumerate(known.sites, 1):
        x, y, z = (f"{coordinate:.6g}" for coordinate in site.position)
        lines.append(
            f"{site.element}{number} {site.element} {x} {y} {z} {site.occupancy:.6g} "
            f"{site.b_iso:.4g}"
        )
    return lines
