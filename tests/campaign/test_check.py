"""The check opens what the sheet names, says what it understood, and lists all faults in one go."""

import shutil
from pathlib import Path

import pytest
from made_raw import SALT, write_echoes, write_heating, write_images, write_scans

from ssbchar import cli
from ssbchar.campaign import check

COLUMNS = "measurement\tsample\ttechnique\trole\tpath\tlog\tphases\tcalibrant\tcompare_to\n"
HEAD = "# Wavelength: 0.24117 A\n# date: 2019-03-04T08:{:02d}:00Z\n"


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw files of each technique."""
    folder = tmp_path_factory.mktemp("raw")
    write_heating(folder / "heat", HEAD, frames=4)
    times = [f"2019-03-04T{8 + n // 60:02d}:{n % 60:02d}:00Z,set,{25 + 7.5 * n}" for n in range(90)]
    (folder / "log.csv").write_text("time,setpoint,T_C\n" + "\n".join(times) + "\n")
    write_scans(folder / "scans", "0.dat", "1.dat", "2.dat")
    write_echoes(folder / "decay", series=True)
    write_images(folder / "ceo2", "a.tif")
    write_images(folder / "images", "0.tif", "1.tif")
    (folder / "salt.cif").write_text(SALT)
    return folder


def write(folder: Path, rows: list[str], extra: str = "", columns: str = COLUMNS) -> Path:
    (folder / "s.tsv").write_text(columns + "".join(f"{row}\n" for row in rows))
    (folder / "phases.yaml").write_text(
        "salt: {cif: salt.cif, source: test}\nother: {cell: [4, 4, 4, 90, 90, 90], "
        "space_group: P m -3 m, source: test}\n"
    )
    (folder / "c.yaml").write_text(
        f"run: t\nsamples: {folder}/s.tsv\nphases: {folder}/phases.yaml\n{extra}"
    )
    return folder / "c.yaml"


def good_rows(raw: Path) -> list[str]:
    return [
        f"heat\tA\thexrd\tseries\t{raw}/heat\t{raw}/log.csv\tsalt\t\t",
        f"ceo2\tC\thexrd\tcalibrant\t{raw}/ceo2\t\t\t\t",
        f"images\tA\thexrd\timages\t{raw}/images\t{raw}/log.csv\t\tceo2\t",
        f"before\tB\txas\tpristine\t{raw}/scans\t\t\t\t",
        f"after\tB2\txas\tcycled\t{raw}/scans/*.dat\t\t\t\tbefore",
        f"decay\tD\tnmr\tdecay\t{raw}/decay\t\t\t\t",
    ]


def check_rows(folder: Path, raw: Path, rows: list[str], **how: str) -> check.CheckReport:
    shutil.copy(raw / "salt.cif", folder)
    return check.check_campaign(write(folder, rows, **how))


def test_what_each_row_is(tmp_path: Path, raw: Path) -> None:
    report = check_rows(tmp_path, raw, good_rows(raw)[:2] + good_rows(raw)[3:])
    assert report.faults == []
    said = "\n".join(report.said)
    for part in (
        "phases.yaml salt: F m -3 m (5.6402, 5.6402, 5.6402, 90, 90, 90) from salt.cif, ",
        "s.tsv:2 heat (hexrd series): 4 frames, 0.24117 A from the header, 2theta 1-8.98 degree",
        "T from log column 3 'T_C' in degC, 25 to 692.5 degC, 90 rows over 89 min, joined by time",
        "s.tsv:3 ceo2 (hexrd calibrant): 1 image file of 5 x 6 pixels of CeO2, 0.24117 A from the",
        "300 mm away, pixels of 200 um",
        "s.tsv:4 before (xas pristine): 3 scans, Fe K from the header, ",
        "I0 = column 2 'i0', I1 = column 3 'i1', foil = column 4 'iref'",
        "s.tsv:5 after (xas cycled): 3 scans, Fe K",
        "s.tsv:6 decay (nmr decay): 7Li, 311.1",
        "3 slices of 512 points, 1000 kHz wide, decay time ",
        "(by the pulse program, with vdlist)",
        "c.yaml: good; 2 hexrd, 2 xas, 1 nmr measurements",
    ):
        assert part in said, f"{part}\n{said}"


def test_images_name_what_their_geometry_is_from(tmp_path: Path, raw: Path) -> None:
    rows = good_rows(raw)
    rows[2] = rows[2].replace(f"{raw}/log.csv", "")
    report = check_rows(tmp_path, raw, rows[1:3])
    assert report.faults == []
    said = next(line for line in report.said if "images (hexrd images)" in line)
    assert "2 image files of 5 x 6 pixels" in said
    assert "geometry and wavelength of ceo2" in said and "no temperature: name the furnace" in said


def test_quick_opens_nothing(tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row.replace(f"{raw}/heat", f"{raw}/no*") for row in good_rows(raw)]
    config = write(tmp_path, rows)
    monkeypatch.setattr(check, "_check_row", lambda *_: pytest.fail("a row is opened"))
    monkeypatch.setattr(check, "_check_phases", lambda *_: pytest.fail("phases are opened"))
    report = check.check_campaign(config, quick=True)
    assert report.faults == [] and len(report.said) == 1


def test_all_faults_come_in_one_go(
    tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    (tmp_path / "zero.dat").write_bytes(b"")
    (tmp_path / "no_wavelength.xye").write_text((raw / "heat/1.xye").read_text().split("A\n", 1)[1])
    rows = [
        f"glob\tA\thexrd\tseries\t{raw}/heat/*.nothing\t\tsalt\t\t",
        f"folder\tA\thexrd\tseries\t{empty}\t\tsalt\t\t",
        f"dark\tA\thexrd\tseries\t{tmp_path}/no_wavelength.xye\t\tsalt\t\t",
        f"log\tA\thexrd\tseries\t{raw}/heat\t{raw}/scans/0.dat\tsalt\t\t",
        f"late\tA\thexrd\tseries\t{raw}/heat\t{tmp_path}/early.csv\tsalt\t\t",
        f"zero\tB\txas\tpristine\t{tmp_path}/zero.dat\t\t\t\t",
        f"pair\tB\txas\tcycled\t{raw}/scans\t\t\t\theat2",
        f"fid\tD\tnmr\tspectrum\t{raw}/heat\t\t\t\t",
        f"good\tD\tnmr\tdecay\t{raw}/decay\t\t\t\t",
    ]
    (tmp_path / "early.csv").write_text(
        "time,T_C\n2019-03-04T07:00:00Z,25\n2019-03-04T07:01:00Z,26\n"
    )
    config = write(tmp_path, rows, "nmr: {read: {nucleos: 7Li}}\n")
    (tmp_path / "phases.yaml").write_text(
        "salt: {cif: none.cif, source: t}\nbad: {cell: [1], space_group: P 1, source: t}\n"
    )
    assert cli.main(["check", str(config)]) == 1
    captured = capsys.readouterr()
    lines = captured.err.strip().splitlines()
    for part in (
        "c.yaml.nmr.read.nucleos: unknown option; did you mean 'nucleus'?",
        f"s.tsv:2: path '{raw}/heat/*.nothing' is a glob without files",
        f"s.tsv:3: path '{empty}' is a folder without files",
        "s.tsv:4 dark: ",
        f"s.tsv:5 log: {raw}/scans/0.dat: ",
        f"s.tsv:6 late: {tmp_path}/early.csv: ends 60 min before the first frame",
        f"s.tsv:7 zero: {tmp_path}/zero.dat: the file is empty",
        "s.tsv:8: compare_to 'heat2' is no measurement of this sheet",
    ):
        assert sum(part in line for line in lines) == 1, f"{part}\n{captured.err}"
    assert "no file states its wavelength" in captured.err
    assert f"{len(lines)} faults, listed below" in captured.out
    assert "s.tsv:8 pair (xas cycled): 3 scans" in captured.out, "its files are read all the same"


def test_phases_that_cannot_be_used_are_named(tmp_path: Path, raw: Path) -> None:
    config = write(tmp_path, good_rows(raw)[:1])
    (tmp_path / "phases.yaml").write_text(
        "salt: {cif: none.cif, source: t}\nbad: {cell: [1], space_group: P 1, source: t}\n"
        "good: {cell: [4, 4, 4, 90, 90, 90], space_group: P m -3 m, source: t}\nword: x.cif\n"
    )
    report = check.check_campaign(config)
    assert len(report.faults) == 3
    for name, part in (("salt", "none.cif"), ("bad", "[1] is no cell"), ("word", "no entries")):
        assert sum(f"phases.yaml {name}: " in f and part in f for f in report.faults) == 1
    assert any("phases.yaml good: P m -3 m" in line for line in report.said)


def test_what_nobody_foresaw_is_one_line(
    tmp_path: Path, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setitem(check.DESCRIBERS, ("xas", ""), fail)
    report = check.check_campaign(write(tmp_path, good_rows(raw)[3:4]))
    assert report.faults == [
        f"{tmp_path}/s.tsv:2 before: {raw}/scans: cannot be read (RuntimeError: two lines); "
        f"{check.REMEDY}"
    ]


def test_a_config_that_cannot_be_read_is_one_fault(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("run: [\n")
    report = check.check_campaign(tmp_path / "c.yaml")
    assert len(report.faults) == 1 and "no valid YAML" in report.faults[0]
    assert check.check_campaign(tmp_path / "none.yaml").faults
