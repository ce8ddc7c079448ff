"""The variables of ``time_course.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

SPECTRUM = ("spectrum",)
TIME_COURSE = OutputTable(
    file="time_course.nc",
    steps=("nmr.time_course.follow_shares(fid, lines, spectrum, options)",),
    about="Share of Li-Si in the signal of each spectrum of a series in time, and its law.",
    variables={
        "spectrum": Variable(
            dims=SPECTRUM, meaning="number of the spectrum in the series", coordinate=True
        ),
        "experiment": Variable(dims=SPECTRUM, meaning="experiment that holds it"),
        "hours": Variable(dims=SPECTRUM, unit="h", meaning="since the first spectrum"),
        "share": Variable(
            dims=SPECTRUM,
            unit="1",
            meaning="Li-Si share of the signal, by the lines",
            ancillary=("share_stderr",),
        ),
        "share_stderr": Variable(dims=SPECTRUM, unit="1", meaning="its standard error"),
        "window_share": Variable(
            dims=SPECTRUM,
            unit="1",
            meaning="the same by window integrals",
            ancillary=("window_share_stderr",),
        ),
        "window_share_stderr": Variable(dims=SPECTRUM, unit="1", meaning="its standard error"),
        "used": Variable(
            dims=SPECTRUM, meaning="1: in the law; 0: its lines miss the decay, or it lies off"
        ),
        "law": Variable(
            dims=SPECTRUM, unit="1", meaning="share by the law", ancillary=("law_stderr",)
        ),
        "law_stderr": Variable(dims=SPECTRUM, unit="1", meaning="its standard error"),
        "signal": Variable(
            dims=SPECTRUM, unit="1", meaning="whole signal per scan and gain, over the first's"
        ),
        "level_systematic": Variable(
            unit="1", meaning="of every share: other admissible models of the first decay"
        ),
        "change": Variable(
            unit="1",
            meaning="of the share by the law, last less first; of a constant share by a line",
            ancillary=("change_stderr", "change_systematic"),
        ),
        "change_stderr": Variable(unit="1", meaning="its standard error"),
        "change_systematic": Variable(
            unit="1",
            meaning="half the difference to the windows, and the level's part in it",
        ),
        "slope": Variable(
            unit="h-1",
            meaning="of the share: mean over the series; of a constant share that of a line",
            ancillary=("slope_stderr",),
        ),
        "slope_stderr": Variable(unit="h-1", meaning="its standard error"),
        "rate": Variable(
            unit="h-1",
            meaning="of an exponential approach; NaN of other laws",
            ancillary=("rate_stderr",),
        ),
        "rate_stderr": Variable(unit="h-1", meaning="its standard error"),
        "end": Variable(
            unit="1",
            meaning="share that an exponential approaches; NaN of other laws",
            ancillary=("end_stderr",),
        ),
        "end_stderr": Variable(unit="1", meaning="its standard error"),
        "inflation": Variable(
            unit="1", meaning="factor of all errors, for scatter beyond the stated ones"
        ),
    },
    attributes={
        "law": "`constant`, `linear` or `exponential`",
        "doubt": "why the lines are no result of their own; else empty",
        "left_out": "JSON list of what is said of spectra that are not used",
    },
)
