"""A finished run read back: figures drawn again, files for other programs, names in a notebook."""

import csv
from pathlib import Path

import matplotlib as mpl
import numpy as np
import openpyxl
import pytest
from results import made_run

import ssbchar as sb
from ssbchar import cli
from ssbchar.campaign.new.wavelength import find_wavelengths
from ssbchar.errors import BadInput
from ssbchar.results import redraw
from ssbchar.results.export import export
from ssbchar.storage import store
from ssbchar.xas.scans.options import ScanReading
from ssbchar.xas.scans.read import list_raw_scans


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_run.make(tmp_path_factory.mktemp("run"))


def test_a_figure_is_drawn_again_in_another_style_and_width(run: Path, tmp_path: Path) -> None:
    style = tmp_path / "my.mplstyle"
    style.write_text("font.size: 5\naxes.labelsize: 5\naxes.grid: True\n")
    usual = redraw.draw_figure(run, "fit")
    own = redraw.draw_figure(run, "echo/fit", style)
    assert usual.axes[0].xaxis.label.get_fontsize() == 8
    assert own.axes[0].xaxis.label.get_fontsize() == 5
    assert not mpl.rcParams["axes.grid"], "the style outlives its figure"
    assert redraw.draw_figure(run, "fit").axes[0].xaxis.label.get_fontsize() == 8
    np.testing.assert_array_equal(
        own.axes[0].lines[0].get_ydata(), usual.axes[0].lines[0].get_ydata()
    )
    to = redraw.write_figure(run, "fit", to=tmp_path / "fit.svg", width=89)
    width = float(to.read_text().split('width="')[1].split("pt")[0])
    assert width == pytest.approx(89 / 25.4 * 72, abs=0.1)
    twice = redraw.write_figure(run, "fit", to=tmp_path / "a.pdf").read_bytes()
    assert twice == redraw.write_figure(run, "fit", to=tmp_path / "b.pdf").read_bytes()


def test_a_run_that_was_moved_is_drawn_from_its_own_tables(run: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    run.rename(moved)
    try:
        assert redraw.draw_figure(moved, "fit").axes
    finally:
        moved.rename(run)


def test_what_cannot_be_drawn_is_one_line(run: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"has no figure 'fitt'; did you mean"):
        redraw.draw_figure(run, "fitt")
    with pytest.raises(BadInput, match="holds no figures"):
        redraw.find_figure(tmp_path, "fit")
    with pytest.raises(BadInput, match="no known format"):
        redraw.write_figure(run, "fit", to=tmp_path / "fit.doc")
    with pytest.raises(BadInput, match="style file does not exist"):
        redraw.draw_figure(run, "fit", tmp_path / "no.mplstyle")


def test_the_command_draws_and_lists(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["figure", str(run)]) == 0
    assert "echo/fit" in capsys.readouterr().out.split()
    to = tmp_path / "f.png"
    assert cli.main(["figure", str(run), "fit", "--width", "60", "--to", str(to)]) == 0
    assert to.read_bytes().startswith(b"\x89PNG")


def test_exports_read_back(run: Path, tmp_path: Path) -> None:
    written = export.export_run(run, tmp_path)
    names = {path.relative_to(tmp_path).as_posix() for path in written}
    assert names == {
        "mine.xlsx",
        "mine.prj",
        "origin/fe.csv",
        "origin/echo.csv",
        "origin/heat.csv",
        "topas/heat.inp",
        "topas/heat.xye",
    }
    with pytest.raises(BadInput, match="is no format"):
        export.export_run(run, tmp_path, ["excel"])
    with pytest.raises(BadInput, match=r"no summary\.csv"):
        export.export_run(tmp_path, tmp_path)


def test_athena_project_holds_the_merged_spectrum(run: Path, tmp_path: Path) -> None:
    export.export_run(run, tmp_path, ["athena"])
    (raw,) = list_raw_scans(tmp_path / "mine.prj", ScanReading())
    merged = store.load(run / "xas/fe/normalised.nc")
    place = list(merged["name"].values.astype(str)).index("merged")
    energy, mu = raw.columns.values() if len(raw.columns) == 2 else list(raw.columns.values())[:2]
    np.testing.assert_allclose(energy, merged["energy"].values, rtol=1e-9)
    np.testing.assert_allclose(mu, merged["mu"].values[place], rtol=1e-8)
    assert raw.text == "fe" and raw.header["bkg_z"] == "Fe"


def test_topas_file_starts_from_the_first_frame_with_phases(run: Path, tmp_path: Path) -> None:
    export.export_run(run, tmp_path, ["topas"])
    text = (tmp_path / "topas/heat.inp").read_text()
    assert "frame 2" in text and "Zero_Error(@, 0.002000)" in text
    assert 'space_group "R-3c"' in text
    assert (
        "a @ 5.1\n      b =Get(a);\n      c @ 12.2\n      al 90\n      be 90\n      ga 120" in text
    )
    assert np.loadtxt(tmp_path / "topas/heat.xye")[:, 1].tolist() == [4, 5, 6]
    (stated,) = find_wavelengths([tmp_path / "topas/heat.inp"])
    assert stated.value == 0.2413


def test_origin_tables_have_names_units_and_remarks(run: Path, tmp_path: Path) -> None:
    export.export_run(run, tmp_path, ["origin"])
    with open(tmp_path / "origin/heat.csv", newline="") as handle:
        names, units, remarks, *rows = csv.reader(handle)
    assert (names[1], units[1], remarks[1]) == ("a", "Å", "LAGP")
    assert rows[0][1] == "", "the phase is not there"
    assert rows[1][1] == "5.1"


def test_workbook_has_numbers(run: Path, tmp_path: Path) -> None:
    export.export_run(run, tmp_path, ["xlsx"])
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    assert set(book.sheetnames) == {"summary", "fe", "echo", "heat"}
    header, *rows = book["summary"].iter_rows(values_only=True)
    values = [row[header.index("value")] for row in rows]
    assert values == [1.25] * 3
    assert book["heat"].cell(5, 2).value == 5.1


def test_a_run_in_a_notebook(run: Path) -> None:
    mine = sb.open(run)
    assert mine.rows["value"].tolist() == [1.25] * 3
    assert mine.measurements == ["heat", "echo", "fe"]
    assert mine.list_tables("echo") == ["fid", "lines", "spectrum"]
    assert mine.table("fe", "normalised").sizes["spectrum"] == 3
    assert mine.phase("LAGP")["d"].values.tolist() == [4.0]
    assert "echo/fit" in mine.figures and mine.figure("fit").axes
    numbers = mine.numbers("fit")
    assert {"panel", "series", "x", "y"} <= set(numbers.columns) and len(numbers) > 100
    with pytest.raises(BadInput, match="did you mean 'echo'"):
        mine.table("ech", "lines")
    with pytest.raises(BadInput, match="did you mean 'lines'"):
        mine.table("echo", "line")
    with pytest.raises(BadInput, match=r"no summary\.csv"):
        sb.open(run.parent)


def test_a_step_by_name_with_its_default_options(run: Path) -> None:
    raw = run.parent.parent / "raw"
    scans = sb.call_step("xas.scans.read_scans", source=raw / "fe")
    assert scans.sizes["scan"] == 2
    fid = sb.call_step("nmr.bruker.read_fid", {"decay_axis": "10u"}, source=raw / "echo")
    lines = sb.call_step("nmr.lineshape.fit_lines", fid=fid)
    made = sb.open(run).table("echo", "lines")
    np.testing.assert_allclose(lines["region_area"].values, made["region_area"].values)
    with pytest.raises(ValueError, match="unknown option"):
        sb.call_step("nmr.bruker.read_fid", {"nonsense": 1}, source=raw / "echo")
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        _ = sb.close
