"""Variables of ``components.nc`` and ``mixture.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

COMPONENTS = OutputTable(
    file="components.nc",
    steps=("xas.series.find_components",),
    about="Principal components of a series, their number above noise, and where spectra cross.",
    variables={
        "energy": Variable(
            dims=("energy",), unit="eV", meaning="energies of the window", coordinate=True
        ),
        "number": Variable(dims=("spectrum",), meaning="number of the scan in the series, from 1"),
        "eigenvalue": Variable(
            dims=("component",),
            unit="1",
            meaning="squared singular value by the larger dimension [noise variance]",
        ),
        "edge": Variable(
            dims=("component",),
            unit="1",
            meaning="greatest eigenvalue that noise gives once the earlier components are removed",
        ),
        "indicator": Variable(dims=("component",), unit="1", meaning="Malinowski's indicator"),
        "score": Variable(
            dims=("spectrum", "component"), unit="1", meaning="amplitude of each component"
        ),
        "loading": Variable(
            dims=("component", "energy"), unit="1", meaning="spectrum of each component"
        ),
        "rank": Variable(meaning="number of components above the noise"),
        "species": Variable(meaning="number of species: components that no drift explains, and 1"),
        "doubtful": Variable(
            meaning="further components above the noise, too weak to be told from a drift"
        ),
        "is_limited": Variable(meaning="1: the count reached its limit, there may be more"),
        "pure": Variable(
            dims=("species_number", "energy"),
            unit="1",
            meaning="spectra of the species, by alternating least squares",
        ),
        "fraction": Variable(
            dims=("spectrum", "species_number"), unit="1", meaning="their fractions, of sum one"
        ),
        "fraction_lower": Variable(
            dims=("spectrum", "species_number"),
            unit="1",
            meaning="least fraction that non-negativity and the sum of one allow, noise at 95 %; "
            "not a number where more than two species leave it open",
        ),
        "fraction_upper": Variable(
            dims=("spectrum", "species_number"), unit="1", meaning="greatest such fraction"
        ),
        "resolution_r_factor": Variable(
            unit="1", meaning="sum of squared misfit of the species by that of the spectra"
        ),
        "rank_indicator": Variable(meaning="number of components by Malinowski's indicator"),
        "noise_ratio": Variable(unit="1", meaning="noise observed by noise stated"),
        "crossing_energy": Variable(
            dims=("crossing",), unit="eV", meaning="where start and end of the series cross"
        ),
        "crossing_value": Variable(
            dims=("crossing",), unit="1", meaning="normalised absorption there"
        ),
        "crossing_chi2": Variable(
            dims=("crossing",), unit="1", meaning="reduced chi-square of the scatter there"
        ),
        "crossing_p": Variable(dims=("crossing",), unit="1", meaning="its probability"),
        "crossing_held": Variable(
            dims=("crossing",), meaning="1: all spectra meet there, an isosbestic point"
        ),
    },
)

MIXTURE = OutputTable(
    file="mixture.nc",
    steps=("xas.series.fit_mixture",),
    about="Every spectrum as a linear combination of references, with a shift of its energy axis.",
    variables={
        "energy": Variable(
            dims=("energy",), unit="eV", meaning="energies of the fit", coordinate=True
        ),
        "name": Variable(dims=("spectrum",), meaning="name of the spectrum, the last is `merged`"),
        "reference": Variable(dims=("reference",), meaning="measurement of each reference"),
        "parameter": Variable(dims=("parameter",), meaning="weights, then the shift"),
        "weight": Variable(
            dims=("spectrum", "reference"),
            unit="1",
            meaning="weight, median over normalisation ranges",
            ancillary=("weight_stderr",),
        ),
        "weight_stderr": Variable(
            dims=("spectrum", "reference"), unit="1", meaning="its standard error"
        ),
        "weight_systematic": Variable(
            dims=("reference",),
            unit="1",
            meaning="half the central 68 % of the weight of `merged` over normalisation ranges",
            long_name="spread over normalisation ranges",
        ),
        "shift": Variable(
            dims=("spectrum",), unit="eV", meaning="shift of the references onto the spectrum"
        ),
        "shift_stderr": Variable(dims=("spectrum",), unit="eV", meaning="its standard error"),
        "covariance": Variable(
            dims=("spectrum", "parameter", "parameter2"),
            unit="1",
            meaning="covariance of weights and shift [1 and eV]",
        ),
        "r_factor": Variable(
            dims=("spectrum",), unit="1", meaning="sum of squared misfit by that of the spectrum"
        ),
        "reduced_chi_square": Variable(dims=("spectrum",), unit="1", meaning="of the fit"),
        "verdict": Variable(
            dims=("spectrum",), meaning="`ok`, or `at_edge` where the shift is at its bound"
        ),
        "fitted": Variable(dims=("spectrum", "energy"), unit="1", meaning="the combination"),
        "measured": Variable(
            dims=("spectrum", "energy"), unit="1", meaning="the normalised spectrum"
        ),
    },
    attributes={
        "reduced": "the reference of lowest edge energy",
        "method": "fit range, and whether the shift is free",
        "notes": "notes of the spectra and of the references",
    },
)
