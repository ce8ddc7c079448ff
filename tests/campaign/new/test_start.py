"""`ssbchar new`: folders of raw files become a config and a sheet that `ssbchar check` accepts."""

import shutil
from pathlib import Path

import pytest
from made_raw import SALT, write_echoes, write_heating, write_images, write_scans
from xas.made_spectra import Truth

from ssbchar import cli
from ssbchar.campaign import check
from ssbchar.campaign import config as configs
from ssbchar.campaign.new.start import NewCampaign, start_campaign
from ssbchar.campaign.row import Row
from ssbchar.errors import BadInput


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, beside a folder for raw files."""
    (tmp_path / "work").mkdir()
    (tmp_path / "raw").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "raw"


def rows_of(made: NewCampaign) -> dict[str, Row]:
    return {row.measurement: row for row in configs.read_config(made.config, look=True).rows}


def write_frames_table(path: Path, frames: int = 6) -> None:
    lines = [f"{n}.xye,{1540494436 + 21 * n},{25 + n},0.24125" for n in range(1, frames + 1)]
    path.write_text("xye,timestamp_s,T_C,wavelength_A\n" + "\n".join(lines) + "\n")


def test_a_series_with_a_table_of_its_frames_needs_no_edit(home: Path) -> None:
    write_heating(home / "beamtime/XYE")
    write_frames_table(home / "beamtime/frames.csv")
    (home / "beamtime/README.md").write_text("about\n")
    made = start_campaign(home / "beamtime")
    assert check.check_campaign(made.config).faults == []
    (row,) = rows_of(made).values()
    assert (row.technique, row.role) == ("hexrd", "series")
    assert row.measurement == "beamtime_XYE"
    assert Path(row.path) == home / "beamtime/XYE" and row.log.endswith("frames.csv")
    assert row.options["read"]["wavelength"] == 0.24125
    text = made.sheet.read_text()
    assert "# ? beamtime_XYE: wavelength 0.24125 A from" in text
    assert "joined by file name (6 of 6 files)" in text
    assert "taken as 2theta in degree" in text


def test_a_calibration_goes_before_a_table(home: Path) -> None:
    write_heating(home / "XYE")
    write_frames_table(home / "frames.csv")
    (home / "ceo2.poni").write_text("poni_version: 2\nWavelength: 2.4131e-11\n")
    made = start_campaign(home)
    (row,) = rows_of(made).values()
    assert row.options["read"]["wavelength"] == 0.24131
    assert "other files state 0.24125 in" in made.sheet.read_text()


def test_what_no_file_states_is_one_cell_to_fill(home: Path) -> None:
    write_heating(home / "XYE")
    made = start_campaign(home)
    report = check.check_campaign(made.config)
    assert len(report.faults) == 1 and "no file states its wavelength" in report.faults[0]
    lines = made.sheet.read_text().splitlines()
    header = next(line for line in lines if line.startswith("measurement\t")).split("\t")
    place = next(i for i, line in enumerate(lines) if line.startswith("XYE\t"))
    cells = lines[place].split("\t")
    cells[header.index("read.wavelength")] = "0.2413"
    lines[place] = "\t".join(cells)
    made.sheet.write_text("\n".join(lines) + "\n")
    assert check.check_campaign(made.config).faults == []


def test_a_row_that_cannot_be_read_yet_does_not_stop_the_others(home: Path) -> None:
    write_heating(home / "XYE")
    write_echoes(home / "nmr/10", series=False)
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    assert [row.technique for row in rows_of(made).values()] == ["nmr"]
    text = made.sheet.read_text()
    assert "then take the # off the next line\n#XYE\t" in text
    assert any("its row is a comment until that is done" in line for line in made.said)


def test_scans_are_rows_by_sample_with_roles_by_their_names(home: Path) -> None:
    write_scans(home / "pristine", "pristine_000.dat", "pristine_001.dat")
    cycled = Truth(loss=0.1)
    write_scans(home / "cycled", "cycled_000.dat", "cycled_001.dat", truth=cycled, seed=2)
    write_scans(home, "Fe_metal_01.xdi", truth=Truth(white=0.1), seed=3)
    (home / "LICENSE").write_text("free\n")
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    rows = rows_of(made)
    assert {name: row.role for name, row in rows.items()} == {
        "cycled": "cycled",
        "pristine": "pristine",
        "Fe_metal_01": "reference",
    }
    assert rows["cycled"].compare_to == "pristine"
    assert rows["pristine"].reference == rows["cycled"].reference == "Fe_metal_01"
    assert "3 scans" not in made.sheet.read_text() and "2 scans, Fe K" in made.sheet.read_text()


def test_scans_that_are_no_repeats_get_rows_of_their_own(home: Path) -> None:
    write_scans(home, "a_001.dat")
    write_scans(home, "a_002.dat", truth=Truth(white=1.4, edge=7124), seed=2)
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    assert list(rows_of(made)) == ["a_001", "a_002"]
    assert "if one is another after cycling" in made.sheet.read_text()


def test_experiments_are_rows_by_data_set_and_kind(home: Path) -> None:
    write_echoes(home / "Li_metal/1", series=False)
    write_echoes(home / "Li_metal/2", series=True)
    write_echoes(home / "sample_A/10", series=False)
    write_echoes(home / "sample_A/20", series=True)
    write_echoes(home / "sample_A/30", series=False)
    (home / "sample_A/40").mkdir()
    (home / "sample_A/40/acqus").write_text("##TITLE= nothing\n##END=\n")
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    rows = rows_of(made)
    assert {name: row.role for name, row in rows.items()} == {
        "Li_metal_1": "reference",
        "Li_metal_2": "reference_decay",
        "sample_A_10": "spectrum",
        "sample_A_20": "decay",
        "sample_A_30": "repeat",
    }
    assert rows["sample_A_10"].reference == "Li_metal_1"
    assert rows["sample_A_20"].reference == "Li_metal_2"
    assert rows["sample_A_30"].compare_to == "sample_A_10"
    assert {row.sample for name, row in rows.items() if "sample" in name} == {"sample_A"}
    assert any("left out" in line and "40" in line for line in made.said)


def test_a_recovery_is_a_relaxation(home: Path) -> None:
    write_echoes(home / "sample_A/10", series=False)
    write_echoes(home / "sample_A/20", series=True)
    program = "1 ze\n2 d1\n(p2 ph1):f1\nvd\n(p1 ph2):f1\ngo=2 ph31\nexit\n"
    (home / "sample_A/20/pulseprogram").write_text(program)
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    assert rows_of(made)["sample_A_20"].role == "relaxation"
    assert "taken as a recovery (T1)" in made.sheet.read_text()


def test_titles_name_the_samples_of_one_data_set(home: Path) -> None:
    write_echoes(home / "day1/10", series=False, title="Li1Si 100 MPa\nsecond line")
    write_echoes(home / "day1/11", series=False, title="Li1Si 200 MPa")
    rows = rows_of(start_campaign(home))
    assert {row.sample: row.role for row in rows.values()} == {
        "Li1Si 100 MPa": "spectrum",
        "Li1Si 200 MPa": "spectrum",
    }


def test_a_cif_in_the_folder_is_a_candidate(home: Path) -> None:
    write_heating(home / "heat", head="# Wavelength: 0.24117 A\n")
    (home / "salt.cif").write_text(SALT)
    (home / "broken.cif").write_text("data_x\n_cell_length_a 5\n")
    made = start_campaign(home)
    assert check.check_campaign(made.config).faults == []
    (row,) = rows_of(made).values()
    assert row.phases.split(",")[0] == "salt"
    assert made.phases is not None and "10.1000/made" in made.phases.read_text()
    assert any("broken.cif" in line for line in made.said)


def test_images_name_their_calibrant_and_log(home: Path) -> None:
    write_images(home / "CeO2", "CeO2_0001.tif")
    write_images(home / "heat_a", "heat_a_0001.tif", "heat_a_0002.tif")
    made = start_campaign(home)
    rows = rows_of(made)
    images = next(row for row in rows.values() if row.role == "images")
    assert rows[images.calibrant].role == "calibrant"
    assert "name the furnace" in "\n".join(made.said)


def test_nothing_is_overwritten_and_raw_files_stay_as_they_are(home: Path) -> None:
    write_echoes(home / "s/1", series=False)
    before = {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}
    start_campaign(home, Path("there"), "mine")
    assert {p: p.read_bytes() for p in home.rglob("*") if p.is_file()} == before
    assert configs.read_config("there/config.yaml", look=True).config.run == "mine"
    with pytest.raises(BadInput, match="is there already"):
        start_campaign(home, Path("there"), "mine")
    with pytest.raises(BadInput, match="is no folder"):
        start_campaign(home / "nothing")
    shutil.rmtree(home / "s")
    (home / "a.txt").write_text("words\n")
    with pytest.raises(BadInput, match="nothing that a reader takes"):
        start_campaign(home, Path("other"))


def test_the_command_says_what_comes_next(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_echoes(home / "s/1", series=False)
    assert cli.main(["new", str(home), "--name", "mine"]) == 0
    said = capsys.readouterr().out
    assert "s_1 (nmr spectrum): 7Li" in said
    assert "ssbchar run config/mine/config.yaml" in said
    assert cli.main(["check", "config/mine/config.yaml"]) == 0
