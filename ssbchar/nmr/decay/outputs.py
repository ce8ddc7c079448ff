"""The variables of ``decay.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

REGION, PAIR = ("region",), ("slice", "region")
PARAMETERS = ("amplitude", "t2_star", "exponent")
"""Along ``par``."""

DECAY = OutputTable(
    file="decay.nc",
    steps=("nmr.decay.fit_decay(series, options, reference_decay)",),
    about="Decay law of each region, I(t) = amplitude exp(-(t / t2_star)^exponent).",
    variables={
        "region": Variable(dims=REGION, meaning="`li_metal`, `li_si`", coordinate=True),
        "slice": Variable(
            dims=("slice",), meaning="number of the slice in the series", coordinate=True
        ),
        "par": Variable(
            dims=("par",), meaning="`amplitude`, `t2_star`, `exponent`", coordinate=True
        ),
        "amplitude": Variable(
            dims=REGION, unit="1", meaning="signal at zero delay", ancillary=("amplitude_stderr",)
        ),
        "amplitude_stderr": Variable(dims=REGION, unit="1", meaning="its standard error"),
        "t2_star": Variable(
            dims=REGION,
            unit="s",
            meaning="decay time",
            ancillary=("t2_star_stderr", "t2_star_systematic"),
        ),
        "t2_star_stderr": Variable(dims=REGION, unit="s", meaning="its standard error"),
        "t2_star_systematic": Variable(
            dims=REGION,
            unit="s",
            meaning="what a drift of the gain, or of the sample, would have made of it, judged by "
            "the metal's own decay against that of pure Li",
        ),
        "exponent": Variable(
            dims=REGION,
            unit="1",
            meaning="stretching exponent; 1 for a simple exponential",
            ancillary=("exponent_stderr",),
        ),
        "exponent_stderr": Variable(
            dims=REGION, unit="1", meaning="its standard error; 0 where it is not fitted"
        ),
        "covariance": Variable(
            dims=("region", "par", "par2"), unit="1", meaning="of the three parameters"
        ),
        "mean_time": Variable(dims=REGION, unit="s", meaning="mean decay time, (T/b) Gamma(1/b)"),
        "chi2": Variable(dims=REGION, unit="1", meaning="chi-square with the stated errors"),
        "verdict": Variable(dims=REGION, meaning="`ok`, or the gate that the law does not pass"),
        "reason": Variable(dims=REGION, meaning="why"),
        "shared": Variable(
            dims=REGION, meaning="1: T2* and exponent are those of pure Li; 0: the sample's own"
        ),
        "decay_area": Variable(
            dims=PAIR,
            unit="1",
            meaning="the areas that were fitted",
            ancillary=("decay_area_stderr", "decay_area_covariance"),
        ),
        "decay_area_stderr": Variable(dims=PAIR, unit="1", meaning="their standard errors"),
        "decay_area_covariance": Variable(
            dims=("slice", "region", "region2"),
            unit="1",
            meaning="covariance of the regions of one slice",
        ),
        "decay_time": Variable(dims=("slice",), unit="s", meaning="decay time of the slice"),
    },
)
