"""Small sound files, written anew, and the reader of each as a run calls it."""

from __future__ import annotations

import gzip
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

# The makers of small files that other tests use stand beside this folder.
sys.path.insert(0, str(Path(__file__).parent.parent))

from crystal import made_cifs
from hexrd import made_patterns

from ssbchar.campaign import config as configs
from ssbchar.errors import BadInput
from ssbchar.hexrd.calibration import setup
from ssbchar.hexrd.furnace import log as furnace_log
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.simulate.hexrd.detector import write_tiff
from ssbchar.simulate.nmr import bruker

from . import instrument_files
from .instrument_files import COUNTS, read_image, read_scans
from .subject import Numbers, Subject, call_step


def _read_patterns(path: Path) -> Numbers:
    return call_step("hexrd.patterns.read_patterns", path, "source", {"wavelength": 0.2413})


def _read_fid(path: Path) -> Numbers:
    return call_step("nmr.bruker.read_fid", path, "source", {})


def _read_phase(path: Path) -> Numbers:
    return call_step("crystal.tabulate_reflections", path, "table", {})


def _read_poni(path: Path) -> Numbers:
    plane, wavelength = setup.read_poni(path)
    return {"plane": np.array(list(vars(plane).values()), float), "wavelength": wavelength}


def _read_log(path: Path) -> Numbers:
    found = furnace_log.read_log(path, Furnace(log_timezone="UTC"))
    told = json.dumps([*found.notes, *map(str, found.faults)])
    return {"time": found.time, "temperature": found.temperature, "_told": told}


def _read_config(path: Path) -> Numbers:
    found = configs.examine_config(path)
    if found.faults or found.run is None:
        raise BadInput(path, "; ".join(found.faults) or "nothing", "")
    if found.run.set_aside:
        raise next(iter(found.run.set_aside.values()))[0]
    rows = [repr(row) for row in found.run.rows]
    return {"config": repr(found.run.config), "rows": rows, "_told": " ".join(found.run.notes)}


def _write_pattern(kind: str) -> Callable[[Path], Path]:
    return lambda folder: made_patterns.write_as(kind, folder)


def _write_series(folder: Path) -> Path:
    y = np.array([made_patterns.counts(n) for n in range(1, 4)])
    return made_patterns.write_nexus(folder / "a.h5", y)


def _write_tiff(folder: Path) -> Path:
    text, when = "exposure_time 1.0; temperature: 25 C", "2024:05:06 07:08:09"
    write_tiff(folder / "a.tif", COUNTS.astype(np.uint16), text, when)
    return folder / "a.tif"


def _write_fabio(suffix: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        import fabio.cbfimage
        import fabio.edfimage

        kind = {
            "edf": fabio.edfimage.EdfImage,
            "cbf": fabio.cbfimage.CbfImage,
        }[suffix]
        kind(data=COUNTS).write(str(folder / f"a.{suffix}"))
        return folder / f"a.{suffix}"

    return write


def _write_image_stack(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        data = file.create_dataset("entry/data/data", data=np.stack([COUNTS] * 3), chunks=True)
        data.attrs["units"] = "counts"
        file["entry"].attrs["NX_class"] = "NXentry"
    return folder / "a.h5"


PONI = """# Nota: C-Order, 1 refers to the Y axis, 2 to the X axis
poni_version: 2
Detector: Detector
Detector_config: {"pixel1": 0.0001, "pixel2": 0.0001, "max_shape": [48, 40]}
Distance: 0.2
Poni1: 0.011
Poni2: 0.009
Rot1: 0.02
Rot2: -0.01
Rot3: 0.0
Wavelength: 2.413e-11
"""


def _write_text(name: str, text: str, encoding: str = "utf-8") -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(text.encode(encoding))
        return folder / name

    return write


CLOCK = [f"2021-03-01T10:{n:02d}:00+00:00" for n in range(40)]
HEAT = [25.0 + 2.5 * n + 0.1 * (n % 3) for n in range(40)]
LOGS = {
    "iso.csv": "time,temperature_C,setpoint_C\n"
    + "".join(f"{t},{v:.1f},{v:.0f}\n" for t, v in zip(CLOCK, HEAT, strict=True)),
    "german.csv": "Datum;Uhrzeit;Temperatur [K]\n"
    + "".join(
        f"01.03.2021;10:{n:02d}:00;{v + 273.15:.2f}\n".replace(".", ",", 2).replace(",", ".", 2)
        for n, v in enumerate(HEAT)
    ),
    "elapsed.txt": "# start: 2021-03-01T10:00:00+00:00\ntime_s\ttemperature_C\n"
    + "".join(f"{60 * n}\t{v:.1f}\n" for n, v in enumerate(HEAT)),
}
ENERGY = np.round(np.arange(7000.0, 7400.0, 2.0), 3)
I0 = 1e5 + 10.0 * np.sin(np.arange(ENERGY.size))
MU = 0.3 + 0.9 * (0.5 + np.arctan((ENERGY - 7120.0) / 2.0) / np.pi) + 0.02 * np.sin(ENERGY / 15)
I1 = I0 * np.exp(-MU)
FOIL = I1 * np.exp(-(0.3 + 0.9 * (0.5 + np.arctan((ENERGY - 7112.0) / 2.0) / np.pi)))
SCAN = list(zip(ENERGY, I0, I1, FOIL, strict=True))
XDI = (
    "# XDI/1.0 GSE/1.0\n# Column.1: energy eV\n# Column.2: i0\n# Column.3: itrans\n"
    "# Column.4: irefer\n# Element.symbol: Fe\n# Element.edge: K\n# Facility.name: none\n# ///\n"
    "# a made scan\n#----\n# energy i0 itrans irefer\n"
    + "".join(f"{e:.3f} {a:.4f} {b:.4f} {c:.4f}\n" for e, a, b, c in SCAN)
)
COLUMNS = "Energy\tI0\tI1\tI2\n" + "".join(
    f"{e:.3f}\t{a:.4f}\t{b:.4f}\t{c:.4f}\n" for e, a, b, c in SCAN
)


def _perl(values: Any) -> str:
    return "(" + ",".join(f"'{value:.6f}'" for value in values) + ");"


PROJECT = (
    "# Athena project file -- Demeter version 0.9.26\n\n$old_group = 'abcd';\n"
    "@args = ('label','first','bkg_z','Fe','bkg_eshift','0','datatype','xmu','is_xmu','1');\n"
    f"@x = {_perl(ENERGY)}\n@y = {_perl(MU)}\n@i0 = {_perl(I0)}\n[record]   # \n\n1;\n"
)


def _write_project(folder: Path) -> Path:
    (folder / "a.prj").write_bytes(gzip.compress(PROJECT.encode(), mtime=0))
    return folder / "a.prj"


def _write_xas_hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        for name, values in (("energy", ENERGY), ("i0", I0), ("itrans", I1), ("irefer", FOIL)):
            file[f"entry/data/{name}"] = values
        file["entry/data/energy"].attrs["units"] = "eV"
    return folder / "a.h5"


def _write_experiment(folder: Path) -> Path:
    time = np.arange(1024) / 5e4
    rng = np.random.default_rng(7)
    fid = 1e6 * np.exp(-time / 2e-3 + 2j * np.pi * 900.0 * time)
    fid = fid + 1e3 * (rng.standard_normal(1024) + 1j * rng.standard_normal(1024))
    acquisition: dict[str, object] = {
        "BF1": 116.6, "SFO1": 116.6, "O1": 0.0, "SW_h": 5e4, "SW": 5e4 / 116.6, "NUC1": "7Li",
        "BYTORDA": 0, "DTYPA": 0, "GRPDLY": 0.0, "DECIM": 1, "DSPFVS": 21, "NS": 16, "RG": 10.0,
        "PULPROG": "zg", "DATE": 1600000000, "TE": 298.0, "NC": 0, "D": [1.0, 5.0],
        "PARMODE": 0, "AQ_mod": 3, "DW": 1e6 / 5e4 / 2,
    }  # fmt: skip
    bruker.write_experiment(
        folder / "1", fid, acquisition, {"SF": 116.6, "NC_proc": 0, "BYTORDP": 0, "DTYPP": 0},
        title="made", program="zg",
    )  # fmt: skip
    return folder / "1"


def _write_experiment_zip(folder: Path) -> Path:
    source = _write_experiment(folder / "unzipped")
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(source.rglob("*")):
            archive.write(path, Path("1", path.relative_to(source)))
    return folder / "a.zip"


def _write_phase(cif: str) -> Callable[[Path], Path]:
    return lambda folder: made_cifs.write_table(folder, cif)


SHEET = [
    ["measurement", "sample", "technique", "role", "path", "compare_to", "reference",
     "read.photons_per_count"],
    ["foil", "Fe foil", "xas", "reference", "{raw}/foil", "", "", ""],
    ["fresh", "cathode", "xas", "pristine", "{raw}/fresh", "", "foil", "2"],
    ["aged", "cathode", "xas", "cycled", "{raw}/aged", "fresh", "foil", "2"],
]  # fmt: skip
CONFIG = (
    'run: made\nsamples: {sheet}\nxas:\n  read:\n    min_above: 25.0\nreport:\n  title: "a: b"\n'
)


def _write_config(kind: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        sheet = folder / f"sheet.{kind}"
        rows = [[cell.format(raw=folder) for cell in row] for row in SHEET]
        for row in rows[1:]:
            Path(row[4]).mkdir()
            (Path(row[4]) / ".scan").write_bytes(b"")
        if kind == "xlsx":
            import openpyxl

            book = openpyxl.Workbook()
            for row in rows:
                book.active.append(row)
            book.save(sheet)
        else:
            mark = "\t" if kind == "tsv" else ";"
            sheet.write_text("".join(mark.join(row) + "\n" for row in rows), encoding="utf-8")
        config = folder / "config.yaml"
        config.write_text(CONFIG.format(sheet=sheet.as_posix()), encoding="utf-8")
        return config

    return write


TEXTS = ("xye", "xy", "chi", "fxye", "xydata", "csv", "semicolons", "q_csv", "q_chi")
CIFS = {
    "rock salt": made_cifs.made_cif(),
    "corundum": made_cifs.made_cif(
        made_cifs.CORUNDUM, "R -3 c :H", made_cifs.CORUNDUM_ATOMS, "_cell_formula_units_Z 6",
        "_chemical_formula_sum 'Al2 O3'",
    ),
}  # fmt: skip


def list_subjects() -> list[Subject]:
    """Return every sound file with its reader."""
    return [
        *(
            Subject(
                reader="patterns, text", name=kind, write=_write_pattern(kind),
                read=_read_patterns, is_text=True,
            )
            for kind in TEXTS
        ),
        Subject(
            reader="patterns, HDF5", name="one", write=_write_pattern("nexus"), read=_read_patterns
        ),
        Subject(
            reader="patterns, HDF5", name="series", write=_write_series, read=_read_patterns
        ),
        Subject(reader="images", name="tif", write=_write_tiff, read=read_image),
        *(
            Subject(reader="images", name=kind, write=_write_fabio(kind), read=read_image)
            for kind in ("edf", "cbf")
        ),
        Subject(reader="images", name="h5", write=_write_image_stack, read=read_image),
        Subject(
            reader=".poni", name="poni", write=_write_text("a.poni", PONI), read=_read_poni,
            is_text=True,
        ),
        *(
            Subject(
                reader="furnace logs", name=name, write=_write_text(name, text), read=_read_log,
                is_text=True,
            )
            for name, text in LOGS.items()
        ),
        *(
            Subject(
                reader="CIF and phases", name=name, write=_write_phase(cif), read=_read_phase,
                spoil="*", is_text=True,
            )
            for name, cif in CIFS.items()
        ),
        *(
            Subject(
                reader="XAS scans", name=name, write=_write_text(f"a.{name}", text),
                read=read_scans, is_text=True,
            )
            for name, text in (("xdi", XDI), ("dat", COLUMNS), ("prj", PROJECT))
        ),
        Subject(reader="XAS scans", name="prj, gzip", write=_write_project, read=read_scans),
        Subject(reader="XAS scans", name="h5", write=_write_xas_hdf5, read=read_scans),
        Subject(
            reader="Bruker folders", name="folder", write=_write_experiment, read=_read_fid,
            spoil="1/**/*",
        ),
        Subject(reader="Bruker folders", name="zip", write=_write_experiment_zip, read=_read_fid),
        *(
            Subject(
                reader="config and sheet", name=kind, write=_write_config(kind),
                read=_read_config, spoil="*", is_text=kind != "xlsx",
            )
            for kind in ("tsv", "csv", "xlsx")
        ),
        *instrument_files.list_subjects(),
    ]  # fmt: skip
