"""T2* of each region from a series of echoes, with gates that turn a bad fit into a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.nmr.options import METAL, Decay

Real = NDArray[np.float64]


@dataclass(frozen=True)
class Law:
    """I(t) = amplitude exp(-(t / t2)^exponent), fitted or not."""

    amplitude: float = np.nan
    t2: float = np.nan
    exponent: float = 1.0
    covariance: Real | None = None
    """Of (amplitude, t2, exponent)."""
    chi2: float = np.nan
    verdict: str = "ok"
    reason: str = ""
    points: int = 0


def amplitude(time: Real, i0: float, t2: float, exponent: float) -> Real:
    """Return I0 exp(-(t/T)^b), the stretched exponential (b = 1: simple)."""
    return np.asarray(i0 * np.exp(-((np.maximum(time, 0.0) / t2) ** exponent)))


def mean_time(t2: float, exponent: float) -> float:
    """Return the mean decay time (T/b) Gamma(1/b) of a stretched exponential [s]."""
    from math import gamma

    return t2 / exponent * gamma(1 / exponent)


def fit(series: xr.Dataset, options: Decay, reference_decay: xr.Dataset | None = None) -> xr.Dataset:
    """Fit the decay of each region.

    Parameters
    ----------
    series : Dataset
        ``region_area`` with covariance (from `lines.fit`), or ``window_area`` with stderr (from `spectrum.spectrum`).
    options : Decay
        Laws and gates.
    reference_decay : Dataset, optional
        The result of this step on pure Li, whose T2* the Li metal of the sample shares.

    Returns
    -------
    Dataset
        Per region ``t2_star`` [s], ``exponent``, ``amplitude`` with ``_stderr``, ``covariance`` (region, par, par2) of
        (amplitude, t2_star, exponent), ``mean_time``, ``chi2``, ``verdict``, ``reason``, ``shared``; the points
        ``decay_area`` (slice, region) over ``decay_time``.
    """
    time = series["decay_time"].values
    area, covariance = areas(series, free=True)
    laws, shared = [], []
    for r, region in enumerate(series["region"].values):
        law = fit_law(time, area[:, r], covariance[:, r, :, r], options)
        taken = region == METAL and options.share_metal and reference_decay is not None
        if taken and reference_decay is not None:
            given = reference_decay.sel(region=METAL)
            if str(given["verdict"].values) == "ok":
                law = _shared(time, area[:, r], covariance[:, r, :, r], given, law)
            else:
                taken = False
        laws.append(law)
        shared.append(int(taken))
    cov = np.stack([np.full((3, 3), np.nan) if law.covariance is None else law.covariance for law in laws])
    stderr = np.sqrt(np.einsum("rii->ri", cov))
    columns = {"amplitude": ("1", 0), "t2_star": ("s", 1), "exponent": ("1", 2)}
    values = {"amplitude": [x.amplitude for x in laws], "t2_star": [x.t2 for x in laws],
              "exponent": [x.exponent for x in laws]}  # fmt: skip
    data: dict[str, object] = {}
    for name, (unit, column) in columns.items():
        data[name] = ("region", np.array(values[name], float), {"units": unit, "ancillary_variables": f"{name}_stderr"})
        data[f"{name}_stderr"] = ("region", stderr[:, column], {"units": unit})
    data |= {
        "covariance": (("region", "par", "par2"), cov, {"units": "1"}),
        "mean_time": ("region", [mean_time(x.t2, x.exponent) for x in laws], {"units": "s"}),
        "chi2": ("region", np.array([x.chi2 for x in laws], float), {"units": "1"}),
        "verdict": ("region", np.array([x.verdict for x in laws])),
        "reason": ("region", np.array([x.reason for x in laws])),
        "shared": ("region", np.array(shared)),
        "decay_area": (("slice", "region"), area, {"units": "1"}),
        "decay_area_stderr": (("slice", "region"), np.sqrt(np.einsum("srsr->sr", covariance)), {"units": "1"}),
        "decay_area_covariance": (("slice", "region", "region2"), np.einsum("srsq->srq", covariance), {"units": "1"}),
        "decay_time": ("slice", time, {"units": "s"}),
    }
    return xr.Dataset(
        data,
        coords={"region": series["region"].values, "slice": series["slice"].values,
                "par": ["amplitude", "t2_star", "exponent"]},
        attrs={k: v for k, v in series.attrs.items() if k not in ("set_aside", "provenance")},
    )  # fmt: skip


def areas(series: xr.Dataset, free: bool = False) -> tuple[Real, Real]:
    """Return region areas (slice, region) and their covariance (slice, region, slice, region) of either route.

    With `free`, areas of lines without the bound at zero, which is unbiased where a signal has decayed into noise.
    """
    if "region_area" in series:
        return series["region_area_free" if free else "region_area"].values, series["region_covariance"].values
    area, stderr = series["window_area"].values, series["window_area_stderr"].values
    return area, np.einsum("sr,st,rq->srtq", stderr**2, np.eye(len(area)), np.eye(area.shape[1]))


def fit_law(time: Real, area: Real, covariance: Real, options: Decay) -> Law:
    """Return the decay law of one region with its verdict.

    Parameters
    ----------
    time, area : ndarray, shape (slice,)
        Decay times [s] and areas.
    covariance : ndarray, shape (slice, slice)
        Of the areas.
    options : Decay
        Laws and gates.
    """
    good = np.isfinite(time) & np.isfinite(area)
    time, area, covariance = time[good], area[good], covariance[np.ix_(good, good)]
    order = np.argsort(time, kind="stable")
    time, area, covariance = time[order], area[order], covariance[np.ix_(order, order)]
    stderr = np.sqrt(np.diag(covariance))
    if np.unique(time).size < 3:
        return Law(verdict="too_few", reason=f"{np.unique(time).size} decay times; three are needed", points=time.size)
    if not area[0] > 3 * stderr[0]:
        return Law(verdict="no_signal", reason="the first slice is below 3 standard errors", points=time.size)
    rise = _rise(area, covariance, options.max_rise)
    if rise:
        return Law(verdict="not_decaying", reason=rise, points=time.size)
    best: Law | None = None
    for model in options.models:
        law = _least_squares(time, area, covariance, model == "stretched")
        scatter = max(best.chi2 / max(time.size - 2, 1), 1.0) if best else 1.0
        if law and (best is None or law.chi2 / scatter + np.log(time.size) + options.min_gain < best.chi2 / scatter):
            best = law
    return _gated(best, area, options, time.size)


def _rise(area: Real, covariance: Real, limit: float) -> str:
    """Return what rises against the decay, empty where nothing does."""
    variance = np.diag(covariance)
    change = area[None, :] - area[:, None]
    spread = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 1e-300))
    later = np.triu(np.ones_like(change, bool), 1)
    bad = later & (change > limit * spread) & (change > 0.05 * area[0])
    if not bad.any():
        return ""
    i, j = np.unravel_index(np.where(bad, change, -np.inf).argmax(), bad.shape)
    return (
        f"rises from {area[i] / area[0]:.2f} to {area[j] / area[0]:.2f} of the first between slices {i + 1} and {j + 1}"
    )


def _least_squares(time: Real, area: Real, covariance: Real, stretched: bool) -> Law | None:
    """Return the generalised least-squares fit of a simple or stretched exponential.

    Scatter beyond the stated errors is taken as relative (pulses, receiver): its size makes chi-square equal the
    degrees of freedom (R. C. Paule & J. Mandel, J. Res. Natl. Bur. Stand. 87 (1982) 377); the variance then has
    Student's factor dof / (dof - 2).
    """
    free = 3 if stretched else 2
    if time.size < free:
        return None
    p, logs, chi2 = _fitted(time, area, covariance, free)
    dof = time.size - free
    if dof > 0 and chi2 > dof:
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = np.sqrt(low * high) if low > 0 else high / 8
            more = np.diag((middle * amplitude(time, *p)) ** 2)
            p, logs, now = _fitted(time, area, covariance + more, free)
            low, high = (middle, high) if now > dof else (low, middle)
            if low > 0 and high / low < 1.1:
                break
        logs = logs * (dof / (dof - 2) if dof > 2 else 3.0)
    scale = np.diag(p[:free])
    full = np.zeros((3, 3))
    full[:free, :free] = scale @ logs @ scale
    return Law(float(p[0]), float(p[1]), float(p[2]), full, chi2, points=time.size)


def _fitted(time: Real, area: Real, covariance: Real, free: int) -> tuple[Real, Real, float]:
    """Return (amplitude, T, b), the covariance of the logarithms of the free ones, and chi-square."""
    from scipy.optimize import least_squares

    ridge = 1e-12 * np.trace(covariance) / time.size * np.eye(time.size)
    whiten = np.linalg.inv(np.linalg.cholesky(covariance + ridge))
    span = float(np.ptp(time))
    half = np.flatnonzero(area < area[0] / np.e)
    t2 = float(time[half[0]] - time[0]) if half.size else span
    start = np.array([np.log(area[0]), np.log(max(t2, 1e-3 * span)), 0.0])[:free]

    def all_three(logs: Real) -> Real:
        return np.asarray(np.exp(np.append(logs, [0.0] * (3 - free))))

    found = least_squares(lambda logs: whiten @ (amplitude(time, *all_three(logs)) - area), start, method="lm")
    return all_three(found.x), np.linalg.pinv(found.jac.T @ found.jac), float(2 * found.cost)


def _gated(law: Law | None, area: Real, options: Decay, points: int) -> Law:
    from dataclasses import replace

    if law is None or law.covariance is None:
        return Law(verdict="failed", reason="the fit did not converge", points=points)
    if law.exponent < options.min_exponent:
        return replace(law, verdict="stretched", reason=f"exponent {law.exponent:.2f} < {options.min_exponent}")
    if law.amplitude > options.max_extrapolation * area[0]:
        ratio = law.amplitude / area[0]
        return replace(law, verdict="far", reason=f"extrapolates to {ratio:.2f} times the first slice")
    if np.sqrt(law.covariance[1, 1]) > 0.5 * law.t2:
        return replace(law, verdict="undetermined", reason="standard error of T2* above half its value")
    return law


def _shared(time: Real, area: Real, covariance: Real, given: xr.Dataset, own: Law) -> Law:
    """Return the law with T2* and exponent from pure Li, its amplitude from the sample."""
    t2, exponent = float(given["t2_star"]), float(given["exponent"])
    shape = amplitude(time, 1.0, t2, exponent)
    weight = np.linalg.pinv(covariance, hermitian=True)
    variance = 1 / float(shape @ weight @ shape)
    i0 = variance * float(shape @ weight @ area)
    residual = area - i0 * shape
    full = given["covariance"].values.copy()
    full[0, :] = full[:, 0] = 0.0
    full[0, 0] = variance
    return Law(i0, t2, exponent, full, float(residual @ weight @ residual), "ok", "T2* of pure Li", time.size)
