"""From decays of two regions with known T1 to numbers: saturation and inversion recovery, spin
lock, one bad slice; the forward model stands here."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.relaxation.amplitudes import measure_amplitudes, select_strong_slices
from ssbchar.nmr.relaxation.conclude import conclude_relaxation
from ssbchar.nmr.relaxation.fit import _find_kind, fit_relaxation
from ssbchar.nmr.relaxation.options import RelaxationOptions

T1 = (0.15, 1.8)
DELAYS = np.geomspace(0.01, 12.0, 14)
LENGTHS = np.geomspace(1e-4, 0.06, 12)
T1RHO = (4e-3, 9e-3)


def build(
    weights: np.ndarray, delays: np.ndarray, seed: int, gains: np.ndarray | None = None, **attrs
):
    """Decays in which both regions have the given weights, shape (slice, region)."""
    gains = np.ones(delays.size) if gains is None else gains
    rows = [
        gain * signals.signal(tuple(pair), (265.0, 10.0), (900.0, 3500.0), points=1024)
        for gain, pair in zip(gains, weights * np.array([0.3, 0.7]), strict=True)
    ]
    about = {"decay_axis": "vd", "relaxation": "recovery"} | attrs
    return signals.dataset(signals.noisy(np.array(rows), 0.01, seed), delays, **about)


def recover(start: tuple[float, float]) -> np.ndarray:
    return np.stack(
        [1 - (1 - s) * np.exp(-DELAYS / time) for s, time in zip(start, T1, strict=True)], axis=1
    )


def analyse(fid):
    strong = select_strong_slices(fid)
    return fit_relaxation(fid, lines.fit_lines(strong, LineFitOptions()), RelaxationOptions())


def check(found, truth: tuple[float, float]) -> None:
    for r, true in enumerate(truth):
        error = float(np.hypot(found["t1_stderr"][r], found["t1_systematic"][r]))
        assert str(found["verdict"].values[r]) == "ok", str(found["reason"].values[r])
        assert error < 0.05 * true
        assert float(found["t1"][r]) == pytest.approx(true, abs=3.5 * error)


@pytest.mark.parametrize("start", [(0.0, 0.1), (-1.0, -0.8)])
def test_saturation_and_inversion_recovery(start: tuple[float, float]) -> None:
    found = analyse(build(recover(start), DELAYS, 1))
    assert found.attrs["kind"] == "recovery"
    check(found, T1)
    ratio = found["start"].values / found["equilibrium"].values
    assert ratio == pytest.approx(start, abs=0.03)
    rows = conclude_relaxation(found)
    assert [(row.quantity, row.subject, row.verdict) for row in rows] == [
        ("t1", "li_metal", "ok"),
        ("t1", "li_si", "ok"),
    ]


def test_an_inverted_slice_may_be_the_strongest() -> None:
    weights, delays = recover((-1.0, -1.0))[:10], DELAYS[:10]
    found = analyse(build(weights, delays, 2))
    assert found.attrs["kind"] == "recovery"
    assert float(found["t1"][0]) == pytest.approx(T1[0], rel=0.1)


def test_spin_locks() -> None:
    weights = np.stack([np.exp(-LENGTHS / time) for time in T1RHO], axis=1)
    found = analyse(build(weights, LENGTHS, 3, decay_axis="vp", relaxation="spin_lock"))
    assert found.attrs["kind"] == "spin_lock"
    check(found, T1RHO)
    assert conclude_relaxation(found)[0].quantity == "t1rho"


@pytest.mark.parametrize(
    ("bad", "factor"), [(0, 0.6), (4, 0.6), (9, 1.4), (13, 0.6), (13, -1.0), (1, -1.0), (7, 1.4)]
)
def test_one_bad_slice_is_set_aside(bad: int, factor: float) -> None:
    """The strongest slice may be the bad one, in which one region is still inverted."""
    gains = np.ones(14)
    gains[bad] = factor
    found = analyse(build(recover((-1.0, -0.9)), DELAYS, 4, gains))
    assert found["slice_used"].values.tolist() == [int(i != bad) for i in range(14)]
    assert f"slice {bad + 1} set aside" in str(found["reason"].values[0])
    check(found, T1)


def test_a_decay_in_the_role_of_a_recovery_is_no_t1() -> None:
    weights = np.stack([np.exp(-LENGTHS / time) for time in T1RHO], axis=1)
    found = analyse(build(weights, LENGTHS, 5))
    assert set(found["verdict"].values) == {"misfit"}
    row = conclude_relaxation(found)[0]
    assert row.value is None
    assert "falls with the delay" in row.reason


def test_a_region_without_a_line_has_no_time() -> None:
    """Its stand-in catches the other's tail, which recovers, too."""
    weights = recover((0.0, 0.0)) * np.array([0.0, 1.0])
    found = analyse(build(weights, DELAYS, 6))
    assert found["verdict"].values.tolist() == ["no_signal", "ok"]
    assert "no li_metal line" in str(found["reason"].values[0])
    assert conclude_relaxation(found)[0].value is None


def test_a_signal_that_does_not_change_is_what_its_program_says() -> None:
    found = analyse(build(np.ones((14, 2)), DELAYS, 7))
    assert found.attrs["kind"] == "recovery"
    assert set(found["verdict"].values) == {"no_signal"}


def test_amplitudes_keep_their_sign_and_error() -> None:
    weights = recover((-1.0, -1.0))
    pulls = []
    for seed in range(8):
        fid = build(weights, DELAYS, 20 + seed)
        found = measure_amplitudes(
            fid, lines.fit_lines(select_strong_slices(fid), LineFitOptions())
        )
        assert (found.amplitude[0] < 0).all()
        pulls.append((found.amplitude - weights * np.array([0.3, 0.7])) / found.stderr)
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.2)


@pytest.mark.slow
def test_pulls_from_decays_to_t1() -> None:
    pulls = []
    for seed in range(100):
        found = analyse(build(recover((-0.95, -0.9)), DELAYS, 100 + seed))
        pulls.append((found["t1"].values - T1) / found["t1_stderr"].values)
    rms = np.sqrt(np.mean(np.square(pulls), axis=0))
    print(f"T1 of 100 inversion recoveries: rms {rms.round(2)}, mean {np.mean(pulls, axis=0)}")
    assert rms == pytest.approx(np.ones(2), abs=0.25)


def test_signs_turn_regions_upright_and_change_nothing_else() -> None:
    delay = np.arange(6.0)
    amplitude = np.stack([np.linspace(0.5, -2.0, 6), np.linspace(-1.0, 3.0, 6)], axis=1)
    kind, sign = _find_kind(delay, amplitude, np.full((6, 2), 0.01), "")
    assert kind == "recovery"
    assert sign.tolist() == [-1.0, 1.0]
    kind, sign = _find_kind(
        delay, amplitude[::-1] + np.array([1.5, 1.0]), np.full((6, 2), 0.01), ""
    )
    assert kind == "spin_lock"
    assert sign.tolist() == [1.0, 1.0]
