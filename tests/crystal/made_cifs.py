"""CIFs made for tests, and phases read from them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr
import yaml

from ssbchar.crystal import reflections
from ssbchar.crystal.cell import Phase, Site
from ssbchar.crystal.options import ReflectionListing

OPTIONS = ReflectionListing()
ROCK_SALT = ("Na1 Na 0 0 0 1 0.01", "Cl1 Cl 0.5 0.5 0.5 1 0.01")
CUBIC = (5.64, 5.64, 5.64, 90, 90, 90)
CORUNDUM = (4.7591, 4.7591, 12.9918, 90, 90, 120)
CORUNDUM_ATOMS = ("Al1 Al 0 0 0.35216 1 0.004", "O1 O 0.30624 0 0.25 1 0.004")
SILICON = (5.431, 5.431, 5.431, 90, 90, 90)
COLUMNS = ("label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy", "U_iso_or_equiv")
EDGES = tuple(f"_cell_length_{x}" for x in "abc") + tuple(
    f"_cell_angle_{x}" for x in ("alpha", "beta", "gamma")
)


def made_cif(
    cell: Sequence[object] = CUBIC,
    group: str = "F m -3 m",
    atoms: Sequence[str] = ROCK_SALT,
    *lines: str,
    columns: Sequence[str] = COLUMNS,
    block: str = "x",
) -> str:
    """A CIF of a cell, a space group (none if empty), atoms, and more lines."""
    text = [f"data_{block}", *(f"{tag} {x}" for tag, x in zip(EDGES, cell, strict=True))]
    if group:
        text.append(f"_symmetry_space_group_name_H-M '{group}'")
    text += lines
    if atoms:
        text += ["loop_", *(f"_atom_site_{name}" for name in columns), *atoms]
    return "\n".join(text) + "\n"


def made_operations(*operations: str) -> str:
    return "\n".join(
        ["loop_", "_space_group_symop_operation_xyz", *(f"'{text}'" for text in operations)]
    )


def write_table(folder: Path, cif: str | bytes, **entry: object) -> Path:
    """A phases file whose phase X has this CIF."""
    content = cif if isinstance(cif, bytes) else cif.encode()
    (folder / "x.cif").write_bytes(content)
    table = folder / "phases.yaml"
    entries = {"X": {"source": "test", "refinable": True, "cif": "x.cif", **entry}}
    table.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return table


def read(folder: Path, cif: str | bytes, **entry: object) -> Phase:
    return reflections.read_phase(write_table(folder, cif, **entry), "X", OPTIONS)


def tabulate(folder: Path, cif: str | bytes, **entry: object) -> xr.Dataset:
    table = write_table(folder, cif, **entry)
    return reflections.tabulate_reflections(table, OPTIONS, {"phase": "X"})


def made_phase(
    *sites: Site, cell: Sequence[float] = (10.0, 10.0, 10.0), is_centred: bool = False
) -> Phase:
    """Sites in a cell of right angles without symmetry, or with a centre at the origin."""
    rotations = np.stack([np.eye(3), -np.eye(3)] if is_centred else [np.eye(3)])
    return Phase(
        name="X",
        cell=np.array([*cell, 90.0, 90.0, 90.0]),
        group="P -1" if is_centred else "P 1",
        rotations=rotations,
        translations=np.zeros((len(rotations), 3)),
        sites=tuple(sites),
    )
