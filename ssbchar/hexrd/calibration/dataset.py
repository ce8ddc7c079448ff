"""The table of a calibrated detector (``geometry.nc``)."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

BEAM = {
    "direct_distance": ("m", "length of the direct beam from sample to detector"),
    "beam_row": ("1", "where the direct beam meets the detector [pixel from the outer corner]"),
    "beam_column": ("1", "where the direct beam meets the detector [pixel from the outer corner]"),
    "tilt1": ("radian", "rotation about axis 1, of the image as stored"),
    "tilt2": ("radian", "rotation about axis 2, of the image as stored"),
}
"""Refined parameters with unit and meaning."""


def _list_beam_variables() -> dict[str, Variable]:
    """Return each refined parameter, its standard error and its systematic error."""
    found: dict[str, Variable] = {}
    for name, (unit, meaning) in BEAM.items():
        found[name] = Variable(unit=unit, meaning=meaning, ancillary=(f"{name}_stderr",))
        found[f"{name}_stderr"] = Variable(unit=unit, meaning=f"standard error of `{name}`")
        found[f"{name}_systematic"] = Variable(
            unit=unit, meaning=f"systematic error of `{name}`: ring radii and wavelength"
        )
    return found


GEOMETRY = OutputTable(
    file="geometry.nc",
    steps=("hexrd.calibration.calibrate_detector",),
    about="The detector from an image of a calibrant: the plane in use, as pyFAI names it, and the "
    "parameters refined from the rings of the image as stored.",
    variables={
        "wavelength": Variable(
            unit="angstrom", meaning="wavelength given", ancillary=("wavelength_stderr",)
        ),
        "wavelength_stderr": Variable(unit="angstrom", meaning="standard error of the wavelength"),
        "covariance": Variable(
            dims=("parameter", "parameter2"),
            unit="1",
            meaning="covariance of the refined parameters, in the units of each pair",
        ),
        "ring_d": Variable(
            dims=("ring",), unit="angstrom", meaning="d spacing of the ring, by certificate"
        ),
        "ring_two_theta": Variable(
            dims=("ring",), unit="degree", meaning="2theta of the ring, by certificate"
        ),
        "ring_sectors": Variable(
            dims=("ring",), meaning="azimuthal sectors in which the ring was located"
        ),
        "ring_offset": Variable(
            dims=("ring",),
            unit="1e-6",
            meaning="measured d minus that of the certificate, relative to it [ppm]",
            long_name="d minus certificate, over it",
            ancillary=("ring_offset_stderr",),
        ),
        "ring_offset_stderr": Variable(
            dims=("ring",), unit="1e-6", meaning="standard error of `ring_offset` [ppm]"
        ),
        "ring_held_out": Variable(
            dims=("ring",),
            unit="1e-6",
            meaning="`ring_offset` by a fit without this ring [ppm]",
            long_name="d minus certificate, over it, ring not used in the fit",
        ),
        "ring_scatter": Variable(
            unit="1e-6",
            meaning="scatter of `ring_offset` beyond its standard errors [ppm]: what a flat, "
            "undistorted detector does not follow; an error of all lengths measured with it",
            long_name="scatter of the rings' d beyond their errors",
        ),
        "map_azimuth": Variable(
            dims=("map_azimuth",),
            unit="degree",
            meaning="middles of the rows of `ring_map`",
            coordinate=True,
        ),
        "map_two_theta": Variable(
            dims=("map_two_theta",),
            unit="degree",
            meaning="middles of the columns of `ring_map`",
            coordinate=True,
        ),
        "ring_map": Variable(
            dims=("map_azimuth", "map_two_theta"),
            unit="1",
            meaning="mean counts of the calibrant image over azimuth and 2theta, by the plane in "
            "use; NaN where there are no pixels",
            long_name="mean counts",
        ),
        "shift_down": Variable(
            dims=("row", "column"),
            unit="1",
            meaning="how far beside its place each pixel of the stored image lies along the rows' "
            "axis [pixel]; where the image is distorted or panels are off their places",
            optional=True,
        ),
        "shift_right": Variable(
            dims=("row", "column"),
            unit="1",
            meaning="the same along the columns' axis [pixel]",
            optional=True,
        ),
        "panel_shift": Variable(
            dims=("panel", "axis"),
            unit="1",
            meaning="how far each panel is off its place along rows and columns, about their mean "
            "[pixel]; where the rings show it",
            optional=True,
        ),
        "radial_shift": Variable(
            dims=("power",),
            unit="1",
            meaning="radial distortion at the farthest corner by r^3 and by r^5 [pixel]; where it "
            "was asked for",
            optional=True,
        ),
        "rows": Variable(meaning="rows of the stored image"),
        "columns": Variable(meaning="columns of the stored image"),
        **_list_beam_variables(),
        "distance": Variable(unit="m", meaning="length of the normal from sample to detector"),
        "poni1": Variable(unit="m", meaning="foot of that normal along the rows' axis"),
        "poni2": Variable(unit="m", meaning="foot of that normal along the columns' axis"),
        "rot1": Variable(unit="radian", meaning="rotation about axis 1"),
        "rot2": Variable(unit="radian", meaning="rotation about axis 2"),
        "rot3": Variable(unit="radian", meaning="rotation about the beam"),
        "pixel1": Variable(
            unit="m",
            meaning="pixel size along the rows' axis",
            long_name="pixel size along the rows' axis",
        ),
        "pixel2": Variable(
            unit="m",
            meaning="pixel size along the columns' axis",
            long_name="pixel size along the columns' axis",
        ),
        "orientation_index": Variable(
            meaning="what must be done to a stored image (attribute `orientation` in words)"
        ),
        "orientation_doubling": Variable(
            dims=("orientation",),
            unit="1",
            meaning="deviation of rings around the beam in each orientation [pixel]; where a .poni "
            "file is verified",
            optional=True,
        ),
        "orientation_cell_offset": Variable(
            dims=("orientation",),
            unit="1e-6",
            meaning="offset of the calibrant's cell in each orientation [ppm]; where a .poni file "
            "is verified",
            ancillary=("orientation_cell_offset_stderr",),
            optional=True,
        ),
        "orientation_cell_offset_stderr": Variable(
            dims=("orientation",),
            unit="1e-6",
            meaning="standard error of `orientation_cell_offset` [ppm]",
            optional=True,
        ),
        "wavelength_from_rings": Variable(
            unit="angstrom",
            meaning="wavelength refined from the curvature of the rings",
            ancillary=("wavelength_from_rings_stderr",),
        ),
        "wavelength_from_rings_stderr": Variable(
            unit="angstrom", meaning="standard error of `wavelength_from_rings`"
        ),
        "parameter": Variable(
            dims=("parameter",), meaning="names of the refined parameters", coordinate=True
        ),
        "parameter2": Variable(
            dims=("parameter2",), meaning="names of the refined parameters", coordinate=True
        ),
    },
    attributes={
        "calibrant": "name of the calibrant",
        "orientation": "what must be done to a stored image, in words",
        "wavelength_source": "where the wavelength comes from",
        "wavelength_check": "`agrees`, `differs` or `not checked`: the rings on the wavelength",
        "assumed": "what the calibration takes as given",
        "distortion": "which files and rings tell where the pixels lie, where they are no even "
        "grid",
    },
)
