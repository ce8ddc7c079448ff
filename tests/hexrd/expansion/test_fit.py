"""Expansion: truth comes back for every crystal system with honest errors, and what disturbs it is
said."""

import numpy as np
import pytest
from hexrd.made_lattice import CELLS, MadePhase, made, truth

from ssbchar.crystal.cell import volume_from_cell
from ssbchar.hexrd.expansion import curves, fit, tensor
from ssbchar.hexrd.expansion.options import Expansion


def true_mean(one: MadePhase, low: float = 100.0, high: float = 500.0) -> np.ndarray:
    first, last = truth(one, np.array([low, high]))
    sizes = (
        np.array([first[0], first[1], first[2], volume_from_cell(first)]),
        np.array([last[0], last[1], last[2], volume_from_cell(last)]),
    )
    return (sizes[1] / sizes[0] - 1) / (high - low)


@pytest.mark.parametrize("system", CELLS)
def test_every_crystal_system(system: str) -> None:
    one = MadePhase(system)
    found = fit.fit_expansion(*made([one], seed=5), Expansion())
    at = found.sel(phase="A", segment="heating")
    mean = at.mean_linear_expansion.sel(axis=["a", "b", "c", "volume"]).values
    stderr = at.mean_linear_expansion_stderr.sel(axis=["a", "b", "c", "volume"]).values
    assert np.all(stderr > 0) and np.all(stderr < 0.02 * mean)
    assert np.all(np.abs(mean - true_mean(one)) < 4 * stderr)
    t = at.temperature.values
    inside = np.isfinite(at.tensor.values[:, 0])
    h = 0.5
    cell, rate = truth(one, t), (truth(one, t + h) - truth(one, t - h)) / (2 * h)
    right = tensor.tensor_from_cell_rate(cell, rate)
    right = np.stack([right[:, i, j] for i, j in tensor.PAIRS], axis=1)
    error = np.hypot(at.tensor_stderr.values, 1e-12)
    assert np.mean(np.abs((at.tensor.values - right) / error)[inside] < 3) > 0.9
    np.testing.assert_allclose(
        at.principal_expansion.values[:, inside].sum(axis=0),
        at.linear_expansion.sel(axis="volume").values[inside],
    )
    assert at.verdict.item() == "ok" and inside.sum() > 100


def pulls(seeds: int, **kind: float) -> np.ndarray:
    out = []
    for seed in range(seeds):
        one = MadePhase("monoclinic", relative_error=3e-5)
        found = fit.fit_expansion(*made([one], seed=seed, **kind), Expansion())
        for segment in ("heating", "cooling"):
            at = found.sel(segment=segment, axis=["a", "b", "c", "volume"]).isel(phase=0)
            out.append(
                (at.mean_linear_expansion.values - true_mean(one))
                / at.mean_linear_expansion_stderr.values
            )
    return np.array(out)


def judge(pull: np.ndarray) -> None:
    assert np.all(np.abs(pull.mean(axis=0)) < 0.3), pull.mean(axis=0)
    assert np.all((pull.std(axis=0) > 0.7) & (pull.std(axis=0) < 1.4)), pull.std(axis=0)


def test_pulls() -> None:
    judge(pulls(30))


@pytest.mark.slow
@pytest.mark.parametrize("temperature_stderr", [0.05, 0.3, 2.0])
def test_pulls_of_a_hundred_seeds(temperature_stderr: float) -> None:
    judge(pulls(100, temperature_stderr=temperature_stderr))


def test_temperature_error_counts() -> None:
    quiet = fit.fit_expansion(*made([MadePhase()], temperature_stderr=0.01), Expansion())
    loud = fit.fit_expansion(*made([MadePhase()], temperature_stderr=5.0), Expansion())
    assert np.all(
        (loud.mean_linear_expansion_stderr > 2 * quiet.mean_linear_expansion_stderr).sel(axis="c")
    )
    assert np.all(loud.chi2 < 2)


def test_scatter_beyond_the_esds_inflates() -> None:
    lattice, furnace = made([MadePhase()], seed=2)
    honest = fit.fit_expansion(lattice, furnace, Expansion())
    small = lattice.assign(
        cell_covariance=lattice.cell_covariance / 400, cell_stderr=lattice.cell_stderr / 20
    )
    found = fit.fit_expansion(
        small, furnace.assign(temperature_stderr=furnace.temperature_stderr * 0), Expansion()
    )
    assert np.all(found.chi2 > 50) and np.all(found.inflation.sel(axis="a") > 7)
    ratio = (found.mean_linear_expansion_stderr / honest.mean_linear_expansion_stderr).sel(
        axis=["a", "c"]
    )
    assert np.all((ratio > 0.5) & (ratio < 2))


def test_an_outlier_is_left_out_and_counted() -> None:
    lattice, furnace = made([MadePhase()], seed=4)
    wrong = lattice.cell.values.copy()
    wrong[30, 0, :3] *= 1.003
    found = fit.fit_expansion(lattice.assign(cell=(lattice.cell.dims, wrong)), furnace, Expansion())
    clean = fit.fit_expansion(lattice, furnace, Expansion())
    assert found.frames_rejected.sel(segment="heating").item() == 1
    np.testing.assert_allclose(
        found.mean_linear_expansion.sel(segment="heating", axis="a"),
        clean.mean_linear_expansion.sel(segment="heating", axis="a"),
        rtol=0.01,
    )


def test_hysteresis_is_tested() -> None:
    same = fit.fit_expansion(*made([MadePhase()], seed=8), Expansion())
    other = fit.fit_expansion(*made([MadePhase(permanent=3e-4)], seed=8), Expansion())
    assert same.hysteresis_p.item() > 0.01 and other.hysteresis_p.item() < 1e-6
    gap = other.isel(phase=0).sel(axis="a")
    assert abs(gap.hysteresis.item() - 3e-4) < 4 * gap.hysteresis_stderr.item()


def test_a_phase_that_reacts_is_flagged_and_the_mean_shortened() -> None:
    lattice, furnace = made([MadePhase(begin=350.0, end=420.0)], seed=1)
    found = fit.fit_expansion(lattice, furnace, Expansion()).sel(segment="heating").isel(phase=0)
    assert found.verdict.item() == "reacting"
    assert 345 < found.reacting_from.item() < 385
    assert found.mean_to.item() < 420 and found.mean_from.item() == 100
    one = MadePhase()
    right = true_mean(one, 100.0, found.mean_to.item())[0]
    assert abs(
        found.mean_linear_expansion.sel(axis="a") - right
    ) < 4 * found.mean_linear_expansion_stderr.sel(axis="a")


def test_absent_and_short_phases_have_a_verdict() -> None:
    lattice, furnace = made([MadePhase(amount=0.0), MadePhase(name="B", begin=60.0, end=80.0)])
    found = fit.fit_expansion(lattice, furnace, Expansion()).sel(segment="heating")
    assert found.verdict.values.tolist()[0] == "not_present"
    assert np.all(np.isnan(found.mean_linear_expansion))


@pytest.mark.parametrize("kind", ["einstein", "debye"])
def test_vibration_models_find_their_temperature(kind: str) -> None:
    rng = np.random.default_rng(2)
    t, theta = np.linspace(-250, 700, 80), 500.0
    u = curves.calculate_thermal_energy(kind, t, theta)
    y = np.stack([9.4 * (1 + 1.2e-5 * u), 5.1 * (1 + 2.0e-5 * u)], axis=1)
    sigma = 2e-5 * np.array([9.4, 5.1])
    seen = y + sigma * rng.standard_normal(y.shape)
    points = curves.CellPoints(
        temperature=t,
        temperature_stderr=np.full(80, 0.1),
        values=seen,
        covariance=np.tile(np.diag(sigma**2), (80, 1, 1)),
    )
    curve = curves.fit_curves(points, kind)
    assert curve is not None
    stderr = np.sqrt(curve.covariance[-1, -1])
    assert 0 < stderr < 40 and abs(curve.basis.theta - theta) < 4 * stderr
    at = curve.evaluate(np.array([300.0]))
    rates, jacobian = at.rates, at.jacobian
    variance = np.einsum("tij,jk,tik->ti", jacobian, curve.covariance, jacobian)[0]
    h = 1.0
    slope = (
        (
            curves.calculate_thermal_energy(kind, np.array([301.0]), theta)
            - curves.calculate_thermal_energy(kind, np.array([299.0]), theta)
        )
        / 2
        / h
    )
    assert abs(rates[0, 0] - 9.4 * 1.2e-5 * slope[0]) < 4 * np.sqrt(variance[2])


def test_thermal_energy_is_classical_when_hot() -> None:
    for kind in ("einstein", "debye"):
        slope = np.diff(curves.calculate_thermal_energy(kind, np.array([1500.0, 1501.0]), 200.0))
        assert slope[0] == pytest.approx(1.0, abs=2e-3)
    cold = curves.calculate_thermal_energy("debye", np.array([-268.15]), 400.0)[0]
    assert cold == pytest.approx(3 * 5.0 * np.pi**4 / 15 * (5.0 / 400.0) ** 3, rel=1e-3)


@pytest.mark.parametrize(("bad", "verdict"), [(0, "ok"), (1, "too_few_frames")])
def test_four_frames_with_a_covariance_are_enough(bad: int, verdict: str) -> None:
    lattice, furnace = made([MadePhase("cubic")], seed=3)
    heating = np.flatnonzero(furnace.segment.values == "heating")
    chosen = heating[[0, 15, 30, 45]]
    present = np.zeros_like(lattice.present.values)
    present[chosen] = 1
    covariance = lattice.cell_covariance.values.copy()
    covariance[chosen[:bad]] = np.nan
    changed = lattice.assign(
        present=(lattice.present.dims, present),
        cell_covariance=(lattice.cell_covariance.dims, covariance),
    )
    found = fit.fit_expansion(changed, furnace, Expansion(significance=0.0))
    at = found.sel(segment="heating").isel(phase=0)
    assert at.verdict.item() == verdict
    assert at.frames_used.item() == (4 if verdict == "ok" else 0)


def test_the_grid_encloses_all_temperatures() -> None:
    np.testing.assert_array_equal(
        fit._build_grid(np.array([23.0, np.nan, 36.0]), 5.0), [20, 25, 30, 35, 40]
    )
    np.testing.assert_array_equal(fit._build_grid(np.array([25.0, 35.0]), 5.0), [25, 30, 35])
    np.testing.assert_array_equal(fit._build_grid(np.array([np.nan]), 5.0), [25.0])
