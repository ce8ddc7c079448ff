"""Peak fits: ours against scipy's curve_fit with analytic derivatives, against xrdfit and
SeriesXRD."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import timed, version
from ssbchar.hexrd.peaks import fit, pseudo_voigt

WINDOWS = 1000
POINTS = 84
RANGE = (5.0, 5.5)


def cases() -> Iterator[Mapping[str, Any]]:
    """Yield the comparisons; times are per window."""
    yield against_curve_fit(1)
    yield against_curve_fit(2)
    yield against_xrdfit()
    yield against_seriesxrd()


def made(k: int, count: int = WINDOWS, seed: int = 3) -> tuple[fit.Windows, np.ndarray, np.ndarray]:
    """Return windows of `k` pseudo-Voigts with Poisson-like noise, a start for each, and the true
    positions."""
    rng = np.random.default_rng(seed)
    x = np.linspace(*RANGE, POINTS)
    middle = np.array([5.25] if k == 1 else [5.19, 5.32])
    position = middle + rng.uniform(-0.03, 0.03, (count, k))
    width, eta = rng.uniform(0.03, 0.06, (count, k)), rng.uniform(0.2, 0.8, count)
    area = rng.uniform(20, 200, (count, k))
    clean = 300 + 40 * (x - 5.25) + np.zeros((count, 1))
    for j in range(k):
        clean = clean + area[:, j, None] * pseudo_voigt.pseudo_voigt(
            x, position[:, j, None], width[:, j, None], eta[:, None]
        )
    y = rng.normal(clean, np.sqrt(clean))
    start = np.concatenate(
        [np.tile(middle, (count, 1)), np.full((count, k), np.log(0.045)), np.full((count, 1), 0.5)],
        1,
    )
    return fit.Windows(x=np.tile(x, (count, 1)), y=y, weight=1 / np.maximum(y, 1)), start, position


def model_of(k: int) -> tuple[Any, Any]:
    """Return the model and its derivatives as curve_fit takes them: positions, ln(fwhm), eta,
    areas, background."""
    middle, half = (RANGE[0] + RANGE[1]) / 2, (RANGE[1] - RANGE[0]) / 2

    def model(x: np.ndarray, *p: float) -> np.ndarray:
        q, areas = np.array(p), np.array(p[2 * k + 1 : 3 * k + 1])
        value = pseudo_voigt.pseudo_voigt(x, q[:k, None], np.exp(q[k : 2 * k, None]), q[2 * k])
        return areas @ value + p[-2] + p[-1] * (x - middle) / half

    def jacobian(x: np.ndarray, *p: float) -> np.ndarray:
        q, areas = np.array(p), np.array(p[2 * k + 1 : 3 * k + 1])[:, None]
        peaks = [
            fit.differentiate_pseudo_voigt(x, q[j], np.exp(q[k + j]), q[2 * k]) for j in range(k)
        ]
        value, by_x, by_w, by_eta = np.stack(peaks, axis=1)
        last = [
            np.sum(areas * by_eta, axis=0)[None],
            value,
            np.ones((1, x.size)),
            ((x - middle) / half)[None],
        ]
        return np.concatenate([areas * by_x, areas * by_w, *last]).T

    return model, jacobian


def against_curve_fit(k: int) -> Mapping[str, Any]:
    """The same model, start and weights; curve_fit by MINPACK's Levenberg-Marquardt, its fastest;
    no bounds."""
    from scipy.optimize import curve_fit

    data, start, _ = made(k)
    free = np.full(start.shape, np.inf)
    ours_s, ours = timed(lambda: _in_chunks(data, start, -free, free))
    model, jacobian = model_of(k)
    x, sigma = data.x[0], 1 / np.sqrt(data.weight)
    chi2 = np.full(WINDOWS, np.nan)
    begun = time.perf_counter()
    for n in range(WINDOWS):
        begin = np.concatenate([start[n], np.full(k, 100.0), [300.0, 0.0]])
        try:
            best, _ = curve_fit(model, x, data.y[n], begin, sigma[n], jac=jacobian, method="lm")
        except RuntimeError:  # MINPACK gave up
            continue
        chi2[n] = np.sum(((data.y[n] - model(x, *best)) / sigma[n]) ** 2)
    peer_s = time.perf_counter() - begun
    good = np.mean((ours <= 1.001 * chi2) | np.isnan(chi2))
    return {
        "case": (
            f"fit of {k} pseudo-Voigt{'s' if k > 1 else ''} and a line, {WINDOWS} windows of "
            f"{POINTS} points, each"
        ),
        "ours_s": ours_s / WINDOWS,
        "peer": "scipy curve_fit, analytic derivatives",
        "peer_version": version("scipy"),
        "peer_s": peer_s / WINDOWS,
        "agreement": f"chi-square at most 1.001 x the peer's in {100 * good:.1f} % of windows; "
        f"the peer gave up in {int(np.isnan(chi2).sum())}",
    }


def _in_chunks(
    data: fit.Windows, start: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    rows = [np.arange(n, min(n + 256, WINDOWS)) for n in range(0, WINDOWS, 256)]
    return np.concatenate(
        [fit.fit_windows(data.take(r), start[r], low[r], high[r], 60).chi2 for r in rows]
    )


def against_xrdfit(count: int = 60) -> Mapping[str, Any]:
    """One peak per window; xrdfit as its users call it, reading of the file not counted."""
    data, start, _ = made(1)
    low, high = _bounds()
    ours_s, _ = timed(lambda: _in_chunks(data, start, low, high))
    case = {
        "case": "fit of one pseudo-Voigt per window, each",
        "ours_s": ours_s / WINDOWS,
        "peer": "xrdfit",
        "peer_version": version("xrdfit"),
        "peer_s": None,
        "agreement": "",
    }
    try:
        from xrdfit.spectrum_fitting import FitSpectrum, PeakParams
    except ImportError:
        return case
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectrum.tsv"
        np.savetxt(path, np.concatenate([data.x[:1], data.y[:count]]).T, delimiter="\t")
        spectrum = FitSpectrum(str(path))
    found = np.empty(count)
    begun = time.perf_counter()
    for n in range(count):
        spectrum.fit_peaks(PeakParams(RANGE, "peak"), n + 1)
        found[n] = spectrum.fitted_peaks[0].result.params["maximum_0_center"].value
    case["peer_s"] = (time.perf_counter() - begun) / count
    take = data.take(np.arange(count))
    fitted = fit.fit_windows(take, start[:count], low[:count], high[:count], 60)
    esd = np.sqrt(np.linalg.inv(fitted.normal)[:, 3, 3])
    apart = np.abs(found - fitted.shape[:, 0]) / esd
    case["agreement"] = (
        f"positions differ by {np.median(apart):.2f} esd in the median (the peer's background is "
        "flat)"
    )
    return case


def against_seriesxrd(count: int = 300) -> Mapping[str, Any]:
    """One peak per window; SeriesXRD's headless fit of a pattern, which finds the peak itself (our
    start is given)."""
    data, start, _ = made(1)
    ours_s, _ = timed(lambda: _in_chunks(data, start, *_bounds()))
    case = {
        "case": "fit of one pseudo-Voigt and a line per window, each",
        "ours_s": ours_s / WINDOWS,
        "peer": "SeriesXRD fit_pattern, with its detection",
        "peer_version": version("seriesxrd"),
        "peer_s": None,
        "agreement": "",
    }
    try:
        from seriesxrd.analysis.peaks import fit_pattern
    except ImportError:
        return case
    fit_pattern(data.x[0], data.y[0])
    begun = time.perf_counter()
    found = [fit_pattern(data.x[n], data.y[n]) for n in range(count)]
    case["peer_s"] = (time.perf_counter() - begun) / count
    low, high = (b[:count] for b in _bounds())
    fitted = fit.fit_windows(data.take(np.arange(count)), start[:count], low, high, 60)
    esd = np.sqrt(np.linalg.inv(fitted.normal)[:, 3, 3])
    best = [max(peaks, key=lambda p: p["area"])["center"] if peaks else np.nan for peaks in found]
    apart = np.abs(np.array(best) - fitted.shape[:, 0]) / esd
    lost = int(np.sum([not any(p["flag"] == 0 for p in peaks) for peaks in found]))
    case["agreement"] = (
        f"positions differ by {np.nanmedian(apart):.2f} esd in the median (the peer weighs all "
        "points alike); "
        f"no unflagged peak in {lost} of {count}"
    )
    return case


def _bounds() -> tuple[np.ndarray, np.ndarray]:
    bounds = [np.array([[5.15, np.log(0.01), 0.0]]), np.array([[5.35, np.log(0.2), 1.0]])]
    low, high = (np.repeat(b, WINDOWS, axis=0) for b in bounds)
    return low, high
