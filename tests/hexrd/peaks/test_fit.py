"""The batched fit of peaks: scipy's chi-square, right derivatives, and no trap beside a close
pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.peaks import fit, pseudo_voigt, select

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
    value, *derivatives = fit.differentiate_pseudo_voigt(x, *at)
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


X = np.linspace(4.0, 4.6, 61)


def one_peak(position: float = 4.3, noise: float = 0.0) -> fit.Windows:
    """A window with a peak of area 20 and width 0.08 on 100 + 10 u, u from -1 to 1."""
    peak = pseudo_voigt.pseudo_voigt(X, np.array(position), np.array(0.08), np.array(0.3))
    y = 100 + 10 * (X - 4.3) / 0.3 + 20 * peak
    y = y + noise * np.random.default_rng(1).standard_normal(X.size)
    return fit.Windows(x=X[None], y=y[None], weight=np.full((1, X.size), 0.25))


START = np.array([[4.31, np.log(0.07), 0.5]])
LOWER = np.array([[4.2, np.log(0.02), 0.0]])
UPPER = np.array([[4.4, np.log(0.3), 1.0]])


def test_a_clean_window_gives_its_peak_back() -> None:
    found = fit.fit_windows(one_peak(), START, LOWER, UPPER, 60)
    np.testing.assert_allclose(found.shape[0], [4.3, np.log(0.08), 0.3], atol=1e-5)
    np.testing.assert_allclose(found.linear[0], [20.0, 100.0, 10.0], rtol=1e-4)
    assert found.converged[0] and found.chi2[0] < 1e-6
    rows = fit.evaluate_jacobian(one_peak(), found.shape, found.linear)[0]
    np.testing.assert_allclose(found.normal[0], rows @ rows.T, rtol=1e-6, atol=1e-9)


def test_the_jacobian_is_that_of_differences() -> None:
    data, shape, linear = one_peak(), START, np.array([[20.0, 90.0, 5.0]])

    def model(q: np.ndarray, a: np.ndarray) -> np.ndarray:
        peak = pseudo_voigt.pseudo_voigt(X, q[0], np.exp(q[1]), q[2])
        return 0.5 * (a[0] * peak + a[1] + a[2] * (X - 4.3) / 0.3)

    rows = fit.evaluate_jacobian(data, shape, linear)[0]
    h = 1e-6
    for i in range(3):
        step = h * np.eye(3)[i]
        up, down = model(shape[0], linear[0] + step), model(shape[0], linear[0] - step)
        np.testing.assert_allclose(rows[i], (up - down) / (2 * h), rtol=1e-5, atol=1e-5)
        up, down = model(shape[0] + step, linear[0]), model(shape[0] - step, linear[0])
        np.testing.assert_allclose(rows[3 + i], (up - down) / (2 * h), rtol=1e-4, atol=1e-2)


def test_a_position_beyond_its_bound_stops_there() -> None:
    upper = np.array([[4.29, np.log(0.3), 1.0]])
    found = fit.fit_windows(one_peak(), START - np.array([0.05, 0, 0]), LOWER, upper, 60)
    assert found.shape[0, 0] == 4.29 and found.converged[0]
    lower = np.array([[4.31, np.log(0.02), 0.0]])
    found = fit.fit_windows(one_peak(), START + np.array([0.05, 0, 0]), lower, UPPER, 60)
    assert found.shape[0, 0] == 4.31 and found.converged[0]


def test_one_step_does_not_converge() -> None:
    found = fit.fit_windows(one_peak(noise=2.0), START + np.array([0.05, 0.5, 0]), LOWER, UPPER, 1)
    assert not found.converged[0]
    enough = fit.fit_windows(one_peak(noise=2.0), START, LOWER, UPPER, 30)
    assert enough.converged[0] and enough.chi2[0] < found.chi2[0]


def test_the_best_of_several_starts_is_kept() -> None:
    data = one_peak(noise=1.0)
    bad = START + np.array([-0.1, -1.0, 0.0])
    alone = fit.fit_windows(data, START, LOWER, UPPER, 30)
    for starts in ([bad, START], [START, bad]):
        found = fit.fit_from_starts(data, starts, LOWER, UPPER, 30)
        assert found.chi2[0] <= alone.chi2[0] * (1 + 1e-9)
        np.testing.assert_allclose(found.shape, alone.shape, atol=1e-3)


def test_improve_takes_over_only_what_is_better() -> None:
    data = fit.Windows(x=np.tile(X, (2, 1)), y=np.ones((2, 61)), weight=np.ones((2, 61)))
    start = np.tile(START, (2, 1))
    old = fit.fit_windows(data, start, start, start, 1)
    new = fit.fit_windows(data, start + 1, start + 1, start + 1, 1)
    old.chi2[:] = [5.0, 5.0]
    new.chi2[:] = [4.0, 6.0]
    old.improve(np.arange(2), new)
    assert old.chi2.tolist() == [4.0, 5.0]
    np.testing.assert_array_equal(old.shape, start + np.array([[1.0], [0.0]]))


def test_steps_are_limited_by_hand() -> None:
    """Half a width in position (of 0.08: 0.04), half in ln(fwhm) and eta."""
    q = np.array([4.3, np.log(0.08), 0.5])
    for step, factor in (
        ([0.04, 0.0, 0.0], 1.0),
        ([0.08, 0.0, 0.0], 0.5),
        ([0.0, 2.0, 0.0], 0.25),
        ([0.0, 0.0, -1.0], 0.5),
        ([0.0, 0.1, 0.2], 1.0),
    ):
        assert fit.limit_step(q, np.array(step)) == pytest.approx(factor)


BOUNDS = (LOWER[0], UPPER[0])


def one_window(noise: float = 0.1) -> fit.Window:
    data = one_peak(noise=noise)
    return fit.Window(X, data.y[0], np.sqrt(data.weight[0]))


def running(q: np.ndarray, damping: float) -> fit.Iterate:
    return fit.Iterate(q, fit.evaluate_window(one_window(), q), damping)


def test_the_state_of_a_window_is_that_of_its_model() -> None:
    window, q = one_window(), START[0]
    state = fit.evaluate_window(window, q)
    peak = pseudo_voigt.pseudo_voigt(X, q[0], np.exp(q[1]), q[2])
    design = np.stack([peak, np.ones(X.size), (X - 4.3) / 0.3]) * window.root
    linear = np.linalg.lstsq(design.T, window.y * window.root, rcond=None)[0]
    np.testing.assert_allclose(state.linear, linear, rtol=1e-8)
    residual = window.y * window.root - linear @ design
    np.testing.assert_allclose(state.residual, residual, atol=1e-8)
    assert state.chi2 == pytest.approx(residual @ residual)
    rows = fit.evaluate_jacobian(one_peak(noise=0.1), START, state.linear[None])[0]
    np.testing.assert_allclose(state.normal, rows @ rows.T, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(state.gradient, rows[3:] @ residual, rtol=1e-6)


def test_an_undamped_step_is_gauss_newtons() -> None:
    """The non-linear part of the step of all parameters, by plain least squares."""
    now = running(START[0], 0.0)
    rows = fit.evaluate_jacobian(one_peak(noise=0.1), START, now.state.linear[None])[0]
    whole = np.linalg.lstsq(rows.T, now.state.residual, rcond=None)[0]
    step, gain = fit.propose_step(now, BOUNDS)
    np.testing.assert_allclose(step, whole[3:], rtol=1e-5)
    left = now.state.residual - rows.T @ whole
    assert gain == pytest.approx(now.state.chi2 - left @ left, rel=1e-5)
    damped, same = fit.propose_step(running(START[0], 1.0), BOUNDS)
    assert np.all(np.abs(damped) < np.abs(step)) and same == pytest.approx(gain)
    # the damped matrix has twice the diagonal of the projected one
    linear, cross = now.state.normal[:3, :3], now.state.normal[:3, 3:]
    projected = now.state.normal[3:, 3:] - cross.T @ np.linalg.solve(linear, cross)
    stiff = projected + np.diag(np.diagonal(projected))
    np.testing.assert_allclose(damped, np.linalg.solve(stiff, now.state.gradient), rtol=1e-6)


@pytest.mark.parametrize(
    ("i", "value", "sign"), [(0, 4.27, 1), (0, 4.33, -1), (1, np.log(0.06), 1), (2, 0.9, -1)]
)
def test_parameters_at_a_bound_are_held_if_pushed_outwards(i: int, value: float, sign: int) -> None:
    q = np.array([4.3, np.log(0.08), 0.3])
    q[i] = value
    now = running(q, 0.0)
    here = np.arange(3) == i
    above, below = (np.where(here, q, LOWER[0]), UPPER[0]), (LOWER[0], np.where(here, q, UPPER[0]))
    inwards, outwards = (above, below) if sign > 0 else (below, above)
    assert sign * fit.propose_step(now, inwards)[0][i] > 0
    step, gain = fit.propose_step(now, outwards)
    assert step[i] == 0.0
    # the others move as if it were no parameter
    others = np.delete(np.arange(3), i)
    linear, cross = now.state.normal[:3, :3], now.state.normal[:3, 3:]
    projected = now.state.normal[3:, 3:] - cross.T @ np.linalg.solve(linear, cross)
    alone = np.linalg.solve(projected[np.ix_(others, others)], now.state.gradient[others])
    np.testing.assert_allclose(step[others], alone, rtol=1e-6)
    assert gain == pytest.approx(abs(alone @ now.state.gradient[others]))


def test_nothing_moves_where_all_is_held() -> None:
    step, gain = fit.propose_step(running(START[0], 0.0), (START[0], START[0]))
    np.testing.assert_array_equal(step, 0.0)
    assert gain == 0.0


def test_a_step_that_helps_is_taken_and_damped_less() -> None:
    now, window = running(START[0], 0.8), one_window()
    after = fit.try_step(window, now, np.array([-0.01, np.log(0.08 / 0.07), -0.2]), BOUNDS)
    assert after.state.chi2 < now.state.chi2 and after.damping == pytest.approx(0.1)
    np.testing.assert_allclose(after.q, [4.3, np.log(0.08), 0.3])
    again = fit.try_step(window, after, np.array([0.03, 0.3, 0.0]), BOUNDS)
    np.testing.assert_array_equal(again.q, after.q)
    assert again.damping == pytest.approx(0.6) and again.state.chi2 == after.state.chi2
    # steps end at the bounds
    short = fit.try_step(window, now, np.array([-0.01, 0.0, -0.2]), (LOWER[0], START[0]))
    np.testing.assert_allclose(short.q, [4.3, np.log(0.07), 0.3])
    blocked = fit.try_step(window, now, np.array([-0.01, 0.1, -0.2]), (LOWER[0], START[0]))
    assert blocked.q[1] == START[0, 1]


@pytest.mark.parametrize("bound", ["lower", "upper"])
def test_a_parameter_at_a_bound_is_not_held_where_chi_square_is_level(bound: str) -> None:
    """Without a gradient of its own it still follows the others."""
    now = running(START[0], 0.0)
    gradient = now.state.gradient.copy()
    assert np.all(gradient != 0)
    gradient[0] = 0.0
    # the others are pushed inwards
    gradient[1:] = np.abs(gradient[1:]) * (1 if bound == "lower" else -1)
    bounds = (START[0], UPPER[0]) if bound == "lower" else (LOWER[0], START[0])
    level = now._replace(state=now.state._replace(gradient=gradient))
    step, _ = fit.propose_step(level, bounds)
    assert np.all(step != 0.0)


@pytest.mark.parametrize("columns", [1, 3])
def test_small_symmetric_systems(columns: int) -> None:
    rng = np.random.default_rng(columns)
    rows = rng.standard_normal((5, 9)) * np.array([1e-6, 1, 1e5, 3, 1e2])[:, None]
    matrix, right = rows @ rows.T, rng.standard_normal((5, columns))
    found = right.copy()
    fit.solve_symmetric(matrix.copy(), found)
    size = np.sqrt(np.diagonal(matrix))[:, None]
    unit = matrix / size / size.T + 1e-12 * np.eye(5)
    np.testing.assert_allclose(found * size, np.linalg.solve(unit, right / size), rtol=1e-9)
    # two peaks in one place share what there is
    twice, half = np.full((2, 2), 2.0), np.array([[2.0], [2.0]])
    fit.solve_symmetric(twice, half)
    np.testing.assert_allclose(half, 0.5, rtol=1e-3)


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_bound_is_reached_whether_rounding_falls_short_of_it_or_not(sign: int) -> None:
    """From a share of one half, half a share more or less is a bound."""
    now, window = running(START[0], 0.0), one_window()
    for hair in (0.0, 1e-14, -1e-14):
        step = np.array([0.0, 0.0, sign * (0.5 + hair)])
        trial = fit.try_step(
            window, now._replace(state=now.state._replace(chi2=np.inf)), step, BOUNDS
        )
        assert trial.q[2] == (1.0 if sign > 0 else 0.0)
    near = np.array([0.0, 0.0, sign * (0.5 - 1e-9)])
    trial = fit.try_step(window, now._replace(state=now.state._replace(chi2=np.inf)), near, BOUNDS)
    assert 0.0 < trial.q[2] < 1.0
