"""Laws of a drift: known parameters are found, pulls are one, the criterion admits no law that is
not there."""

import numpy as np
import pytest

from ssbchar.nmr.time_course.drift_law import evaluate_drift, fit_drift_law

HOURS = np.linspace(0.0, 10.0, 24)
MODELS = ("constant", "linear", "exponential")
TRUTHS = {
    "constant": np.array([0.3]),
    "linear": np.array([0.3, 0.004]),
    "exponential": np.array([0.3, 0.36, 0.5]),
}
SIGMA = 0.002


def draw(model: str, seed: int, factor: float = 1.0) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=HOURS.size)
    return evaluate_drift(model, TRUTHS[model], HOURS) + factor * SIGMA * noise


@pytest.mark.parametrize("model", MODELS)
def test_the_law_and_its_pulls(model: str) -> None:
    pulls, right = [], 0
    for seed in range(100):
        law = fit_drift_law(HOURS, draw(model, seed), SIGMA**2 * np.eye(24), MODELS, 6.0)
        right += law.model == model
        if law.model == model:
            error = np.sqrt(np.diag(law.covariance))
            pulls.append((law.parameters - TRUTHS[model]) / error)
    assert right >= 97
    rms = np.sqrt(np.mean(np.square(pulls), axis=0))
    assert np.all((rms > 0.75) & (rms < 1.25)), rms


def test_scatter_beyond_the_errors_is_a_factor() -> None:
    laws = [
        fit_drift_law(HOURS, draw("linear", seed, 3.0), SIGMA**2 * np.eye(24), MODELS, 6.0)
        for seed in range(100)
    ]
    assert np.mean([law.inflation for law in laws]) == pytest.approx(3.0, rel=0.1)
    ends = np.array([0.0, 10.0])
    pulls = [
        (law.evaluate(ends) - evaluate_drift("linear", TRUTHS["linear"], ends))
        / np.sqrt(np.diag(law.propagate(ends)))
        for law in laws
        if law.model == "linear"
    ]
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.25)


def test_a_common_error_does_not_average_out() -> None:
    covariance = SIGMA**2 * np.eye(24) + 0.01**2
    law = fit_drift_law(HOURS, draw("linear", 1), covariance, MODELS, 6.0)
    assert np.sqrt(law.covariance[0, 0]) == pytest.approx(0.01, rel=0.05)
    assert np.sqrt(law.covariance[1, 1]) < 2e-4
