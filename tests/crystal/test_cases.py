"""The small cases with known answers, and the CIFs that lie beside the standards of 11-BM."""

import json
from pathlib import Path

import pytest
import xarray as xr
import yaml

from ssbchar.crystal import reflections
from ssbchar.crystal.options import ReflectionListing
from ssbchar.errors import BadInput


def tabulate(folder: Path, cif: Path, **entry: object) -> xr.Dataset:
    table = folder / "phases.yaml"
    entries = {"X": {"source": "test", "refinable": True, "cif": str(cif.absolute()), **entry}}
    table.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return reflections.tabulate_reflections(table, ReflectionListing(), {"phase": "X"})


@pytest.mark.parametrize(
    ("name", "system", "lines", "told"),
    [
        ("mp_p1", "cubic", 19, "spglib"),
        ("P21n", "monoclinic", 581, "atoms are not used"),
        ("Fd3m_S", "cubic", 12, ""),
        ("bom_crlf", "cubic", 19, ""),
        ("rhomb_as_hex", "rhombohedral", 61, "R -3 c:R"),
    ],
)
def test_these_are_read(
    cases_folder: Path, tmp_path: Path, name: str, system: str, lines: int, told: str
) -> None:
    ds = tabulate(tmp_path, cases_folder / f"config/cif/{name}.cif")
    assert ds.attrs["crystal_system"] == system and ds.sizes["reflection"] == lines
    assert told in ds.attrs["notes"] and (told or ds.attrs["notes"] == "[]")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("two_blocks", "one, two"),
        ("occ_percent", "percent"),
        ("cubic_mismatch", "5.64, 5.7, 5.8"),
    ],
)
def test_these_are_refused(cases_folder: Path, tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        tabulate(tmp_path, cases_folder / f"config/cif/{name}.cif")


def test_a_named_block_is_read(cases_folder: Path, tmp_path: Path) -> None:
    ds = tabulate(tmp_path, cases_folder / "config/cif/two_blocks.cif", block="two")
    assert ds.attrs["cell"][0] == 5.64


def test_the_alumina_of_11bm_is_refused(real_data: Path, tmp_path: Path) -> None:
    """Its sites are shifted by a column."""
    cif = real_data / "hexrd/aps11bm_standards/Al2O3_676a.cif"
    with pytest.raises(BadInput, match=r"Al36 O36.*Al2 O3"):
        tabulate(tmp_path, cif)
    assert tabulate(tmp_path, cif, atoms=False).attrs["refinable"] == 0


def test_the_silicon_of_11bm_is_resolved_and_told(real_data: Path, tmp_path: Path) -> None:
    """F d -3 m without a setting, an atom at 1/8, and a wrong Z."""
    ds = tabulate(tmp_path, real_data / "hexrd/aps11bm_standards/Si_640d.cif")
    assert ds.attrs["cell_mass"] == pytest.approx(8 * 28.0855, rel=1e-4)
    notes = " ".join(json.loads(ds.attrs["notes"]))
    assert "F d -3 m:2" in notes and "Z says 2" in notes and "2.35 angstrom" in notes
