"""The variables of ``relaxation.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

PARAMETERS = ("equilibrium", "start", "time", "exponent")
"""Parameters of a law, in the order of its covariance."""
REGION, SLICES = ("region",), ("slice", "region")
RELAXATION = OutputTable(
    file="relaxation.nc",
    steps=("nmr.relaxation.fit_relaxation(fid, lines, options, regions)",),
    about="Signed amplitude of each region against the delay, and its T1 or T1rho.",
    variables={
        "slice": Variable(dims=("slice",), meaning="number of the slice", coordinate=True),
        "region": Variable(dims=REGION, meaning="`li_metal`, `li_si`", coordinate=True),
        "par": Variable(
            dims=("par",),
            meaning="`equilibrium`, `start`, `time`, `exponent`",
            coordinate=True,
        ),
        "delay": Variable(
            dims=("slice",), unit="s", meaning="delay of the recovery, or length of the spin lock"
        ),
        "amplitude": Variable(
            dims=SLICES,
            unit="1",
            meaning="amplitude, negative where inverted",
            ancillary=("amplitude_stderr",),
        ),
        "amplitude_stderr": Variable(dims=SLICES, unit="1", meaning="its standard error"),
        "slice_used": Variable(
            dims=("slice",), meaning="1: in the law; 0: far off the law of all others"
        ),
        "t1": Variable(
            dims=REGION,
            unit="s",
            meaning="T1, of spin locks T1rho",
            ancillary=("t1_stderr", "t1_systematic"),
        ),
        "t1_stderr": Variable(dims=REGION, unit="s", meaning="its standard error"),
        "t1_systematic": Variable(
            dims=REGION, unit="s", meaning="what the other law makes of the time to 1/e"
        ),
        "exponent": Variable(dims=REGION, unit="1", meaning="stretching exponent; 1 for none"),
        "equilibrium": Variable(
            dims=REGION, unit="1", meaning="amplitude after a long delay; 0 of spin locks"
        ),
        "start": Variable(dims=REGION, unit="1", meaning="amplitude at zero delay"),
        "covariance": Variable(
            dims=("region", "par", "par2"),
            unit="1",
            meaning="of the parameters, each in its own unit",
        ),
        "scatter": Variable(
            dims=REGION, unit="1", meaning="relative scatter beyond the stated errors"
        ),
        "verdict": Variable(
            dims=REGION,
            meaning="`ok`, `too_few`, `no_signal`, `undetermined`, `stretched` or `misfit`",
        ),
        "reason": Variable(dims=REGION, meaning="why"),
    },
    attributes={"kind": "`recovery` (T1) or `spin_lock` (T1rho)", "decay_axis": "of the delay"},
)
