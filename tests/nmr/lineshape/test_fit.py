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


@pytest.mark.parametrize(
    ("skip", "group_delay", "start"),
    [
        (None, 0.0, 0),
        (None, 70.0, 4),
        (None, 0.5, 4),
        (0.0, 70.0, 1),
        (7.0, 0.0, 7),
        (7.0, 70.0, 7),
    ],
)
def test_points_left_out_at_the_start(skip, group_delay: float, start: int) -> None:
    y = signals.signal((0.2, 0.8), (265, 10), (900, 3000), points=1024)
    fid = signals.dataset(signals.noisy(y, 0.003, 0), group_delay=group_delay)
    if skip == 0.0:
        fid = fid.assign_coords(time=fid["time"] + 1e-6)
        start = 0
    posed = lines._pose_problem(fid, np.array([0]), LineFitOptions(skip=skip))
    assert posed.time[0] == pytest.approx(float(fid["time"][start]))
    assert posed.nuisance.size == (2 * posed.time.size if group_delay else 0)


def test_points_at_most_and_noise_at_least() -> None:
    y = signals.signal((1.0,), (10,), (3000,), points=4096)
    options = LineFitOptions(max_points=300, time_origin_prior=1e-6, max_width=2e4)
    posed = lines._pose_problem(signals.dataset(y), np.array([0]), options)
    assert posed.time.size == 300
    assert posed.sigma == pytest.approx([1e-6 * np.abs(y).max()])
    assert (posed.origin_prior, posed.max_width) == (1e-6, 2e4)
