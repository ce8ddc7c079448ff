"""Conclusions of a relaxation series: T1 or T1rho of each region."""

from __future__ import annotations

import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification.quantify import conclude_metadata
from ssbchar.nmr.relaxation.fit import RECOVERY
from ssbchar.verdict import Verdict

USABLE = (Verdict.OK, Verdict.DOUBTFUL)
"""Verdicts of a law whose time is a number."""


def conclude_relaxation(relaxation: xr.Dataset) -> list[Conclusion]:
    """Return T1 or T1rho of each region [s], or why there is none.

    Parameters
    ----------
    relaxation : Dataset
        From `ssbchar.nmr.relaxation.fit_relaxation`.
    """
    is_recovery = relaxation.attrs["kind"] == RECOVERY
    rows = []
    for region in relaxation["region"].values:
        law = relaxation.sel(region=region)
        verdict = Verdict(str(law["verdict"].values))
        good = verdict in USABLE
        exponent = float(law["exponent"])
        start = float(law["start"]) / (float(law["equilibrium"]) or 1.0)
        formula = (
            f"E - (E - S) exp(-(t/T1)^b), S/E = {start:.2f}"
            if is_recovery
            else "S exp(-(t/T1rho)^b)"
        )
        rows.append(
            Conclusion(
                "t1" if is_recovery else "t1rho",
                value=float(law["t1"]) if good else None,
                stderr=float(law["t1_stderr"]) if good else None,
                systematic=float(law["t1_systematic"]) if good else None,
                unit="s",
                subject=str(region),
                verdict=verdict,
                reason=str(law["reason"].values),
                method=f"{formula}, b = {exponent:.3g}, over t = {relaxation.attrs['decay_axis']}; "
                "signed amplitudes, shapes of the strongest slices",
            )
        )
    return rows + conclude_metadata(relaxation)
