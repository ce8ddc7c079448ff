"""Bruker ``fid`` and ``ser`` files as measured: nothing corrected, the group delay kept in the time axis."""

from __future__ import annotations

import json
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.errors import BadInput
from ssbchar.nmr import delays
from ssbchar.nmr.options import Reading

BLOCK = 1024
"""Rows of a ``ser`` file start at multiples of this many bytes."""


def fid(source: Path, options: Reading, labels: dict[str, str] | None = None) -> xr.Dataset:
    """Read one Bruker experiment (TopSpin 2 to 4, a folder or a zip of one).

    Parameters
    ----------
    source : Path
        The experiment's folder (the one with ``acqus``), a folder that holds just one, or a ``.zip``.
    options : Reading
        Nucleus expected, decay axis, reference.
    labels : dict, optional
        ``role``: a ``decay`` or ``reference_decay`` must have a decay time per slice.

    Returns
    -------
    Dataset
        ``real``, ``imag`` (slice, time) [1] scaled by 2^NC, ``time`` [s] (zero where the digital filter's group
        delay ends; earlier points are its transient), ``decay_time`` (slice) [s], ``status`` (slice); attributes
        of the acquisition, and ``conflicts`` (JSON list) found in the metadata.

    Raises
    ------
    BadInput
        A file is missing or contradicts another one.
    """
    with _experiment(Path(source)) as (folder, shown):
        about = _about(folder, shown, options)
        raw = _points(folder, shown, about)
        role = (labels or {}).get("role", "")
        axis, decay_time = _decay_times(folder, shown, about, raw.shape[0], options, role)
        about["echo_delay"] = _echo_delay(folder, shown, about, axis)
    return _dataset(raw, decay_time, axis, about, shown)


@contextmanager
def _experiment(source: Path) -> Iterator[tuple[Path, Path]]:
    """Give the folder with ``acqus`` and the path to show in messages; a zip is unpacked for the while."""
    if source.suffix.lower() == ".zip" and source.is_file():
        with tempfile.TemporaryDirectory() as place:
            try:
                with zipfile.ZipFile(source) as packed:
                    packed.extractall(place)
            except zipfile.BadZipFile as error:
                raise BadInput(source, "no readable zip file", "pack the experiment's folder again") from error
            yield _found(Path(place), source), source
    else:
        yield _found(source, source), source


def _found(root: Path, shown: Path) -> Path:
    if (root / "acqus").is_file():
        return root
    inside = sorted(p.parent for p in root.rglob("acqus")) if root.is_dir() else []
    if not inside:
        raise BadInput(shown, "no acqus file", "give the folder of one Bruker experiment (with acqus and fid or ser)")
    if len(inside) > 1:
        names = ", ".join(p.relative_to(root).as_posix() for p in inside[:5])
        raise BadInput(shown, f"holds {len(inside)} experiments ({names})", "give one experiment per row")
    return inside[0]


def _about(folder: Path, shown: Path, options: Reading) -> dict[str, Any]:
    """Return the acquisition's parameters with the conflicts among them."""
    acqus = _parameters(folder / "acqus", shown)
    for name in ("TD", "SW_h", "SFO1", "BF1", "BYTORDA"):
        if name not in acqus:
            raise BadInput(shown / "acqus", f"{name} is missing", "copy the file from the spectrometer again")
    conflicts = _conflicts(acqus)
    nucleus = str(acqus.get("NUC1", ""))
    if nucleus != options.nucleus:
        raise BadInput(
            shown / "acqus", f"NUC1 is {nucleus or 'missing'}, not {options.nucleus}",
            "give the right experiment, or set the column 'read.nucleus'",
        )  # fmt: skip
    processing = folder / "pdata" / str(options.procno)
    procs = _parameters(processing / "procs", shown) if (processing / "procs").is_file() else {}
    bf1 = float(acqus["BF1"])
    sf = float(procs.get("SF") or bf1)
    if options.reference_hz is not None:
        sf = bf1 + options.reference_hz * 1e-6
    elif "SF" not in procs:
        conflicts.append("no SF in procs: shifts are against BF1 (SR = 0); set read.reference_hz")
    title = _text(processing / "title").strip()
    conflicts += _title_conflicts(title, (sf - bf1) * 1e6)
    program = _text(folder / "pulseprogram")
    names, relations = delays.names_from(acqus, program)
    return {
        "acqus": acqus, "sf": sf, "title": title, "program": program, "names": names,
        "conflicts": conflicts + relations,
    }  # fmt: skip


def _parameters(path: Path, shown: Path) -> dict[str, Any]:
    from nmrglue.fileio.bruker import read_jcamp

    try:
        return dict(read_jcamp(str(path), encoding="latin-1"))
    except (OSError, ValueError, IndexError) as error:
        raise BadInput(shown / path.name, f"not readable as parameters ({error})", "copy the file again") from error


def _text(path: Path) -> str:
    return path.read_text(encoding="latin-1") if path.is_file() else ""


def _conflicts(acqus: dict[str, Any]) -> list[str]:
    """Return contradictions between NUC1, SFO1, BF1 and O1."""
    found = []
    sfo1, bf1, o1 = float(acqus["SFO1"]), float(acqus["BF1"]), float(acqus.get("O1", 0.0))
    if abs((sfo1 - bf1) * 1e6 - o1) > 1.0:
        found.append(f"SFO1 - BF1 = {(sfo1 - bf1) * 1e6:.1f} Hz but O1 = {o1:.1f} Hz")
    proton = _proton_frequency(acqus)
    ratio = XI.get(str(acqus.get("NUC1", "")))
    if proton and ratio and abs(bf1 / (proton * ratio) - 1) > 0.01:
        found.append(f"NUC1 is {acqus['NUC1']} but BF1 = {bf1:.3f} MHz suits no such nucleus at {proton:.1f} MHz (1H)")
    return found


XI = {"1H": 1.0, "6Li": 0.14716106, "7Li": 0.38863797, "13C": 0.25145020, "19F": 0.94094011, "31P": 0.40480742}
"""Frequency ratios to 1H (Harris et al., Pure Appl. Chem. 73 (2001) 1795)."""


def _proton_frequency(acqus: dict[str, Any]) -> float:
    """Return the 1H frequency [MHz] that unused channels hold, zero where none does."""
    others = {float(acqus[f"BF{i}"]) for i in range(2, 9) if f"BF{i}" in acqus}
    return others.pop() if len(others) == 1 else 0.0


def _title_conflicts(title: str, sr: float) -> list[str]:
    import re

    stated = re.search(r"\bSR\s*[=:]?\s*(-?\d+\.\d+)", title)
    if stated and abs(float(stated[1]) - sr) > 0.5:
        return [f"the title says SR {stated[1]} Hz, procs says {sr:.2f} Hz"]
    return []


def _points(folder: Path, shown: Path, about: dict[str, Any]) -> NDArray[np.complex128]:
    """Return the complex points, shape (slice, TD/2)."""
    acqus = about["acqus"]
    name = "ser" if (folder / "ser").is_file() else "fid"
    if not (folder / name).is_file():
        raise BadInput(shown, "neither fid nor ser is there", "copy the whole experiment")
    double = int(acqus.get("DTYPA", 0)) == 2
    kind = np.dtype(("<", ">")[int(acqus["BYTORDA"])] + ("f8" if double else "i4"))
    td, size = int(acqus["TD"]) // 2 * 2, (folder / name).stat().st_size
    if td < 2:
        raise BadInput(shown / "acqus", f"TD is {acqus['TD']}", "copy the file from the spectrometer again")
    row = td * kind.itemsize
    slices, stride = 1, row
    if name == "ser":
        slices = int(_parameters(folder / "acqu2s", shown).get("TD", 0)) if (folder / "acqu2s").is_file() else 0
        stride = -(-row // BLOCK) * BLOCK
        slices = slices or size // stride
        if size == slices * row:
            stride = row
    if size < row:
        raise BadInput(
            shown / name, f"holds {size // kind.itemsize} numbers but TD is {td}",
            "copy the file again; the transfer may have broken off",
        )  # fmt: skip
    whole = min(slices, (size - row) // stride + 1)
    raw = np.fromfile(folder / name, np.uint8)
    raw = np.stack([raw[i * stride : i * stride + row] for i in range(whole)]).view(kind)
    _check_order(raw, shown / name)
    about["slices"] = slices
    values = raw.astype(float) * 2.0 ** int(acqus.get("NC", 0))
    return np.asarray(values[:, ::2] + 1j * values[:, 1::2])


def _check_order(raw: NDArray[Any], where: Path) -> None:
    """Refuse numbers that are far smaller, or finite, only with their bytes swapped."""

    def size(values: NDArray[Any]) -> float:
        with np.errstate(all="ignore"):
            v = values.astype(float)
            logs = np.log2(np.abs(v[np.isfinite(v) & (v != 0)]))
        if logs.size < 0.99 * np.count_nonzero(v):
            return np.inf
        if values.dtype.kind == "f":
            return float(logs.std() + max(abs(np.median(logs)) - 60.0, 0.0))
        return float(np.log2(np.sqrt(np.mean(v**2)) + 1.0))

    if size(raw) > size(raw.byteswap().view(raw.dtype)) + 2.0:
        raise BadInput(where, "the numbers make sense only in the other byte order", "correct BYTORDA in acqus")


def _decay_times(
    folder: Path, shown: Path, about: dict[str, Any], slices: int, options: Reading, role: str
) -> tuple[str, NDArray[np.float64]]:
    """Return the decay axis as a formula, and its value in each slice [s] (NaN where a spectrum does not tell)."""
    series = slices > 1 or role.endswith("decay")
    axis = options.decay_axis
    try:
        axis = axis or delays.formula(about["program"])
        lists = _lists(folder, shown, about["acqus"], axis)
        count = min([slices, *map(len, lists.values())])
        values = [delays.evaluate(axis, about["names"] | {k: v[i] for k, v in lists.items()}) for i in range(count)]
    except ValueError as error:
        if series or options.decay_axis:
            raise BadInput(shown / "pulseprogram", f"decay time not found: {error}", delays.ASK) from error
        return "", np.full(slices, np.nan)
    if series and len(values) > 1 and len(set(values)) == 1:
        raise BadInput(shown / "pulseprogram", f"the decay time {axis} is the same in all slices", delays.ASK)
    return axis, np.array(values + [np.nan] * (slices - count))


def _echo_delay(folder: Path, shown: Path, about: dict[str, Any], axis: str) -> float:
    """Return TR, the delay between the two pulses of a solid or Hahn echo [s]; NaN for other sequences."""
    try:
        parts = delays.formula(about["program"]).split("+")
        if len(parts) != 3 or not parts[1].startswith("p"):
            return float("nan")
        lists = _lists(folder, shown, about["acqus"], parts[0])
        return delays.evaluate(parts[0], about["names"] | {k: v[0] for k, v in lists.items()})
    except (ValueError, BadInput):
        return float("nan")


def _lists(folder: Path, shown: Path, acqus: dict[str, Any], axis: str) -> dict[str, list[float]]:
    import re

    found = {}
    for name, key in (("vd", "VDLIST"), ("vc", "VCLIST")):
        if re.search(rf"\b{name}\b", axis):
            path = folder / f"{name}list"
            named = folder / "lists" / name / str(acqus.get(key, ""))
            found[name] = delays.read_list(named if named.is_file() and not path.is_file() else path, name == "vc")
    return found


def _dataset(
    raw: NDArray[np.complex128], decay_time: NDArray[np.float64], axis: str, about: dict[str, Any], shown: Path
) -> xr.Dataset:
    acqus = about["acqus"]
    status = np.where(np.abs(raw).max(axis=1) > 0, "ok", "zeros").astype(object)
    if axis:
        status[(status == "ok") & ~np.isfinite(decay_time)] = "no_delay"
    aside = [
        {"where": f"{shown}, slice {i + 1}", "problem": WHY[s], "remedy": "measure it again or leave it out"}
        for i, s in enumerate(status) if s != "ok"
    ]  # fmt: skip
    if len(aside) == len(status):
        raise BadInput(
            shown, f"{aside[0]['problem']}" + (" (in all slices)" if len(aside) > 1 else ""), "measure again"
        )
    if about["slices"] > len(status):
        aside.append({
            "where": str(shown), "problem": f"only {len(status)} of {about['slices']} slices were recorded",
            "remedy": "the rest is missing; go on with fewer, or measure again",
        })  # fmt: skip
    delay = group_delay(acqus)
    step = 1.0 / float(acqus["SW_h"])
    time = (np.arange(raw.shape[1]) - delay) * step
    names = about["names"]
    attrs = {
        "nucleus": str(acqus["NUC1"]), "sfo1": float(acqus["SFO1"]), "bf1": float(acqus["BF1"]), "sf": about["sf"],
        "o1": float(acqus.get("O1", 0.0)), "sr": (about["sf"] - float(acqus["BF1"])) * 1e6,
        "sw": float(acqus["SW_h"]), "group_delay": delay, "scans": int(acqus.get("NS", 1)),
        "receiver_gain": float(acqus.get("RG", 1.0)), "recycle_delay": names.get("d1", 0.0),
        "pulse_1": names.get("p1", 0.0), "pulse_2": names.get("p2", 0.0), "spinning": float(acqus.get("MASR", 0) or 0),
        "date": int(acqus.get("DATE", 0)), "probe": str(acqus.get("PROBHD", "")).strip(), "title": about["title"],
        "echo_delay": about["echo_delay"], "pulse_program": str(acqus.get("PULPROG", "")), "decay_axis": axis,
        "conflicts": json.dumps(about["conflicts"]), "set_aside": json.dumps(aside),
        "synthetic": int("synthetic" in about["title"].lower()),
    }  # fmt: skip
    return xr.Dataset(
        {
            "real": (("slice", "time"), raw.real, {"units": "1"}),
            "imag": (("slice", "time"), raw.imag, {"units": "1"}),
            "decay_time": ("slice", decay_time, {"units": "s", "long_name": axis}),
            "status": ("slice", status.astype(str)),
        },
        coords={"time": ("time", time, {"units": "s"}), "slice": ("slice", np.arange(1, len(status) + 1))},
        attrs=attrs,
    )


WHY = {"zeros": "all points are zero", "no_delay": "the list has no entry for it"}


def group_delay(acqus: dict[str, Any]) -> float:
    """Return the group delay of the digital filter [points]: GRPDLY, else the table for DECIM and DSPFVS."""
    stated = float(acqus.get("GRPDLY", -1.0))
    if stated >= 0:
        return stated
    decim, version = int(float(acqus.get("DECIM", 1))), int(acqus.get("DSPFVS", 0))
    if decim <= 1 or version <= 0:
        return 0.0
    from nmrglue.fileio.bruker import bruker_dsp_table

    if version >= 14:
        return 0.0
    try:
        return float(bruker_dsp_table[version][decim])
    except KeyError as error:
        raise BadInput("acqus", f"no group delay known for DSPFVS {version}, DECIM {decim}", "set GRPDLY") from error
