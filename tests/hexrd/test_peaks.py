"""Tracked peaks: known truth comes back with honest errors, absent peaks give limits, and the fit is scipy's."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.hexrd import peaks, peaks_fit, profiles
from ssbchar.hexrd.options import Tracking
from ssbchar.hexrd.wavelength import two_theta_from_d

WAVELENGTH = 0.2413
D = np.array([3.2, 2.7, 2.1])


def phase(name: str = "A", d: np.ndarray = D) -> xr.Dataset:
    n = d.size
    return xr.Dataset(
        {
            "h": ("reflection", np.arange(1, n + 1)),
            "k": ("reflection", np.zeros(n, int)),
            "l": ("reflection", np.zeros(n, int)),
            "multiplicity": ("reflection", np.full(n, 8)),
            "d": ("reflection", d, {"units": "angstrom"}),
            "structure_factor_squared": ("reflection", np.full(n, 100.0), {"units": "electron^2"}),
        },
        attrs={"phase": name},
    )


def series(
    frames: int, area: np.ndarray, strain: np.ndarray, seed: int = 1, noise: float = 1.0
) -> tuple[xr.Dataset, xr.Dataset, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = np.arange(2.0, 9.0, 0.006)
    truth = two_theta_from_d(D * (1 + strain[:, None]), WAVELENGTH)
    clean = np.full((frames, x.size), 400.0) + 20 * x
    for j in range(D.size):
        clean = clean + area[:, j : j + 1] * profiles.pseudo_voigt(x, truth[:, j : j + 1], 0.045, 0.4)
    y = rng.normal(clean, noise * np.sqrt(clean))
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), y),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(y, 1))),
            "wavelength": ((), WAVELENGTH),
            "status": ("frame", np.array(["ok"] * frames, dtype=object)),
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": x},
    )
    furnace = xr.Dataset({"temperature": ("frame", np.linspace(25, 600, frames))}, coords={"frame": patterns.frame})
    return patterns, furnace, truth


def test_pulls_of_position_width_and_area() -> None:
    frames = 300
    area = np.tile([60.0, 40.0, 25.0], (frames, 1))
    strain = 1.2e-5 * np.linspace(0, 575, frames)
    patterns, furnace, truth = series(frames, area, strain)
    found = peaks.track(patterns, furnace, [phase()], Tracking())
    order = np.argsort(-D)
    assert np.all(found.verdict.values == "ok")
    for name, right in (("position", truth[:, order]), ("area", area[:, order]), ("fwhm", 0.045), ("eta", 0.4)):
        pull = ((found[name] - right) / found[f"{name}_stderr"]).values
        assert np.all(np.abs(pull.mean(axis=0)) < 0.3), name
        assert np.all((pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)), (name, pull.std(axis=0))


def test_a_peak_that_vanishes_is_an_upper_limit() -> None:
    frames = 200
    area = np.tile([60.0, 40.0, 25.0], (frames, 1))
    area[100:] = 0
    patterns, furnace, _ = series(frames, area, 1.2e-5 * np.linspace(0, 575, frames), seed=3)
    found = peaks.track(patterns, furnace, [phase()], Tracking())
    assert np.all(found.verdict.values[:100] == "ok")
    gone = found.verdict.values[100:]
    assert np.mean(gone == "no_peak") > 0.97
    assert np.all(np.isnan(found.area.values[100:][gone == "no_peak"]))
    limit = found.area_upper95.values[100:]
    assert np.all(limit > 0) and np.median(limit) < 8


@pytest.mark.parametrize("k", [1, 2])
def test_chi_square_is_that_of_curve_fit(k: int) -> None:
    from scipy.optimize import curve_fit

    rng = np.random.default_rng(5)
    count, x = 150, np.linspace(5.0, 5.5, 84)
    position = np.stack([rng.uniform(5.15, 5.2, count), rng.uniform(5.28, 5.35, count)], 1)[:, :k]
    width, eta = rng.uniform(0.03, 0.06, (count, k)), rng.uniform(0.1, 0.9, count)
    area = rng.uniform(2, 60, (count, k))
    clean = np.full((count, x.size), 300.0)
    for j in range(k):
        clean += area[:, j : j + 1] * profiles.pseudo_voigt(
            x, position[:, j : j + 1], width[:, j : j + 1], eta[:, None]
        )
    y = rng.normal(clean, np.sqrt(clean))
    sigma = np.sqrt(np.maximum(y, 1))
    start = np.concatenate(
        [np.tile([5.17, 5.32][:k], (count, 1)), np.full((count, k), np.log(0.045)), np.full((count, 1), 0.5)], 1
    )
    low = np.concatenate([start[:, :k] - 0.07, np.full((count, k), np.log(0.009)), np.zeros((count, 1))], 1)
    high = np.concatenate([start[:, :k] + 0.07, np.full((count, k), np.log(0.225)), np.ones((count, 1))], 1)
    moved = np.where(np.arange(2 * k + 1) < k, 0.035, 0.0)
    data = peaks_fit.Windows(np.tile(x, (count, 1)), y, 1 / sigma**2)
    ours = peaks_fit.fit_best(data, [start, start - moved, start + moved], low, high, 60)
    assert ours.converged.mean() > 0.99

    def model(t: np.ndarray, *p: float) -> np.ndarray:
        shape, linear = np.array(p[: 2 * k + 1]), np.array(p[2 * k + 1 :])
        out = linear[k] + linear[k + 1] * (t - 5.25) / 0.25
        for j in range(k):
            out = out + linear[j] * profiles.pseudo_voigt(t, shape[j], np.exp(shape[k + j]), shape[2 * k])
        return out

    worse = 0
    for n in range(count):
        begin = np.concatenate([start[n], np.full(k, 20.0), [300.0, 0.0]])
        bounds = (np.concatenate([low[n], np.full(k + 2, -np.inf)]), np.concatenate([high[n], np.full(k + 2, np.inf)]))
        best, _ = curve_fit(model, x, y[n], begin, sigma[n], bounds=bounds, x_scale="jac", max_nfev=2000)
        worse += ours.chi2[n] > 1.001 * np.sum(((y[n] - model(x, *best)) / sigma[n]) ** 2)
    assert worse <= 0.01 * count


def test_derivatives_are_those_of_the_profile() -> None:
    x = np.linspace(-1, 1, 41)
    at = np.array([0.1, 0.2, 0.3])
    value, *derivatives = profiles.pseudo_voigt_derivatives(x, *(np.array(a) for a in at))
    np.testing.assert_allclose(value, profiles.pseudo_voigt(x, *at), rtol=1e-12)
    h = 1e-6
    for n, derivative in enumerate(derivatives):
        up, down = at.copy(), at.copy()
        up[n], down[n] = (at[n] * np.exp(h), at[n] * np.exp(-h)) if n == 1 else (at[n] + h, at[n] - h)
        numeric = (profiles.pseudo_voigt(x, *up) - profiles.pseudo_voigt(x, *down)) / (2 * h)
        np.testing.assert_allclose(derivative, numeric, rtol=1e-5, atol=1e-6)


def test_no_phase_is_said() -> None:
    from ssbchar.errors import BadInput

    patterns, furnace, _ = series(5, np.full((5, 3), 10.0), np.zeros(5))
    with pytest.raises(BadInput, match="no candidate phases"):
        peaks.track(patterns, furnace, [], Tracking())
