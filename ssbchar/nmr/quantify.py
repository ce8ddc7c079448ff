"""Conclusions of one sample: Li-metal and Li-Si fractions, raw and back-corrected, and the share of Li that alloyed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from ssbchar.conclusion import Z95, Conclusion
from ssbchar.nmr import correct, evolve
from ssbchar.nmr.decay import areas
from ssbchar.nmr.hidden import hidden
from ssbchar.nmr.options import LI_SI, METAL, Quantifying
from ssbchar.nmr.tails import corrected_for_tails

Real = NDArray[np.float64]
NAMES = {METAL: "li_metal_fraction", LI_SI: "li_si_fraction"}
ROUTES = {"lines": "lines fitted to the decay", "windows": "window integrals"}


@dataclass(frozen=True)
class _Signal:
    """Region areas of the quantified slice by one route."""

    area: Real
    covariance: Real


def fractions(
    lines: xr.Dataset,
    spectrum: xr.Dataset,
    options: Quantifying,
    decay: xr.Dataset | None = None,
    repeats: Sequence[xr.Dataset] = (),
) -> list[Conclusion]:
    """Conclude on one measurement.

    Parameters
    ----------
    lines, spectrum : Dataset
        Both routes of the measurement (its first slice is quantified).
    options : Quantifying
        Route, time of the correction, nominal composition.
    decay : Dataset, optional
        T2* of the sample's regions.
    repeats : sequence of Dataset
        `lines.fit` of other spectra of the same sample: whether it evolves.
    """
    routes = {"lines": _first(lines), "windows": _first(spectrum)}
    tails = corrected_for_tails(routes["windows"].area, lines, spectrum)
    found = _raw(routes, tails, options, str(lines["verdict"].values[0]))
    drift = evolve.evolution([lines, *repeats], options.evolution_p)
    found += drift
    moves = bool(drift) and drift[0].verdict == "evolving"
    found += _corrected(routes, decay, lines, options, moves)
    found += hidden(lines, options.systematics)
    return found


def _first(data: xr.Dataset) -> _Signal:
    area, covariance = areas(data)
    return _Signal(area[0], covariance[0, :, 0, :])


def _shares(signal: _Signal) -> tuple[Real, Real]:
    n = signal.area.size
    return correct.with_stderr(signal.area, signal.covariance, np.ones(n), np.ones(n), np.zeros((n, 2, 2)), 0.0)


def _raw(routes: dict[str, _Signal], tails: Real, options: Quantifying, fit_verdict: str) -> list[Conclusion]:
    """Return the raw shares by the headline route, with half the routes' difference as systematic, and all others."""
    value = {k: _shares(v) for k, v in routes.items()}
    tail = tails / tails.sum()
    other = tail if options.route == "lines" else value["lines"][0]
    shift = np.abs(value[options.route][0] - other) / 2
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        name = NAMES[region]
        found.append(
            Conclusion(
                name, 100 * value[options.route][0][r], 100 * value[options.route][1][r], 100 * float(shift[r]),
                unit="percent", subject=region, condition="raw", verdict="ok" if fit_verdict == "ok" else fit_verdict,
                reason="" if fit_verdict == "ok" else "the lines do not describe the decay within its noise",
                method=ROUTES[options.route],
            )
        )  # fmt: skip
        for route, (share, stderr) in value.items():
            found.append(
                Conclusion(
                    name, 100 * share[r], 100 * stderr[r], unit="percent", subject=region,
                    condition=f"raw, {route}", method=ROUTES[route],
                )
            )  # fmt: skip
        found.append(
            Conclusion(
                name, 100 * float(tail[r]), 100 * value["windows"][1][r], unit="percent", subject=region,
                condition="raw, windows with tails", method="window integrals solved for the lines' tails",
            )
        )  # fmt: skip
    return found


def _corrected(
    routes: dict[str, _Signal], decay: xr.Dataset | None, lines: xr.Dataset, options: Quantifying, moves: bool
) -> list[Conclusion]:
    """Return the back-corrected shares with the bracket of conventions, or bounds and the reason why there are none."""
    why = _why_not(decay, moves)
    times = correction_times(lines)
    time = times.get(options.time, np.nan)
    if not why and not np.isfinite(time):
        why = f"the time {options.time} of the first echo is unknown (read.decay_axis)"
    if why or decay is None:
        trusted = [routes[options.route]] if str(lines["verdict"].values[0]) == "ok" else list(routes.values())
        return _bounded(trusted, options, time, why)
    t2, exponent = decay["t2_star"].values, decay["exponent"].values
    law = decay["covariance"].values[:, 1:, 1:]
    signal = routes[options.route]
    value, stderr = correct.with_stderr(signal.area, signal.covariance, t2, exponent, law, time)
    raw = {k: _shares(v)[0] for k, v in routes.items()}
    simple = law * np.array([[1.0, 0.0], [0.0, 0.0]])
    bracket = {
        f"t = {name}, b {'fitted' if fitted else '= 1'}": correct.with_stderr(
            signal.area, signal.covariance, t2,
            exponent if fitted else np.ones_like(t2), law if fitted else simple, t,
        )
        for name, t in times.items() if np.isfinite(t)
        for fitted in ((True, False) if (exponent != 1).any() else (False,))
    }  # fmt: skip
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        spread = [b[r] for b, _ in bracket.values()]
        systematic = np.hypot(
            abs(raw["lines"][r] - raw["windows"][r]) / 2 if options.route == "windows" else 0.0,
            (max(spread) - min(spread)) / np.sqrt(12),
        )
        found.append(
            Conclusion(
                NAMES[region], 100 * value[r], 100 * stderr[r], 100 * float(systematic), unit="percent", subject=region,
                condition="corrected", verdict="ok", method=f"{ROUTES[options.route]}; T2* back over t = {time:.4g} s",
                reason=f"bracket of conventions {100 * min(spread):.2f} to {100 * max(spread):.2f}",
            )
        )  # fmt: skip
        found += [
            Conclusion(
                NAMES[region], 100 * float(b[r]), 100 * float(e[r]), unit="percent", subject=region,
                condition=f"corrected, {k}",
            )
            for k, (b, e) in bracket.items()
        ]  # fmt: skip
    return found + _t2(decay) + _prelithiation(next(c for c in found if c.quantity == NAMES[LI_SI]), options)


def _why_not(decay: xr.Dataset | None, moves: bool) -> str:
    if moves:
        return "the sample evolves during the measurement"
    if decay is None:
        return "no decay series of this sample"
    bad = [
        f"{region}: {v} ({reason})"
        for region, v, reason in zip(
            decay["region"].values, decay["verdict"].values, decay["reason"].values, strict=True
        )
        if v != "ok"
    ]
    return "; ".join(bad)


def correction_times(lines: xr.Dataset) -> dict[str, float]:
    """Return the delays the correction may go back over [s]: the axis value, TR, 2TR and 2TR + pulses."""
    delay = float(lines.attrs.get("echo_delay", np.nan))
    pulses = 0.5 * float(lines.attrs["pulse_1"]) + float(lines.attrs["pulse_2"])
    return {
        "axis": float(lines["decay_time"].values[0]), "TR": delay, "2TR": 2 * delay, "2TR+pulses": 2 * delay + pulses,
    }  # fmt: skip


def _bounded(signals: list[_Signal], options: Quantifying, time: float, why: str) -> list[Conclusion]:
    """Return the N/A rows: no value, but the interval that T2* of comparable samples leaves over the given routes."""
    known = bool(np.isfinite(time))
    stderr = np.max([_shares(signal)[1] for signal in signals], axis=0)
    corners = [
        correct.fractions(signal.area, [m, s], [1.0, 1.0], time if known else 0.0)
        for signal in signals for m in options.t2_metal for s in options.t2_range
    ]  # fmt: skip
    found = []
    for r, region in enumerate((METAL, LI_SI)):
        low, high = min(c[r] for c in corners), max(c[r] for c in corners)
        limits = (max(low - Z95 * stderr[r], 0.0), min(high + Z95 * stderr[r], 1.0)) if known else (None, None)
        found.append(
            Conclusion(
                NAMES[region], unit="percent", subject=region, condition="corrected", verdict="N/A", reason=why,
                lower95=None if limits[0] is None else 100 * limits[0],
                upper95=None if limits[1] is None else 100 * limits[1],
                method=f"bounded by T2* of Li-Si {options.t2_range[0]:g} to {options.t2_range[1]:g} s",
            )
        )  # fmt: skip
    share = found[1]
    return [*found, *_prelithiation(share, options)]


def _t2(decay: xr.Dataset) -> list[Conclusion]:
    """Return T2* of each region (a decay over echo delay is a T2; the source calls it T2*)."""
    rows = []
    for r, region in enumerate(decay["region"].values):
        good = str(decay["verdict"].values[r]) == "ok"
        rows.append(
            Conclusion(
                "t2_star", float(decay["t2_star"].values[r]) if good else None,
                float(decay["t2_star_stderr"].values[r]) if good else None, unit="s", subject=str(region),
                verdict=str(decay["verdict"].values[r]), reason=str(decay["reason"].values[r]),
                method=f"I0 exp(-(t/T)^b), b = {float(decay['exponent'].values[r]):.3g}, "
                f"over t = {decay.attrs.get('decay_axis', '')}",
            )
        )  # fmt: skip
    return rows


def _prelithiation(li_si: Conclusion, options: Quantifying) -> list[Conclusion]:
    """Return p = A_LiSi / (A_Li + A_LiSi) and x = p x_nominal (closed Li balance, all Li seen alike)."""
    share = replace(
        li_si, quantity="alloyed_share", condition="", subject="sample",
        method="corrected Li-Si share; closed Li balance and equal visibility assumed",
    )  # fmt: skip
    if options.x_nominal is None:
        return [share]
    x, dx = options.x_nominal, options.x_nominal_stderr
    parts: dict[str, Any] = {k: None if getattr(share, k) is None else getattr(share, k) / 100 * x
             for k in ("value", "systematic", "lower95", "upper95")}  # fmt: skip
    stderr = None
    if share.value is not None and share.stderr is not None:
        stderr = float(np.hypot(share.stderr / 100 * x, share.value / 100 * dx))
    return [share, replace(share, quantity="x_alloyed", unit="1", stderr=stderr, **parts)]


def leak(lines: xr.Dataset) -> list[Conclusion]:
    """Return the share of pure Li's signal that reads as Li-Si, with its upper limit.

    Parameters
    ----------
    lines : Dataset
        `lines.fit` of pure Li.
    """
    share, stderr = _shares(_first(lines))
    return [
        Conclusion(
            "li_si_leak", 100 * share[1], 100 * stderr[1], unit="percent", subject=LI_SI, condition="pure Li",
            lower95=0.0, upper95=100 * float(max(share[1], 0.0) + 1.645 * stderr[1]), verdict="upper limit",
            method="lines fitted to the decay of pure Li",
        )
    ]  # fmt: skip
