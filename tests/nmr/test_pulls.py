"""Pulls of the headline numbers over many seeds, and the mean bias of the phase truth table."""

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.test_fit import CASES, metal_percent

from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape import window_integrals
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.quantification import back_correction, quantify
from ssbchar.nmr.quantification.options import QuantificationOptions

T_METAL = 4.67e-4
SAMPLES = [(0.077, 7.1e-5), (0.076, 1.08e-4), (0.034, 6.8e-5), (0.020, 6.9e-5)]
DELAYS = np.array([10, 20, 30, 40, 55, 70, 90, 115, 150, 200, 300, 450]) * 1e-6
PURE_DELAYS = np.array([10, 50, 100, 200, 300, 400, 550, 700, 900, 1200, 1600]) * 1e-6
SIGMA = 0.003


def echoes(metal: float, t2: float, delays: np.ndarray, seed: int):
    later = delays - 1e-5
    clean = [
        signals.signal(
            (metal * np.exp(-d / T_METAL), (1 - metal) * np.exp(-d / t2)),
            (264.5, 10.5),
            (900.0, 3500.0),
            points=1024,
        )
        for d in later
    ]
    return signals.dataset(signals.noisy(np.array(clean), SIGMA, seed), delays)


@pytest.mark.slow
@pytest.mark.parametrize(("metal", "t2"), SAMPLES)
def test_pulls_of_the_pressed_samples(metal: float, t2: float) -> None:
    truth = 100 * back_correction.fractions_from_areas(
        [metal, 1 - metal], [T_METAL, t2], [1, 1], 1e-5
    )
    pulls: dict[str, list[float]] = {"raw": [], "corrected": [], "t2": []}
    for seed in range(100):
        fid = echoes(metal, t2, np.array([1e-5]), 3 * seed)
        fit = lines.fit_lines(fid, LineFitOptions())
        pure = t2_star.fit_decay(
            lines.fit_lines(echoes(1.0, t2, PURE_DELAYS, 3 * seed + 1), LineFitOptions()),
            DecayOptions(),
        )
        series = t2_star.fit_decay(
            lines.fit_lines(echoes(metal, t2, DELAYS, 3 * seed + 2), LineFitOptions()),
            DecayOptions(),
            pure,
        )
        rows = quantify.quantify_fractions(
            fit,
            window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
            QuantificationOptions(),
            series,
        )
        found = {(r.subject, r.condition, r.quantity): r for r in rows}
        raw, corrected = (found["li_metal", c, "li_metal_fraction"] for c in ("raw", "corrected"))
        law = found["li_si", "", "t2_star"]
        pulls["raw"].append((raw.value - 100 * metal) / raw.stderr)
        pulls["corrected"].append((corrected.value - truth[0]) / corrected.stderr)
        pulls["t2"].append((law.value - t2) / law.stderr)
    for name, values in pulls.items():
        assert abs(np.mean(values)) < 0.3, name
        assert 0.7 < np.std(values) < 1.4, name


@pytest.mark.slow
@pytest.mark.parametrize(("width", "late"), CASES)
def test_mean_bias_of_the_phase_truth_table(width: float, late: float) -> None:
    clean = signals.signal((0.077, 0.923), (265.0, 10.0), (width, width), late)
    sigma = (
        0.01
        * 0.08
        / metal_percent(
            lines.fit_lines(signals.dataset(signals.noisy(clean, 0.01, 0)), LineFitOptions())
        )[1]
    )
    found = [
        metal_percent(
            lines.fit_lines(signals.dataset(signals.noisy(clean, sigma, s)), LineFitOptions())
        )
        for s in range(50)
    ]
    shares, errors = np.array(found).T
    pulls = (shares - 7.70) / errors
    assert abs(np.mean(shares) - 7.70) <= 0.03
    assert np.abs(pulls).max() < 4.0
    assert 0.7 < pulls.std() < 1.4


def acme_percent(y: np.ndarray) -> float:
    """Share of Li metal by nmrglue: broadening, zero filling, ACME phase, windows of 240-290 and
    -200..200 ppm."""
    import nmrglue

    size = 4 * y.size
    row = nmrglue.proc_base.em(y.copy(), lb=100 / 1e6)
    row[0] *= 0.5
    spectrum_ = nmrglue.proc_base.fft(nmrglue.proc_base.zf_size(row, size))
    spectrum_ = nmrglue.proc_autophase.autops(spectrum_, "acme", disp=False)
    ppm = signals.CARRIER_PPM + np.fft.fftshift(np.fft.fftfreq(size, 1e-6)) / signals.SF
    metal, rest = (
        spectrum_.real[(ppm >= low) & (ppm <= high)].sum()
        for low, high in ((240, 290), (-200, 200))
    )
    return float(100 * metal / (metal + rest))


@pytest.mark.slow
def test_acme_errs_by_percents_on_the_same_table() -> None:
    """What the time-domain fit is for: on the noise-free table ours is within 0.02 (test_lines),
    ACME is not."""
    errors = []
    for width, late in CASES:
        y = signals.signal((0.077, 0.923), (265.0, 10.0), (width, width), late)
        errors.append(acme_percent(y) - 7.70)
    assert max(map(abs, errors)) > 3.0, errors
