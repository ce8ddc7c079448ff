"""Patterns for GSAS-II: FXYE files and an instrument parameter file.

Formats as GSAS-II reads them. FXYE: a title, ``Instrument parameter file:NAME``, comments after
``#``, a ``BANK`` record and rows of three columns (hundredths of a degree, counts, standard error).
The instrument file begins with ``#GSAS-II`` and holds ``name:value`` pairs, widths in hundredths of
a degree (Gaussian variance U tan^2 + V tan + W, Lorentzian width X / cos + Y tan + Z).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.hexrd.patterns.frame_status import FrameStatus
from ssbchar.hexrd.peaks.strain_path import measure_typical_width
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

INSTRUMENT_FILE = "instrument.instprm"
"""Name of the instrument parameter file."""
FWHM_TO_SIGMA = 1 / np.sqrt(8 * np.log(2))
"""Full width at half maximum to standard deviation of a Gaussian."""
AXIAL_DIVERGENCE = 0.002
"""SH/L, the axial divergence: negligible on an area detector; GSAS-II's smallest usual value."""
GOOD_PEAK = "ok"
"""Verdict of a peak with a position and a width."""
TITLE_LENGTH = 80
"""Longest title that GSAS-II reads."""
FRAMES_FOR_WIDTH = 5
"""Good frames whose patterns give the width where no peak was fitted."""


def format_pattern(patterns: xr.Dataset, furnace: xr.Dataset, frame: int, note: str) -> str:
    """Return one frame as FXYE text.

    Parameters
    ----------
    patterns : Dataset
        Intensities [counts] against 2theta [degree] (docs/data-model.md, ``patterns.nc``).
    furnace : Dataset
        Temperatures [degC] (``furnace.nc``).
    frame : int
        Position in `patterns`.
    note : str
        Sample, and whether it is synthetic.

    Returns
    -------
    str
        Text of the file; points without intensity or standard error are left out.
    """
    two_theta = patterns["two_theta"].values.astype(float)
    intensity = patterns["intensity"][frame].values.astype(float)
    stderr = patterns["intensity_stderr"][frame].values.astype(float)
    good = np.isfinite(intensity) & np.isfinite(stderr) & (stderr > 0)
    centidegree = 100 * two_theta[good]
    rows = [
        f"{x:15.6f} {y:15.8g} {sigma:15.8g}"
        for x, y, sigma in zip(centidegree, intensity[good], stderr[good], strict=True)
    ]
    number = int(patterns["frame"].values[frame])
    title = f"{note}, frame {number}, {patterns['source_file'].values[frame]}"
    head = [
        title[:TITLE_LENGTH],
        f"Instrument parameter file:{INSTRUMENT_FILE}",
        f"# wavelength {float(patterns['wavelength']):.7g} angstrom",
        _describe_temperature(float(furnace["temperature"].values[frame])),
        _format_bank(two_theta[good]),
    ]
    return "\n".join([*head, *rows]) + "\n"


def _describe_temperature(celsius: float) -> str:
    if not np.isfinite(celsius):
        return "# temperature unknown"
    return f"# temperature {celsius:.1f} degC, from the furnace's log"


def _format_bank(two_theta: Array) -> str:
    """Return the BANK record of an axis [degree]."""
    step = 100 * float(np.median(np.diff(two_theta)))
    size = two_theta.size
    return f"BANK 1 {size} {size} CONS {100 * two_theta[0]:.4f} {step:.5f} 0 0 FXYE"


def format_instrument(
    patterns: xr.Dataset,
    lattice: xr.Dataset,
    peaks: xr.Dataset,
    *,
    polarisation: float,
    note: str,
) -> str:
    """Return the instrument parameter file of a series (GSAS-II ``.instprm``, constant wavelength).

    W and X are the median Gaussian variance and Lorentzian width of the fitted peaks: instrument
    and sample together, as starting values. Zero is that of the series: measured 2theta = true
    2theta + Zero, as in GSAS-II.

    Parameters
    ----------
    patterns, lattice, peaks : Dataset
        Of one series; angles in degrees (docs/data-model.md).
    polarisation : float
        Polarisation of the beam left in the intensities (1: corrected, or none to correct).
    note : str
        Sample, and whether it is synthetic.

    Returns
    -------
    str
        Text of the file.
    """
    gauss, lorentz = estimate_widths(patterns, peaks)
    zeros = lattice["zero"].values
    zero = float(np.nanmedian(zeros)) if np.isfinite(zeros).any() else 0.0
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
    lines = [
        "#GSAS-II instrument parameter file",
        f"# {note}: wavelength as used, zero as refined; widths of the sample's own peaks",
        *(f"{name}:{value}" for name, value in values.items()),
    ]
    return "\n".join(lines) + "\n"


def estimate_widths(patterns: xr.Dataset, peaks: xr.Dataset) -> tuple[float, float]:
    """Return the typical widths of the fitted peaks.

    Parameters
    ----------
    patterns, peaks : Dataset
        Of one series (docs/data-model.md).

    Returns
    -------
    gauss : float
        Median Gaussian full width [degree].
    lorentz : float
        Median Lorentzian full width times cos(theta) [degree]. Without a good peak all is Gaussian,
        of the width seen in the patterns.
    """
    good = peaks["verdict"].values.astype(str) == GOOD_PEAK
    if not good.any():
        usable = np.flatnonzero(patterns["status"].values.astype(str) == FrameStatus.OK)
        seen = patterns["intensity"][usable[:FRAMES_FOR_WIDTH]].values
        return measure_typical_width(patterns["two_theta"].values, seen), 0.0
    gauss, lorentz = widths_from_pseudo_voigt(peaks["fwhm"].values[good], peaks["eta"].values[good])
    theta = np.radians(peaks["position"].values[good]) / 2
    return float(np.median(gauss)), float(np.median(lorentz * np.cos(theta)))


def widths_from_pseudo_voigt(fwhm: Array, eta: Array) -> tuple[Array, Array]:
    """Return the Gaussian and Lorentzian widths of pseudo-Voigt peaks.

    H_L / H = 0.72928 eta + 0.19289 eta^2 + 0.07783 eta^3, (H_G / H)^2 = 1 - 0.74417 eta - 0.24781
    eta^2 - 0.00810 eta^3 (P. Thompson, D. E. Cox & J. B. Hastings, J. Appl. Cryst. 20 (1987) 79).

    Parameters
    ----------
    fwhm : ndarray, shape (peak,)
        Full width H [degree].
    eta : ndarray, shape (peak,)
        Lorentzian share (dimensionless).

    Returns
    -------
    gauss, lorentz : ndarray, shape (peak,)
        Full widths of the Gaussian and Lorentzian parts [degree].
    """
    gauss_squared = 1 - eta * (0.74417 + eta * (0.24781 + eta * 0.00810))
    lorentz = eta * (0.72928 + eta * (0.19289 + eta * 0.07783))
    return fwhm * np.sqrt(np.maximum(gauss_squared, 0.0)), fwhm * lorentz
