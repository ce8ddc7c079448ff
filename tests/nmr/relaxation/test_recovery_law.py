"""T1 and T1rho of amplitudes with known truth, by laws written here."""

import numpy as np
import pytest

from ssbchar.nmr.relaxation.options import RelaxationOptions
from ssbchar.nmr.relaxation.recovery_law import (
    differentiate_recovery,
    evaluate_recovery,
    fit_recovery_law,
)

DELAYS = np.geomspace(0.01, 20.0, 14)
SIGMA = 0.01
T1 = 1.3


def recover(start: float, time: float = T1, exponent: float = 1.0) -> np.ndarray:
    return 1 - (1 - start) * np.exp(-((DELAYS / time) ** exponent))


def noise(seed: int, size: int = 14) -> np.ndarray:
    return SIGMA * np.random.default_rng(seed).normal(size=size)


def fit(amplitude: np.ndarray, *, spin_lock: bool = False, delays: np.ndarray = DELAYS):
    errors = np.full(delays.size, SIGMA)
    return fit_recovery_law(delays, amplitude, errors, RelaxationOptions(), spin_lock=spin_lock)


@pytest.mark.parametrize("start", [0.0, 0.07, -1.0, -0.82])
def test_pulls_of_saturation_and_inversion_recovery(start: float) -> None:
    first = round(1000 * abs(start))
    laws = [fit(recover(start) + noise(first + seed)) for seed in range(120)]
    assert all(law.verdict == "ok" for law in laws)
    pulls = np.array([(law.time - T1) / np.sqrt(law.covariance[2, 2]) for law in laws])
    print(f"start {start}: rms {np.sqrt(np.mean(pulls**2)):.2f}, mean {pulls.mean():+.2f}")
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.2)
    assert abs(pulls.mean()) < 0.3


def test_pulls_of_spin_locks() -> None:
    lengths = np.geomspace(1e-4, 0.05, 12)
    pulls = []
    for seed in range(120):
        law = fit(np.exp(-lengths / 6e-3) + noise(seed, 12), spin_lock=True, delays=lengths)
        pulls.append((law.time - 6e-3) / np.sqrt(law.covariance[2, 2]))
        assert law.equilibrium == 0
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.2)


def test_scatter_beyond_the_errors_is_counted() -> None:
    laws = []
    for seed in range(120):
        gain = 1 + 0.05 * np.random.default_rng(1000 + seed).normal(size=14)
        laws.append(fit(recover(-0.9) * gain + noise(seed)))
    pulls = np.array([(law.time - T1) / np.sqrt(law.covariance[2, 2]) for law in laws])
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.3)
    assert np.median([law.scatter for law in laws]) == pytest.approx(0.04, abs=0.015)


def test_a_stretched_recovery_has_its_exponent() -> None:
    laws = [fit(recover(0.0, exponent=0.7) + noise(seed)) for seed in range(20)]
    assert np.mean([law.exponent for law in laws]) == pytest.approx(0.7, abs=0.02)
    assert np.mean([law.time for law in laws]) == pytest.approx(T1, rel=0.03)
    simple = [fit(recover(0.0) + noise(seed)) for seed in range(100)]
    assert sum(law.exponent < 1 for law in simple) <= 3


def test_no_recovery_is_compressed() -> None:
    """Scatter of the gain may ask for an exponent above one, with far too small an error."""
    for seed in range(60):
        gain = 1 + 0.01 * np.random.default_rng(seed).normal(size=14)
        errors = np.full(14, 1e-3)
        law = fit_recovery_law(
            DELAYS, recover(0.0) * gain, errors, RelaxationOptions(), spin_lock=False
        )
        assert law.exponent <= 1


@pytest.mark.parametrize(
    ("amplitude", "verdict", "said"),
    [
        (recover(0.0)[:3], "too_few", "3 different delays"),
        (np.full(14, 1.0), "no_signal", "does not change"),
        (recover(0.0, time=200.0), "undetermined", ""),
        (recover(0.0, exponent=0.35), "stretched", "no single time"),
    ],
)
def test_verdicts_instead_of_numbers(amplitude: np.ndarray, verdict: str, said: str) -> None:
    size = amplitude.size
    law = fit(amplitude + noise(3, size), delays=DELAYS[:size])
    assert law.verdict == verdict
    assert said in law.reason


def test_derivatives() -> None:
    at = np.array([1.0, -0.8, 1.3, 0.8])
    slopes = differentiate_recovery(DELAYS, *at)
    for i, step in enumerate(1e-6 * np.eye(4)):
        numeric = evaluate_recovery(DELAYS, *(at + step)) - evaluate_recovery(DELAYS, *(at - step))
        assert slopes[:, i] == pytest.approx(numeric / 2e-6, abs=1e-7)
    assert np.isfinite(differentiate_recovery(np.array([0.0]), *at)).all()
