"""Exports: what is written is read back by others' readers and is what was refined."""

import io
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hexrd.export.test_gsas import voigt_width
from hexrd.made_series import PHASES, Chain, call, chain

from ssbchar.errors import BadInput
from ssbchar.hexrd.export import export
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.simulate.effects import IDEAL
from ssbchar.simulate.hexrd import heating


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Chain, dict[str, str], Path]:
    """A short series, its exported files, and a folder that holds them."""
    folder = tmp_path_factory.mktemp("export")
    found = chain(heating.REACTING, folder, IDEAL, 3, (14, 1, 4, 2))
    files = call(
        "hexrd.export.export_series",
        {"frames": [4]},
        {"sample": "LAGP+NCM811"},
        patterns=found.patterns,
        table=PHASES,
        furnace=found.furnace,
        lattice=found.lattice,
        peaks=found.peaks,
    )
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return found, files, folder


def cifs(files: dict[str, str]) -> list[tuple[str, int]]:
    found = [re.fullmatch(r"(\w+)_frame(\d+)\.cif", name) for name in files]
    return [(m[1], int(m[2])) for m in found if m]


def test_the_long_table_is_the_lattice(made: tuple[Chain, dict[str, str], Path]) -> None:
    found, files, _ = made
    table = pd.read_csv(io.StringIO(files["frames.csv"]))
    frames, phases = found.lattice.sizes["frame"], found.lattice.sizes["phase"]
    assert len(table) == frames * phases and not table.duplicated(["frame", "phase"]).any()
    for p, name in enumerate(found.lattice["phase"].values):
        own = table[table["phase"] == name].set_index("frame")
        at = found.lattice.isel(phase=p)
        np.testing.assert_allclose(own["a_angstrom"], at["cell"].values[:, 0], rtol=1e-8)
        np.testing.assert_allclose(own["c_stderr"], at["cell_stderr"].values[:, 2], rtol=1e-6)
        np.testing.assert_allclose(own["volume_angstrom3"], at["volume"].values, rtol=1e-8)
        np.testing.assert_allclose(own["rwp_percent"], found.lattice["rwp"].values, rtol=1e-8)
        np.testing.assert_allclose(
            own["temperature_degC"], found.furnace["temperature"].values, rtol=1e-8
        )
        assert own["verdict"].tolist() == at["verdict"].values.tolist()
    assert table["weight_percent"].isna().all(), "LAGP's and Co3(PO4)2's structures are not trusted"
    times = pd.to_datetime(table["time_utc"]).astype("int64") / 1e9
    unit = {"us": 1e3, "ms": 1e6, "ns": 1.0}[pd.to_datetime(table["time_utc"]).dt.unit]
    np.testing.assert_allclose(
        times * unit, np.repeat(found.furnace["time"].values, phases), atol=2e-3
    )
    total = table.groupby("frame")["relative_intensity_percent"].sum()
    np.testing.assert_allclose(total, 100.0, rtol=1e-6)


def test_cifs_are_read_by_pymatgen_with_the_refined_cell(
    made: tuple[Chain, dict[str, str], Path],
) -> None:
    from pymatgen.core import Structure
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    found, files, folder = made
    groups = {"LAGP": "R-3c", "NCM811": "R-3m"}
    seen = set()
    for phase, frame in cifs(files):
        if phase not in groups:
            continue
        seen.add(phase)
        at = found.lattice.sel(phase=phase, frame=frame)
        structure = Structure.from_file(str(folder / f"{phase}_frame{frame:04d}.cif"))
        error = np.maximum(at["cell_stderr"].values, 1e-9)
        assert np.all(
            np.abs(np.array(structure.lattice.parameters) - at["cell"].values) <= 0.6 * error + 1e-8
        )
        assert SpacegroupAnalyzer(structure, 1e-3).get_space_group_symbol() == groups[phase]
    assert seen == set(groups)


def test_cifs_say_uncertainty_temperature_and_wavelength(
    made: tuple[Chain, dict[str, str], Path],
) -> None:
    from pymatgen.io.cif import CifFile

    found, files, _ = made
    for phase, frame in cifs(files):
        (block,) = CifFile.from_str(files[f"{phase}_frame{frame:04d}.cif"]).data.values()
        at = found.lattice.sel(phase=phase, frame=frame)
        operations = block.data["_space_group_symop_operation_xyz"]
        assert (
            operations[0] == "x, y, z"
            and len(operations) == {"LAGP": 36, "NCM811": 36, "Co3PO42": 4}[phase]
        )
        value, su = re.fullmatch(r"([\d.]+)\((\d+)\)", block.data["_cell_length_c"]).groups()  # type: ignore[union-attr]
        told = int(su) * 10.0 ** -len(value.partition(".")[2])
        assert told == pytest.approx(float(at["cell_stderr"][2]), rel=0.34)
        kelvin = float(block.data["_cell_measurement_temperature"].split("(")[0])
        own = found.furnace["temperature"].values[found.lattice["frame"].values == frame][0]
        assert kelvin - 273.15 == pytest.approx(own, abs=1.0)
        assert float(block.data["_diffrn_radiation_wavelength"]) == pytest.approx(0.1173)
        if phase == "Co3PO42":
            assert "_atom_site_label" not in block.data and "(" in block.data["_cell_angle_beta"]
    assert "Co3PO42" in {phase for phase, _ in cifs(files)}


def test_a_frame_that_is_not_there_is_told(made: tuple[Chain, dict[str, str], Path]) -> None:
    found, _, _ = made
    given = {
        "patterns": found.patterns,
        "furnace": found.furnace,
        "lattice": found.lattice,
        "peaks": found.peaks,
    }
    with pytest.raises(
        BadInput, match=r"no frame 900 in the series of s; frames are numbered 1 to"
    ):
        call(
            "hexrd.export.export_series",
            {"frames": [4, 900]},
            {"sample": "s"},
            table=PHASES,
            **given,
        )


def test_cell_frames_are_first_last_coldest_and_hottest() -> None:
    verdict = np.array(["absent", "held", "ok", "ok", "ok", "ok", "not_converged"], dtype=object)
    assert export.choose_frames(
        verdict, np.array([25.0, 100, 300, 200, 700, 400, 500])
    ).tolist() == [
        2,
        3,
        4,
        5,
    ]
    assert export.choose_frames(np.array(["absent"] * 3, dtype=object), np.full(3, 25.0)).size == 0
    assert export.choose_frames(
        np.array(["held", "held"], dtype=object), np.array([np.nan, np.nan])
    ).tolist() == [0, 1]


def test_patterns_for_gsas_come_back(made: tuple[Chain, dict[str, str], Path]) -> None:
    found, files, folder = made
    names = [n for n in files if n.endswith(".fxye")]
    assert "frame0004.fxye" in names and len(names) >= 4
    for name in names:
        back = read.read_patterns(folder / name, PatternReading(wavelength=0.1173))
        ours = found.patterns.sel(frame=int(name[5:9]))
        np.testing.assert_allclose(back["two_theta"], ours["two_theta"], atol=1e-7)
        np.testing.assert_allclose(back["intensity"][0], ours["intensity"], rtol=1e-7)
        np.testing.assert_allclose(back["intensity_stderr"][0], ours["intensity_stderr"], rtol=1e-7)
        lines = files[name].splitlines()
        assert len(lines[0]) <= 80 and lines[0].startswith("LAGP+NCM811 (synthetic)")
        assert lines[1] == "Instrument parameter file:instrument.instprm"
        bank = next(line for line in lines if line.startswith("BANK")).split()
        assert bank[2:5] == [str(ours.sizes["two_theta"])] * 2 + ["CONS"] and bank[-1] == "FXYE"
        assert float(bank[5]) == pytest.approx(100 * float(ours["two_theta"][0]), abs=1e-3)


def test_the_instrument_file_has_every_parameter_and_the_right_widths(
    made: tuple[Chain, dict[str, str], Path],
) -> None:
    _, files, _ = made
    text = files["instrument.instprm"]
    assert text.startswith("#GSAS-II")
    pairs = dict(line.split(":", 1) for line in text.splitlines() if not line.startswith("#"))
    needed = {
        "Type",
        "Bank",
        "Lam",
        "Zero",
        "Polariz.",
        "Azimuth",
        "U",
        "V",
        "W",
        "X",
        "Y",
        "Z",
        "SH/L",
    }
    assert (
        set(pairs) == needed
        and pairs["Type"] == "PXC"
        and float(pairs["Lam"]) == pytest.approx(0.1173)
    )
    gauss = np.sqrt(float(pairs["W"]) * 8 * np.log(2)) / 100
    lorentz = float(pairs["X"]) / 100
    assert voigt_width(gauss, lorentz) == pytest.approx(heating.REACTING.instrument.fwhm, rel=0.05)
