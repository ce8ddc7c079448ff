"""What ``structures.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

CELL_UNIT = "angstrom for a b c, degree for angles"
PER_FRAME = ("frame",)
PER_PHASE = ("frame", "phase")
PER_AXIS = (*PER_PHASE, "axis")
PER_SITE = ("frame", "site")
PER_COORDINATE = (*PER_SITE, "coordinate")
_HELD = "; NaN where it was held"

STRUCTURES = OutputTable(
    file="structures.nc",
    steps=("hexrd.rietveld.refine_structures",),
    about="Structures refined in the frames of `hexrd.rietveld.frames`; there where frames are "
    "named.",
    variables={
        "frame": Variable(dims=PER_FRAME, meaning="frame number", coordinate=True),
        "phase": Variable(dims=("phase",), meaning="phases with atoms", coordinate=True),
        "axis": Variable(dims=("axis",), meaning="a b c alpha beta gamma", coordinate=True),
        "coordinate": Variable(dims=("coordinate",), meaning="x y z", coordinate=True),
        "site_phase": Variable(dims=("site",), meaning="phase of the site"),
        "site_label": Variable(dims=("site",), meaning="its label in the CIF written"),
        "element": Variable(dims=("site",), meaning="its element"),
        "position_listed": Variable(
            dims=("site", "coordinate"), unit="1", meaning="coordinates of the phases file"
        ),
        "b_iso_listed": Variable(
            dims=("site",), unit="angstrom^2", meaning="B to start from, or held"
        ),
        "occupancy_listed": Variable(
            dims=("site",), unit="1", meaning="occupancy of the phases file"
        ),
        "temperature": Variable(
            dims=PER_FRAME,
            unit="degC",
            meaning="temperature of the frame",
            ancillary=("temperature_stderr",),
        ),
        "temperature_stderr": Variable(
            dims=PER_FRAME, unit="degC", meaning="its standard error, that all frames share too"
        ),
        "status": Variable(dims=PER_FRAME, meaning="`ok` or `not_converged`"),
        "without_atoms": Variable(
            dims=PER_FRAME, meaning="phases present in the frame that have no atoms, by comma"
        ),
        "present": Variable(dims=PER_PHASE, meaning="1 where the phase was refined"),
        "cell": Variable(dims=PER_AXIS, unit=CELL_UNIT, meaning="cell", ancillary=("cell_stderr",)),
        "cell_stderr": Variable(
            dims=PER_AXIS, unit=CELL_UNIT, meaning="standard error; 0 where symmetry fixes it"
        ),
        "weight_fraction": Variable(
            dims=PER_PHASE,
            unit="1",
            meaning="share of the mass of the phases refined; NaN of one phase alone",
            ancillary=("weight_fraction_stderr",),
        ),
        "weight_fraction_stderr": Variable(
            dims=PER_PHASE, unit="1", meaning="standard error of `weight_fraction`"
        ),
        "r_bragg": Variable(dims=PER_PHASE, unit="1", meaning="Bragg R factor"),
        "refinable": Variable(
            dims=("phase",), meaning="1 where the phases file trusts the atoms of the phase"
        ),
        "position": Variable(
            dims=PER_COORDINATE,
            unit="1",
            meaning="fractional coordinates",
            ancillary=("position_stderr",),
        ),
        "position_stderr": Variable(
            dims=PER_COORDINATE, unit="1", meaning="standard error" + _HELD
        ),
        "b_iso": Variable(
            dims=PER_SITE,
            unit="angstrom^2",
            meaning="B = 8 pi^2 U",
            ancillary=("b_iso_stderr",),
        ),
        "b_iso_stderr": Variable(
            dims=PER_SITE, unit="angstrom^2", meaning="standard error" + _HELD
        ),
        "b_group": Variable(
            dims=PER_SITE,
            meaning="sites of a frame with the same number have one factor on their B; -1: held",
        ),
        "occupancy": Variable(
            dims=PER_SITE, unit="1", meaning="occupancy", ancillary=("occupancy_stderr",)
        ),
        "occupancy_stderr": Variable(dims=PER_SITE, unit="1", meaning="standard error" + _HELD),
        "rwp": Variable(dims=PER_FRAME, unit="percent", meaning="weighted profile R factor"),
        "rexp": Variable(dims=PER_FRAME, unit="percent", meaning="expected R factor"),
        "gof": Variable(
            dims=PER_FRAME,
            unit="1",
            meaning="goodness of fit; in all standard errors, where above 1",
        ),
        "serial_factor": Variable(
            dims=PER_FRAME,
            unit="1",
            meaning="factor in all standard errors for residuals that follow each other "
            "(Berar and Lelann 1991)",
        ),
        "intensity_scatter": Variable(
            dims=PER_FRAME,
            unit="1",
            meaning="relative scatter of the lines' intensities beyond counting, in all standard "
            "errors; infinite above 0.3, where it is in none",
        ),
        "zero": Variable(
            dims=PER_FRAME, unit="degree", meaning="zero of 2theta", ancillary=("zero_stderr",)
        ),
        "zero_stderr": Variable(dims=PER_FRAME, unit="degree", meaning="standard error of `zero`"),
        "parameters": Variable(dims=PER_FRAME, meaning="number of refined parameters"),
        "structure_parameters": Variable(
            dims=PER_FRAME, meaning="of these coordinates, B and occupancies"
        ),
        "held": Variable(
            dims=PER_FRAME, meaning="what the data do not carry and was held, in words"
        ),
        "restraints": Variable(dims=PER_FRAME, meaning="number of restrained distances"),
        "restraint_misfit": Variable(
            dims=PER_FRAME,
            unit="1",
            meaning="root mean square deviation of restrained distances over their sigma",
        ),
    },
    attributes={
        "program": "program and version that refined",
        "wavelength": "[angstrom]",
        "length_scale_stderr": "relative error that all lengths share [1]",
        "not_modelled": "terms of the profile that `lattice.nc` has and this refinement has not",
        "synthetic": "present where the patterns were simulated",
    },
)
"""Table of ``structures.nc``."""
