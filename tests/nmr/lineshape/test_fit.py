"""Time-domain fit against known truth: the phase truth table, pulls, shapes."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.options import LineFitOptions

CASES = [(w, late) for w in (500.0, 3000.0, 6000.0) for late in (0.0, 4e-6)]


def metal_percent(ds) -> tuple[float, float]:
    area, c = ds["region_area"].values[0], ds["region_covariance"].values[0, :, 0, :]
    total = area.sum()
    g = np.array([area[1], -area[0]]) / total**2
    return 100 * area[0] / total, 100 * float(np.sqrt(g @ c @ g))


@pytest.mark.parametrize(("width", "late"), CASES)
def test_phase_truth_table_without_noise(width: float, late: float) -> None:
    y = signals.signal((0.077, 0.923), (265.0, 10.0), (width, width), late)
    share, _ = metal_percent(lines.fit_lines(signals.dataset(y), LineFitOptions()))
    assert share == pytest.approx(7.70, abs=0.02)


@pytest.mark.parametrize(("width", "late"), CASES)
def test_phase_truth_table_with_noise(width: float, late: float) -> None:
    clean = signals.signal((0.077, 0.923), (265.0, 10.0), (width, width), late)
    sigma = (
        0.08
        / metal_percent(
            lines.fit_lines(signals.dataset(signals.noisy(clean, 0.01, 0)), LineFitOptions())
        )[1]
        * 0.01
    )
    fit = lines.fit_lines(signals.dataset(signals.noisy(clean, sigma, 1)), LineFitOptions())
    share, stderr = metal_percent(fit)
    assert stderr == pytest.approx(0.08, rel=0.15)
    assert abs(share - 7.70) < 3 * stderr
    assert float(fit["time_origin"]) == pytest.approx(
        late, abs=4 * float(fit["time_origin_stderr"])
    )
