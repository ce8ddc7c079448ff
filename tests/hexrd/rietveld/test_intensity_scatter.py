"""The scatter of lines beyond counting is found, and none where there is none."""

import numpy as np
import pytest

from ssbchar.hexrd.rietveld.intensity_scatter import (
    Blocks,
    add_scatter,
    estimate_scatter,
    split_lines,
)
from ssbchar.hexrd.rietveld.problem import Problem

AXIS = np.arange(2.0, 12.0, 0.01)
CENTRES = np.arange(2.5, 11.9, 0.4)
WIDTH = 0.04
LEVEL = 100.0


def make_problem(scatter: float, seed: int) -> tuple[Problem, np.ndarray]:
    """Return a pattern of lines apart whose areas scatter, and what is calculated without."""
    rng = np.random.default_rng(seed)
    lines = 1e4 * np.exp(-0.5 * ((AXIS - CENTRES[:, None]) / WIDTH) ** 2)
    true = (lines * (1 + scatter * rng.standard_normal(CENTRES.size))[:, None]).sum(axis=0)
    counts = rng.poisson(true + LEVEL).astype(float)
    problem = Problem(
        two_theta=AXIS,
        intensity=counts,
        stderr=np.sqrt(np.maximum(counts, 1)),
        wavelengths=(0.24,),
        doublet_ratio=0.0,
        zero=0.0,
        has_caglioti=False,
        background_terms=3,
        polarisation=1.0,
        phases=(),
    )
    return problem, lines.sum(axis=0) + LEVEL


@pytest.mark.parametrize("scatter", [0.02, 0.05, 0.2])
def test_the_scatter_is_found(scatter: float) -> None:
    found = []
    for seed in range(20):
        problem, calculated = make_problem(scatter, seed)
        blocks = split_lines(problem, calculated, np.full(AXIS.size, LEVEL))
        assert blocks.deviation.size == CENTRES.size
        found.append(estimate_scatter(blocks, 0))
    assert np.mean(found) == pytest.approx(scatter, rel=0.15)


def test_without_scatter_nothing_is_added() -> None:
    problem, calculated = make_problem(0.0, 1)
    background = np.full(AXIS.size, LEVEL)
    blocks = split_lines(problem, calculated, background)
    assert estimate_scatter(blocks, 0) < 2e-3
    assert add_scatter(problem, blocks, calculated - background, 0.0) is problem


def test_a_line_has_the_scatter_in_its_area() -> None:
    problem, calculated = make_problem(0.05, 2)
    peaks = calculated - LEVEL
    blocks = split_lines(problem, calculated, np.full(AXIS.size, LEVEL))
    # points of a Gaussian: (sum y)^2 / sum y^2 = 2 sqrt(pi) sigma / step
    assert np.median(blocks.points) == pytest.approx(2 * np.sqrt(np.pi) * WIDTH / 0.01, rel=0.02)
    wide = add_scatter(problem, blocks, peaks, 0.05)
    one = np.abs(AXIS - CENTRES[3]) < 0.2
    variance = (wide.stderr**2 - problem.stderr**2)[one].sum()
    assert np.sqrt(variance) / peaks[one].sum() == pytest.approx(0.05, rel=0.03)


def test_lines_of_no_phase_do_not_move_it_and_a_wrong_model_is_told() -> None:
    rng = np.random.default_rng(4)
    deviation = 0.04 * rng.standard_normal(60)
    clean = Blocks(deviation=deviation, variance=np.full(60, 1e-5), points=np.full(60, 9.0))
    with_strangers = Blocks(
        deviation=np.where(np.arange(60) % 12 == 0, 2.0, deviation),
        variance=clean.variance,
        points=clean.points,
    )
    found = estimate_scatter(with_strangers, 5)
    assert found == pytest.approx(estimate_scatter(clean, 5), rel=0.35)
    wrong = Blocks(deviation=12 * deviation, variance=clean.variance, points=clean.points)
    assert estimate_scatter(wrong, 5) == float("inf")


def test_few_lines_tell_no_scatter() -> None:
    few = Blocks(deviation=np.full(12, 0.3), variance=np.full(12, 1e-6), points=np.full(12, 9.0))
    assert estimate_scatter(few, 3) == 0.0
    assert estimate_scatter(few, 2) > 0.2
