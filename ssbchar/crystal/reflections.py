"""A phase's reflections: from a CIF or a cell with its space group to h, k, l, d and |F|^2, once
per phase."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.crystal.cell import (
    Phase,
    Site,
    d_from_hkl,
    generate_orbit,
    identify_crystal_system,
    list_allowed_families,
    metric_from_cell,
    volume_from_cell,
)
from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.outputs import REFLECTIONS
from ssbchar.errors import BadInput
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

CELL_AXES = ("a", "b", "c", "alpha", "beta", "gamma")
CELL_TAGS = tuple(f"_cell_length_{x}" for x in "abc") + tuple(
    f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")
)
GROUP_TAGS = (
    "_symmetry_space_group_name_H-M",
    "_space_group_name_H-M_alt",
    "_symmetry_space_group_name_h-m",
)


def tabulate_reflections(
    table: Path, options: ReflectionListing, labels: dict[str, str]
) -> xr.Dataset:
    """Return the reflections of one phase of a phases file (docs/data-model.md,
    ``phases/<phase>.nc``).

    Parameters
    ----------
    table : Path
        The phases file (YAML): name to ``cif`` or ``cell`` and ``space_group``, ``refinable``,
        ``source``, ``temperature`` (of the cell, degC; 25), ``expansion``, ``note``.
    options : ReflectionListing
    labels : dict
        ``phase`` names the phase.

    Raises
    ------
    BadInput
        The phase is not in the file, its CIF has no cell, or its space group is unknown.
    """
    phase = read_phase(table, labels["phase"], options)
    hkl, multiplicity = list_allowed_families(phase, options.d_min)
    d = d_from_hkl(hkl, phase.cell)
    # Rounded d, so that reflections of equal d stand in the order of their indices.
    order = np.lexsort((hkl[:, 2], hkl[:, 1], hkl[:, 0], -np.round(d, 9)))
    hkl, multiplicity, d = hkl[order], multiplicity[order], d[order]
    strength = np.full(d.size, np.nan)
    if phase.sites:
        strength = structure_factor_squared(phase, hkl)
        power = strength * multiplicity
        kept = power > options.weakest * np.max(power)
        hkl, multiplicity, d, strength = hkl[kept], multiplicity[kept], d[kept], strength[kept]
    return REFLECTIONS.dataset(
        {
            **{name: hkl[:, i].astype(np.int64) for i, name in enumerate("hkl")},
            "multiplicity": multiplicity.astype(np.int64),
            "d": d,
            "structure_factor_squared": strength,
        },
        _describe_phase(phase),
    )


def _describe_phase(phase: Phase) -> dict[str, Any]:
    """Return the attributes of a table of reflections."""
    about = phase.about
    attributes = {
        "phase": phase.name,
        "cell": phase.cell.tolist(),
        "space_group": phase.group,
        "crystal_system": str(identify_crystal_system(phase)),
        "volume": float(volume_from_cell(phase.cell)),
        "refinable": int(bool(about.get("refinable", False)) and bool(phase.sites)),
        "source": str(about["source"]),
        "note": str(about.get("note", "")),
        "temperature": float(about.get("temperature", 25.0)),
        "expansion": json.dumps(about.get("expansion") or {}),
    }
    mass = mass_from_sites(phase)
    if np.isfinite(mass):
        attributes["cell_mass"] = mass
    return attributes


def read_phase(table: Path, name: str, options: ReflectionListing) -> Phase:
    """Return a phase of a phases file.

    Raises
    ------
    BadInput
        As `tabulate_reflections`.
    """
    import yaml

    entries = yaml.safe_load(Path(table).read_text(encoding="utf-8")) or {}
    if name not in entries:
        raise BadInput(table, f"no phase '{name}'", f"add it, or use one of {', '.join(entries)}")
    about = dict(entries[name])
    if not about.get("source"):
        raise BadInput(
            table, f"phase '{name}' has no source", "give 'source:', a DOI where there is one"
        )
    if "cif" in about:
        return _read_cif(Path(table).parent / about["cif"], name, about, options)
    if "cell" not in about or "space_group" not in about:
        raise BadInput(
            table,
            f"phase '{name}' has neither 'cif' nor 'cell' and 'space_group'",
            "give one of them",
        )
    cell = np.array(about["cell"], float)
    if cell.shape != (6,) or not _is_possible_cell(cell):
        raise BadInput(
            table,
            f"phase '{name}': {about['cell']} is no cell",
            "give [a, b, c, alpha, beta, gamma]",
        )
    group = str(about["space_group"])
    rotations, translations = _read_operations(
        {"_symmetry_space_group_name_H-M": group}, table, name
    )
    return Phase(
        name=name,
        cell=cell,
        group=group,
        rotations=rotations,
        translations=translations,
        about=about,
    )


def _read_cif(path: Path, name: str, about: dict[str, Any], options: ReflectionListing) -> Phase:
    if not path.is_file():
        raise BadInput(
            path,
            f"the CIF of phase '{name}' does not exist",
            "correct 'cif:' (relative to the phases file)",
        )
    from pymatgen.io.cif import CifFile

    blocks = CifFile.from_str(path.read_text(encoding="utf-8", errors="replace")).data.values()
    block = next((b.data for b in blocks if CELL_TAGS[0] in b.data), None)
    if block is None or any(tag not in block for tag in CELL_TAGS):
        raise BadInput(path, "the CIF has no cell", f"add {CELL_TAGS[0]} ... {CELL_TAGS[-1]}")
    cell = np.array([_parse_number(block[tag], path) for tag in CELL_TAGS])
    if not _is_possible_cell(cell):
        raise BadInput(path, f"{cell.tolist()} is no cell", "correct the lengths and angles")
    rotations, translations = _read_operations(block, path, name)
    return Phase(
        name=name,
        cell=cell,
        group=_find_group_symbol(block),
        rotations=rotations,
        translations=translations,
        sites=_read_sites(block, path, options),
        about=about,
    )


def _find_group_symbol(block: dict[str, Any]) -> str:
    return next((str(block[tag]) for tag in GROUP_TAGS if tag in block), "")


def _is_possible_cell(cell: Array) -> bool:
    """Return whether lengths and angles are those of a cell with a volume."""
    lengths, angles = cell[:3], cell[3:]
    if not (np.all(np.isfinite(cell)) and np.all(lengths > 0)):
        return False
    is_angle = (angles > 0) & (angles < 180)
    return bool(np.all(is_angle) and np.linalg.det(metric_from_cell(cell)) > 0)


def _parse_number(text: Any, path: Path) -> float:
    """Return a CIF number without its esd."""
    try:
        return float(str(text).split("(")[0])
    except ValueError as error:
        raise BadInput(path, f"'{text}' is no number", "correct the CIF") from error


def _read_operations(block: dict[str, Any], where: Path, name: str) -> tuple[Array, Array]:
    """Return the symmetry operations a CIF lists, or those of its space-group symbol."""
    import warnings

    from pymatgen.core.operations import SymmOp
    from pymatgen.symmetry.groups import SpaceGroup

    tags = (
        "_symmetry_equiv_pos_as_xyz",
        "_space_group_symop_operation_xyz",
        "_space_group_symop.operation_xyz",
    )
    listed = next((block[t] for t in tags if t in block), None)
    if listed is not None:
        listed = [listed] if isinstance(listed, str) else listed
        found = [SymmOp.from_xyz_str(text) for text in listed]
    else:
        symbol = _find_group_symbol(block)
        try:
            found = _find_operations(symbol, SpaceGroup, warnings)
        except (ValueError, KeyError, IndexError) as error:
            problem = (
                f"phase '{name}': space group '{symbol}' is not known"
                if symbol
                else "no space group"
            )
            raise BadInput(
                where,
                problem,
                "give its Hermann-Mauguin symbol, or a CIF that lists its operations",
            ) from error
    affine = np.array([op.affine_matrix for op in found])
    return np.round(affine[:, :3, :3]), affine[:, :3, 3] % 1.0


def _find_operations(symbol: str, SpaceGroup: Any, warnings: Any) -> list[Any]:
    """Return the operations of a Hermann-Mauguin symbol; ``:1`` and ``:H`` are the settings
    tabulated."""
    from pymatgen.io.cif import CifBlock, CifParser

    plain, _, setting = symbol.replace(" :", ":").partition(":")
    if setting.strip() not in ("", "1", "H", "h"):
        raise ValueError(symbol)
    # The search through symbols is a method of the parser that needs nothing else of it.
    parser = CifParser.__new__(CifParser)
    setattr(parser, "warnings", [])  # noqa: B010 (its annotations do not name it)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block = CifBlock({"_symmetry_space_group_name_H-M": plain.strip()}, [], "symbol")
        found = list(parser.get_symops(block))
    if len(found) == 1 and plain.replace(" ", "") not in ("P1", "P11"):
        raise ValueError(symbol)
    return found


def _read_sites(block: dict[str, Any], path: Path, options: ReflectionListing) -> tuple[Site, ...]:
    """Return the atoms that a CIF lists; none if it lists none."""
    if "_atom_site_fract_x" not in block:
        return ()
    columns = {
        k: v if isinstance(v, list) else [v]
        for k, v in block.items()
        if k.startswith("_atom_site_")
    }
    labels = columns.get("_atom_site_type_symbol") or columns.get("_atom_site_label") or []
    sites = []
    for i, label in enumerate(labels):
        x, y, z = (_parse_number(columns[f"_atom_site_fract_{axis}"][i], path) for axis in "xyz")
        occupancy = columns.get("_atom_site_occupancy")
        sites.append(
            Site(
                element=_parse_element(label, path),
                position=(x, y, z),
                occupancy=_parse_number(occupancy[i], path) if occupancy else 1.0,
                b_iso=_read_b_iso(columns, i, path, options),
            )
        )
    return tuple(sites)


def _read_b_iso(
    columns: dict[str, list[Any]], i: int, path: Path, options: ReflectionListing
) -> float:
    for tag, factor in (
        ("_atom_site_B_iso_or_equiv", 1.0),
        ("_atom_site_U_iso_or_equiv", 8 * np.pi**2),
    ):
        if tag in columns and str(columns[tag][i]) not in (".", "?"):
            return factor * _parse_number(columns[tag][i], path)
    return options.b_iso


def _parse_element(label: str, path: Path) -> str:
    letters = "".join(c for c in str(label) if c.isalpha())
    for size in (2, 1):
        word = letters[:size].capitalize()
        if len(word) == size and word in load_form_factors():
            return word
    raise BadInput(path, f"atom '{label}' is no element", "correct _atom_site_type_symbol")


@functools.cache
def load_form_factors() -> dict[str, Any]:
    """Return pymatgen's table of X-ray form-factor coefficients, element to [[a, b], ...]
    (angstrom^2)."""
    import importlib.util

    # The table alone: importing the module beside it takes seconds.
    found = importlib.util.find_spec("pymatgen")
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / "analysis/diffraction/atomic_scattering_params.json"
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
    # A release that keeps the table elsewhere.
    from pymatgen.analysis.diffraction.xrd import ATOMIC_SCATTERING_PARAMS

    return dict(ATOMIC_SCATTERING_PARAMS)


def form_factor_from_s(element: str, s: Array) -> Array:
    """Return the X-ray form factor f(s) = Z - 41.78214 s^2 sum_i a_i exp(-b_i s^2).

    M. De Graef & M. E. McHenry, Structure of Materials, Cambridge University Press (2007), eq.
    12.8, as pymatgen.

    Parameters
    ----------
    element : str
        Its symbol.
    s : ndarray
        sin(theta) / lambda [1/angstrom].

    Returns
    -------
    ndarray
        f [electron], of the shape of `s`.
    """
    from pymatgen.core.periodic_table import Element

    terms = sum(a * np.exp(-b * s**2) for a, b in load_form_factors()[element])
    return np.asarray(Element(element).Z - 41.78214 * s**2 * terms)


def structure_factor_squared(phase: Phase, hkl: Array) -> Array:
    """Return |F|^2 with F = sum_j o_j f_j exp(-B_j s^2) exp(2 pi i h.x_j).

    Parameters
    ----------
    phase : Phase
        Its cell and atoms; o_j is the occupancy, B_j the isotropic displacement parameter.
    hkl : ndarray, shape (reflection, 3)
        Miller indices.

    Returns
    -------
    ndarray, shape (reflection,)
        |F|^2 [electron^2].
    """
    s = 0.5 / d_from_hkl(hkl, phase.cell)
    total = np.zeros(len(hkl), complex)
    for site in phase.sites:
        positions = generate_orbit(site.position, phase)
        wave = np.exp(2j * np.pi * hkl @ positions.T).sum(axis=1)
        f = form_factor_from_s(site.element, s)
        total += site.occupancy * f * np.exp(-site.b_iso * s**2) * wave
    return np.asarray(np.abs(total) ** 2)


def mass_from_sites(phase: Phase) -> float:
    """Return the mass of the cell's content [atomic mass unit]; NaN for a phase without atoms.

    Z M of R. J. Hill & C. J. Howard, J. Appl. Cryst. 20 (1987) 467.
    """
    if not phase.sites:
        return float("nan")
    from pymatgen.core.periodic_table import Element

    masses = [
        site.occupancy
        * float(Element(site.element).atomic_mass)
        * len(generate_orbit(site.position, phase))
        for site in phase.sites
    ]
    return float(sum(masses))
