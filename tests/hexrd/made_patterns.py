"""Synthetic pattern files for tests, in every format that is read."""

import json
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from ssbchar.hexrd.bragg import q_from_two_theta
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading

X = np.round(np.arange(1.0, 9.0, 0.02), 6)
LAMBDA = 0.2413


def counts(frame: int = 1) -> np.ndarray:
    rng = np.random.default_rng(frame)
    return rng.poisson(200 + 3000 * np.exp(-(((X - 4.1) / 0.05) ** 2))).astype(float)


def xye(
    path: Path, frame: int = 1, x: np.ndarray = X, y: np.ndarray | None = None, head: str = ""
) -> Path:
    y = counts(frame) if y is None else y
    rows = "".join(
        f"{a:.6f} {b:.6f} {c:.6f}\n"
        for a, b, c in zip(x, y, np.sqrt(np.maximum(y, 1)), strict=True)
    )
    path.write_text((head or f"/*\n# frame-{frame:05d}.tif Azm= 180.00\n*/\n") + rows)
    return path


def folder(tmp_path: Path, frames: int = 12) -> Path:
    for n in range(1, frames + 1):
        xye(tmp_path / f"{n}.xye", n)
    return tmp_path


def one(path: Path, **options: object) -> xr.Dataset:
    return read.read_patterns(path, PatternReading(**{"wavelength": LAMBDA, **options}))


def told(ds: xr.Dataset) -> list[dict[str, str]]:
    return json.loads(ds.attrs.get("set_aside", "[]"))


def write_nexus(
    path: Path, y: np.ndarray, sigma: bool = True, wavelength: float | None = LAMBDA
) -> Path:
    with h5py.File(path, "w") as file:
        entry = file.create_group("entry")
        data = entry.create_group("data")
        data.attrs.update(
            {"NX_class": "NXdata", "signal": "intensity", "axes": [".", "two_theta"][-y.ndim :]}
        )
        data["intensity"] = y
        data["two_theta"] = X
        data["two_theta"].attrs["units"] = "degree"
        if sigma:
            data["intensity_errors"] = np.sqrt(np.maximum(y, 1))
        if wavelength:
            beam = entry.create_group("instrument/beam")
            beam["incident_wavelength"] = wavelength / 10
            beam["incident_wavelength"].attrs["units"] = "nm"
        if y.ndim == 2:
            entry["sample/temperature"] = 300.0 + np.arange(y.shape[0])
            entry["sample/temperature"].attrs["units"] = "K"
            data["time"] = 20.0 * np.arange(y.shape[0])
            data["time"].attrs.update({"units": "s", "start": "2021-03-01T10:00:00+00:00"})
    return path


def write_as(kind: str, path: Path) -> Path:
    y, sigma = counts(), np.sqrt(np.maximum(counts(), 1))
    rows = list(zip(X, y, sigma, strict=True))
    q = list(zip(q_from_two_theta(X, LAMBDA).tolist(), y, sigma, strict=True))
    if kind == "xye":
        return xye(path / "a.xye")
    if kind == "xy":
        head = "# Wavelength: 2.413e-11 m\n# 2th_deg  I\n"
        (path / "a.xy").write_text(head + "".join(f"{a:.6E} {b}\n" for a, b, _ in rows))
    if kind == "chi":
        head = f"a.tif\n2-Theta Angle (Degrees)\nIntensity\n       {X.size}\n"
        (path / "a.chi").write_text(head + "".join(f"  {a:.7E}  {b:.7E}\n" for a, b, _ in rows))
    if kind == "fxye":
        bank = f"BANK 1 {X.size} {X.size} CONS 100.0 2.0 0 0 FXYE"
        head = f"LAGP 5 C/min\nInstrument parameter file: bl17.prm\n{bank}\n"
        (path / "a.fxye").write_text(
            head + "".join(f"{100 * a:.4f} {b:.4f} {c:.6f}\n" for a, b, c in rows)
        )
    if kind == "xydata":
        title = "XYDATA\n! Title:  LAGP\nINTER 1.0 1.0 2 0.0200\nTEMP 295.0\n"
        head = f"{title}! Calibrated wavelength = 0.2413\n!\n"
        (path / "a.xy").write_text(head + "".join(f"{a:.6f} {b} {c:.6f}\n" for a, b, c in rows))
    if kind == "csv":
        (path / "a.csv").write_text(
            "two_theta,intensity,sigma\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)
        )
    if kind == "semicolons":
        (path / "a.csv").write_text(
            "# exported\n2theta;counts\n" + "".join(f"{a};{b}\n" for a, b, _ in rows)
        )
    if kind == "q_csv":
        (path / "a.csv").write_text("q_A^-1,I,esd\n" + "".join(f"{a!r},{b},{c}\n" for a, b, c in q))
    if kind == "q_chi":
        head = f"a.tif\nQ-Space (Inverse Nanometres)\nIntensity\n       {X.size}\n"
        (path / "a.chi").write_text(head + "".join(f" {10 * a!r}  {b:.7E}\n" for a, b, _ in q))
    if kind == "nexus":
        write_nexus(path / "a.nxs", counts())
    if kind == "crlf":
        xye(path / "a.xye")
        (path / "a.xye").write_bytes((path / "a.xye").read_bytes().replace(b"\n", b"\r\n"))
    return next(p for p in path.iterdir())
