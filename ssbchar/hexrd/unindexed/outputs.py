"""Variables of ``tracks.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

BOTH = ("frame", "track")

TRACKS = OutputTable(
    file="tracks.nc",
    steps=("hexrd.unindexed.follow_lines",),
    about="Peaks of the residual that no phase explains, followed through the series.",
    variables={
        "frame": Variable(dims=("frame",), meaning="number in the series, from 1", coordinate=True),
        "track": Variable(dims=("track",), meaning="number of the track", coordinate=True),
        "known_phase": Variable(dims=("known_phase",), meaning="refined phase", coordinate=True),
        "two_theta": Variable(
            dims=("two_theta",), unit="degree", meaning="axis as measured", coordinate=True
        ),
        "q": Variable(
            dims=("two_theta",),
            unit="1/angstrom",
            meaning="the same axis, where `patterns.nc` has it",
            coordinate=True,
            optional=True,
        ),
        "two_theta_common": Variable(
            dims=("two_theta",),
            unit="degree",
            meaning="the same axis at the run's common wavelength, where `patterns.nc` has it",
            coordinate=True,
            optional=True,
        ),
        "position": Variable(dims=BOTH, unit="degree", meaning="2theta as measured"),
        "position_stderr": Variable(
            dims=("track",), unit="degree", meaning="its standard error, the same in all frames"
        ),
        "d": Variable(dims=BOTH, unit="angstrom", meaning="lattice spacing"),
        "d_stderr": Variable(dims=BOTH, unit="angstrom", meaning="its standard error"),
        "area": Variable(
            dims=BOTH,
            unit="count degree",
            meaning="area of the peak in the residual",
            ancillary=("area_stderr",),
        ),
        "area_stderr": Variable(dims=BOTH, unit="count degree", meaning="its standard error"),
        "group": Variable(
            dims=("track",), meaning="number of the group of tracks that rise and fall together"
        ),
        "significance": Variable(
            dims=("track",),
            unit="1",
            meaning="largest significance of the track",
            long_name="best single frame",
        ),
        "first_frame": Variable(dims=("track",), meaning="number of the first frame it is seen in"),
        "last_frame": Variable(dims=("track",), meaning="number of the last frame it is seen in"),
        "best_frame": Variable(dims=("track",), meaning="number of the frame it is strongest in"),
        "frames_seen": Variable(dims=("track",), meaning="number of frames it is seen in"),
        "fwhm": Variable(unit="degree", meaning="typical full width at half maximum"),
        "two_theta_range": Variable(
            dims=("bound",), unit="degree", meaning="first and last point of the axis"
        ),
        "wavelength": Variable(unit="angstrom", meaning="wavelength"),
        "wavelength_stderr": Variable(unit="angstrom", meaning="its standard error"),
        "temperature": Variable(dims=("frame",), unit="degC", meaning="temperature of the frame"),
        "detectable_area": Variable(
            dims=("two_theta",),
            unit="count degree",
            meaning="area of a peak that would be seen in 95 of 100 frames",
        ),
        "known_intensity": Variable(
            dims=("known_phase",),
            unit="count degree",
            meaning="median intensity of each refined phase where it is present",
        ),
        "known_course": Variable(
            dims=("frame", "known_phase"),
            unit="count degree",
            meaning="intensity of each refined phase",
            ancillary=("known_course_stderr",),
        ),
        "known_course_stderr": Variable(
            dims=("frame", "known_phase"), unit="count degree", meaning="its standard error"
        ),
        "known_cell": Variable(
            dims=("frame", "known_phase", "axis"),
            unit="angstrom",
            meaning="cells of the refined phases (angles in degree)",
            long_name="cells of the refined phases; angles in degree",
        ),
    },
    attributes={"synthetic": "1: simulated patterns"},
)
