"""NIST SRM 676a and 640d measured at 11-BM, from the file to the cell: within 50 ppm of the
certificate, with errors that cover, with atoms and without."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml

from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.reflections import tabulate_reflections
from ssbchar.hexrd.furnace import join
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.options import Refinement
from ssbchar.statistics import Z95

HEAD = """data_standard
_cell_length_a {0}
_cell_length_b {0}
_cell_length_c {1}
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma {2}
_space_group_name_H-M_alt '{3}'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
_atom_site_B_iso_or_equiv
"""
CORUNDUM = HEAD.format(4.7591, 12.9918, 120, "R -3 c") + (
    "Al1 Al 0 0 0.35216 1 0.3\nO1 O 0.30624 0 0.25 1 0.3\n"
)
SILICON = HEAD.format(5.4312, 5.4312, 90, "F d -3 m :2") + "Si1 Si 0.125 0.125 0.125 1 0.5\n"
CERTIFIED = {
    "Al2O3_676a": (CORUNDUM, {"a": 4.759091, "c": 12.991779}),
    "Si_640d": (SILICON, {"a": 5.43123}),
}
"""CIF, and the certified cell [angstrom] at 22.5 degC."""


def refine_cell(pattern: Path, folder: Path, cif: str, *, atoms: bool) -> xr.Dataset:
    (folder / "standard.cif").write_text(cif, encoding="utf-8")
    entry = {"cif": "standard.cif", "source": "test", "refinable": True, "atoms": atoms}
    table = folder / "phases.yaml"
    table.write_text(yaml.safe_dump({"S": {**entry, "temperature": 22.5}}), encoding="utf-8")
    patterns = read.read_patterns(pattern, PatternReading())
    furnace = join.join_temperatures(patterns, None, Furnace())
    phase = tabulate_reflections(table, ReflectionListing(d_min=0.69), {"phase": "S"})
    return refine.refine_series(patterns, furnace, [phase], Refinement())


@pytest.mark.parametrize("name", CERTIFIED)
def test_certified_cell_with_atoms_and_without(real_data: Path, tmp_path: Path, name: str) -> None:
    cif, certified = CERTIFIED[name]
    pattern = real_data / f"hexrd/aps11bm_standards/{name}.xy"
    with_atoms = refine_cell(pattern, tmp_path, cif, atoms=True)
    without = refine_cell(pattern, tmp_path, cif, atoms=False)
    for axis, right in certified.items():
        found = {}
        for ds in (with_atoms, without):
            assert ds["verdict"].values[0, 0] == "ok"
            length, own = (
                float(ds[variable].sel(axis=axis)[0, 0]) for variable in ("cell", "cell_stderr")
            )
            stderr = np.hypot(own, length * ds.attrs["length_scale_stderr"])
            print(f"{name} {axis} = {length:.6f}({own:.6f}), {1e6 * (length / right - 1):+.1f} ppm")
            assert abs(length / right - 1) < 50e-6
            assert abs(length - right) < Z95 * stderr
            assert stderr / length < 100e-6
            found[ds is with_atoms] = own
        assert found[False] < 2 * found[True]
