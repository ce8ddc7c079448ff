"""What would have been missed: the smallest amount of each absent phase that would have been seen in 95 of 100."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ssbchar.conclusion import Conclusion

if TYPE_CHECKING:
    import xarray as xr

Array = NDArray[np.float64]
POWER_95 = 1.6448536269514722
"""One-sided 95 % quantile: an amount this many sigma above the threshold is seen in 95 of 100."""
THRESHOLD = 5.0
"""Standard deviations from which a phase counts as seen."""


def unseen(lattice: xr.Dataset, furnace: xr.Dataset, known: Mapping[str, xr.Dataset]) -> list[Conclusion]:
    """Return the detection limit of every phase that some frames do not show.

    Of the frames without the phase, the median of (threshold + 1.64) sigma of its intensity: in weight percent where
    the structures of all present phases are trusted, else relative to the strongest phase's intensity.
    """
    rows = []
    intensity, stderr = lattice["intensity"].values, lattice["intensity_stderr"].values
    present = lattice["present"].values == 1
    strongest = np.where(present, np.nan_to_num(intensity), 0.0).max(axis=1, initial=0.0)
    share = _weights(lattice, known)
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        absent = ~present[:, p] & np.isfinite(stderr[:, p]) & (stderr[:, p] > 0) & (strongest > 0)
        if not absent.any():
            continue
        amount = (THRESHOLD + POWER_95) * stderr[absent, p]
        relative = 100 * amount / strongest[absent]
        kind, values = "of the strongest phase's intensity", relative
        if share is not None:
            mass = share[name] * amount
            values = 100 * mass / (mass + _total(lattice, share)[absent])
            kind = "by weight"
        low, high = np.percentile(values, [5, 95])
        reason = f"{kind}; median of {absent.sum()} frames without it, {low:.2g} to {high:.2g} % in nine of ten"
        method = f"{THRESHOLD:g} sigma reached in 95 of 100, from the noise of the refined intensity"
        limit = float(np.median(values))
        rows.append(
            Conclusion(
                "detection_limit", limit, unit="percent", verdict="ok", reason=reason, method=method, subject=name
            )
        )
    return rows


def _weights(lattice: xr.Dataset, known: Mapping[str, xr.Dataset]) -> dict[str, float] | None:
    """Return mass per intensity of each phase, cell mass times volume times scale over intensity; None if unknown."""
    out = {}
    if "scale_stderr" not in lattice:
        return None
    for p, name in enumerate(lattice["phase"].values.astype(str)):
        about = known.get(name)
        if about is None or not about.attrs.get("refinable") or "cell_mass" not in about.attrs:
            return None
        ratio = lattice["scale_stderr"].values[:, p] / lattice["intensity_stderr"].values[:, p]
        if not np.isfinite(ratio).any():
            return None
        out[name] = float(np.nanmedian(ratio)) * float(about.attrs["cell_mass"]) * float(about.attrs["volume"])
    return out


def _total(lattice: xr.Dataset, share: Mapping[str, float]) -> Array:
    """Return the mass of the phases present in each frame, in the unit of `share` times intensity."""
    names = lattice["phase"].values.astype(str)
    there = np.where(lattice["present"].values == 1, lattice["intensity"].values, 0.0)
    return np.asarray(there @ np.array([share[n] for n in names]))
