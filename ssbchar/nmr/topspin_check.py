"""TopSpin's own spectra (``pdata/<procno>``) beside our transform of the same decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.nmr.bruker import files
from ssbchar.nmr.bruker.acquisition import read_acquisition
from ssbchar.nmr.bruker.files import Experiment
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.lineshape.window_integrals import build_apodisation
from ssbchar.nmr.options import TopspinCheckOptions
from ssbchar.nmr.quantification.region_areas import FRACTIONS, RegionSignal
from ssbchar.nmr.regions import DEFAULT_REGIONS, LI_SI, METAL, Regions
from ssbchar.nmr.transform.fourier import transform_signal
from ssbchar.statistics import sigma_from_deviations
from ssbchar.storage import reading
from ssbchar.typing import Array
from ssbchar.verdict import Verdict

EXPONENTIAL, NONE = 1, 0
"""Values of WDW whose window function we repeat."""
NEEDED = ("SI", "SF", "SW_p", "OFFSET")
"""Parameters of ``procs`` without which a stored spectrum has no axis."""
LEAST_BLOCKS = 8
"""Second differences of blocks from which a scatter is told."""


def read_spectrum(source: Path, options: Reading) -> xr.Dataset:
    """Read the spectrum, or the series of spectra, that TopSpin made.

    Parameters
    ----------
    source : Path
        As for `ssbchar.nmr.bruker.read_fid`.
    options : Reading
        Nucleus expected, ``procno``.

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
    with (
        files.open_experiment(Path(source), options.limits) as experiment,
        reading.guard_folder(Path(source), options.limits, files.measure_size(experiment)),
    ):
        acquisition = read_acquisition(experiment, options)
        procs = acquisition.procs
        place = Experiment(
            folder=experiment.folder / "pdata" / str(options.procno),
            shown=experiment.shown / "pdata" / str(options.procno),
        )
        real = _read_numbers(place, procs, ("1r", "2rr"))
        imag = _read_numbers(place, procs, ("1i", "2ir"))
    if real is None:
        raise BadInput(
            place.shown,
            "no processed spectrum (1r or 2rr)",
            "process it in TopSpin, or use the fid",
        )
    if imag is None:
        imag = np.full(real.shape, np.nan)
    real, imag = (_select_rows(rows, options) for rows in (real, imag))
    # The user's reference may be another than TopSpin's: the axis is shifted by their difference.
    sf, stated = acquisition.sf, float(procs.get("SF") or acquisition.sf)
    step = float(procs["SW_p"]) / sf / real.shape[1]
    ppm = float(procs["OFFSET"]) - step * np.arange(real.shape[1])
    dims = ("slice", "ppm")
    return xr.Dataset(
        {"real": (dims, real, {"units": "1"}), "imag": (dims, imag, {"units": "1"})},
        coords={
            "slice": ("slice", np.arange(1, len(real) + 1)),
            "ppm": ("ppm", ppm + (stated - sf) / sf * 1e6, {"units": "ppm"}),
        },
        attrs=acquisition.attributes() | _window_function(procs),
    )


def _select_rows(rows: Array, options: Reading) -> Array:
    """Return the spectra of the decays that are read, shape (slice, point)."""
    if options.slices == "all" or len(rows) == 1:
        return rows
    if options.slices == "sum":
        return np.asarray(rows.sum(axis=0, keepdims=True))
    return rows[options.slices - 1 : options.slices]


def _window_function(procs: Mapping[str, Any]) -> dict[str, int | float]:
    """Return the window function and the broadening it applied [Hz].

    TopSpin keeps LB in procs where it is not used.
    """
    window = int(procs.get("WDW", NONE))
    broadening = float(procs.get("LB", 0.0)) if window == EXPONENTIAL else 0.0
    return {"window": window, "broadening": broadening}


def _read_numbers(
    place: Experiment, procs: Mapping[str, Any], names: tuple[str, str]
) -> Array | None:
    """Return the numbers of a 1D or 2D file, shape (slice, point); None where neither is there."""
    name = next((n for n in names if (place.folder / n).is_file()), None)
    if name is None:
        return None
    for key in NEEDED:
        if key not in procs:
            remedy = "process it in TopSpin again"
            raise BadInput(place.shown / "procs", f"{key} is missing", remedy)
    double = int(procs.get("DTYPP", 0)) == files.FLOAT64
    raw = np.fromfile(place.folder / name, files.number_type(procs.get("BYTORDP", 0), double))
    size = int(procs["SI"])
    if raw.size < size or raw.size % size:
        raise BadInput(
            place.shown / name,
            f"holds {raw.size} numbers but SI is {size}",
            "copy the file again, or process it again",
        )
    files.check_byte_order(raw[None], place.shown / name, "BYTORDP in procs")
    rows = raw.astype(float).reshape(-1, size)
    if name.startswith("2"):
        other = files.read_parameters(place.folder / "proc2s", place.shown)
        shape = (int(other["SI"]), size)
        rows = _join_tiles(raw.astype(float), shape, (int(other["XDIM"]), int(procs["XDIM"])))
    return rows * 2.0 ** int(procs.get("NC_proc", 0))


def _join_tiles(flat: Array, shape: tuple[int, int], tile: tuple[int, int]) -> Array:
    """Return the matrix that TopSpin stores tile by tile (XDIM points a side; 0: all)."""
    height, width = (size or whole for whole, size in zip(shape, tile, strict=True))
    tiles = flat.reshape(shape[0] // height, shape[1] // width, height, width)
    return tiles.swapaxes(1, 2).reshape(shape)


def compute_overlap(fid: xr.Dataset, stored: xr.Dataset) -> float:
    """Return the complex overlap of TopSpin's spectrum with our transform, first slice.

    |<TopSpin, ours>| / (|TopSpin| |ours|): ours is the transform of the decay on the same points,
    with TopSpin's exponential broadening and no first-order phase; one common phase does not change
    the modulus. TopSpin stores the imaginary part with the other sign.

    Parameters
    ----------
    fid : Dataset
        From `ssbchar.nmr.bruker.read_fid`.
    stored : Dataset
        From `read_spectrum`, with its imaginary part.

    Returns
    -------
    float
        Dimensionless, 1 where both are the same but for one phase.
    """
    time = fid["time"].values
    decay = fid["real"].values[0] + 1j * fid["imag"].values[0]
    apodised = decay * build_apodisation(time, float(stored.attrs["broadening"]))
    theirs = stored["real"].values[0] + 1j * stored["imag"].values[0]
    ours = transform_signal(apodised, time, theirs.size).conj()
    return float(abs(np.vdot(theirs, ours)) / np.linalg.norm(theirs) / np.linalg.norm(ours))


def compare_with_topspin(
    source: Path,
    fid: xr.Dataset,
    options: TopspinCheckOptions,
    *,
    regions: Regions = DEFAULT_REGIONS,
) -> list[Conclusion]:
    """Conclude how far our transform is TopSpin's, and what the windows hold in TopSpin's spectrum.

    Parameters
    ----------
    source : Path
        The experiment, with ``pdata``.
    fid : Dataset
        What we read of the same experiment, with its reference.
    options : TopspinCheckOptions
        ``procno``, least overlap.
    regions : Regions
        Windows integrated in TopSpin's spectrum [ppm].

    Raises
    ------
    BadInput
        TopSpin's spectrum cannot be read.
    """
    reading = Reading(
        nucleus=str(fid.attrs["nucleus"]),
        reference_hz=float(fid.attrs["sr"]),
        procno=options.procno,
    )
    stored = read_spectrum(source, reading)
    return [
        _conclude_overlap(fid, stored, options.least_overlap),
        *_conclude_shares(stored, regions),
    ]


def _conclude_overlap(fid: xr.Dataset, stored: xr.Dataset, least: float) -> Conclusion:
    absent = Conclusion(
        "topspin_overlap", unit="1", subject="sample", verdict=Verdict.NOT_APPLICABLE
    )
    window = int(stored.attrs["window"])
    if window not in (EXPONENTIAL, NONE):
        return replace(absent, reason=f"window function WDW = {window} is not repeated")
    if not np.isfinite(stored["imag"].values).all():
        return replace(absent, reason="TopSpin's imaginary part is not stored")
    value = compute_overlap(fid, stored)
    method = "complex overlap of our transform of the decay with TopSpin's spectrum, up to a phase"
    if value >= least:
        return replace(absent, value=value, verdict=Verdict.AGREES, method=method)
    return replace(
        absent,
        value=value,
        verdict=Verdict.DIFFERS,
        method=method,
        reason=f"below {least}: other phases, baseline or window function, or another decay",
    )


def _conclude_shares(stored: xr.Dataset, regions: Regions) -> list[Conclusion]:
    """Return the windows' shares in TopSpin's first spectrum as it is phased.

    The noise is that of blocks without signal; nothing is concluded where a window reaches beyond
    the spectrum.
    """
    ppm, real = stored["ppm"].values, stored["real"].values[0]
    windows = [sorted(window) for window in (regions.li_metal, regions.li_si)]
    if any(low < ppm.min() or high > ppm.max() for low, high in windows):
        return []
    area = np.array([real[(ppm >= low) & (ppm <= high)].sum() for low, high in windows])
    noise = [_estimate_window_noise(ppm, real, windows, high - low) for low, high in windows]
    share, error = RegionSignal(
        area=area, covariance=np.diag(np.array(noise) ** 2)
    ).compute_shares()
    return [
        Conclusion(
            FRACTIONS[region],
            value=100 * float(share[r]),
            stderr=100 * float(error[r]),
            unit="percent",
            subject=region,
            condition="raw, TopSpin spectrum",
            method="window integrals of the spectrum as processed in TopSpin",
        )
        for r, region in enumerate((METAL, LI_SI))
    ]


def _estimate_window_noise(
    ppm: Array, real: Array, windows: Sequence[Sequence[float]], width: float
) -> float:
    """Return the scatter of a window's integral, from the signal-free rest of the spectrum.

    Blocks a quarter as wide as the window, or narrower so that 30 fit, are longer than the
    correlation of neighbouring points; the median of their second differences, which a rolling
    baseline hardly moves, is scaled by the root of the number of blocks in the window.
    """
    free = np.ones(ppm.size, bool)
    for low, high in windows:
        margin = 0.5 * (high - low)
        free &= (ppm < low - margin) | (ppm > high + margin)
    points = width / abs(float(ppm[1] - ppm[0]))
    block = max(int(min(points / 4, free.sum() / 30)), 1)
    whole = ppm.size // block * block
    sums = np.where(free, real, np.nan)[:whole].reshape(-1, block).sum(axis=1)
    second = np.diff(sums, 2)
    second = second[np.isfinite(second)]
    if second.size < LEAST_BLOCKS:
        return float("nan")
    # A second difference of independent blocks has the variance 1 + 4 + 1 = 6 of one.
    sigma = sigma_from_deviations(second) / np.sqrt(6)
    return float(sigma * np.sqrt(points / block))
