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
    order = np.lexsort((hkl[:, 2], hkl[:, 1], hkl[:, 0], -np.round(d, 9)))
    hkl, multiplicity, d = hkl[order], multiplicity[order], d[order]
    strength = structure_factor_squared(phase, hkl) if phase.sites else np.full(d.size, np.nan)
    if phase.sites:
        kept = strength * multiplicity > options.weakest * np.max(strength * multiplicity)
        hkl, multiplicity, d, strength = hkl[kept], multiplicity[kept], d[kept], strength[kept]
    return _dataset(phase, hkl, multiplicity, d, strength)


def _dataset(
    phase: Phase, hkl: Array, multiplicity: Array, d: Array, strength: Array
) -> xr.Dataset:
    import xarray as xr

    about = phase.about
    mass = mass_from_sites(phase)
    attrs: dict[str, Any] = {
        "phase": phase.name,
        "cell": phase.cell.tolist(),
        "space_group": phase.group,
        "crystal_system": identify_crystal_system(phase),
        "volume": float(volume_from_cell(phase.cell)),
        "refinable": int(bool(about.get("refinable", False)) and bool(phase.sites)),
        "source": str(about["source"]),
        "note": str(about.get("note", "")),
        "temperature": float(about.get("temperature", 25.0)),
        "expansion": json.dumps(about.get("expansion") or {}),
    }
    if np.isfinite(mass):
        attrs["cell_mass"] = mass
    whole = {"units": "1"}
    return xr.Dataset(
        {
            **{
                name: ("reflection", hkl[:, i].astype(np.int64), whole)
                for i, name in enumerate("hkl")
            },
            "multiplicity": ("reflection", multiplicity.astype(np.int64), whole),
            "d": ("reflection", d, {"units": "angstrom"}),
            "structure_factor_squared": ("reflection", strength, {"units": "electron^2"}),
        },
        attrs=attrs,
    )


def read_phase(table: Path, name: str, options: ReflectionListing) -> Phase:
    """Return a phase of a phases file (see `reflections`)."""
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
        return _from_cif(Path(table).parent / about["cif"], name, about, options)
    if "cell" not in about or "space_group" not in about:
        raise BadInput(
            table,
            f"phase '{name}' has neither 'cif' nor 'cell' and 'space_group'",
            "give one of them",
        )
    cell = np.array(about["cell"], float)
    if cell.shape != (6,) or not _possible(cell):
        raise BadInput(
            table,
            f"phase '{name}': {about['cell']} is no cell",
            "give [a, b, c, alpha, beta, gamma]",
        )
    group = str(about["space_group"])
    rotations, translations = _operations({"_symmetry_space_group_name_H-M": group}, table, name)
    return Phase(name, cell, group, rotations, translations, (), about)


def _from_cif(path: Path, name: str, about: dict[str, Any], options: ReflectionListing) -> Phase:
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
    cell = np.array([_number(block[tag], path) for tag in CELL_TAGS])
    if not _possible(cell):
        raise BadInput(path, f"{cell.tolist()} is no cell", "correct the lengths and angles")
    group = next((str(block[t]) for t in GROUP_TAGS if t in block), "")
    rotations, translations = _operations(block, path, name)
    return Phase(name, cell, group, rotations, translations, _sites(block, path, options), about)


def _possible(cell: Array) -> bool:
    angles = np.all((cell[3:] > 0) & (cell[3:] < 180))
    return bool(
        np.all(np.isfinite(cell))
        and np.all(cell[:3] > 0)
        and angles
        and np.linalg.det(metric_from_cell(cell)) > 0
    )


def _number(text: Any, path: Path) -> float:
    """Return a CIF number without its esd."""
    try:
        return float(str(text).split("(")[0])
    except ValueError as error:
        raise BadInput(path, f"'{text}' is no number", "correct the CIF") from error


def _operations(block: dict[str, Any], where: Path, name: str) -> tuple[Array, Array]:
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
        symbol = next((str(block[t]) for t in GROUP_TAGS if t in block), "")
        try:
            found = _by_symbol(symbol, SpaceGroup, warnings)
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


def _by_symbol(symbol: str, SpaceGroup: Any, warnings: Any) -> list[Any]:
    """Return the operations of a Hermann-Mauguin symbol; ``:1`` and ``:H`` are the settings
    tabulated."""
    from pymatgen.io.cif import CifBlock, CifParser

    plain, _, setting = symbol.replace(" :", ":").partition(":")
    if setting.strip() not in ("", "1", "H", "h"):
        raise ValueError(symbol)
    parser = CifParser.__new__(
        CifParser
    )  # its search through symbols is a method, and needs nothing else
    setattr(parser, "warnings", [])  # noqa: B010 (its annotations do not name it)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        block = CifBlock({"_symmetry_space_group_name_H-M": plain.strip()}, [], "symbol")
        found = list(parser.get_symops(block))
    if len(found) == 1 and plain.replace(" ", "") not in ("P1", "P11"):
        raise ValueError(symbol)
    return found


def _sites(block: dict[str, Any], path: Path, options: ReflectionListing) -> tuple[Site, ...]:
    if "_atom_site_fract_x" not in block:
        return ()
    columns = {
        k: v if isinstance(v, list) else [v]
        for k, v in block.items()
        if k.startswith("_atom_site_")
    }
    labels = columns.get("_atom_site_type_symbol") or columns.get("_atom_site_label") or []
    out = []
    for i, label in enumerate(labels):
        element = _element(label, path)
        x, y, z = (_number(columns[f"_atom_site_fract_{axis}"][i], path) for axis in "xyz")
        occupancy = columns.get("_atom_site_occupancy")
        out.append(
            Site(
                element,
                (x, y, z),
                _number(occupancy[i], path) if occupancy else 1.0,
                _b_iso(columns, i, path, options),
            )
        )
    return tuple(out)


def _b_iso(columns: dict[str, list[Any]], i: int, path: Path, options: ReflectionListing) -> float:
    for tag, factor in (
        ("_atom_site_B_iso_or_equiv", 1.0),
        ("_atom_site_U_iso_or_equiv", 8 * np.pi**2),
    ):
        if tag in columns and str(columns[tag][i]) not in (".", "?"):
            return factor * _number(columns[tag][i], path)
    return options.b_iso


def _element(label: str, path: Path) -> str:
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

    found = importlib.util.find_spec(
        "pymatgen"
    )  # the table alone: importing the module beside it takes seconds
    for folder in (found.submodule_search_locations if found else None) or ():
        path = Path(folder) / "analysis/diffraction/atomic_scattering_params.json"
        if path.is_file():
            return dict(json.loads(path.read_text(encoding="utf-8")))
    from pymatgen.analysis.diffraction.xrd import (
        ATOMIC_SCATTERING_PARAMS,
    )  # where a release keeps it elsewhere

    return dict(ATOMIC_SCATTERING_PARAMS)


def form_factor_from_s(element: str, s: Array) -> Array:
    """Return f(s) = Z - 41.78214 s^2 sum_i a_i exp(-b_i s^2) [electron], s = sin(theta)/lambda
    [1/angstrom].

    M. De Graef & M. E. McHenry, Structure of Materials, Cambridge University Press (2007), eq.
    12.8, as pymatgen.
    """
    from pymatgen.core.periodic_table import Element

    terms = sum(a * np.exp(-b * s**2) for a, b in load_form_factors()[element])
    return np.asarray(Element(element).Z - 41.78214 * s**2 * terms)


def structure_factor_squared(phase: Phase, hkl: Array) -> Array:
    """Return |F|^2 [electron^2], F = sum_j o_j f_j exp(-B_j s^2) exp(2 pi i h.x_j), shape
    (reflection,)."""
    s = 0.5 / d_from_hkl(hkl, phase.cell)
    total = np.zeros(len(hkl), complex)
    for site in phase.sites:
        wave = np.exp(2j * np.pi * hkl @ generate_orbit(site.position, phase).T).sum(axis=1)
        total += (
            site.occupancy * form_factor_from_s(site.element, s) * np.exp(-site.b_iso * s**2) * wave
        )
    return np.asarray(np.abs(total) ** 2)


def mass_from_sites(phase: Phase) -> float:
    """Return the mass of the cell's content [atomic mass unit], Z M of Hill & Howard; NaN without
    atoms."""
    if not phase.sites:
        return float("nan")
    from pymatgen.core.periodic_table import Element

    return float(
        sum(
            s.occupancy
            * float(Element(s.element).atomic_mass)
            * len(generate_orbit(s.position, phase))
            for s in phase.sites
        )
    )
