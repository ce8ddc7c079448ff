"""Variables of ``peaks.nc``."""

from __future__ import annotations

from ssbchar.storage.variables import OutputTable, Variable

PARAMETERS = ("position", "fwhm", "area", "eta")
"""Order of the covariance."""
LINES = ("frame", "peak")
PHASES = ("frame", "candidate")

PEAKS = OutputTable(
    file="peaks.nc",
    steps=("hexrd.peaks.fit_known_lines",),
    about="Position, width and area of the strong lines of every phase in every frame.",
    variables={
        "frame": Variable(dims=("frame",), meaning="number in the series, from 1", coordinate=True),
        "peak": Variable(dims=("peak",), meaning="number of the line", coordinate=True),
        "phase": Variable(dims=("peak",), meaning="phase of the line", coordinate=True),
        "hkl": Variable(
            dims=("peak",), meaning="indices of the strongest reflection in it", coordinate=True
        ),
        "named": Variable(
            dims=("peak",),
            meaning="1: followed by name (`hexrd.track.reflections`)",
            coordinate=True,
        ),
        "par": Variable(
            dims=("par",), meaning="parameters: position, fwhm, area, eta", coordinate=True
        ),
        "par2": Variable(dims=("par2",), meaning="the same", coordinate=True),
        "candidate": Variable(dims=("candidate",), meaning="phase", coordinate=True),
        "covariance": Variable(
            dims=(*LINES, "par", "par2"),
            unit="1",
            meaning="covariance of position, fwhm, area and eta",
            long_name="in the parameters' units",
        ),
        "position": Variable(
            dims=LINES, unit="degree", meaning="2theta as measured", ancillary=("position_stderr",)
        ),
        "position_stderr": Variable(dims=LINES, unit="degree", meaning="its standard error"),
        "fwhm": Variable(
            dims=LINES,
            unit="degree",
            meaning="full width at half maximum",
            ancillary=("fwhm_stderr",),
        ),
        "fwhm_stderr": Variable(dims=LINES, unit="degree", meaning="its standard error"),
        "area": Variable(
            dims=LINES,
            unit="counts degree",
            meaning="area above the background",
            ancillary=("area_stderr",),
        ),
        "area_stderr": Variable(dims=LINES, unit="counts degree", meaning="its standard error"),
        "eta": Variable(
            dims=LINES,
            unit="1",
            meaning="Lorentzian share of the profile",
            ancillary=("eta_stderr",),
        ),
        "eta_stderr": Variable(dims=LINES, unit="1", meaning="its standard error"),
        "d": Variable(
            dims=LINES, unit="angstrom", meaning="lattice spacing", ancillary=("d_stderr",)
        ),
        "d_stderr": Variable(
            dims=LINES, unit="angstrom", meaning="its standard error, from the position alone"
        ),
        "significance": Variable(
            dims=LINES,
            unit="1",
            meaning="signed root of the likelihood ratio of leaving the line out",
        ),
        "area_upper95": Variable(
            dims=LINES, unit="counts degree", meaning="one-sided 95 % limit of the area"
        ),
        "chi2": Variable(dims=LINES, unit="1", meaning="reduced chi-square of the window"),
        "predicted": Variable(
            dims=LINES, unit="degree", meaning="2theta expected from the path of the phase's strain"
        ),
        "verdict": Variable(
            dims=LINES,
            meaning="`ok`, `no_peak`, `overlap`, `alone`, `at_edge`, `not_converged`, `no_data`; "
            "see `hexrd.peaks.fit_known_lines`",
        ),
        "inverse_size": Variable(
            dims=PHASES,
            unit="1/angstrom",
            meaning="inverse of the volume-weighted apparent size (Williamson-Hall)",
        ),
        "inverse_size_stderr": Variable(
            dims=PHASES, unit="1/angstrom", meaning="its standard error"
        ),
        "microstrain": Variable(dims=PHASES, unit="1", meaning="upper limit of the strain"),
        "microstrain_stderr": Variable(dims=PHASES, unit="1", meaning="its standard error"),
    },
    attributes={
        "instrument_breadth": "integral breadth subtracted [degree]",
        "synthetic": "1: simulated patterns",
    },
)
