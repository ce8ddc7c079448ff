"""Signals with known truth for the tests, written apart from the package's fitters and
simulator."""

from pathlib import Path

import numpy as np
import xarray as xr

SF = 311.1
CARRIER_PPM = 100.0
ROWS = 1024


def signal(
    fractions: tuple[float, ...],
    shifts: tuple[float, ...],
    widths: tuple[float, ...],
    late: float = 0.0,
    phase: float = 0.7,
    points: int = 8192,
    sw: float = 1e6,
    gauss: bool = False,
) -> np.ndarray:
    """Lines of given area, ppm and FWHM; the first point is taken `late` seconds after the echo's
    top."""
    t = np.arange(points) / sw + late
    total = np.zeros(points, complex)
    for area, ppm, width in zip(fractions, shifts, widths, strict=True):
        envelope = np.exp(-np.pi * width * t)
        if gauss:
            envelope = np.exp(-((np.pi * width * t) ** 2) / (4 * np.log(2)))
        total += area * envelope * np.exp(2j * np.pi * (ppm - CARRIER_PPM) * SF * t)
    return total * np.exp(1j * phase)


def noisy(clean: np.ndarray, sigma: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return clean + sigma * (rng.normal(size=clean.shape) + 1j * rng.normal(size=clean.shape))


def dataset(
    y: np.ndarray, decay_time: np.ndarray | None = None, sw: float = 1e6, **attrs: object
) -> xr.Dataset:
    """The Dataset of `nmr.bruker.read_fid` around given points."""
    y = np.atleast_2d(y)
    times = np.full(len(y), 2e-5) if decay_time is None else decay_time
    about = {
        "nucleus": "7Li",
        "sfo1": SF * (1 + CARRIER_PPM * 1e-6),
        "sf": SF,
        "sw": sw,
        "group_delay": 0.0,
        "pulse_1": 1.617e-6,
        "pulse_2": 3.234e-6,
        "echo_delay": 1e-5,
        "date": 0,
        "decay_axis": "vd",
    }
    return xr.Dataset(
        {
            "real": (("slice", "time"), y.real, {"units": "1"}),
            "imag": (("slice", "time"), y.imag, {"units": "1"}),
            "decay_time": ("slice", times, {"units": "s"}),
            "status": ("slice", np.array(["ok"] * len(y))),
        },
        coords={
            "time": ("time", np.arange(y.shape[1]) / sw, {"units": "s"}),
            "slice": ("slice", np.arange(1, len(y) + 1)),
        },
        attrs=about | attrs,
    )


def write_bruker(folder: Path, y: np.ndarray, *, kind: str = "<i4", **settings: object) -> Path:
    """A minimal Bruker experiment: `fid` for one slice, `ser` with padded rows for more."""
    (folder / "pdata/1").mkdir(parents=True)
    y = np.atleast_2d(y)
    about: dict[str, object] = {
        "BF1": 311.1,
        "BYTORDA": int(kind[0] == ">"),
        "D": [0, 1.0, 1e-5],
        "DE": 6.5,
        "DECIM": 1,
        "DSPFVS": 0,
        "DTYPA": 2 if kind.endswith("f8") else 0,
        "GRPDLY": -1,
        "NC": 0,
        "NS": 16,
        "NUC1": "<7Li>",
        "O1": SF * CARRIER_PPM,
        "P": [0, 1.617, 3.234],
        "RG": 101,
        "SFO1": SF * (1 + CARRIER_PPM * 1e-6),
        "SW_h": 1e6,
        "TD": 2 * y.shape[1],
        "DATE": 1700000000,
        "PULPROG": "<solidecho>",
    }
    about |= settings.pop("acqus", {})  # type: ignore[arg-type]
    (folder / "acqus").write_text(_jcamp({k: v for k, v in about.items() if v is not None}))
    flat = np.empty((len(y), 2 * y.shape[1]))
    flat[:, ::2], flat[:, 1::2] = y.real, y.imag
    raw = flat.astype(kind)
    if len(y) == 1:
        raw.tofile(folder / "fid")
    else:
        (folder / "acqu2s").write_text(_jcamp({"TD": len(y)}))
        size = raw.itemsize * raw.shape[1]
        with open(folder / "ser", "wb") as file:
            for row in raw:
                file.write(row.tobytes() + b"\0" * (-size % ROWS))
    (folder / "pdata/1/procs").write_text(_jcamp({"SF": settings.get("sf", 311.1)}))
    (folder / "pdata/1/title").write_text(str(settings.get("title", "test")))
    program = "1 ze\n2 d1\n  (p1 ph1):f1\n  vd\n  (p2 ph2):f1\n  vd\n  go=2 ph31\nexit\n"
    if len(y) == 1:
        program = program.replace("vd", "d2")
    (folder / "pulseprogram").write_text(str(settings.get("program", program)))
    for name in ("vdlist", "vclist"):
        if name in settings:
            (folder / name).write_text(str(settings[name]))
    return folder


def _jcamp(values: dict[str, object]) -> str:
    lines = ["##TITLE= Parameter file", "##JCAMPDX= 5.0"]
    for key, value in sorted(values.items()):
        if isinstance(value, list):
            lines += [f"##${key}= (0..{len(value) - 1})", " ".join(map(str, value))]
        else:
            lines.append(f"##${key}= {value}")
    return "\n".join([*lines, "##END="]) + "\n"
