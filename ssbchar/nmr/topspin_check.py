"""TopSpin's own spectra (``pdata/<procno>``): as stored, integrated over the windows, held against
our transform."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import files
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.read import about_experiment, acquisition
from ssbchar.nmr.lineshape.window_integrals import build_apodisation
from ssbchar.nmr.options import TopspinCheckOptions
from ssbchar.nmr.quantification.region_areas import FRACTIONS, RegionSignal
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, Regions
from ssbchar.nmr.transform.chemical_shift import transform_signal
from ssbchar.statistics import sigma_from_deviations

EXPONENTIAL, NONE = 1, 0
"""Values of WDW whose window function we repeat."""


def processed(source: Path, options: Reading, labels: dict[str, str] | None = None) -> xr.Dataset:
    """Read the spectrum, or the series of spectra, that TopSpin made.

    Parameters
    ----------
    source : Path
        As for `ssbchar.nmr.bruker.read_fid`.
    options : Reading
        Nucleus expected, ``procno``.
    labels : dict, optional
        Not used.

    Returns
    -------
    Dataset
        ``real``, ``imag`` (slice, ppm) [1], times 2^NC_proc; ``imag`` is NaN where it was not
        stored. ``ppm`` from OFFSET, SW_p and SF. Attributes of the acquisition, and ``window``
        (WDW), ``broadening`` (LB where WDW is exponential, else 0) [Hz].

    Raises
    ------
    BadInput
        There is no processed spectrum, or its size is not that of ``procs``.
    """
    with files.experiment(Path(source)) as (folder, shown):
        about = about_experiment(folder, shown, options)
        place = folder / "pdata" / str(options.procno)
        shown = shown / "pdata" / str(options.procno)
        real = _numbers(place, shown, about["procs"], ("1r", "2rr"))
        imag = _numbers(place, shown, about["procs"], ("1i", "2ir"))
    if real is None:
        raise BadInput(
            shown, "no processed spectrum (1r or 2rr)", "process it in TopSpin, or use the fid"
        )
    procs, sf = about["procs"], about["sf"]
    step = float(procs["SW_p"]) / sf / real.shape[1]
    ppm = float(procs["OFFSET"]) - step * np.arange(real.shape[1])
    stated = float(procs.get("SF") or sf)
    return xr.Dataset(
        {
            "real": (("slice", "ppm"), real, {"units": "1"}),
            "imag": (
                ("slice", "ppm"),
                np.full(real.shape, np.nan) if imag is None else imag,
                {"units": "1"},
            ),
        },
        coords={
            "slice": ("slice", np.arange(1, len(real) + 1)),
            "ppm": ("ppm", ppm + (stated - sf) / sf * 1e6, {"units": "ppm"}),
        },
        attrs=acquisition(about) | _window(procs),
    )


def _window(procs: dict[str, Any]) -> dict[str, int | float]:
    """Return the window function, and the broadening it applied: TopSpin keeps LB in procs where it
    is not used."""
    window = int(procs.get("WDW", NONE))
    return {
        "window": window,
        "broadening": float(procs.get("LB", 0.0)) if window == EXPONENTIAL else 0.0,
    }


def _numbers(
    place: Path, shown: Path, procs: dict[str, Any], names: tuple[str, str]
) -> NDArray[np.float64] | None:
    """Return the numbers of a 1D or 2D file, shape (slice, point); None where neither is there."""
    name = next((n for n in names if (place / n).is_file()), None)
    if name is None:
        return None
    for key in ("SI", "SF", "SW_p", "OFFSET"):
        if key not in procs:
            raise BadInput(shown / "procs", f"{key} is missing", "process it in TopSpin again")
    kind = files.number_type(procs.get("BYTORDP", 0), int(procs.get("DTYPP", 0)) == 2)
    raw, size = np.fromfile(place / name, kind), int(procs["SI"])
    if raw.size < size or raw.size % size:
        raise BadInput(
            shown / name,
            f"holds {raw.size} numbers but SI is {size}",
            "copy the file again, or process it again",
        )
    files.check_order(raw[None], shown / name, "BYTORDP in procs")
    rows = raw.astype(float).reshape(-1, size)
    if name.startswith("2"):
        other = files.parameters(place / "proc2s", shown)
        rows = _untiled(
            raw.astype(float), (int(other["SI"]), size), (int(other["XDIM"]), int(procs["XDIM"]))
        )
    return rows * 2.0 ** int(procs.get("NC_proc", 0))


def _untiled(
    flat: NDArray[np.float64], shape: tuple[int, int], tile: tuple[int, int]
) -> NDArray[np.float64]:
    """Return the matrix that TopSpin stores tile by tile (XDIM points a side; 0: the whole
    side)."""
    across = tuple(t or s for s, t in zip(shape, tile, strict=True))
    tiles = flat.reshape(shape[0] // across[0], shape[1] // across[1], *across)
    return tiles.swapaxes(1, 2).reshape(shape)


def overlap(fid: xr.Dataset, stored: xr.Dataset) -> float:
    """Return |<TopSpin, ours>| / (|TopSpin| |ours|) of the first slice, complex, without any phase
    correction but one.

    Ours is the transform of the decay on the same points, with TopSpin's exponential broadening and
    no first-order phase; one common phase does not change the modulus. TopSpin stores the imaginary
    part with the other sign.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    stored : Dataset
        From `processed`, with its imaginary part.
    """
    time = fid["time"].values
    y = (fid["real"].values[0] + 1j * fid["imag"].values[0]) * build_apodisation(
        time, float(stored.attrs["broadening"])
    )
    theirs = stored["real"].values[0] + 1j * stored["imag"].values[0]
    ours = transform_signal(y, time, theirs.size).conj()
    return float(abs(np.vdot(theirs, ours)) / np.linalg.norm(theirs) / np.linalg.norm(ours))


def compare_with_topspin(
    source: Path,
    fid: xr.Dataset,
    options: TopspinCheckOptions,
    labels: dict[str, str] | None = None,
    *,
    regions: Regions = DEFAULT_REGIONS,
) -> list[Conclusion]:
    """Conclude how far our transform is TopSpin's, and what the windows hold in TopSpin's own
    spectrum.

    Parameters
    ----------
    source : Path
        The experiment, with ``pdata``.
    fid : Dataset
        What we read of the same experiment, with its reference.
    options : TopspinCheckOptions
        ``procno``, least overlap.
    labels : dict, optional
        Not used.
    regions : Regions
        Windows integrated in TopSpin's spectrum.
    """
    a = fid.attrs
    reading = Reading(nucleus=str(a["nucleus"]), reference_hz=float(a["sr"]), procno=options.procno)
    stored = processed(source, reading, labels)
    return [_overlap(fid, stored, options.least_overlap), *_shares(stored, regions)]


def _overlap(fid: xr.Dataset, stored: xr.Dataset, least: float) -> Conclusion:
    none = Conclusion("topspin_overlap", unit="1", subject="sample", verdict="N/A")
    if int(stored.attrs["window"]) not in (EXPONENTIAL, NONE):
        return replace(
            none, reason=f"window function WDW = {stored.attrs['window']} is not repeated"
        )
    if not np.isfinite(stored["imag"].values).all():
        return replace(none, reason="TopSpin's imaginary part is not stored")
    value = overlap(fid, stored)
    good = value >= least
    return replace(
        none,
        value=value,
        verdict="agrees" if good else "differs",
        method="complex overlap of our transform of the decay with TopSpin's spectrum, one phase for both",
        reason=""
        if good
        else f"below {least}: other phases, baseline or window function, or another decay",
    )


def _shares(stored: xr.Dataset, regions: Regions) -> list[Conclusion]:
    """Return the windows' shares in TopSpin's first spectrum as it is phased; noise from windows
    without signal."""
    ppm, real = stored["ppm"].values, stored["real"].values[0]
    windows = [sorted(w) for w in (regions.li_metal, regions.li_si)]
    if any(low < ppm.min() or high > ppm.max() for low, high in windows):
        return []
    area = np.array([real[(ppm >= low) & (ppm <= high)].sum() for low, high in windows])
    stderr = np.array([_window_noise(ppm, real, windows, high - low) for low, high in windows])
    share, error = RegionSignal(area, np.diag(stderr**2)).shares()
    return [
        Conclusion(
            FRACTIONS[region],
            100 * float(share[r]),
            100 * float(error[r]),
            unit="percent",
            subject=region,
            condition="raw, TopSpin spectrum",
            method="window integrals of the spectrum as processed in TopSpin",
        )
        for r, region in enumerate((METAL, LI_SI))
    ]


def _window_noise(
    ppm: NDArray[np.float64], real: NDArray[np.float64], windows: list[list[float]], width: float
) -> float:
    """Return the scatter of a window's integral, from blocks of points in the signal-free rest of
    the spectrum.

    Blocks a quarter as wide as the window, or narrower so that 30 fit, are longer than the
    correlation of neighbouring points; the median of their second differences, which a rolling
    baseline hardly moves, is scaled by the root of the number of blocks in the window.
    """
    free = np.ones(ppm.size, bool)
    for low, high in windows:
        free &= (ppm < low - 0.5 * (high - low)) | (ppm > high + 0.5 * (high - low))
    points = width / abs(float(ppm[1] - ppm[0]))
    block = max(int(min(points / 4, free.sum() / 30)), 1)
    whole = ppm.size // block * block
    sums = np.where(free, real, np.nan)[:whole].reshape(-1, block).sum(axis=1)
    second = np.diff(sums, 2)
    second = second[np.isfinite(second)]
    if second.size < 8:
        return float("nan")
    return float(sigma_from_deviations(second) / np.sqrt(6) * np.sqrt(points / block))
