"""Satellites under the lines: their decay by quadrature, found again, and none in plain lines."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.lineshape import hidden_signal
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.hidden_signal import HiddenSignal, satellites_from_coupling
from ssbchar.nmr.lineshape.options import LineFitOptions

CENTRE, COUPLING, SHARE = 12.0, 60e3, 0.25


def test_the_decay_of_satellites_is_that_of_a_powder() -> None:
    """A mean of cos(2 pi C_Q / 4 (3 u^2 - 1) t) over even u, by quadrature."""
    node, weight = np.polynomial.legendre.leggauss(400)
    u = (node + 1) / 2
    time = np.array([0.0, 3e-6, 1e-5, 4e-5, 2e-4])
    expected = [weight @ np.cos(2 * np.pi * COUPLING / 4 * (3 * u**2 - 1) * t) / 2 for t in time]
    assert satellites_from_coupling(COUPLING, time) == pytest.approx(np.array(expected), abs=1e-8)
    assert satellites_from_coupling(COUPLING, -time) == pytest.approx(np.array(expected), abs=1e-8)


def powder(share: float) -> np.ndarray:
    """A decay of metal and one Li-Si site, of which a share lies in satellites."""
    time = np.arange(2048) / 1e6
    lines = signals.signal((0.2, 0.8 * (1 - share)), (265.0, CENTRE), (900.0, 1500.0), points=2048)
    site = signals.signal((0.8 * share,), (CENTRE,), (1500.0,), points=2048)
    return np.asarray(lines + site * satellites_from_coupling(COUPLING, time))


@pytest.fixture(scope="module")
def found():
    """Fits of the same sample without and with satellites."""
    fits = []
    for share in (0.0, SHARE):
        y = signals.noisy(powder(share), 0.003, 4)
        fits.append(fit_lines(signals.dataset(y), LineFitOptions()))
    return fits


def test_plain_lines_hide_nothing(found) -> None:
    plain, _ = found
    assert float(plain["hidden_gain"]) < float(plain["hidden_penalty"])
    points = 2 * plain.attrs["points"]
    assert float(plain["hidden_penalty"]) == pytest.approx(2 * np.log(points))


def test_satellites_are_seen_and_named(found) -> None:
    _, hidden = found
    assert float(hidden["hidden_gain"]) > 2 * float(hidden["hidden_penalty"])
    assert 0.5 * COUPLING < float(hidden["hidden_coupling"]) < 2 * COUPLING
    assert float(hidden["hidden_area"]) > 3 * float(hidden["hidden_area_stderr"])
    # What the pattern holds comes to the Li-Si region, and the metal loses its part.
    without, with_pattern = hidden["region_area"].values[0], hidden["hidden_region_area"].values
    assert with_pattern[1] / with_pattern.sum() > without[1] / without.sum()


def test_the_weight_of_the_pattern_is_its_probability() -> None:
    def weight(gain: float, penalty: float) -> float:
        return HiddenSignal(
            gain=gain,
            penalty=penalty,
            coupling=1.0,
            area=1.0,
            area_stderr=1.0,
            region_area=np.ones(2),
        ).weight

    assert weight(16.0, 16.0) == 0.5
    assert weight(18.0, 16.0) == pytest.approx(1 / (1 + np.exp(-1.0)))
    assert weight(1e9, 16.0) == 1.0
    assert weight(0.0, 1e9) == pytest.approx(0.0, abs=1e-100)


def test_a_region_without_strong_lines_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hidden_signal, "LEAST_SHARE", 0.95)
    y = signals.noisy(powder(0.0), 0.003, 4)
    fit = fit_lines(signals.dataset(y), LineFitOptions())
    assert float(fit["hidden_gain"]) == 0.0
    assert np.isnan(float(fit["hidden_coupling"]))
    assert fit["hidden_region_area"].values == pytest.approx(fit["region_area"].values[0])
