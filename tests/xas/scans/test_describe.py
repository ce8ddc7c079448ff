"""What the scans of a measurement are, in a line."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.xas.scans.describe import describe_scans
from ssbchar.xas.scans.options import ScanReading


@pytest.fixture
def columns() -> dict[str, np.ndarray]:
    energy = made_spectra.grid()
    mu = made_spectra.mu(energy, made_spectra.Truth())
    i0 = np.full(energy.size, 1e6)
    return {"energy": energy, "clock": i0 * 0 + 1.0, "i0": i0, "itrans": i0 * np.exp(-mu)}


def write(path: Path, columns: dict[str, np.ndarray]) -> Path:
    table = np.column_stack(list(columns.values()))
    np.savetxt(path, table, fmt="%.6f", header=" ".join(columns))
    return path


def test_transmission(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    columns["iref"] = columns["itrans"] * np.exp(-made_spectra.foil(columns["energy"]))
    for name in ("a.dat", "b.dat", "c.dat"):
        write(tmp_path / name, columns)
    points = columns["energy"].size
    begin, end = columns["energy"][[0, -1]]
    assert describe_scans(tmp_path, ScanReading()).said == (
        f"3 scans, Fe K from the position of the edge, {begin:.6g}-{end:.6g} eV in {points} "
        "points, I0 = column 3 'i0', I1 = column 4 'itrans', foil = column 5 'iref'"
    )
    given = describe_scans(tmp_path / "a.dat", ScanReading(element="Fe", foil="none")).said
    assert given.startswith("1 scan, Fe K from the option, ")
    assert given.endswith("I1 = column 4 'itrans', no foil")


def test_fluorescence_lists_its_first_elements(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    mu = -np.log(columns.pop("itrans") / columns["i0"])
    columns |= {f"sca{n}": 1e4 * mu for n in range(6)}
    said = describe_scans(write(tmp_path / "a.dat", columns), ScanReading()).said
    assert "I0 = column 3 'i0', fluorescence = column 4 'sca0' + column 5 'sca1'" in said
    assert said.endswith("column 7 'sca3' and 2 more, no foil")


def test_columns_of_absorption(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    mu = -np.log(columns["itrans"] / columns["i0"])
    file = write(tmp_path / "a.dat", {"energy": columns["energy"], "mu_1": mu, "mu_2": mu})
    said = describe_scans(file, ScanReading(mu="mu_*")).said
    assert said.startswith("2 scans in one file, Fe K")
    assert "mu = column 2 'mu_1' + column 3 'mu_2'" in said
    one = describe_scans(file, ScanReading(mu="mu_2")).said
    assert one.startswith("1 scan, ") and "mu = column 3 'mu_2'" in one


def test_which_of_several_energies_is_used(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    assert "energy = " not in describe_scans(write(tmp_path / "a.dat", columns), ScanReading()).said
    columns["energy_set"] = columns["energy"] + 1.0
    said = describe_scans(write(tmp_path / "b.dat", columns), ScanReading()).said
    assert "energy = column 1 'energy'" in said


def test_doubts_are_told_and_remarks_are_not(
    tmp_path: Path, columns: dict[str, np.ndarray]
) -> None:
    wave = 1 + 0.05 * np.sin(np.arange(columns["i0"].size) / 20)
    columns["itrans"] = columns["itrans"] * wave
    columns["i0"] = np.minimum(columns["i0"] * wave, 1.045 * columns["i0"].max())
    columns["energy"][50] = columns["energy"][49]
    found = describe_scans(write(tmp_path / "a.dat", columns), ScanReading())
    assert len(found.doubts) == 1
    assert "i0 reads its highest value" in found.doubts[0] and "saturated?" in found.doubts[0]


def test_a_first_file_that_cannot_be_read(tmp_path: Path, columns: dict[str, np.ndarray]) -> None:
    (tmp_path / "a.dat").write_bytes(b"")
    write(tmp_path / "b.dat", columns)
    with pytest.raises(BadInput, match=r"a\.dat: the file is empty"):
        describe_scans(tmp_path, ScanReading())
