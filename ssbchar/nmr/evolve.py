"""Whether a sample changes between its spectra, and how fast."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr import correct
from ssbchar.nmr.decay import areas
from ssbchar.nmr.options import LI_SI


def evolution(spectra: list[xr.Dataset], level: float) -> list[Conclusion]:
    """Return the drift of the Li-Si share per hour and whether equal shares can be excluded.

    chi2 = sum (f_i - mean)^2 / s_i^2 over the spectra, against the chi-square distribution with n - 1 degrees of
    freedom; the drift is the weighted slope over the acquisition time stamps.

    Parameters
    ----------
    spectra : list of Dataset
        From `lines.fit`, two or more of one sample; first slices are compared.
    level : float
        Probability below which equal shares are excluded.
    """
    if len(spectra) < 2:
        return []
    from scipy.stats import chi2 as chi2_law

    shares, errors = [], []
    for data in spectra:
        area, covariance = areas(data)
        n = area.shape[1]
        value, stderr = correct.with_stderr(
            area[0], covariance[0, :, 0, :], np.ones(n), np.ones(n), np.zeros((n, 2, 2)), 0.0
        )
        shares.append(value[1])
        errors.append(stderr[1])
    f, s = np.array(shares), np.array(errors)
    mean = np.sum(f / s**2) / np.sum(1 / s**2)
    chi2 = float(np.sum(((f - mean) / s) ** 2))
    p = float(chi2_law.sf(chi2, len(f) - 1))
    verdict = "evolving" if p < level else "stable"
    reason = f"{len(f)} spectra, chi2 {chi2:.1f}, probability of equal shares {p:.2g}"
    hours = np.array([float(d.attrs.get("date", 0)) for d in spectra]) / 3600
    if np.ptp(hours) == 0:
        return [
            Conclusion("drift", unit="percent/h", subject=LI_SI, verdict=verdict, reason=reason + "; no time stamps")
        ]
    centred = hours - np.sum(hours / s**2) / np.sum(1 / s**2)
    variance = 1 / np.sum((centred / s) ** 2)
    slope = variance * np.sum(centred * f / s**2)
    return [
        Conclusion(
            "drift", 100 * float(slope), 100 * float(np.sqrt(variance)), unit="percent/h", subject=LI_SI,
            verdict=verdict, reason=reason, method="weighted slope of the Li-Si share over acquisition dates",
        )
    ]  # fmt: skip
