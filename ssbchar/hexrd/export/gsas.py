"""Patterns for GSAS-II: FXYE files (hundredths of a degree, counts, standard error) and an
instrument parameter file.

Formats as GSAS-II reads them: a title, ``Instrument parameter file:NAME``, comments after ``#``, a
``BANK`` record and rows of three columns; the instrument file begins with ``#GSAS-II`` and holds
``name:value`` pairs, widths in hundredths of a degree (Gaussian variance U tan^2 + V tan + W,
Lorentzian width X / cos + Y tan + Z).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.peaks.strain_path import measure_typical_width

if TYPE_CHECKING:
    import xarray as xr

INSTRUMENT_FILE = "instrument.instprm"
"""Name of the instrument parameter file."""
FWHM_TO_SIGMA = 1 / np.sqrt(8 * np.log(2))
AXIAL_DIVERGENCE = 0.002
"""SH/L, the axial divergence; next to none on an area detector, and GSAS-II's smallest usual
value."""


def format_pattern(patterns: xr.Dataset, furnace: xr.Dataset, frame: int, note: str) -> str:
    """Return one frame as FXYE text; points without intensity or error are left out.

    Parameters
    ----------
    patterns, furnace : Dataset
        As docs/data-model.md has them.
    frame : int
        Position in `patterns`.
    note : str
        Sample, and whether it is synthetic.
    """
    x = patterns["two_theta"].values.astype(float)
    y, sigma = (patterns[k][frame].values.astype(float) for k in ("intensity", "intensity_stderr"))
    good = np.isfinite(y) & np.isfinite(sigma) & (sigma > 0)
    x, y, sigma = x[good], y[good], sigma[good]
    number = int(patterns["frame"].values[frame])
    title = f"{note}, frame {number}, {patterns['source_file'].values[frame]}"
    temperature = float(furnace["temperature"].values[frame])
    step = 100 * float(np.median(np.diff(x)))
    head = [
        title[:80],
        f"Instrument parameter file:{INSTRUMENT_FILE}",
        f"# wavelength {float(patterns['wavelength']):.7g} angstrom",
        f"# temperature {temperature:.1f} degC, from the furnace's log"
        if np.isfinite(temperature)
        else "# temperature unknown",
        f"BANK 1 {x.size} {x.size} CONS {100 * x[0]:.4f} {step:.5f} 0 0 FXYE",
    ]
    rows = [f"{100 * a:15.6f} {b:15.8g} {c:15.8g}" for a, b, c in zip(x, y, sigma, strict=True)]
    return "\n".join([*head, *rows]) + "\n"


def format_instrument(
    patterns: xr.Dataset, lattice: xr.Dataset, peaks: xr.Dataset, polarisation: float, note: str
) -> str:
    """Return the instrument parameter file of a series (GSAS-II ``.instprm``, constant wavelength).

    W and X are the median Gaussian variance and Lorentzian width of the tracked peaks: instrument
    and sample together, as a start. Zero is the series' own: measured 2theta = true 2theta + Zero,
    as in GSAS-II.

    Parameters
    ----------
    polarisation : float
        Polarisation of the beam left in the intensities (1: corrected, or none to correct).
    """
    gauss, lorentz = estimate_widths(patterns, peaks)
    zero = (
        float(np.nanmedian(lattice["zero"].values))
        if np.isfinite(lattice["zero"].values).any()
        else 0.0
    )
    values = {
        "Type": "PXC",
        "Bank": "1",
        "Lam": f"{float(patterns['wavelength']):.8g}",
        "Polariz.": f"{polarisation:g}",
        "Azimuth": "0.0",
        "Zero": f"{zero:.6g}",
        "U": "0.0",
        "V": "0.0",
        "W": f"{(100 * gauss * FWHM_TO_SIGMA) ** 2:.6g}",
        "X": f"{100 * lorentz:.6g}",
        "Y": "0.0",
        "Z": "0.0",
        "SH/L": f"{AXIAL_DIVERGENCE:g}",
    }
    head = [
        "#GSAS-II instrument parameter file",
        f"# {note}: wavelength as used, zero as refined; widths of the sample's own peaks",
    ]
    return "\n".join([*head, *(f"{k}:{v}" for k, v in values.items())]) + "\n"


def estimate_widths(patterns: xr.Dataset, peaks: xr.Dataset) -> tuple[float, float]:
    """Return the typical Gaussian width and the Lorentzian width times cos(theta) [degree] of the
    tracked peaks.

    Of a pseudo-Voigt of width H and Lorentzian share eta: H_L / H = 0.72928 eta + 0.19289 eta^2 +
    0.07783 eta^3, (H_G / H)^2 = 1 - 0.74417 eta - 0.24781 eta^2 - 0.00810 eta^3 (P. Thompson, D. E.
    Cox & J. B. Hastings, J. Appl. Cryst. 20 (1987) 79). Without a good peak all is Gaussian, from
    the patterns themselves.
    """
    good = peaks["verdict"].values.astype(str) == "ok"
    if not good.any():
        usable = np.flatnonzero(patterns["status"].values.astype(str) == "ok")[:5]
        return measure_typical_width(
            patterns["two_theta"].values, patterns["intensity"][usable].values
        ), 0.0
    width, share = peaks["fwhm"].values[good], peaks["eta"].values[good]
    gauss, lorentz = widths_from_pseudo_voigt(width, share)
    theta = np.radians(peaks["position"].values[good]) / 2
    return float(np.median(gauss)), float(np.median(lorentz * np.cos(theta)))


def widths_from_pseudo_voigt(
    width: NDArray[np.float64], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Return the Gaussian and Lorentzian widths of pseudo-Voigts (see `widths`)."""
    squared = 1 - share * (0.74417 + share * (0.24781 + share * 0.00810))
    lorentz = share * (0.72928 + share * (0.19289 + share * 0.07783))
    return width * np.sqrt(np.maximum(squared, 0.0)), width * lorentz
