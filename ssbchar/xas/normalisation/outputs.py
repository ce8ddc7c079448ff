"""What ``normalised.nc`` holds."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable
from ssbchar.xas.calibration.outputs import CALIBRATED, LEDGER, SHIFT, SHIFT_STDERR

_SPECTRA = ("spectrum", "energy")

NORMALISED = OutputTable(
    file="normalised.nc",
    steps=("xas.normalisation.normalise_spectra", "xas.series.normalise_series"),
    about="Normalised spectra on one grid; the last one, named `merged`, is the mean of the good "
    "scans.",
    variables={
        "energy": Variable(
            dims=("energy",), unit="eV", meaning="energy axis of all spectra", coordinate=True
        ),
        "mu": Variable(dims=_SPECTRA, unit="1", meaning="absorption", ancillary=("mu_stderr",)),
        "mu_stderr": Variable(
            dims=_SPECTRA, unit="1", meaning="noise of a point of `mu`, one standard error"
        ),
        "norm": Variable(
            dims=_SPECTRA,
            unit="1",
            meaning="normalised absorption, (mu - pre-edge) / step",
            ancillary=("norm_stderr",),
        ),
        "norm_stderr": Variable(
            dims=_SPECTRA,
            unit="1",
            meaning="standard error of `norm`, with those of baseline and step",
        ),
        "flat": Variable(
            dims=_SPECTRA,
            unit="1",
            meaning="normalised absorption, flattened above E0",
            ancillary=("norm_stderr",),
        ),
        "pre_edge": Variable(dims=_SPECTRA, unit="1", meaning="curve fitted below the edge"),
        "post_edge": Variable(
            dims=_SPECTRA, unit="1", meaning="polynomial fitted above the edge, with the baseline"
        ),
        "e0": Variable(
            unit="eV",
            meaning="E0 of all spectra",
            long_name="origin of the photoelectron energy",
        ),
        "edge_step": Variable(dims=("spectrum",), unit="1", meaning="edge step at E0"),
        "edge_step_stderr": Variable(
            dims=("spectrum",), unit="1", meaning="standard error of `edge_step`"
        ),
        "e0_half": Variable(
            dims=("spectrum",), unit="eV", meaning="energy at which `norm` rises through 0.5"
        ),
        "e0_half_stderr": Variable(
            dims=("spectrum",), unit="eV", meaning="standard error of `e0_half`"
        ),
        "e0_derivative": Variable(
            dims=("spectrum",), unit="eV", meaning="energy of the inflection of the edge"
        ),
        "e0_derivative_stderr": Variable(
            dims=("spectrum",), unit="eV", meaning="standard error of `e0_derivative`"
        ),
        "white_line": Variable(dims=("spectrum",), unit="1", meaning="height of the white line"),
        "white_line_stderr": Variable(
            dims=("spectrum",), unit="1", meaning="standard error of `white_line`"
        ),
        "white_line_energy": Variable(
            dims=("spectrum",), unit="eV", meaning="energy of the white line"
        ),
        "name": Variable(dims=("spectrum",), meaning="the scan, or `merged`"),
        "status": Variable(dims=("spectrum",), meaning="`ok`, or `outlier`"),
        "shift": Variable(dims=("spectrum",), unit="eV", meaning=SHIFT),
        "shift_stderr": Variable(dims=("spectrum",), unit="eV", meaning=SHIFT_STDERR),
        "ledger": Variable(dims=("spectrum",), meaning=LEDGER),
        "step_spread": Variable(
            unit="1",
            meaning="relative scatter of the edge step over repeats; not of a series",
            long_name="relative scatter of the edge step over repeats",
            optional=True,
        ),
        "masked": Variable(
            dims=("energy",),
            meaning="1 where a glitch was replaced by its neighbours' line; not of a series",
            long_name="1 where a glitch was replaced",
            optional=True,
        ),
        "mu_foil": Variable(
            dims=("energy",),
            unit="1",
            meaning="mean absorption of the foil, where every scan has one; not of a series",
            long_name="mean foil",
            optional=True,
        ),
        "norm_mback": Variable(
            dims=_SPECTRA,
            unit="1",
            meaning="normalised absorption by MBACK, where `normalise.mback` is set",
            optional=True,
        ),
        "edge_step_mback": Variable(
            dims=("spectrum",), unit="1", meaning="edge step by MBACK", optional=True
        ),
        "edge_step_mback_stderr": Variable(
            dims=("spectrum",),
            unit="1",
            meaning="standard error of `edge_step_mback`",
            optional=True,
        ),
        "white_line_mback": Variable(
            dims=("spectrum",), unit="1", meaning="white line by MBACK", optional=True
        ),
        "white_line_mback_stderr": Variable(
            dims=("spectrum",),
            unit="1",
            meaning="standard error of `white_line_mback`",
            optional=True,
        ),
        "pre_edge_area": Variable(
            dims=("spectrum",),
            unit="eV",
            meaning="area of the peak before the edge, where `normalise.pre_edge_peak` is set",
            optional=True,
        ),
        "pre_edge_area_stderr": Variable(
            dims=("spectrum",),
            unit="eV",
            meaning="standard error of `pre_edge_area`",
            optional=True,
        ),
        "pre_edge_area_systematic": Variable(
            dims=("spectrum",),
            unit="eV",
            meaning="what limits moved by 0.5 eV and the other flank make of `pre_edge_area`",
            optional=True,
        ),
        "pre_edge_centroid": Variable(
            dims=("spectrum",), unit="eV", meaning="centroid of that peak", optional=True
        ),
        "pre_edge_centroid_stderr": Variable(
            dims=("spectrum",),
            unit="eV",
            meaning="standard error of `pre_edge_centroid`",
            optional=True,
        ),
        "pre_edge_centroid_systematic": Variable(
            dims=("spectrum",),
            unit="eV",
            meaning="what limits moved by 0.5 eV and the other flank make of `pre_edge_centroid`",
            optional=True,
        ),
        "pre_edge_flank": Variable(
            dims=_SPECTRA,
            unit="1",
            meaning="flank of the edge below that peak, NaN outside the fit",
            optional=True,
        ),
        "number": Variable(
            dims=("spectrum",),
            meaning="of a series: place of the scan in it, from 1; 0 for the mean",
            optional=True,
        ),
        "time": Variable(
            dims=("spectrum",),
            unit="h",
            meaning="of a series: time since its first scan began, where all files state theirs",
            optional=True,
        ),
        "channel": Variable(
            dims=("spectrum",),
            unit="1",
            meaning="of a series: mean over each scan of the column `read.channel`, in the unit "
            "of the file",
            long_name="channel beside the scans",
            optional=True,
        ),
        "noise_correlation": Variable(
            dims=("energy", "energy2"),
            unit="1",
            meaning="of a series: covariance of the points of a typical scan in units of the "
            "noise of its raw points",
            optional=True,
        ),
    },
    attributes={
        **CALIBRATED.attributes,
        "ranges": "JSON: first and last points of the fits (`pre_start`, `pre_stop`, `post_start`, "
        "`post_stop`), the point of E0 (`at_e0`), degree above the edge (`nnorm`), power of the "
        "pre-edge curve (`victoreen`), whether the EXAFS was removed (`exafs_removed`)",
        "exafs_free": "1 where the EXAFS is removed before the fit above the edge",
        "core_width": "width of the core level whose tails are left out of the fits [eV]",
        "repeats": "number of scans in the mean",
        "self_absorption_share": "absorption that is not the edge's, in edge steps, by which the "
        "fluorescence was corrected; 0 where it was not",
        "self_absorption_half_step": "error of `e0_half` by that correction [eV]",
        "self_absorption_white_line": "error of `white_line` by that correction",
        "self_absorption_amplitude": "relative error of EXAFS amplitudes by that correction",
    },
)
