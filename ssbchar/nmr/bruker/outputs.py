"""The variables of ``fid.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

SLICE_TIME = ("slice", "time")

FID = OutputTable(
    file="fid.nc",
    steps=(
        "nmr.bruker.read_fid(source, options, labels)",
        "nmr.bruker.read_time_series(source, options)",
    ),
    about="Decays as measured, nothing corrected.",
    variables={
        "slice": Variable(dims=("slice",), meaning="number of the slice, from 1", coordinate=True),
        "time": Variable(
            dims=("time",),
            unit="s",
            meaning="zero where the group delay of the digital filter ends; earlier points are "
            "its transient",
            coordinate=True,
        ),
        "real": Variable(dims=SLICE_TIME, unit="1", meaning="real part, times 2^NC"),
        "imag": Variable(dims=SLICE_TIME, unit="1", meaning="imaginary part, times 2^NC"),
        "decay_time": Variable(
            dims=("slice",), unit="s", meaning="decay time of the slice; NaN where none is known"
        ),
        "acquired": Variable(
            dims=("slice",),
            unit="s",
            meaning="middle of the slice's acquisition, since 1970-01-01 UTC, or since the start "
            "where there is no date; missing where the row is no series in time",
            optional=True,
        ),
        "status": Variable(
            dims=("slice",), meaning="`ok`, `zeros`, `not_finite`, `no_delay` or `clipped`"
        ),
    },
    attributes={
        "sfo1": "carrier frequency [MHz]",
        "sf": "frequency of 0 ppm [MHz]",
        "bf1": "base frequency [MHz]",
        "o1": "carrier offset [Hz]",
        "sr": "reference SF - BF1 [Hz]",
        "sw": "spectral width [Hz]",
        "group_delay": "of the digital filter [points]",
        "recycle_delay": "d1 [s]",
        "acquisition_time": "length of the decay [s]",
        "pulse_1": "p1 [s]",
        "pulse_2": "p2 [s]",
        "echo_delay": "TR, between the pulses of an echo [s]; NaN for other sequences",
        "dead_time": "DE, from the last pulse to the first point [s], 0 where not stated; NaN "
        "where the acquisition does not follow a pulse at once",
        "date": "of the acquisition [s since 1970-01-01 UTC]",
        "scans": "NS",
        "receiver_gain": "RG",
        "spinning": "MAS rate [Hz]",
        "sample_mass": "[g], where it is given",
        "decay_axis": "formula of the decay time in the pulse program's terms",
        "relaxation": "`recovery` or `spin_lock` by the pulse program, of a row of that role; "
        "empty where it does not tell",
        "title": "TopSpin's title",
        "experiments": "JSON list of the experiment of each slice, of a series in time",
        "clipped": "1 where the receiver clipped every slice, so that they are used all the same",
        "conflicts": "JSON list of contradictions in the metadata",
    },
)
