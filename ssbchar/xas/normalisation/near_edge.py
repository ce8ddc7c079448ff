"""What the options ask of a normalised measurement beside: MBACK, the peak before the edge, and the
correction of self-absorption with its error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssbchar.typing import Array
from ssbchar.xas.edge_features import find_half_step, measure_white_line
from ssbchar.xas.edge_tables import look_up_edge
from ssbchar.xas.normalisation.edge import NormalisedSpectra
from ssbchar.xas.normalisation.mback import match_measurement
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.normalisation.pre_edge_peak import PeakLimits, fit_best_peak, fit_peak
from ssbchar.xas.normalisation.processing import NormalisedMeasurement
from ssbchar.xas.normalisation.self_absorption import (
    Correction,
    calculate_correction,
    correct_spectra,
    norm_from_measured,
)
from ssbchar.xas.scans.scan import Mode


@dataclass(frozen=True, kw_only=True)
class CorrectedSpectra:
    """Fluorescence without self-absorption."""

    mu: Array
    """Shape (spectrum, energy)."""
    noise_factor: Array
    """By what the noise of each point has grown, shape (spectrum, energy)."""
    correction: Correction
    attributes: Mapping[str, float]
    """Share and errors, by the names of the output."""


def correct_self_absorption(
    energy: Array,
    mu: Array,
    e0: float,
    *,
    spectra: NormalisedSpectra,
    options: Normalisation,
    attrs: Mapping[Any, Any],
    where: str,
) -> CorrectedSpectra | None:
    """Return fluorescence without self-absorption where the options ask for it.

    Parameters
    ----------
    energy : array, shape (energy,)
        [eV]
    mu : array, shape (spectrum, energy)
    e0 : float
        [eV]
    spectra : NormalisedSpectra
        The same, normalised.
    options : Normalisation
        Formula and angles.
    attrs : mapping
        Mode, element and edge of the scans.
    where : str
        For messages.

    Returns
    -------
    CorrectedSpectra or None
        None where nothing is asked for, and of scans that are no fluorescence: these have none.
    """
    asked = options.self_absorption
    if not asked.formula or attrs.get("mode") != Mode.FLUORESCENCE:
        return None
    correction = calculate_correction(asked, str(attrs["element"]), str(attrs["edge"]))
    flat, slope = correct_spectra(spectra.flat, correction, where)
    mean = spectra.flat.mean(axis=0, keepdims=True)
    moved = []
    for factor in (1.0, 1.0 + correction.error):
        norm = norm_from_measured(mean, correction.share * factor)
        half = float(find_half_step(energy, norm).energy[0])
        moved.append((half, float(measure_white_line(energy, norm, e0).height[0])))
    (half, top), (half_off, top_off) = moved
    return CorrectedSpectra(
        mu=mu + spectra.edge_step[:, None] * (flat - spectra.flat),
        noise_factor=slope,
        correction=correction,
        attributes={
            "self_absorption_share": correction.share,
            "self_absorption_half_step": abs(half_off - half),
            "self_absorption_white_line": abs(top_off - top),
            "self_absorption_amplitude": correction.amplitude_error,
        },
    )


def measure_near_edge(
    measurement: NormalisedMeasurement, options: Normalisation, attrs: Mapping[Any, Any]
) -> dict[str, Array]:
    """Return what MBACK and the fit of the peak before the edge give, as far as they are asked for.

    Parameters
    ----------
    measurement : NormalisedMeasurement
        Arrays of shape (spectrum, energy), with the noise of mu.
    options : Normalisation
        What is asked for.
    attrs : mapping
        Element and edge of the scans.

    Returns
    -------
    dict
        Variables of `ssbchar.xas.normalisation.outputs.NORMALISED`.
    """
    found: dict[str, Array] = {}
    element = str(attrs.get("element", ""))
    tabulated = look_up_edge(element, str(attrs.get("edge", "")))
    if options.mback and tabulated is not None and not measurement.choice.as_given:
        found |= match_measurement(measurement, element, tabulated, options.mback_order)
    if options.pre_edge_peak is not None:
        found |= _measure_peaks(measurement, options.pre_edge_peak)
    return found


def _measure_peaks(
    measurement: NormalisedMeasurement, window: tuple[float, float, float, float]
) -> dict[str, Array]:
    energy, norms = measurement.energy, measurement.spectra.norm
    names = ("start", "peak_start", "peak_stop", "stop")
    e0 = measurement.choice.e0
    limits = PeakLimits(**{name: e0 + at for name, at in zip(names, window, strict=True)})
    values = np.full((4, len(norms)), np.nan)
    flank, area_rows, centroid_rows = (np.full(norms.shape, np.nan) for _ in range(3))
    # The mean of all tells which flank it is, and what limits and flank decide.
    found = fit_best_peak(energy, norms[-1], limits)
    for row, norm in enumerate(norms):
        peak = fit_peak(energy, norm, limits, found[0].shape) if found else None
        if peak is None or found is None:
            continue
        values[:, row] = peak.area, peak.centroid, *found[1:]
        flank[row], area_rows[row], centroid_rows[row] = (
            peak.flank,
            peak.area_row,
            peak.centroid_row,
        )
    area, centroid, area_spread, centroid_spread = values
    return {
        "pre_edge_area": area,
        "pre_edge_area_stderr": measurement.calculate_functional_stderr(area_rows),
        "pre_edge_area_systematic": area_spread,
        "pre_edge_centroid": centroid,
        "pre_edge_centroid_stderr": measurement.calculate_functional_stderr(centroid_rows),
        "pre_edge_centroid_systematic": centroid_spread,
        "pre_edge_flank": flank,
    }
