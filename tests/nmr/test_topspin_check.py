"""TopSpin's processed files: numbers, tiles, axis, what is missing; overlap with our own
transform."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr import topspin_check
from ssbchar.nmr.bruker import files, read
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.options import TopspinCheckOptions
from ssbchar.nmr.transform.chemical_shift import shift_from_offset
from ssbchar.nmr.transform.fourier import offsets_from_time, transform_signal

SI = 8192


def written(
    folder: Path, y: np.ndarray, kind: str = "<i4", broadening: float = 200.0, **changes: object
) -> Path:
    """An experiment with the spectrum TopSpin would make of it; LB stands in procs whether or not
    it is applied."""
    applied = 0.0 if changes.get("WDW") == 0 else broadening
    signals.write_bruker(folder, np.rint(1e8 * y), kind="<i4")
    fid = read.read_fid(folder, Reading(), {})
    time = fid["time"].values
    spectrum = transform_signal(
        1e8 * y * np.exp(-np.pi * applied * time) * np.where(time > 0, 1, 0.5), time, SI
    ).conj() * np.exp(0.4j)
    stored = spectrum if kind.endswith("f8") else np.rint(spectrum / 2**7)
    place = folder / "pdata/1"
    for name, part in (("1r", stored.real), ("1i", stored.imag)):
        part.astype(kind).tofile(place / name)
    ppm = shift_from_offset(offsets_from_time(time, SI), fid.attrs["sfo1"], fid.attrs["sf"])
    about = {
        "SF": 311.1,
        "SI": SI,
        "SW_p": 1e6,
        "OFFSET": float(ppm[0]),
        "BYTORDP": int(kind[0] == ">"),
        "WDW": 1,
        "LB": broadening,
        "DTYPP": 2 if kind.endswith("f8") else 0,
        "NC_proc": 0 if kind.endswith("f8") else 7,
    } | changes
    lines = [f"##${k}= {v!r}" for k, v in about.items() if v is not None]
    (place / "procs").write_text(
        "\n".join(["##TITLE= x", "##JCAMPDX= 5.0", *lines, "##END="]) + "\n"
    )
    return folder


Y = signals.noisy(signals.signal((0.3, 0.7), (265.0, 10.0), (900.0, 3500.0), points=4096), 1e-3, 1)


def told(folder: Path):
    rows = topspin_check.compare_with_topspin(
        folder, read.read_fid(folder, Reading(), {}), TopspinCheckOptions()
    )
    return {(c.quantity, c.condition): c for c in rows}


@pytest.mark.parametrize("kind", ["<i4", ">i4", "<f8", ">f8"])
def test_every_number_type_gives_the_same_spectrum(tmp_path: Path, kind: str) -> None:
    found = told(written(tmp_path / "1", Y, kind))["topspin_overlap", ""]
    assert found.verdict == "agrees"
    assert found.value == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("window", [0, 1])
def test_broadening_counts_where_the_window_is_exponential(tmp_path: Path, window: int) -> None:
    found = told(written(tmp_path / "1", Y, WDW=window, broadening=2000.0))["topspin_overlap", ""]
    assert found.verdict == "agrees"
    assert found.value == pytest.approx(1.0, abs=1e-6)


def test_axis_and_scale(tmp_path: Path) -> None:
    ds = topspin_check.read_spectrum(written(tmp_path / "1", Y), Reading())
    size = np.abs(ds["real"].values[0] + 1j * ds["imag"].values[0])
    assert float(ds["ppm"][int(size.argmax())]) == pytest.approx(264.9, abs=1.0)
    step = 1e6 / 311.1 / SI
    assert np.diff(ds["ppm"].values) == pytest.approx(np.full(SI - 1, -step))


def test_windows_of_the_stored_spectrum(tmp_path: Path) -> None:
    folder = written(
        tmp_path / "1",
        signals.signal((0.3, 0.7), (265.0, 10.0), (900.0, 3500.0), points=4096, phase=0.4),
    )
    row = told(folder)["li_metal_fraction", "raw, TopSpin spectrum"]
    assert row.value == pytest.approx(30.0, abs=2.0)


def test_errors_of_the_windows_are_those_of_the_noise(tmp_path: Path) -> None:
    clean, pulls, values = (
        signals.signal((0.3, 0.7), (265.0, 10.0), (900.0, 3500.0), points=4096, phase=0.4),
        [],
        [],
    )
    for seed in range(40):
        row = told(written(tmp_path / str(seed), signals.noisy(clean, 0.01, seed), "<f8"))
        found = row["li_metal_fraction", "raw, TopSpin spectrum"]
        values.append(found.value)
        pulls.append(found.stderr)
    assert np.median(pulls) == pytest.approx(np.std(values), rel=0.5)


def test_another_spectrum_differs(tmp_path: Path) -> None:
    folder = written(tmp_path / "1", Y)
    np.roll(np.fromfile(folder / "pdata/1/1r", "<i4"), 40).tofile(folder / "pdata/1/1r")
    assert told(folder)["topspin_overlap", ""].verdict == "differs"


@pytest.mark.parametrize(("changes", "said"), [({"WDW": 3}, "WDW = 3 is not repeated")])
def test_window_functions_that_are_not_repeated(tmp_path: Path, changes: dict, said: str) -> None:
    found = told(written(tmp_path / "1", Y, **changes))["topspin_overlap", ""]
    assert (found.verdict, found.value) == ("N/A", None)
    assert said in found.reason


def test_without_imaginary_part(tmp_path: Path) -> None:
    folder = written(tmp_path / "1", Y)
    (folder / "pdata/1/1i").unlink()
    assert told(folder)["topspin_overlap", ""].verdict == "N/A"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SI": 2 * SI}, "but SI is"),
        ({"OFFSET": None}, "OFFSET is missing"),
        ({"BYTORDP": 1}, "other byte order"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, changes: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        topspin_check.read_spectrum(written(tmp_path / "1", Y, **changes), Reading())


def test_no_spectrum(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no processed spectrum"):
        topspin_check.read_spectrum(signals.write_bruker(tmp_path / "1", Y), Reading())


def test_series_are_untiled(tmp_path: Path) -> None:
    folder = written(tmp_path / "1", Y, XDIM=2048, NC_proc=0)
    rows = np.arange(4 * SI).reshape(4, SI)
    tiles = [rows[i : i + 2, j : j + 2048] for i in (0, 2) for j in range(0, SI, 2048)]
    place = folder / "pdata/1"
    np.concatenate([t.ravel() for t in tiles]).astype("<i4").tofile(place / "2rr")
    (place / "1r").unlink()
    (place / "1i").unlink()
    (place / "proc2s").write_text("##TITLE= x\n##JCAMPDX= 5.0\n##$SI= 4\n##$XDIM= 2\n##END=\n")
    ds = topspin_check.read_spectrum(folder, Reading())
    assert np.array_equal(ds["real"].values, rows)
    assert np.isnan(ds["imag"].values).all()


def test_zipped_experiments_too(tmp_path: Path) -> None:
    folder = written(tmp_path / "in" / "1", Y)
    packed = Path(shutil.make_archive(str(tmp_path / "1"), "zip", tmp_path / "in"))
    assert topspin_check.read_spectrum(packed, Reading()).equals(
        topspin_check.read_spectrum(folder, Reading())
    )


def test_a_stored_spectrum_is_found_however_the_experiment_is_given(tmp_path: Path) -> None:
    """The rules ask for each measurement whether there is one: of a folder, one around it, or a zip
    of either."""
    folder = written(tmp_path / "in" / "1", Y)
    inner = shutil.make_archive(str(tmp_path / "a"), "zip", folder)
    outer = shutil.make_archive(str(tmp_path / "b"), "zip", tmp_path / "in")
    given = [folder, folder.parent, Path(inner), Path(outer)]
    assert [files.has_spectrum(p) for p in given] == [True] * 4
    (folder / "pdata/1/1r").unlink()
    bare = Path(shutil.make_archive(str(tmp_path / "c"), "zip", folder))
    assert [files.has_spectrum(p) for p in (folder, folder.parent, bare, tmp_path / "none")] == [
        False
    ] * 4
    asked = Path(__file__).parents[2] / "workflow/rules/nmr_common.smk"
    assert "if has_spectrum(Path(RUN.row(m).path))" in asked.read_text(encoding="utf-8")
