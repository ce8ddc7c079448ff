"""Curves against temperature: exact curves come back, errors of both axes count, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.hexrd.expansion import curves
from ssbchar.hexrd.expansion.curves import Basis, CellCurve, CellPoints

T = np.linspace(0.0, 400.0, 41)
POLYNOMIAL = Basis(model="polynomial", order=2, low=0.0, high=400.0)
DEBYE = Basis(model="debye", order=1, low=0.0, high=400.0, theta=500.0)
EINSTEIN = replace(DEBYE, model="einstein")


def points(
    values: np.ndarray, sigma: float = 1e-4, temperature_stderr: float = 0.0, t: np.ndarray = T
) -> CellPoints:
    values = values.reshape(t.size, -1)
    return CellPoints(
        temperature=t,
        temperature_stderr=np.full(t.size, temperature_stderr),
        values=values,
        covariance=np.tile(sigma**2 * np.eye(values.shape[1]), (t.size, 1, 1)),
    )


def fitted(data: CellPoints, **how: object) -> CellCurve:
    found = curves.fit_curves(data, **how)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_basis_by_hand() -> None:
    """Chebyshev polynomials 1, x, 2 x^2 - 1 of x = T / 200 - 1."""
    at = np.array([0.0, 200.0, 300.0, 400.0])
    np.testing.assert_allclose(
        POLYNOMIAL(at), [[1, -1, 1], [1, 0, -1], [1, 0.5, -0.5], [1, 1, 1]], atol=1e-15
    )
    slopes = POLYNOMIAL.differentiate(at) * 200
    np.testing.assert_allclose(slopes, [[0, 1, -4], [0, 1, 0], [0, 1, 2], [0, 1, 4]], atol=1e-12)


@pytest.mark.parametrize("basis", [POLYNOMIAL, DEBYE, EINSTEIN])
def test_rates_are_derivatives(basis: Basis) -> None:
    h = 0.5
    numeric = (basis(T + h) - basis(T - h)) / (2 * h)
    np.testing.assert_allclose(basis.differentiate(T), numeric, rtol=1e-4, atol=1e-9)


def test_thermal_energies_by_hand() -> None:
    """Einstein at T = theta: theta / (e - 1); Debye there: 3 theta times 0.2248 (D(1) / 3)."""
    at = np.array([500.0 - 273.15])
    einstein = curves.calculate_thermal_energy("einstein", at, 500.0)
    np.testing.assert_allclose(einstein, 500 / (np.e - 1), rtol=1e-12)
    debye = curves.calculate_thermal_energy("debye", at, 500.0)
    np.testing.assert_allclose(debye, 3 * 500 * 0.224805, rtol=1e-5)


def test_effective_covariance_by_hand() -> None:
    data = points(np.zeros((41, 2)), sigma=0.1, temperature_stderr=2.0)
    rates = np.tile([0.1, -0.2], (41, 1))
    np.testing.assert_allclose(
        data.effective_covariance(rates)[7],
        [[0.01 + 0.04, -0.08], [-0.08, 0.01 + 0.16]],
        rtol=1e-12,
    )


@settings(max_examples=20, deadline=None)
@given(st.floats(3, 30), st.floats(-1e-3, 1e-3), st.floats(-1e-6, 1e-6))
def test_an_exact_parabola_comes_back(start: float, slope: float, bend: float) -> None:
    y = start + slope * T + bend * T**2
    found = fitted(points(y, sigma=1e-8))
    at = found.evaluate(np.array([37.0]))
    np.testing.assert_allclose(at.values, [[start + 37 * slope + 37**2 * bend]], rtol=1e-9)
    np.testing.assert_allclose(at.rates, [[slope + 74 * bend]], rtol=1e-4, atol=1e-10)


def test_the_error_of_a_line_by_hand() -> None:
    """sigma / sqrt(sum (t - mean)^2) of the slope of exact points, times the inflation."""
    found = fitted(points(5 + 1e-3 * T), order=1)
    inflation = found.inflation[0]
    at = found.evaluate(np.array([200.0]))
    covariance = at.jacobian[0] @ found.covariance @ at.jacobian[0].T
    slope = inflation * 1e-4 / np.sqrt(np.sum((T - 200) ** 2))
    assert np.sqrt(covariance[1, 1]) == pytest.approx(slope, rel=1e-6)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(inflation * 1e-4 / np.sqrt(41), rel=1e-6)
    assert found.chi2 == pytest.approx(0.0, abs=1e-12)


def test_the_error_of_the_temperature_counts_by_the_slope() -> None:
    quiet = fitted(points(5 + 1e-3 * T), order=1)
    loud = fitted(points(5 + 1e-3 * T, temperature_stderr=0.2), order=1)
    quiet_sigma, loud_sigma = (
        np.sqrt(np.diag(one.covariance)) / one.inflation for one in (quiet, loud)
    )
    ratio = loud_sigma / quiet_sigma
    np.testing.assert_allclose(ratio, np.hypot(1e-4, 2e-4) / 1e-4, rtol=1e-6)


def scatter(size: float, seed: int = 0, count: int = 1) -> np.ndarray:
    return size * np.random.default_rng(seed).standard_normal((41, count))


def test_the_information_criterion_chooses_the_order() -> None:
    line = 5 + 1e-3 * T[:, None] + scatter(1e-4)
    cubic = line + 1e-9 * (T[:, None] - 200) ** 3
    assert fitted(points(line)).basis.order == 1
    assert fitted(points(cubic)).basis.order == 3
    assert fitted(points(cubic), order=2).basis.order <= 2


def test_scatter_inflates_by_birge() -> None:
    y = 5 + 1e-3 * T + 3e-4 * (-1.0) ** np.arange(41)
    found = fitted(points(y), order=1)
    assert found.inflation[0] == pytest.approx(3 * np.sqrt(41 / 39), rel=1e-3)
    assert found.chi2 == pytest.approx(9 * 41 / 39, rel=1e-3)


def test_neighbours_that_agree_inflate_more() -> None:
    wave = 3e-4 * np.sign(np.sin(2 * np.pi * np.arange(41) / 8 + 0.1))
    serial = fitted(points(5 + 1e-3 * T + wave), order=1)
    alternating = fitted(points(5 + 1e-3 * T + 3e-4 * (-1.0) ** np.arange(41)), order=1)
    assert serial.inflation[0] > 1.5 * alternating.inflation[0]


def test_an_outlier_is_left_out_and_many_are_not() -> None:
    y = 5 + 1e-3 * T[:, None] + scatter(1e-4, seed=3)
    one = y.copy()
    one[20] += 1e-3
    assert np.flatnonzero(~fitted(points(one)).used).tolist() == [20]
    many = y.copy()
    many[::3] += 1e-3
    assert fitted(points(many)).used.all()


def test_the_limit_of_an_outlier_is_five_sigma() -> None:
    y = 5 + 1e-3 * T
    for size, left_out in ((4.7e-4, 0), (5.7e-4, 1)):
        off = y.copy()
        off[20] += size
        assert (~fitted(points(off), order=1).used).sum() == left_out


def test_an_outlier_in_one_parameter_takes_the_frame() -> None:
    y = np.stack([5 + 1e-3 * T, 7 + 2e-3 * T], axis=1) + scatter(1e-4, count=2)
    y[11, 1] -= 2e-3
    assert np.flatnonzero(~fitted(points(y)).used).tolist() == [11]


@pytest.mark.parametrize(
    ("count", "span", "order"), [(3, 100.0, None), (4, 100.0, 1), (7, 100.0, 2), (9, 0.9, None)]
)
def test_how_many_points_are_needed(count: int, span: float, order: int | None) -> None:
    t = np.linspace(100.0, 100.0 + span, count)
    y = 5 + 1e-3 * t + 1e-4 * (t - 100) ** 2
    found = curves.fit_curves(points(y, sigma=1e-9, t=t))
    assert (None if found is None else found.basis.order) == order
    assert (curves.fit_curves(points(y, t=t), "debye") is None) == (order is None)


@pytest.mark.parametrize("model", ["einstein", "debye"])
def test_an_exact_vibration_comes_back(model: str) -> None:
    u = curves.calculate_thermal_energy(model, T, 300.0)  # type: ignore[arg-type]
    y = np.stack([5 + 1e-4 * u, 7 + 3e-4 * u], axis=1)
    found = fitted(points(y, sigma=1e-6), model=model)
    assert found.basis.theta == pytest.approx(300.0, rel=1e-3)
    np.testing.assert_allclose(found.evaluate(T).values, y, atol=1e-6)
    assert found.covariance.shape == (5, 5)


@pytest.mark.parametrize("basis", [POLYNOMIAL, DEBYE, EINSTEIN])
def test_the_jacobian_by_differences(basis: Basis) -> None:
    functions = basis(T).shape[1]
    coefficients = np.arange(1.0, 2 * functions + 1).reshape(2, functions)
    coefficients[:, 1] *= 1e-3
    curve = CellCurve(
        basis=basis,
        coefficients=coefficients,
        covariance=np.eye(1),
        inflation=np.ones(2),
        chi2=1.0,
        unscattered=np.zeros((2, 2)),
        used=np.ones(41, bool),
    )
    at = np.array([50.0, 333.0])
    found = curve.evaluate(at)
    size = coefficients.size + (basis.model != "polynomial")
    assert found.jacobian.shape == (2, 4, size)
    for k in range(size):
        moved = []
        for sign in (1, -1):
            if k < coefficients.size:
                other = coefficients.copy()
                other.flat[k] += sign * 1e-3
                step, one = 1e-3, replace(curve, coefficients=other)
            else:
                step = 2.0
                one = replace(curve, basis=replace(basis, theta=basis.theta + sign * step))
            values = one.evaluate(at)
            moved.append(np.concatenate([values.values, values.rates], axis=1))
        numeric = (moved[0] - moved[1]) / (2 * step)
        np.testing.assert_allclose(found.jacobian[:, :, k], numeric, rtol=1e-3, atol=1e-9)


def test_columns_count_whatever_their_scale() -> None:
    """y = 2 u + 3 v, u of the size 1 and v of 1e-15; a column of zeros is left at zero."""
    u, v = np.ones(4), 1e-15 * np.array([1.0, -1.0, 2.0, -2.0])
    design = np.stack([u, v, np.zeros(4)], axis=1)[:, None, :]
    y = (2 * u + 3e15 * v)[:, None]
    found = curves._solve_generalised(design, y, np.tile(np.eye(1), (4, 1, 1)))
    np.testing.assert_allclose(found.coefficients, [2.0, 3e15, 0.0], rtol=1e-12)
    np.testing.assert_allclose(np.diag(found.covariance), [1 / 4, 1e30 / 10, 0.0], rtol=1e-12)


@pytest.mark.parametrize(("bend", "order"), [(1.4e-4, 1), (3e-4, 2)])
def test_the_gain_of_an_order_is_judged_by_the_scatter(bend: float, order: int) -> None:
    """Scatter of four times the errors: chi-square falls by 14.6 (bend / 1e-4)^2 / 16 with the
    parabola, 1.8 and 8.2, and ln(41) = 3.7 is what it costs."""
    x = T / 200 - 1
    y = 5 + 1e-3 * T + 4e-4 * (-1.0) ** np.arange(41) + bend * (2 * x**2 - 1)
    assert fitted(points(y), order=2).basis.order == order


def test_the_error_of_a_vibration_grows_with_the_scatter() -> None:
    """Scatter of three times the errors in both parameters: a covariance of nine times."""
    u = curves.calculate_thermal_energy("einstein", T, 300.0)
    exact = np.stack([5 + 1e-4 * u, 7 + 3e-4 * u], axis=1)
    signs = (-1.0) ** np.arange(41)[:, None]
    quiet = fitted(points(exact + 5e-8 * signs, sigma=1e-7), model="einstein")
    loud = fitted(points(exact + 3e-7 * signs, sigma=1e-7), model="einstein")
    np.testing.assert_array_equal(quiet.inflation, 1.0)
    np.testing.assert_allclose(loud.inflation, 3.0, rtol=0.05)
    ratio = np.diag(loud.covariance) / np.diag(quiet.covariance)
    np.testing.assert_allclose(ratio, loud.inflation[0] ** 2, rtol=0.05)


@pytest.mark.parametrize(("every", "left_out"), [(4, 11), (3, 0)])
def test_three_in_ten_frames_may_be_outliers(every: int, left_out: int) -> None:
    """Of 41 frames 11 (30 of 41 are left) and not 14."""
    y = 5 + 1e-3 * T
    y[::every] += 1e-2 * (-1.0) ** np.arange(y[::every].size)
    found = fitted(points(y), order=1)
    assert (~found.used).sum() == left_out


@pytest.mark.parametrize(("span", "enough"), [(0.99, False), (1.0, True), (1.2, True)])
def test_temperatures_span_a_kelvin(span: float, enough: bool) -> None:
    t = 100.0 + span * np.linspace(0.0, 1.0, 9)
    assert (curves.fit_curves(points(5 + 1e-3 * t, t=t)) is not None) is enough


def test_an_effective_covariance_by_hand() -> None:
    """Rates 2 and 3 per K, an error of half a kelvin: 0.25 times 4, 6 and 9 are added."""
    data = points(np.zeros((1, 2)), sigma=1.0, temperature_stderr=0.5, t=np.zeros(1))
    found = data.effective_covariance(np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(found, [[[2.0, 1.5], [1.5, 3.25]]])


def test_an_outlier_at_exactly_five_sigma_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for size, kept in ((5.0, 40), (4.999, 41), (-5.0, 40)):
        z = np.zeros((41, 1))
        z[7] = size
        monkeypatch.setattr(curves, "_standardise", lambda curve, data, z=z: z)
        assert fitted(points(5 + 1e-3 * T), order=1).used.sum() == kept


def test_the_limit_of_outliers_follows_their_own_scatter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Residuals of two sigma have a robust scale of 2.97: the limit is 14.8."""
    for size, kept in ((14.7, 41), (14.9, 40)):
        z = 2.0 * (-1.0) ** np.arange(41)[:, None]
        z[8] = size
        monkeypatch.setattr(curves, "_standardise", lambda curve, data, z=z: z)
        assert fitted(points(5 + 1e-3 * T), order=1).used.sum() == kept


@pytest.mark.parametrize("theta", [44.0, 2400.0])
def test_characteristic_temperatures_are_sought_from_40_to_2500_kelvin(theta: float) -> None:
    t = np.linspace(-265.0, 1200.0, 80)
    u = curves.calculate_thermal_energy("einstein", t, theta)
    found = fitted(points(5 + 1e-4 * u, sigma=1e-7, t=t), model="einstein")
    assert found.basis.theta == pytest.approx(theta, rel=1e-2)


def test_what_errors_hold_beside_scatter() -> None:
    """Points that scatter as stated leave nothing; a tenth of the variance leaves most of it."""
    scatter = np.random.default_rng(5).normal(0, 1e-4, T.size)
    line = 5 * (1 + 1e-5 * T)
    np.testing.assert_array_equal(fitted(points(line + scatter)).unscattered, 0)
    assert fitted(points(line + 3 * scatter)).unscattered[0, 0] == 0
    low = fitted(points(line + np.sqrt(0.1) * scatter))
    # 39 degrees of freedom: chance leaves chi-square below 25.7 in one of twenty.
    expected = 1 - low.chi2 * 39 / 25.695
    assert low.unscattered[0, 0] == pytest.approx(expected * 1e-8, rel=1e-3)


def test_a_cold_series_does_not_run_away_where_vibrations_freeze_out() -> None:
    """From 17 to 243 K: the expansion at the coldest frame is next to nothing."""
    t = np.linspace(-256.0, -30.0, 17)
    energy = curves.calculate_thermal_energy("einstein", t, 400.0)
    true = 9.4 * (1 + 1.2e-5 * energy)
    cold, chosen = [], []
    for seed in range(12):
        noise = 2e-4 * np.random.default_rng(seed).standard_normal(t.size)
        found = fitted(points(true + noise, sigma=2e-4, t=t))
        chosen.append(found.basis.model)
        cold.append(float(found.evaluate(t[:1]).rates[0, 0]) / 9.4)
    assert chosen.count("einstein") >= 10
    assert np.sqrt(np.mean(np.square(cold))) < 1e-6


def test_a_warm_series_is_a_polynomial() -> None:
    found = fitted(points(9.4 * (1 + 1e-5 * T)))
    assert found.basis.model == "polynomial"
