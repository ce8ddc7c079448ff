"""Variables of ``paths.nc`` and ``path_fit.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

PARAMETER_UNITS = "in units of number 1, distance angstrom, displacement angstrom^2, e0 eV"

PATHS = OutputTable(
    file="paths.nc",
    steps=("xas.paths.calculate_paths",),
    about="FEFF's scattering paths of the phase that the row names, sorted by length.",
    variables={
        "k": Variable(
            dims=("k",),
            unit="1/angstrom",
            meaning="wavenumber of FEFF's tables",
            coordinate=True,
        ),
        "amplitude": Variable(
            dims=("path", "k"),
            unit="angstrom",
            meaning="effective amplitude, times the reduction by the central atom",
        ),
        "phase": Variable(
            dims=("path", "k"),
            unit="radian",
            meaning="phase of the scattering and twice that of the central atom",
        ),
        "momentum": Variable(
            dims=("path", "k"),
            unit="1/angstrom",
            meaning="real part of the photoelectron's complex momentum",
        ),
        "free_path": Variable(dims=("path", "k"), unit="angstrom", meaning="mean free path"),
        "reff": Variable(
            dims=("path",),
            unit="angstrom",
            meaning="half the path's length in the crystal",
            long_name="half the path's length",
        ),
        "degeneracy": Variable(
            dims=("path",),
            unit="1",
            meaning="equivalent paths, times the share of absorbers on the site",
        ),
        "legs": Variable(dims=("path",), meaning="legs of the path, 2 is single scattering"),
        "scatterer": Variable(dims=("path",), meaning="elements that scatter, in order"),
        "name": Variable(dims=("path",), meaning="FEFF's file"),
        "site": Variable(dims=("path",), meaning="absorbing site, from 0"),
    },
    attributes={
        "feff": "version of FEFF",
        "phase": "the phase",
        "made": "how the paths were made",
        "simplified": "what was simplified in the crystal",
        "element": "absorber that FEFF was run for",
        "edge": "its edge",
        "notice": "FEFF10's copyright notice, where it calculated the paths",
        "skipped": "why there are no paths; the file then has no variables",
    },
)

PATH_FIT = OutputTable(
    file="path_fit.nc",
    steps=("xas.paths.fit_paths",),
    about="First shells fitted with FEFF's paths, the pristine spectrum together with the cycled.",
    variables={
        "parameter": Variable(dims=("parameter",), meaning="name of each parameter"),
        "part": Variable(dims=("part",), meaning="`pristine` and `cycled`, or `sample`"),
        "shell": Variable(dims=("shell",), meaning="scatterer and distance in the crystal"),
        "value": Variable(
            dims=("parameter",),
            unit="1",
            meaning="all parameters",
            long_name=PARAMETER_UNITS,
        ),
        "stderr": Variable(
            dims=("parameter",),
            unit="1",
            meaning="their standard errors",
            long_name=PARAMETER_UNITS,
        ),
        "covariance": Variable(
            dims=("parameter", "parameter2"),
            unit="1",
            meaning="their covariance, scaled by the reduced chi-square",
            long_name=PARAMETER_UNITS,
        ),
        "number": Variable(
            dims=("part", "shell"),
            unit="1",
            meaning="coordination number (times S02 where that is unknown)",
        ),
        "number_stderr": Variable(dims=("part", "shell"), unit="1", meaning="its standard error"),
        "number_place": Variable(
            dims=("part", "shell"), meaning="its place among the parameters, from 0"
        ),
        "distance": Variable(
            dims=("part", "shell"), unit="angstrom", meaning="distance of the shell"
        ),
        "distance_stderr": Variable(
            dims=("part", "shell"), unit="angstrom", meaning="its standard error"
        ),
        "distance_place": Variable(
            dims=("part", "shell"), meaning="its place among the parameters, from 0"
        ),
        "displacement": Variable(
            dims=("part", "shell"), unit="angstrom^2", meaning="mean square displacement"
        ),
        "displacement_stderr": Variable(
            dims=("part", "shell"), unit="angstrom^2", meaning="its standard error"
        ),
        "displacement_place": Variable(
            dims=("part", "shell"), meaning="its place among the parameters, from 0"
        ),
        "e0": Variable(
            dims=("part",), unit="eV", meaning="shift of the photoelectron's energy origin"
        ),
        "e0_stderr": Variable(dims=("part",), unit="eV", meaning="its standard error"),
        "crystal_number": Variable(
            dims=("shell",), unit="1", meaning="coordination number in the crystal"
        ),
        "crystal_distance": Variable(
            dims=("shell",), unit="angstrom", meaning="distance in the crystal"
        ),
        "r_factor": Variable(
            dims=("part",), unit="1", meaning="sum of squared misfit by that of the data, in R"
        ),
        "noise_r": Variable(
            dims=("part",),
            unit="angstrom^-3",
            meaning="noise in chi(R), from 15 to 30 angstrom; unit angstrom^-(kweight + 1)",
        ),
        "chi_square": Variable(unit="1", meaning="chi-square over the independent points"),
        "reduced_chi_square": Variable(
            unit="1", meaning="chi-square by independent points less parameters"
        ),
        "independent_points": Variable(unit="1", meaning="independent points of all spectra"),
        "s02": Variable(unit="1", meaning="passive electrons' factor, fixed"),
        "k": Variable(
            dims=("k",), unit="1/angstrom", meaning="wavenumber of the spectra", coordinate=True
        ),
        "r": Variable(
            dims=("r",),
            unit="angstrom",
            meaning="R, about 0.3 to 0.5 angstrom less than the distance",
            coordinate=True,
        ),
        "chi": Variable(dims=("part", "k"), unit="1", meaning="measured EXAFS"),
        "model": Variable(
            dims=("part", "k"),
            unit="1",
            meaning="fitted EXAFS, all shells, those that are held as well",
        ),
        "parts": Variable(dims=("part", "shell", "k"), unit="1", meaning="fitted EXAFS by shell"),
        "chi_r_real": Variable(
            dims=("part", "r"),
            unit="angstrom^-3",
            meaning="real part of the measured chi(R); unit angstrom^-(kweight + 1)",
        ),
        "chi_r_imag": Variable(
            dims=("part", "r"), unit="angstrom^-3", meaning="imaginary part of the measured chi(R)"
        ),
        "model_r_real": Variable(
            dims=("part", "r"), unit="angstrom^-3", meaning="real part of the fitted chi(R)"
        ),
        "model_r_imag": Variable(
            dims=("part", "r"), unit="angstrom^-3", meaning="imaginary part of the fitted chi(R)"
        ),
    },
    attributes={
        "verdict": "`ok`, or `doubtful` where the minimum is not a plausible structure",
        "reason": "what makes it doubtful",
        "held": "shells in range that are not fitted but stay as in the crystal",
        "notice": "FEFF10's copyright notice, where it calculated the paths",
        "skipped": "why there is no fit; the file then has no variables",
    },
)
DEPEND_ON_KWEIGHT = ("noise_r", "chi_r_real", "chi_r_imag", "model_r_real", "model_r_imag")
"""Variables of `PATH_FIT` whose unit is ``angstrom^-(kweight + 1)``."""
