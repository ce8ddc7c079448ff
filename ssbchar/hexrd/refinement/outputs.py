"""What stands in ``lattice.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

CELL_UNIT = "angstrom for a b c, degree for angles"
PER_FRAME = ("frame",)
PER_PHASE = ("frame", "phase")
PER_AXIS = (*PER_PHASE, "axis")
PER_POINT = ("frame", "two_theta")

LATTICE = OutputTable(
    file="lattice.nc",
    steps=("hexrd.refinement.refine_series",),
    about="Cells, intensities and residuals of all candidate phases in every frame.",
    variables={
        "frame": Variable(
            dims=PER_FRAME, meaning="frame number, in the order measured", coordinate=True
        ),
        "two_theta": Variable(
            dims=("two_theta",), unit="degree", meaning="2theta as measured", coordinate=True
        ),
        "q": Variable(
            dims=("two_theta",),
            unit="1/angstrom",
            meaning="modulus of the scattering vector, as in `patterns.nc`",
            optional=True,
            coordinate=True,
        ),
        "two_theta_common": Variable(
            dims=("two_theta",),
            unit="degree",
            meaning="2theta at the run's common wavelength, as in `patterns.nc`",
            optional=True,
            coordinate=True,
        ),
        "phase": Variable(dims=("phase",), meaning="name of the phase", coordinate=True),
        "axis": Variable(dims=("axis",), meaning="a b c alpha beta gamma", coordinate=True),
        "axis2": Variable(dims=("axis2",), meaning="the same, for covariances", coordinate=True),
        "cell": Variable(
            dims=PER_AXIS,
            unit=CELL_UNIT,
            meaning="cell; the smooth one where a phase shows too weakly for its own",
            ancillary=("cell_stderr", "cell_covariance"),
        ),
        "cell_stderr": Variable(dims=PER_AXIS, unit=CELL_UNIT, meaning="standard error of `cell`"),
        "cell_covariance": Variable(
            dims=(*PER_AXIS, "axis2"),
            unit="products of those of cell",
            meaning="covariance of `cell`",
        ),
        "cell_shared": Variable(
            dims=PER_AXIS,
            unit=CELL_UNIT,
            meaning="part of the error that all frames share, one sigma, signed",
            long_name="part of the error that all frames share (held zero): one sigma, signed",
        ),
        "cell_joint": Variable(
            dims=PER_AXIS,
            unit=CELL_UNIT,
            meaning="smooth cell(T) of the series, at every frame",
            long_name="smooth cell(T) of the series",
        ),
        "cell_joint_stderr": Variable(
            dims=PER_AXIS, unit=CELL_UNIT, meaning="standard deviation of `cell_joint`"
        ),
        "volume": Variable(
            dims=PER_PHASE,
            unit="angstrom^3",
            meaning="volume of `cell`",
            ancillary=("volume_stderr",),
        ),
        "volume_stderr": Variable(
            dims=PER_PHASE, unit="angstrom^3", meaning="standard error of `volume`"
        ),
        "volume_joint": Variable(
            dims=PER_PHASE, unit="angstrom^3", meaning="volume of `cell_joint`"
        ),
        "intensity": Variable(
            dims=PER_PHASE,
            unit="count degree",
            meaning="scattered intensity of the phase; where it is not in the model, what the "
            "residual would give it, either sign",
            ancillary=("intensity_stderr",),
        ),
        "intensity_stderr": Variable(
            dims=PER_PHASE,
            unit="count degree",
            meaning="standard error of `intensity`: counting error times the scatter of shifted "
            "patterns",
        ),
        "intensity_upper95": Variable(
            dims=PER_PHASE, unit="count degree", meaning="one-sided 95 % upper limit of `intensity`"
        ),
        "significance": Variable(
            dims=PER_PHASE, unit="1", meaning="`intensity` over its scatter where nothing is"
        ),
        "scale": Variable(
            dims=PER_PHASE,
            unit="count degree / electron^2",
            meaning="Rietveld scale; refinable phases only",
        ),
        "scale_stderr": Variable(
            dims=PER_PHASE, unit="count degree / electron^2", meaning="standard error of `scale`"
        ),
        "weight_fraction": Variable(
            dims=PER_PHASE,
            unit="1",
            meaning="share of the mass of the refinable phases; refinable phases only",
            ancillary=("weight_fraction_stderr",),
        ),
        "weight_fraction_stderr": Variable(
            dims=PER_PHASE, unit="1", meaning="standard error of `weight_fraction`"
        ),
        "size_width": Variable(
            dims=PER_PHASE,
            unit="degree",
            meaning="Lorentzian width of small crystallites, times cos(theta)",
            long_name="Lorentz width x cos(theta)",
        ),
        "strain_width": Variable(
            dims=PER_PHASE,
            unit="degree",
            meaning="Lorentzian width of microstrain, over tan(theta)",
            long_name="Lorentz width / tan(theta)",
        ),
        "present": Variable(dims=PER_PHASE, meaning="1 or 0, with hysteresis"),
        "axes_merged": Variable(
            dims=PER_PHASE,
            meaning="1 where the frame fits as well with two nearly equal axes exchanged (or an "
            "angle and its supplement): their difference is in the errors of `cell`",
        ),
        "verdict": Variable(
            dims=PER_PHASE,
            meaning="status of the cell: `ok`, `held` (held near the joint one), `departs` (far "
            "from it), `inconsistent` (the passes differ), `not_converged`, `absent`, "
            "`not_measured`",
        ),
        "rwp": Variable(dims=PER_FRAME, unit="percent", meaning="weighted profile R factor"),
        "rexp": Variable(dims=PER_FRAME, unit="percent", meaning="expected R factor"),
        "gof": Variable(dims=PER_FRAME, unit="1", meaning="goodness of fit, `rwp` / `rexp`"),
        "zero": Variable(
            dims=PER_FRAME,
            unit="degree",
            meaning="zero of 2theta: the measured 2theta minus the true one",
            ancillary=("zero_stderr",),
        ),
        "zero_stderr": Variable(
            dims=PER_FRAME,
            unit="degree",
            meaning="standard error of `zero`; of the series' zero where frames share one. "
            "Counting and scatter alone: in the demonstration line shapes that the model does not "
            "know moved it by 3e-5 degree, a thousandth of a line's width",
        ),
        "parameters": Variable(dims=PER_FRAME, meaning="number of refined parameters"),
        "calculated": Variable(dims=PER_POINT, unit="count", meaning="calculated pattern"),
        "background": Variable(dims=PER_POINT, unit="count", meaning="background"),
        "residual": Variable(dims=PER_POINT, unit="count", meaning="observed minus calculated"),
        "refinable": Variable(
            dims=("phase",), meaning="1 where the phases file trusts the atoms of the phase"
        ),
        "crystal_system": Variable(dims=("phase",), meaning="crystal system"),
    },
    attributes={
        "mode": "`pawley` or `rietveld`",
        "profile_terms": "JSON: terms of the profile beyond the usual, with their values: "
        "`doublet` (K-alpha2 over K-alpha1), `caglioti_u`, `caglioti_v` [degree^2], "
        "`axial_divergence`; of phases `anisotropic_strain` (along a*, b*, c*, over "
        "`strain_width`) and `preferred_orientation` (March-Dollase coefficient)",
        "second_cells": "JSON: phases with two cells where one was refined: number of the frame, "
        "length of the weaker over that of the stronger less one with its standard error, the "
        "weaker's share of the intensity",
        "wavelength": "[angstrom]",
        "length_scale_stderr": "relative error that all lengths share [1]",
        "confidence": "normal quantile of the two-sided 95 % limits [1]",
        "synthetic": "present where the patterns were simulated",
    },
)
"""Table of ``lattice.nc``."""
