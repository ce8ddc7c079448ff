"""Conclusions of a calibration: where the detector stands, and how well the rings bear it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.calibration.checks import WORST_RATIO_STDERR, Agreement
from ssbchar.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr

ROWS = {
    "detector_distance": ("direct_distance", 1e3, "mm", "along the beam, from sample to detector"),
    "beam_row": ("beam_row", 1.0, "pixel", "from the outer corner of the first pixel"),
    "beam_column": ("beam_column", 1.0, "pixel", "from the outer corner of the first pixel"),
    "tilt1": ("tilt1", 180 / np.pi, "degree", "about axis 1, which points to higher rows"),
    "tilt2": ("tilt2", 180 / np.pi, "degree", "about axis 2, which points to higher columns"),
}
"""Quantity: variable of ``geometry.nc``, factor to the unit of the row, the unit, what it is."""
VERDICTS = {
    Agreement.AGREES: Verdict.AGREES,
    Agreement.DIFFERS: Verdict.DIFFERS,
    Agreement.NOT_CHECKED: Verdict.NOT_CHECKED,
}


def conclude_calibration(geometry: xr.Dataset) -> list[Conclusion]:
    """Return distance, beam centre and tilt of the detector, the offsets of the rings, and what
    they say of the wavelength.

    Parameters
    ----------
    geometry : Dataset
        From `ssbchar.hexrd.calibration.calibrate.calibrate_detector`.

    Returns
    -------
    list of Conclusion
        Lengths in mm and pixel, angles in degree, offsets in ppm.
    """
    calibrant = str(geometry.attrs["calibrant"])
    rings = int(geometry.sizes["ring"])
    method = (
        f"{rings} rings of {calibrant}, the rings of the image as stored; "
        f"{geometry.attrs['assumed']}"
    )
    if "distortion" in geometry.attrs:
        method += f"; pixels placed by {geometry.attrs['distortion']}"
    rows = [
        Conclusion(
            quantity,
            subject=calibrant,
            value=factor * float(geometry[name]),
            stderr=factor * float(geometry[f"{name}_stderr"]),
            systematic=factor * float(geometry[f"{name}_systematic"]),
            unit=unit,
            reason=meaning,
            method=method,
        )
        for quantity, (name, factor, unit, meaning) in ROWS.items()
    ]
    rows += [_conclude_rings(geometry, calibrant), _conclude_wavelength(geometry, calibrant)]
    if "orientation_cell_offset" in geometry:
        rows.append(_conclude_given_geometry(geometry, calibrant))
    return rows


def _conclude_rings(geometry: xr.Dataset, calibrant: str) -> Conclusion:
    """Return how far left-out rings lie from where the others put them, root mean square."""
    offsets = geometry["ring_held_out"].values.astype(float)
    known = offsets[np.isfinite(offsets)]
    scatter = float(geometry["ring_scatter"]) if "ring_scatter" in geometry else np.nan
    if known.size < 2:
        return Conclusion(
            "ring_offset",
            subject=calibrant,
            unit="ppm",
            verdict=Verdict.NOT_APPLICABLE,
            reason="no ring can be left out",
        )
    rms = float(np.sqrt(np.mean(known**2)))
    worst = int(np.nanargmax(np.abs(offsets)))
    beyond = (
        f"; {scatter:.0f} ppm of it lie beyond the errors of the rings and are an error of all "
        "lengths"
        if np.isfinite(scatter)
        else ""
    )
    return Conclusion(
        "ring_offset",
        subject=calibrant,
        value=rms,
        # The standard error of a root mean square of n normal numbers.
        stderr=rms / np.sqrt(2 * known.size),
        unit="ppm",
        reason=f"d of rings that were left out, root mean square; the furthest, at "
        f"{float(geometry['ring_two_theta'][worst]):.2f} degree, is {offsets[worst]:+.0f} ppm off"
        f"{beyond}",
        method="each ring against a fit of the others",
    )


def _conclude_wavelength(geometry: xr.Dataset, calibrant: str) -> Conclusion:
    """Return the wavelength that the curvature of the rings asks for against the one given."""
    given, found = float(geometry["wavelength"]), float(geometry["wavelength_from_rings"])
    agreement, _, sentence = str(geometry.attrs["wavelength_check"]).partition(": ")
    return Conclusion(
        "wavelength_check",
        subject=calibrant,
        value=1e6 * (found / given - 1),
        stderr=1e6 * float(geometry["wavelength_from_rings_stderr"]) / given,
        unit="ppm",
        verdict=VERDICTS[Agreement(agreement)],
        reason=f"{sentence}, {given:.6g} angstrom from {geometry.attrs['wavelength_source']}",
        method="wavelength refined with the geometry; checked where its error is below "
        f"{1e6 * WORST_RATIO_STDERR:.0f} ppm",
    )


def _conclude_given_geometry(geometry: xr.Dataset, calibrant: str) -> Conclusion:
    """Return the calibrant's cell by the geometry that was given."""
    chosen = int(geometry["orientation_index"])
    doubling = float(geometry["orientation_doubling"][chosen])
    return Conclusion(
        "given_geometry",
        subject=calibrant,
        value=float(geometry["orientation_cell_offset"][chosen]),
        stderr=float(geometry["orientation_cell_offset_stderr"][chosen]),
        unit="ppm",
        verdict=Verdict.CHECKED,
        reason="cell of the calibrant by the .poni file, against the certificate; the image is "
        f"{geometry.attrs['orientation']}, rings deviate from circles by {doubling:.2f} pixel",
        method="all eight orientations of the image tried",
    )
