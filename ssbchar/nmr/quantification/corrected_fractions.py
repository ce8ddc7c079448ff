"""Back-corrected shares with the bracket of conventions, or an interval and the reason why there is
no number."""

from __future__ import annotations

import numpy as np
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.quantification import back_correction
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.region_areas import (
    FRACTIONS,
    ROUTE_METHODS,
    RegionSignal,
)
from ssbchar.nmr.regions import LI_SI, METAL
from ssbchar.statistics import Z95
from ssbchar.typing import Array


def list_correction_times(lines: xr.Dataset) -> dict[str, float]:
    """Return the delays the correction may go back over [s]: the axis value, TR, 2TR and 2TR +
    pulses."""
    delay = float(lines.attrs.get("echo_delay", np.nan))
    pulses = 0.5 * float(lines.attrs["pulse_1"]) + float(lines.attrs["pulse_2"])
    return {
        "axis": float(lines["decay_time"].values[0]),
        "TR": delay,
        "2TR": 2 * delay,
        "2TR+pulses": 2 * delay + pulses,
    }


def conclude_corrected_fractions(
    routes: dict[str, RegionSignal],
    decay: xr.Dataset | None,
    lines: xr.Dataset,
    options: QuantificationOptions,
    moves: bool,
    no_metal: str,
) -> list[Conclusion]:
    """Return the rows ``corrected`` of both regions, their bracket, and the part of their error
    that samples share.

    Parameters
    ----------
    routes : dict
        Areas of the quantified slice by ``lines`` and ``windows``.
    decay : Dataset or None
        T2* of the sample's regions.
    lines : Dataset
        Time-domain fit of the quantified measurement.
    options : QuantificationOptions
        Route, time of the correction.
    moves : bool
        Whether the sample evolves.
    no_metal : str
        Why no line of Li metal can be quantified, empty where one can.
    """
    fit_verdict = str(lines["verdict"].values[0])
    times = list_correction_times(lines)
    time = times.get(options.time, np.nan)
    why = no_metal or _why_not(decay, moves)
    if not why and not np.isfinite(time):
        why = f"the time {options.time} of the first echo is unknown (read.decay_axis)"
    if why or decay is None:
        trusted = [routes[options.route]] if fit_verdict == "ok" else list(routes.values())
        return _bounded(trusted, options, time, why)
    signal = routes[options.route]
    t2, exponent, law = (
        decay["t2_star"].values,
        decay["exponent"].values,
        decay["covariance"].values[:, 1:, 1:],
    )
    value, stderr = back_correction.propagate_fractions(
        signal.area, signal.covariance, t2, exponent, law, time
    )
    bracket = _bracket(signal, decay, times)
    raw = {k: v.shares()[0] for k, v in routes.items()}
    doubt = options.route == "windows" or fit_verdict != "ok"
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        spread = [b[r] for b, _ in bracket.values()]
        between = abs(raw["lines"][r] - raw["windows"][r]) / 2 if doubt else 0.0
        systematic = float(np.hypot(between, (max(spread) - min(spread)) / np.sqrt(12)))
        reason = f"bracket of conventions {100 * min(spread):.2f} to {100 * max(spread):.2f}"
        reason += (
            "" if fit_verdict == "ok" else "; the lines do not describe the decay within its noise"
        )
        found.append(
            Conclusion(
                FRACTIONS[region],
                value=100 * value[r],
                stderr=100 * stderr[r],
                systematic=100 * systematic,
                condition="corrected",
                verdict=fit_verdict,
                method=f"{ROUTE_METHODS[options.route]}; T2* back over t = {time:.4g} s",
                reason=reason,
                unit="percent",
                subject=region,
            )
        )
        found += [
            Conclusion(
                FRACTIONS[region],
                value=100 * float(b[r]),
                stderr=100 * float(e[r]),
                unit="percent",
                subject=region,
                condition=f"corrected, {k}",
            )
            for k, (b, e) in bracket.items()
        ]
    return found + _common(signal, decay, time)


def _why_not(decay: xr.Dataset | None, moves: bool) -> str:
    if moves:
        return "the sample evolves during the measurement"
    if decay is None:
        return "no decay series of this sample"
    return "; ".join(
        f"{region}: {v} ({reason})"
        for region, v, reason in zip(
            decay["region"].values, decay["verdict"].values, decay["reason"].values, strict=True
        )
        if v != "ok"
    )


def _bracket(
    signal: RegionSignal, decay: xr.Dataset, times: dict[str, float]
) -> dict[str, tuple[Array, Array]]:
    """Return shares and standard errors for each convention of time and exponent."""
    t2, exponent, law = (
        decay["t2_star"].values,
        decay["exponent"].values,
        decay["covariance"].values[:, 1:, 1:],
    )
    simple = law * np.array([[1.0, 0.0], [0.0, 0.0]])
    return {
        f"t = {name}, b {'fitted' if fitted else '= 1'}": back_correction.propagate_fractions(
            signal.area,
            signal.covariance,
            t2,
            exponent if fitted else np.ones_like(t2),
            law if fitted else simple,
            t,
        )
        for name, t in times.items()
        if np.isfinite(t)
        for fitted in ((True, False) if (exponent != 1).any() else (False,))
    }


def _common(signal: RegionSignal, decay: xr.Dataset, time: float) -> list[Conclusion]:
    """Return the part of each corrected share's error that comes with the T2* of pure Li, signed.

    All samples that share this T2* have it in common: the covariance of two samples' shares is the
    product of theirs.
    """
    shared = decay["shared"].values.astype(bool)
    if not shared.any():
        return []
    t2, exponent = decay["t2_star"].values, decay["exponent"].values
    only = decay["covariance"].values[:, 1:, 1:] * shared[:, None, None]
    _, part = back_correction.propagate_fractions(
        signal.area, 0 * signal.covariance, t2, exponent, only, time
    )
    longer = back_correction.fractions_from_areas(
        signal.area, t2 * np.where(shared, 1.001, 1.0), exponent, time
    )
    sign = np.sign(longer - back_correction.fractions_from_areas(signal.area, t2, exponent, time))
    return [
        Conclusion(
            "shared_error",
            value=100 * float(sign[r] * part[r]),
            unit="percent",
            subject=region,
            condition="corrected",
            verdict="part of stderr",
            method="error of the T2* of pure Li carried to the share, signed",
            reason="common to all samples of this reference; products of two samples' values are their covariance",
        )
        for r, region in enumerate((METAL, LI_SI))
    ]


def _bounded(
    signals: list[RegionSignal], options: QuantificationOptions, time: float, why: str
) -> list[Conclusion]:
    """Return the N/A rows: no value, but the interval that T2* of comparable samples leaves over
    the given routes."""
    known = bool(np.isfinite(time))
    stderr = np.max([signal.shares()[1] for signal in signals], axis=0)
    corners = [
        back_correction.fractions_from_areas(
            signal.area, [m, s], [1.0, 1.0], time if known else 0.0
        )
        for signal in signals
        for m in options.t2_metal
        for s in options.t2_range
    ]
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        low, high = min(c[r] for c in corners), max(c[r] for c in corners)
        limits = (
            (max(low - Z95 * stderr[r], 0.0), min(high + Z95 * stderr[r], 1.0))
            if known
            else (None, None)
        )
        found.append(
            Conclusion(
                FRACTIONS[region],
                unit="percent",
                subject=region,
                condition="corrected",
                verdict="N/A",
                reason=why,
                lower95=None if limits[0] is None else 100 * limits[0],
                upper95=None if limits[1] is None else 100 * limits[1],
                method=f"bounded by T2* of Li-Si {options.t2_range[0]:g} to {options.t2_range[1]:g} s",
            )
        )
    return found
