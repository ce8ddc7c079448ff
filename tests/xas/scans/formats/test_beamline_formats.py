"""Formats of beamlines, written anew: each gives the spectrum that was put in, unaided."""

import json
from pathlib import Path

import numpy as np
import pytest
from xas.scans.formats import made_formats

from ssbchar.errors import BadInput
from ssbchar.xas.scans import describe, mono_angle, read
from ssbchar.xas.scans.formats.raw_scan import RawScan
from ssbchar.xas.scans.options import ScanReading

LABELS = {"measurement": "one", "role": "pristine"}
TRUE = made_formats.counters()


def told(ds: object, key: str = "notes") -> str:
    return " ".join(
        one.get("note", "") + one.get("problem", "") for one in json.loads(ds.attrs[key])
    )  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", made_formats.WRITERS)
def test_transmission_comes_out_as_it_was_put_in(tmp_path: Path, name: str) -> None:
    file_name, write = made_formats.WRITERS[name]
    write(tmp_path / file_name)
    ds = read.read_scans(tmp_path / file_name, ScanReading(), LABELS)
    assert (ds.attrs["element"], ds.attrs["edge"]) == ("Fe", "K")
    expected = np.log(TRUE["i0"] / TRUE["it"])
    energy, mu = ds["energy"].values[0], ds["mu"].values[0]
    assert energy == pytest.approx(TRUE["energy"], abs=0.02)
    assert mu == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    "name", ["SSRL", "NSLS-II ISS", "NSLS-II QAS", "APS 12-BM", "ESRF LISA", "ESRF BLISS"]
)
def test_the_foil_is_found(tmp_path: Path, name: str) -> None:
    file_name, write = made_formats.WRITERS[name]
    write(tmp_path / file_name)
    ds = read.read_scans(tmp_path / file_name, ScanReading(), LABELS)
    expected = np.log(TRUE["it"] / TRUE["ir"])
    assert ds["mu_foil"].values[0] == pytest.approx(expected, abs=2e-3)


def test_channels_by_their_line_without_the_dead_one(tmp_path: Path) -> None:
    made_formats.write_13id(tmp_path / "a.dat")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert ds.attrs["mode"] == "fluorescence"
    assert ds["mu"].values[0] == pytest.approx(3.0 * TRUE["if"] / TRUE["i0"], rel=1e-4)
    assert "channel Fe_Ka_mca1 reads nothing: left out" in told(ds)


def test_negative_currents_are_told(tmp_path: Path) -> None:
    made_formats.write_iss(tmp_path / "a.dat")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert "negative currents taken as positive: i0, it" in told(ds)


def test_check_prints_what_was_chosen(tmp_path: Path) -> None:
    made_formats.write_lisa(tmp_path / "a.dat")
    said = describe.describe_scans(tmp_path / "a.dat", ScanReading()).said
    for text in (
        "Fe K from the position of the edge",
        "I0 = column 2 'I0_EH1'",
        "I1 = column 3 'I1_EH1'",
        "foil = column 7 'mu_ref'",
    ):
        assert text in said


@pytest.mark.parametrize("rows", [1, 3])
def test_rows_of_numbers_in_a_header_are_no_data(tmp_path: Path, rows: int) -> None:
    columns = [TRUE["energy"], TRUE["i0"], TRUE["it"]]
    head = "\n".join(["Weights:", *["1.0 1.0 1.0"] * rows, "energy i0 it"])
    (tmp_path / "a.dat").write_text(f"{head}\n{made_formats.rows(columns)}\n")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert ds["energy"].values[0] == pytest.approx(TRUE["energy"], abs=1e-6)


def test_two_blocks_of_one_kind_are_refused(tmp_path: Path) -> None:
    columns = [TRUE["energy"], TRUE["i0"], TRUE["it"]]
    some = made_formats.rows([one[:60] for one in columns])
    text = f"energy i0 it\n{some}\nagain\n{made_formats.rows(columns)}\n"
    (tmp_path / "a.dat").write_text(text)
    with pytest.raises(BadInput, match="no row of numbers"):
        read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)


def test_fluorescence_where_no_light_is_behind_the_sample(tmp_path: Path) -> None:
    made_formats.write_bmm(tmp_path / "a.dat")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert ds.attrs["mode"] == "fluorescence"
    assert ds["mu"].values[0] == pytest.approx(TRUE["if"] / TRUE["i0"], rel=1e-4)
    assert "readings of It are zero or negative" in told(ds)


def test_counters_by_the_last_word_of_their_names(tmp_path: Path) -> None:
    made_formats.write_20id(tmp_path / "a.dat")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert ds.attrs["mode"] == "fluorescence"
    assert ds["mu"].values[0] == pytest.approx(TRUE["if"] / TRUE["i0"], rel=1e-4)
    said = describe.describe_scans(tmp_path / "a.dat", ScanReading()).said
    assert "I0 = column 5 'PreKB-I0', fluorescence = column 7 'XMAP4:FeKa_Sum'" in said


def test_of_two_incident_beams_none_is_guessed(tmp_path: Path) -> None:
    made_formats.write_20id(tmp_path / "a.dat", corrected=True)
    with pytest.raises(BadInput, match=r"no column for i0 .*PreKB-I0.*DT Corr I0.*set read.i0"):
        read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    options = ScanReading(i0="XMAP4:DT Corr I0")
    ds = read.read_scans(tmp_path / "a.dat", options, LABELS)
    assert ds["mu"].values[0] == pytest.approx(TRUE["if"] / TRUE["i0"] / 0.99, rel=1e-4)


def test_fluorescence_of_the_photon_factory(tmp_path: Path) -> None:
    made_formats.write_photon_factory(tmp_path / "a.dat", "0 0 1 3")
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(), LABELS)
    assert ds.attrs["mode"] == "fluorescence"
    assert "energies from the angle 'Angle(o)' of the monochromator" in told(ds)


def test_scans_of_bliss_are_repeats_or_chosen(tmp_path: Path) -> None:
    made_formats.write_bliss(tmp_path / "a.h5", scans=3)
    assert read.read_scans(tmp_path / "a.h5", ScanReading(), LABELS).sizes["scan"] == 3
    for asked, count in (("2", 1), ("1-2", 2), ("3.1", 1)):
        ds = read.read_scans(tmp_path / "a.h5", ScanReading(scan=asked), LABELS)
        assert ds.sizes["scan"] == count
    with pytest.raises(BadInput, match="no scan 9"):
        read.read_scans(tmp_path / "a.h5", ScanReading(scan="9"), LABELS)


@pytest.mark.parametrize("name", ["Athena JSON", "Athena Perl"])
def test_a_project_s_groups_references_and_faults(tmp_path: Path, name: str) -> None:
    _, write = made_formats.WRITERS[name]
    write(tmp_path / "a.prj")
    ds = read.read_scans(tmp_path / "a.prj", ScanReading(), LABELS)
    assert [str(one).rpartition("[")[2] for one in ds["source_file"].values] == [
        "first; one (a);]",
        "second]",
    ]
    assert ds["eshift"].values.tolist() == [-1.5, -1.5]
    foil = np.log(TRUE["it"] / TRUE["ir"])
    assert ds["mu_foil"].values[1] == pytest.approx(foil, abs=1e-6)
    assert "its 'y' is no array of numbers" in told(ds, "set_aside")
    reference = read.read_scans(tmp_path / "a.prj", ScanReading(mu="Ref second"), LABELS)
    assert reference["mu"].values[0] == pytest.approx(foil, abs=1e-6)


def test_a_difference_of_groups_is_no_spectrum(tmp_path: Path) -> None:
    groups = made_formats.make_project()
    groups["dd"] = json.loads(json.dumps(groups["aa"]))
    groups["dd"]["args"] |= {"label": "difference", "is_diff": "1"}  # type: ignore[index]
    path = tmp_path / "a.prj"
    path.write_text(json.dumps({"_____header1": "# Athena project file", **groups}))
    ds = read.read_scans(path, ScanReading(), LABELS)
    assert ds.sizes["scan"] == 2
    assert "it holds a difference of spectra" in told(ds, "set_aside")


@pytest.mark.parametrize(
    ("text", "spacing"),
    [
        ("Si 111", 3.13560),
        ("Si(311)", 1.63752),
        ("Si<220>", 1.92016),
        ("silicon-111", 3.13560),
        ("Ge 2,2,0", 2.00037),
        ("D= 3.13551 A", 3.13551),
        ("double crystal", None),
    ],
)
def test_crystals(text: str, spacing: float | None) -> None:
    found = mono_angle.spacing_from_text(text)
    assert found is None if spacing is None else found == pytest.approx(spacing, abs=2e-5)


def test_an_angle_without_a_crystal_is_asked_for() -> None:
    raw = RawScan(where="a.dat", columns={"theta": np.array([16.2, 16.1]), "i0": np.ones(2)})
    with pytest.raises(BadInput, match=r"angle \('theta'\) and its crystal is not stated"):
        mono_angle.energy_from_angle(raw, "theta", "")
    found = mono_angle.energy_from_angle(raw, "theta", "Si 111")
    assert found[0] == pytest.approx(12398.4198 / (2 * 3.1356 * np.sin(np.radians(16.2))), abs=0.1)


def test_named_columns_win_over_found_ones(tmp_path: Path) -> None:
    c = TRUE
    other = 0.5 * c["if"]
    names = "# energy i0 it ir if special xmu other mu_mine"
    mine = np.log(c["i0"] / c["it"]) * 2
    columns = [c["energy"], c["i0"], c["it"], c["ir"], c["if"], other, mine, 0.9 * c["ir"], mine]
    (tmp_path / "a.dat").write_text(f"{names}\n{made_formats.rows(columns)}\n")

    def absorption(**options: object) -> np.ndarray:
        return read.read_scans(tmp_path / "a.dat", ScanReading(**options), LABELS)["mu"].values[0]  # type: ignore[arg-type]

    assert absorption(fluorescence=("special",)) == pytest.approx(other / c["i0"], rel=1e-5)
    assert absorption(mu="mu_mine") == pytest.approx(mine, abs=1e-5)
    ds = read.read_scans(tmp_path / "a.dat", ScanReading(foil="other"), LABELS)
    expected = np.log(c["it"] / (0.9 * c["ir"]))
    assert ds["mu_foil"].values[0] == pytest.approx(expected, abs=1e-5)
