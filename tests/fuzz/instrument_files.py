"""Sound files as detectors, beamlines and spectrometers write them; packed files and folders."""

from __future__ import annotations

import bz2
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from nmr import signals
from xas.scans.formats import made_formats

from ssbchar.errors import BadInput
from ssbchar.hexrd.images import read as image_read

from .subject import Numbers, Subject, call_step

COUNTS = np.random.default_rng(3).poisson(40, (48, 40)).astype(np.int32)


def read_image(path: Path) -> Numbers:
    """Return the counts of all frames of a file; what is wrong with one is told."""
    frames = list(image_read.read_images(path))
    faults = [frame for frame in frames if isinstance(frame, BadInput)]
    images = [frame for frame in frames if not isinstance(frame, BadInput)]
    if not images:
        raise faults[0] if faults else BadInput(path, "no frame", "")
    counts = {f"frame {i}": image.counts for i, image in enumerate(images)}
    return {**counts, "_told": " ".join(map(str, faults))}


def read_scans(path: Path) -> Numbers:
    return call_step("xas.scans.read_scans", path, "source", {})


def read_fid(role: str) -> Callable[[Path], Numbers]:
    return lambda path: call_step("nmr.bruker.read_fid", path, "source", {}, role)


def read_time_series(path: Path) -> Numbers:
    return call_step("nmr.bruker.read_time_series", path, "source", {}, "series")


def _pack(suffix: str, write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    """Return a writer of the file that another writes, packed."""

    def write_packed(folder: Path) -> Path:
        plain = write(folder)
        content = plain.read_bytes()
        plain.unlink()
        packed = gzip.compress(content, mtime=0) if suffix == ".gz" else bz2.compress(content)
        path = plain.with_name(plain.name + suffix)
        path.write_bytes(packed)
        return path

    return write_packed


def _write_edf(folder: Path) -> Path:
    import fabio.edfimage

    fabio.edfimage.EdfImage(data=COUNTS).write(str(folder / "a.edf"))
    return folder / "a.edf"


def _write_array(folder: Path) -> Path:
    np.save(folder / "a.npy", np.stack([COUNTS, COUNTS + 1]))
    return folder / "a.npy"


def _write_bliss_images(folder: Path) -> Path:
    """The images behind a link, in a file of their own."""
    with h5py.File(folder / "eiger.h5", "w") as file:
        file["entry_0000/measurement/data"] = np.stack([COUNTS, COUNTS + 1])
    with h5py.File(folder / "sample.h5", "w") as file:
        entry = file.create_group("1.1")
        entry.attrs["NX_class"] = "NXentry"
        target = "/entry_0000/measurement/data"
        entry["instrument/eiger/image"] = h5py.ExternalLink("eiger.h5", target)
        entry["measurement/eiger"] = h5py.SoftLink("/1.1/instrument/eiger/image")
    return folder / "sample.h5"


def _write_masked_images(folder: Path) -> Path:
    """An Eiger's file with the mask of its dead pixels."""
    dead = np.zeros(COUNTS.shape, np.uint32)
    dead[3, 5:9] = 1
    with h5py.File(folder / "a_master.h5", "w") as file:
        file["entry/data/data_000001"] = np.where(dead, 2**32 - 1, COUNTS).astype(np.uint32)[None]
        file["entry/instrument/detector/detectorSpecific/pixel_mask"] = dead
        file["entry"].attrs["NX_class"] = "NXentry"
    return folder / "a_master.h5"


def _write_scan(name: str, write: Callable[[Path], None]) -> Callable[[Path], Path]:
    def write_scan(folder: Path) -> Path:
        write(folder / name)
        return folder / name

    return write_scan


def _write_spec(folder: Path) -> Path:
    """A SPEC file: a scan of a motor and two repeats."""
    c = made_formats.counters()
    random = np.random.default_rng(5)
    parts = ["#F x\n#E 1371554237\n#D Tue Jun 18 13:17:17 2013\n"]
    parts.append("#S 1  ascan z 0 1 2 1\n#N 2\n#L z  diode\n0 1\n0.5 2\n1 1\n")
    for number in (2, 3):
        it = c["it"] * (1 + 1e-4 * random.standard_normal(c["it"].size))
        body = made_formats.rows([c["energy"], c["i0"], it, c["ir"]])
        labels = "energy  i0  itrans  irefer"
        parts.append(f"#S {number}  escan\n#T 1 (s)\n#N 4\n#L {labels}\n{body}\n")
    (folder / "a.spec").write_text("\n".join(parts))
    return folder / "a.spec"


ECHO = np.rint(1e5 * np.exp(-np.arange(200.0) / 40)) * (1 + 1j) * np.ones((3, 1))
ACQUS = {
    "P": "(0..15)\n0 4 8 0 0 0 0 0 0 0 0 0 0 0 0 100",
    "D": "(0..7)\n0 2 0 0 0 0 3e-05 0.5",
}
INVERSION = "1 ze\n2 d1\np2 ph1\nvd\np1 ph2\ngo=2 ph31\n30m mc #0 to 2 F1QF(ivd)\nexit\n"
ONE_PULSE = "1 ze\n2 d1\n(p1 ph1):f1\ngo=2 ph31\n30m mc #0 to 2 F1QF()\nexit\n"


def _write_echoes(folder: Path) -> Path:
    return signals.write_bruker(folder / "1", ECHO, vdlist="20u\n100u\n1m\n")


def _write_float_echoes(folder: Path) -> Path:
    return signals.write_bruker(folder / "1", ECHO, kind="<f8", vdlist="20u\n100u\n1m\n")


def _write_recovery(folder: Path) -> Path:
    path = signals.write_bruker(folder / "1", ECHO, program=INVERSION, acqus=ACQUS)
    (path / "vdlist").write_text("10m\n1s\n20\n")
    return path


def _write_time_series(folder: Path) -> Path:
    for number in (1, 2, 3):
        about = {"DATE": 1700000000 + 3600 * number, "NS": 16, "RG": 101}
        signals.write_bruker(
            folder / "all" / str(number), number * ECHO[0], program=ONE_PULSE, acqus=about
        )
    return folder / "all"


def _archive(form: str, write: Callable[[Path], Path]) -> Callable[[Path], Path]:
    def write_archive(folder: Path) -> Path:
        inside = folder / "unpacked"
        write(inside)
        path = Path(shutil.make_archive(str(folder / "packed"), form, inside))
        shutil.rmtree(inside)
        return path

    return write_archive


TEXTS = (
    "SSRL", "PF 9809", "NSLS-II ISS", "APS 12-BM", "APS 13-BM", "APS 10-BM", "ESRF LISA",
    "SOLEIL ROCK", "Athena JSON", "Athena Perl",
)  # fmt: skip


def _list_images() -> list[Subject]:
    writers = {
        "edf.gz": _pack(".gz", _write_edf),
        "edf.bz2": _pack(".bz2", _write_edf),
        "npy": _write_array,
        "npy.gz": _pack(".gz", _write_array),
        "h5, masked": _write_masked_images,
    }
    found = [
        Subject(reader="images, packed and linked", name=name, write=write, read=read_image)
        for name, write in writers.items()
    ]
    linked = Subject(
        reader="images, packed and linked",
        name="h5, BLISS",
        write=_write_bliss_images,
        read=read_image,
        spoil="*.h5",
    )
    return [*found, linked]


def _list_scans() -> list[Subject]:
    found = [
        Subject(
            reader="XAS scans of beamlines",
            name=name,
            write=_write_scan(*writer),
            read=read_scans,
            is_text=name in TEXTS,
        )
        for name, writer in made_formats.WRITERS.items()
    ]
    spec = Subject(
        reader="XAS scans of beamlines",
        name="SPEC",
        write=_write_spec,
        read=read_scans,
        is_text=True,
    )
    return [*found, spec]


def _list_experiments() -> list[Subject]:
    folders = {
        "echoes": (_write_echoes, read_fid("decay"), "1/**/*"),
        "echoes, float64": (_write_float_echoes, read_fid("decay"), "1/**/*"),
        "recovery": (_write_recovery, read_fid("relaxation"), "1/**/*"),
        "series in time": (_write_time_series, read_time_series, "all/**/*"),
    }
    archives = {
        f"echoes, {form}": (_archive(form, _write_echoes), read_fid("decay"), "")
        for form in ("gztar", "xztar", "tar", "zip")
    }
    archives["series in time, zip"] = (_archive("zip", _write_time_series), read_time_series, "")
    return [
        Subject(reader="Bruker series and archives", name=name, write=write, read=read, spoil=spoil)
        for name, (write, read, spoil) in {**folders, **archives}.items()
    ]


def list_subjects() -> list[Subject]:
    """Return the sound files of this module with their readers."""
    return [*_list_images(), *_list_scans(), *_list_experiments()]
