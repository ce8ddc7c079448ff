"""The variables of ``decay.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

REGION, PAIR = ("region",), ("slice", "region")
PARAMETERS = ("amplitude", "t2_star", "exponent", "slow_share", "slow_t2")
"""Along ``par``."""

DECAY = OutputTable(
    file="decay.nc",
    steps=("nmr.decay.fit_decay(series, options, reference_decay)",),
    about="Decay law of each region, I(t) = amplitude [(1 - slow_share) "
    "exp(-(t / t2_star)^exponent) + slow_share exp(-t / slow_t2)].",
    variables={
        "region": Variable(dims=REGION, meaning="`li_metal`, `li_si`", coordinate=True),
        "slice": Variable(
            dims=("slice",), meaning="number of the slice in the series", coordinate=True
        ),
        "par": Variable(
            dims=("par",),
            meaning="`amplitude`, `t2_star`, `exponent`, `slow_share`, `slow_t2`",
            coordinate=True,
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
            "the metal's own decay against that of pure Li, and what another decay law that the "
            "areas admit makes of it",
        ),
        "growth_systematic": Variable(
            dims=REGION,
            unit="1",
            meaning="what other decay laws that the areas admit make of ln(amplitude)",
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
        "slow_share": Variable(
            dims=REGION,
            unit="1",
            meaning="share, at zero delay, of a second part that decays more slowly; 0 where none",
            ancillary=("slow_share_stderr",),
        ),
        "slow_share_stderr": Variable(dims=REGION, unit="1", meaning="its standard error"),
        "slow_t2": Variable(
            dims=REGION,
            unit="s",
            meaning="decay time of the second part; NaN where there is none",
            ancillary=("slow_t2_stderr",),
        ),
        "slow_t2_stderr": Variable(dims=REGION, unit="s", meaning="its standard error"),
        "covariance": Variable(dims=("region", "par", "par2"), unit="1", meaning="of `par`"),
        "mean_time": Variable(dims=REGION, unit="s", meaning="mean decay time, (T/b) Gamma(1/b)"),
        "scatter": Variable(
            dims=("region",),
            unit="1",
            meaning="relative scatter of the areas about the law beyond their errors (pulses, "
            "receiver); that of pure Li is a floor of the samples'",
            long_name="relative scatter of the areas beyond their errors",
        ),
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
        "slice_used": Variable(
            dims=("slice",),
            meaning="1: fitted; 0: set aside, for all regions are off their laws by one factor",
        ),
        "slice_factor": Variable(
            dims=("slice",),
            unit="1",
            meaning="areas of a slice that is set aside over their laws; 1 for all others",
        ),
    },
)
