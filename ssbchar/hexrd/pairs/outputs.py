"""What ``new_lines.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

_LINE, _POINT, _PHASE = ("line",), ("two_theta",), ("phase",)

NEW_LINES = OutputTable(
    file="new_lines.nc",
    steps=("hexrd.pairs.find_new_lines",),
    about="Lines that no listed phase explains and that one specimen of a pair has alone, and what "
    "of a line would have been seen in the cycled one.",
    variables={
        "two_theta": Variable(
            dims=_POINT,
            unit="degree",
            meaning="2theta of the cycled specimen, as measured",
            coordinate=True,
        ),
        "detectable_area": Variable(
            dims=_POINT,
            unit="count degree",
            meaning="area of a new line that would be seen in 95 of 100; NaN where not measured",
        ),
        "is_new": Variable(
            dims=_LINE, meaning="1: of the cycled specimen alone; 0: of the pristine alone"
        ),
        "position": Variable(
            dims=_LINE,
            unit="degree",
            meaning="2theta less the zero, at the wavelength of the line's specimen",
            ancillary=("position_stderr",),
        ),
        "position_stderr": Variable(dims=_LINE, unit="degree", meaning="its standard error"),
        "d": Variable(dims=_LINE, unit="angstrom", meaning="lattice spacing"),
        "area": Variable(
            dims=_LINE,
            unit="count degree",
            meaning="area beyond what the other specimen has there",
            ancillary=("area_stderr",),
        ),
        "area_stderr": Variable(dims=_LINE, unit="count degree", meaning="its standard error"),
        "share": Variable(
            dims=_LINE,
            unit="1",
            meaning="area over the intensity of the strongest phase of the line's specimen",
        ),
        "phase": Variable(
            dims=_PHASE, meaning="phases that were refined in the cycled one", coordinate=True
        ),
        "intensity": Variable(
            dims=_PHASE, unit="count degree", meaning="their intensity in the cycled specimen"
        ),
    },
    attributes={
        "wavelength": "of the cycled specimen [angstrom]",
        "pristine_wavelength": "[angstrom]",
        "low, high": "range of 2theta that both were measured in, less the zero [degree]",
        "pristine_low, pristine_high": "the same at the wavelength of the pristine [degree]",
        "scale": "intensities of the cycled over those of the pristine [1]",
        "synthetic": "1: simulated patterns",
    },
)
"""Table of ``new_lines.nc``."""
