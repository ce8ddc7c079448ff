"""The variables of ``lines.nc`` and ``spectrum.nc``."""

from __future__ import annotations

from typing import Any

import xarray as xr

from ssbchar.storage.variables import OutputTable, Variable

SLICE, COMPONENT = ("slice",), ("component",)
AREAS, REGION_AREAS = ("slice", "component"), ("slice", "region")
SPECTRA = ("slice", "ppm")
DENSITY = "amplitude density (area 1 = 1), at the phase of the strongest line"
AXES = {
    "slice": Variable(dims=SLICE, meaning="number of the slice in the series", coordinate=True),
    "region": Variable(dims=("region",), meaning="`li_metal`, `li_si`", coordinate=True),
    "ppm": Variable(
        dims=("ppm",),
        unit="ppm",
        meaning="chemical shift, falling",
        long_name="chemical shift",
        coordinate=True,
    ),
}
DECAY_TIME = Variable(dims=SLICE, unit="s", meaning="decay time of the slice")
NOT_KEPT = ("set_aside", "provenance")
"""Attributes that belong to the input's own file."""

LINES = OutputTable(
    file="lines.nc",
    steps=("nmr.lineshape.fit_lines(fid, options, regions)",),
    about="Lines fitted to the decays of all good slices: one shape each, areas per slice.",
    variables={
        **AXES,
        "area": Variable(
            dims=AREAS,
            unit="1",
            meaning="area of the line, its signal at the time origin",
            ancillary=("area_stderr",),
        ),
        "area_stderr": Variable(dims=AREAS, unit="1", meaning="its standard error"),
        "shift": Variable(
            dims=COMPONENT,
            unit="ppm",
            meaning="chemical shift",
            ancillary=("shift_stderr",),
        ),
        "shift_stderr": Variable(
            dims=COMPONENT, unit="ppm", meaning="its standard error; 0 where it is not fitted"
        ),
        "fwhm_lorentz": Variable(
            dims=COMPONENT,
            unit="Hz",
            meaning="Lorentzian full width at half maximum",
            ancillary=("fwhm_lorentz_stderr",),
        ),
        "fwhm_lorentz_stderr": Variable(
            dims=COMPONENT, unit="Hz", meaning="its standard error; 0 where it is not fitted"
        ),
        "fwhm_gauss": Variable(
            dims=COMPONENT,
            unit="Hz",
            meaning="Gaussian full width at half maximum; 0 for a Lorentzian",
            ancillary=("fwhm_gauss_stderr",),
        ),
        "fwhm_gauss_stderr": Variable(
            dims=COMPONENT, unit="Hz", meaning="its standard error; 0 where it is not fitted"
        ),
        "region_of": Variable(dims=COMPONENT, meaning="`li_metal`, `li_si` or `outside`"),
        "assignment": Variable(
            dims=COMPONENT, meaning="what the line may be, by its shift alone (`LineKind`)"
        ),
        "salt_probability": Variable(
            dims=COMPONENT,
            unit="1",
            meaning="probability, by its shift and width, that the line is a salt and not Li-Si",
        ),
        "seen": Variable(
            dims=COMPONENT, meaning="1: a line; 0: it stands for a region where none is seen"
        ),
        "line_status": Variable(
            dims=COMPONENT,
            meaning="`line`, or the bound at which the fit has left it (`LineStatus`)",
        ),
        "shape": Variable(
            dims=COMPONENT, meaning="`lorentz`, `voigt`, `powder` or `czjzek` (`Shape`)"
        ),
        "coupling": Variable(
            dims=COMPONENT,
            unit="Hz",
            meaning="quadrupolar coupling constant C_Q; NaN where the line has no single one",
            ancillary=("coupling_stderr",),
        ),
        "coupling_stderr": Variable(
            dims=COMPONENT, unit="Hz", meaning="its standard error; NaN where it is not fitted"
        ),
        "asymmetry": Variable(
            dims=COMPONENT,
            unit="1",
            meaning="asymmetry eta of the quadrupolar tensor",
            ancillary=("asymmetry_stderr",),
        ),
        "asymmetry_stderr": Variable(
            dims=COMPONENT, unit="1", meaning="its standard error; NaN where it is not fitted"
        ),
        "satellites": Variable(
            dims=COMPONENT,
            unit="1",
            meaning="signal of the satellites over that by ideal pulses, 3 : 4 : 3",
            ancillary=("satellites_stderr",),
        ),
        "satellites_stderr": Variable(
            dims=COMPONENT, unit="1", meaning="its standard error; NaN where it is not fitted"
        ),
        "coupling_scatter": Variable(
            dims=COMPONENT,
            unit="Hz",
            meaning="scale of a Czjzek distribution of couplings",
            ancillary=("coupling_scatter_stderr",),
        ),
        "coupling_scatter_stderr": Variable(
            dims=COMPONENT, unit="Hz", meaning="its standard error; NaN where it is not fitted"
        ),
        "anisotropy": Variable(
            dims=COMPONENT,
            unit="ppm",
            meaning="anisotropy of the shift, zz less the mean",
            ancillary=("anisotropy_stderr",),
        ),
        "anisotropy_stderr": Variable(
            dims=COMPONENT, unit="ppm", meaning="its standard error; NaN where it is not fitted"
        ),
        "shift_asymmetry": Variable(
            dims=COMPONENT,
            unit="1",
            meaning="asymmetry of the shift tensor",
            ancillary=("shift_asymmetry_stderr",),
        ),
        "shift_asymmetry_stderr": Variable(
            dims=COMPONENT, unit="1", meaning="its standard error; NaN where it is not fitted"
        ),
        "model_spread": Variable(
            dims=("region",),
            unit="1",
            meaning="standard deviation of the region's share over the admissible models of the "
            "first slice, about the one reported",
        ),
        "hidden_gain": Variable(
            unit="1",
            meaning="fall of chi-square, over the reduced one, that a powder pattern of satellites "
            "about a Li-Si line of the first slice would bring",
        ),
        "hidden_penalty": Variable(
            unit="1", meaning="fall that the information criterion asks of such a pattern"
        ),
        "hidden_coupling": Variable(unit="Hz", meaning="its C_Q; NaN where none helps"),
        "hidden_area": Variable(unit="1", meaning="its area", ancillary=("hidden_area_stderr",)),
        "hidden_area_stderr": Variable(unit="1", meaning="its standard error"),
        "hidden_region_area": Variable(
            dims=("region",),
            unit="1",
            meaning="areas of the regions in the first slice with the pattern in the fit",
        ),
        "region_area": Variable(
            dims=REGION_AREAS,
            unit="1",
            meaning="sum of the region's lines",
            ancillary=("region_area_stderr", "region_covariance"),
        ),
        "region_area_stderr": Variable(dims=REGION_AREAS, unit="1", meaning="its standard error"),
        "region_area_free": Variable(
            dims=REGION_AREAS,
            unit="1",
            meaning="the same without the bound at zero: unbiased where the signal is gone",
        ),
        "region_covariance": Variable(
            dims=("slice", "region", "slice2", "region2"),
            unit="1",
            meaning="covariance of `region_area`",
        ),
        "phase": Variable(dims=AREAS, unit="rad", meaning="phase of the line"),
        "time_origin": Variable(
            unit="s",
            meaning="how much earlier than the first point the echo's top lies",
            ancillary=("time_origin_stderr",),
        ),
        "time_origin_stderr": Variable(unit="s", meaning="its standard error"),
        "rival_origin": Variable(
            unit="s",
            meaning="another time origin, with which the lines describe the decay next best; NaN "
            "where none is in reach",
        ),
        "rival_gain": Variable(
            unit="1",
            meaning="how much higher the information criterion is there; NaN where there is none",
        ),
        "rival_region_area": Variable(
            dims=("region",), unit="1", meaning="areas of the regions in the first slice by it"
        ),
        "chi2": Variable(dims=SLICE, unit="1", meaning="chi-square per datum"),
        "noise": Variable(
            dims=SLICE, unit="1", meaning="standard deviation of real and imaginary part"
        ),
        "decay_time": DECAY_TIME,
        "verdict": Variable(dims=SLICE, meaning="`ok`, or `misfit` for `chi2` above 1.3"),
        "measured": Variable(
            dims=SPECTRA, unit="s", meaning="phased spectrum of the data", long_name=DENSITY
        ),
        "model": Variable(
            dims=SPECTRA, unit="s", meaning="phased spectrum of the lines", long_name=DENSITY
        ),
        "component_spectrum": Variable(
            dims=("component", "ppm"),
            unit="s",
            meaning="spectrum of each line in the first slice",
            long_name=DENSITY,
        ),
    },
    attributes={
        "phases": "`shared`, `slice` or `region`: which lines share a phase",
        "points": "points of the decay that were fitted",
        "unmeasured": "why no share can be told, where a region lies outside the spectral width; "
        "else empty",
        "bic": "Bayesian information criterion",
        "models": "number of models that the decays admit: the one reported, those one line or one "
        "Gaussian part richer, and those with satellites that come close to it",
        "satellite_models": "number of those beside the one reported with satellites of spin 3/2",
        "conflicts": "JSON list of contradictions in the metadata",
    },
)
SPECTRUM = OutputTable(
    file="spectrum.nc",
    steps=("nmr.lineshape.integrate_windows(fid, options, lines, regions)",),
    about="Classical route: phased spectra of all good slices, and integrals over the regions.",
    variables={
        **AXES,
        "real": Variable(
            dims=SPECTRA, unit="s", meaning="phased spectrum, real part less its baseline"
        ),
        "imag": Variable(dims=SPECTRA, unit="s", meaning="phased spectrum, imaginary part"),
        "baseline": Variable(
            dims=("ppm",),
            unit="s",
            meaning="baseline that was taken off the first slice",
            long_name="baseline of the first slice",
        ),
        "window_area": Variable(
            dims=REGION_AREAS,
            unit="1",
            meaning="integral over the region",
            ancillary=("window_area_stderr",),
        ),
        "window_area_stderr": Variable(
            dims=REGION_AREAS, unit="1", meaning="its standard error from white noise"
        ),
        "phase_0": Variable(dims=SLICE, unit="rad", meaning="phase at the pivot"),
        "phase_1": Variable(dims=SLICE, unit="rad Hz-1", meaning="slope of the phase"),
        "decay_time": DECAY_TIME,
    },
    attributes={
        "broadening": "exponential line broadening [Hz]",
        "baseline_order": "degree of the baseline subtracted; -1 for none",
        "windows": "edges of the regions [ppm]",
    },
)


def keep_attributes(data: xr.Dataset) -> dict[str, Any]:
    """Return the attributes that an output passes on from its input.

    Parameters
    ----------
    data : Dataset
        Input of a step (attributes as docs/data-model.md names them, with their units).
    """
    return {name: value for name, value in data.attrs.items() if name not in NOT_KEPT}
