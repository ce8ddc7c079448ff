"""T2* of each region from a series of echoes, with gates that turn a bad fit into a verdict."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.nmr.decay.decay_law import DecayLaw, evaluate_decay, fit_decay_law, mean_time_from_t2
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.regions import METAL
from ssbchar.typing import Array


def fit_decay(
    series: xr.Dataset, options: DecayOptions, reference_decay: xr.Dataset | None = None
) -> xr.Dataset:
    """Fit the decay of each region.

    Parameters
    ----------
    series : Dataset
        ``region_area`` with covariance (from `lines.fit`), or ``window_area`` with stderr (from
        `spectrum.spectrum`).
    options : DecayOptions
        Laws and gates.
    reference_decay : Dataset, optional
        The result of this step on pure Li, whose T2* the Li metal of the sample shares.

    Returns
    -------
    Dataset
        Per region ``t2_star`` [s], ``exponent``, ``amplitude`` with ``_stderr``, ``covariance``
        (region, par, par2) of (amplitude, t2_star, exponent), ``mean_time``, ``chi2``, ``verdict``,
        ``reason``, ``shared``; the points ``decay_area`` (slice, region) over ``decay_time``.
    """
    time = series["decay_time"].values
    area, covariance = select_region_areas(series, free=True)
    laws, shared = [], []
    for r, region in enumerate(series["region"].values):
        law, taken = fit_decay_law(time, area[:, r], covariance[:, r, :, r], options), 0
        if region == METAL and options.share_metal and reference_decay is not None:
            given = reference_decay.sel(region=METAL)
            if str(given["verdict"].values) == "ok" and law.verdict != "not_decaying":
                law, taken = _shared(time, area[:, r], covariance[:, r, :, r], given, law), 1
        laws.append(law)
        shared.append(taken)
    cov = np.stack(
        [np.full((3, 3), np.nan) if law.covariance is None else law.covariance for law in laws]
    )
    stderr = np.sqrt(np.einsum("rii->ri", cov))
    columns = {"amplitude": ("1", 0), "t2_star": ("s", 1), "exponent": ("1", 2)}
    values = {
        "amplitude": [x.amplitude for x in laws],
        "t2_star": [x.t2 for x in laws],
        "exponent": [x.exponent for x in laws],
    }
    data: dict[str, object] = {}
    for name, (unit, column) in columns.items():
        data[name] = (
            "region",
            np.array(values[name], float),
            {"units": unit, "ancillary_variables": f"{name}_stderr"},
        )
        data[f"{name}_stderr"] = ("region", stderr[:, column], {"units": unit})
    data |= {
        "covariance": (("region", "par", "par2"), cov, {"units": "1"}),
        "mean_time": (
            "region",
            [mean_time_from_t2(x.t2, x.exponent) for x in laws],
            {"units": "s"},
        ),
        "chi2": ("region", np.array([x.chi2 for x in laws], float), {"units": "1"}),
        "verdict": ("region", np.array([x.verdict for x in laws])),
        "reason": ("region", np.array([x.reason for x in laws])),
        "shared": ("region", np.array(shared)),
        "decay_area": (("slice", "region"), area, {"units": "1"}),
        "decay_area_stderr": (
            ("slice", "region"),
            np.sqrt(np.einsum("srsr->sr", covariance)),
            {"units": "1"},
        ),
        "decay_area_covariance": (
            ("slice", "region", "region2"),
            np.einsum("srsq->srq", covariance),
            {"units": "1"},
        ),
        "decay_time": ("slice", time, {"units": "s"}),
    }
    return xr.Dataset(
        data,
        coords={
            "region": series["region"].values,
            "slice": series["slice"].values,
            "par": ["amplitude", "t2_star", "exponent"],
        },
        attrs={k: v for k, v in series.attrs.items() if k not in ("set_aside", "provenance")},
    )


def select_region_areas(series: xr.Dataset, free: bool = False) -> tuple[Array, Array]:
    """Return region areas (slice, region) and their covariance (slice, region, slice, region) of
    either route.

    With `free`, areas of lines without the bound at zero, which is unbiased where a signal has
    decayed into noise.
    """
    if "region_area" in series:
        return series["region_area_free" if free else "region_area"].values, series[
            "region_covariance"
        ].values
    area, stderr = series["window_area"].values, series["window_area_stderr"].values
    return area, np.einsum("sr,st,rq->srtq", stderr**2, np.eye(len(area)), np.eye(area.shape[1]))


def _shared(
    time: Array, area: Array, covariance: Array, given: xr.Dataset, own: DecayLaw
) -> DecayLaw:
    """Return the law with T2* and exponent from pure Li, its amplitude from the sample."""
    t2, exponent = float(given["t2_star"]), float(given["exponent"])
    shape = evaluate_decay(time, 1.0, t2, exponent)
    weight = np.linalg.pinv(covariance, hermitian=True)
    variance = 1 / float(shape @ weight @ shape)
    i0 = variance * float(shape @ weight @ area)
    residual = area - i0 * shape
    full = given["covariance"].values.copy()
    full[0, :] = full[:, 0] = 0.0
    full[0, 0] = variance
    reason = "T2* of pure Li"
    if own.verdict == "ok" and own.covariance is not None:
        error = float(np.sqrt(own.covariance[1, 1] + full[1, 1]))
        if abs(own.t2 - t2) > 3 * error:
            reason += f", though the sample's own is {1e6 * own.t2:.0f} +- {1e6 * error:.0f} us"
    return DecayLaw(
        i0, t2, exponent, full, float(residual @ weight @ residual), reason=reason, points=time.size
    )
