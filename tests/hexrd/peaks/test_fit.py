"""The batched fit of peaks: scipy's chi-square, right derivatives, and no trap beside a close
pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.peaks import fit, pseudo_voigt, select
from ssbchar.uncertain import inflation_from_residuals, serial_inflations

RULES = select.SelectionRules(reach=0.032, width=0.032, threshold=4.0, iterations=30)


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
        clean += area[:, j : j + 1] * pseudo_voigt.pseudo_voigt(
            x, position[:, j : j + 1], width[:, j : j + 1], eta[:, None]
        )
    y = rng.normal(clean, np.sqrt(clean))
    sigma = np.sqrt(np.maximum(y, 1))
    start = np.concatenate(
        [
            np.tile([5.17, 5.32][:k], (count, 1)),
            np.full((count, k), np.log(0.045)),
            np.full((count, 1), 0.5),
        ],
        1,
    )
    low = np.concatenate(
        [start[:, :k] - 0.07, np.full((count, k), np.log(0.009)), np.zeros((count, 1))], 1
    )
    high = np.concatenate(
        [start[:, :k] + 0.07, np.full((count, k), np.log(0.225)), np.ones((count, 1))], 1
    )
    moved = np.where(np.arange(2 * k + 1) < k, 0.035, 0.0)
    data = fit.Windows(x=np.tile(x, (count, 1)), y=y, weight=1 / sigma**2)
    ours = fit.fit_from_starts(data, [start, start - moved, start + moved], low, high, 60)
    assert ours.converged.mean() > 0.99

    def model(t: np.ndarray, *p: float) -> np.ndarray:
        shape, linear = np.array(p[: 2 * k + 1]), np.array(p[2 * k + 1 :])
        out = linear[k] + linear[k + 1] * (t - 5.25) / 0.25
        for j in range(k):
            out = out + linear[j] * pseudo_voigt.pseudo_voigt(
                t, shape[j], np.exp(shape[k + j]), shape[2 * k]
            )
        return out

    worse = 0
    for n in range(count):
        begin = np.concatenate([start[n], np.full(k, 20.0), [300.0, 0.0]])
        bounds = (
            np.concatenate([low[n], np.full(k + 2, -np.inf)]),
            np.concatenate([high[n], np.full(k + 2, np.inf)]),
        )
        best, _ = curve_fit(
            model, x, y[n], begin, sigma[n], bounds=bounds, x_scale="jac", max_nfev=2000
        )
        worse += ours.chi2[n] > 1.001 * np.sum(((y[n] - model(x, *best)) / sigma[n]) ** 2)
    assert worse <= 0.01 * count


def test_derivatives_are_those_of_the_profile() -> None:
    x = np.linspace(-1, 1, 41)
    at = np.array([0.1, 0.2, 0.3])
    value, *derivatives = pseudo_voigt.pseudo_voigt_derivatives(x, *(np.array(a) for a in at))
    np.testing.assert_allclose(value, pseudo_voigt.pseudo_voigt(x, *at), rtol=1e-12)
    h = 1e-6
    for n, derivative in enumerate(derivatives):
        up, down = at.copy(), at.copy()
        up[n], down[n] = (
            (at[n] * np.exp(h), at[n] * np.exp(-h)) if n == 1 else (at[n] + h, at[n] - h)
        )
        numeric = (pseudo_voigt.pseudo_voigt(x, *up) - pseudo_voigt.pseudo_voigt(x, *down)) / (
            2 * h
        )
        np.testing.assert_allclose(derivative, numeric, rtol=1e-5, atol=1e-6)


def test_serial_inflation_is_the_house_formula() -> None:
    noise = np.random.default_rng(0).normal(size=(20, 300))
    smooth = noise + np.concatenate([np.zeros((20, 1)), 0.8 * noise[:, :-1]], axis=1)
    for rows in (noise, smooth):
        expected = [inflation_from_residuals(row) for row in rows]
        np.testing.assert_allclose(serial_inflations(rows), expected, rtol=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.floats(0.1, 1000.0), st.integers(0, 10**6))
def test_fit_scales_with_the_counts(factor: float, seed: int) -> None:
    """Counts and errors times a factor: areas times the factor, positions and chi-square the
    same."""
    rng = np.random.default_rng(seed)
    x = np.linspace(5.0, 5.5, 84)[None]
    clean = 300 + 40 * pseudo_voigt.pseudo_voigt(
        x, np.array(5.25 + rng.uniform(-0.02, 0.02)), np.array(0.045), np.array(0.4)
    )
    y = rng.normal(clean, np.sqrt(clean))
    start = np.array([[5.25, np.log(0.045), 0.5]])
    low, high = np.array([[5.2, np.log(0.01), 0.0]]), np.array([[5.3, np.log(0.2), 1.0]])
    one = fit.fit_windows(fit.Windows(x=x, y=y, weight=1 / clean), start, low, high, 60)
    other = fit.fit_windows(
        fit.Windows(x=x, y=factor * y, weight=1 / (factor**2 * clean)), start, low, high, 60
    )
    np.testing.assert_allclose(other.shape, one.shape, atol=1e-4)
    np.testing.assert_allclose(other.linear, factor * one.linear, rtol=1e-3, atol=1e-2 * factor)
    np.testing.assert_allclose(other.chi2, one.chi2, rtol=1e-5)


def test_a_close_pair_that_moves_apart_is_not_lost() -> None:
    """Two lines expected 1.4 widths apart stand 2.4 apart: from the expected places least squares
    ends in a trap."""
    rng = np.random.default_rng(8)
    x = np.tile(np.arange(3.20, 3.40, 0.006), (60, 1))
    truth = np.array([3.26, 3.338])
    clean = 6000 + sum(
        800 * pseudo_voigt.pseudo_voigt(x, np.array(t), np.array(0.03), np.array(0.4))
        for t in truth
    )
    data = fit.Windows(x=x, y=rng.normal(clean, np.sqrt(clean)), weight=1 / clean)
    centre = np.tile([3.2677, 3.3134], (60, 1))
    yes = np.ones((60, 2), dtype=bool)
    found = select.select_peaks(data, centre, yes, yes, RULES)
    assert found.present.all() and not found.at_edge.any() and found.converged.all()
    pull = (found.position - truth) / np.sqrt(found.covariance[..., 0, 0])
    assert np.all(np.abs(pull.mean(axis=0)) < 0.4) and np.all(
        (pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)
    )
