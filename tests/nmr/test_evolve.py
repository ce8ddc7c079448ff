"""Before, during, after: one unchanged sample, a changing one, and what may not be compared."""

import numpy as np
import pytest

from ssbchar.nmr import evolve, intensity
from ssbchar.nmr.route import Signal

ABOUT = {
    "scans": 16, "receiver_gain": 64.0, "probe": "static", "pulse_program": "echo", "pulse_1": 1.6e-6,
    "recycle_delay": 30.0, "sw": 5e5, "date": 0,
}  # fmt: skip


def moment(areas: tuple[float, float], hours: float = 0.0, noise: float = 1e-3, factor: float = 1.0, **attrs: object):
    scale = intensity.per_scan(ABOUT | attrs) * factor
    covariance = noise**2 * scale**2 * np.eye(2)
    return evolve.Moment(Signal(scale * np.array(areas), covariance), ABOUT | attrs | {"date": 3600 * hours})


def told(*moments: evolve.Moment):
    return {c.quantity: c for c in evolve.evolution(moments, 1e-3, 0.03)}


def test_unchanged_samples_are_called_evolving_one_time_in_a_thousand() -> None:
    rng = np.random.default_rng(1)
    p = []
    for _ in range(300):
        rows = [
            moment(tuple((1 + 0.03 * rng.normal()) * (np.array([0.2, 0.8]) + 1e-3 * rng.normal(size=2))), h)
            for h in range(3)
        ]
        found = told(*rows)["drift"]
        p.append(float(found.reason.split()[-1]))
    assert np.mean(np.array(p) < 0.1) == pytest.approx(0.1, abs=0.06)
    assert np.mean(np.array(p) < 0.5) == pytest.approx(0.5, abs=0.1)


def test_scans_gain_and_mass_are_divided_out() -> None:
    rows = (moment((0.2, 0.8)), moment((0.2, 0.8), 5.0, scans=256, receiver_gain=12.5))
    found = told(*rows)
    assert found["drift"].verdict == "stable"
    assert found["signal_change"].value == pytest.approx(0.0, abs=1e-9)
    lighter = (moment((0.2, 0.8), sample_mass=0.02), moment((0.2, 0.8), 5.0, sample_mass=0.01))
    assert told(*lighter)["signal_change"].value == pytest.approx(0.0, abs=1e-9)


def test_a_share_that_moves_is_evolution_with_its_rate() -> None:
    found = told(*(moment((0.758 - 0.0045 * h, 0.242 + 0.0045 * h), h) for h in (0.0, 0.7, 8.0)))["drift"]
    assert found.verdict == "evolving"
    assert found.value == pytest.approx(0.45, abs=3 * found.stderr)


def test_signal_that_is_lost_is_seen_though_the_shares_stay() -> None:
    found = told(moment((0.2, 0.8)), moment((0.2, 0.8), 8.0, factor=0.7))
    assert found["signal_change"].verdict == "changed"
    assert found["signal_change"].value == pytest.approx(-30.0, abs=0.1)
    assert found["drift"].verdict == "evolving"


@pytest.mark.parametrize(
    ("attrs", "said"),
    [
        ({"probe": "MAS"}, "the probe differs (static, MAS)"),
        ({"receiver_gain": 0.0}, "RG is not above zero"),
        ({"scans": 0}, "NS is not above zero"),
        ({"sample_mass": 0.01}, "mass is given for some only"),
        ({"recycle_delay": 1.0}, "recycle delay differs"),
    ],
)
def test_what_may_not_be_compared_is_said_and_shares_are_used(attrs: dict, said: str) -> None:
    other = evolve.Moment(moment((0.2, 0.8), factor=0.5).signal, ABOUT | {"date": 3600} | attrs)
    found = told(moment((0.2, 0.8)), other)
    assert said in found["drift"].reason
    assert found["drift"].verdict == "stable"
    assert "signal_change" not in found
