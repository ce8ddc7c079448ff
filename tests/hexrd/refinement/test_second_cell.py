"""A twin a little larger is found and measured; tails, strain, gradients of one cell are none."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from hexrd.made_frame import make_parameters, make_phase, make_prior
from hexrd.made_frame import make_series as make_model
from hexrd.made_profiles import Lines, make_series, simulate_pattern

from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import refine, second_cell
from ssbchar.hexrd.refinement.options import Refinement

TABLE = Path(__file__).parent.parent.parent.parent / "config/phases/phases.yaml"
OPTIONS = Refinement(background_terms=8)
LINES = Lines()


def read_table(name: str) -> xr.Dataset:
    options = reflections.ReflectionListing(d_min=1.15)
    return reflections.tabulate_reflections(TABLE, options, {"phase": name})


def refine_mixture(
    changes: list[float], shares: list[float], lines: Lines = LINES, name: str = "LFP"
) -> dict[str, list[dict[str, float]]]:
    """Return the second cells of a pattern that is a sum of cells."""
    table = read_table(name)
    cell = np.array(table.attrs["cell"], float)
    cells = [np.concatenate([cell[:3] * (1 + change), cell[3:]]) for change in changes]
    patterns, furnace = make_series(table, cells[:1], lines)
    parts = [
        s * (simulate_pattern(table, c, lines) - lines.level)
        for s, c in zip(shares, cells, strict=True)
    ]
    counts = np.random.default_rng(7).poisson(sum(parts) + lines.level)[None].astype(float)
    patterns["intensity"] = (("frame", "two_theta"), counts)
    patterns["intensity_stderr"] = (("frame", "two_theta"), np.sqrt(np.maximum(counts, 1)))
    found = refine.refine_series(patterns, furnace, [table], OPTIONS)
    return json.loads(found.attrs["second_cells"])


@pytest.mark.parametrize("name", ["LFP", "LAGP"])
def test_a_twin_a_third_of_a_percent_larger_is_said(name: str) -> None:
    (one,) = refine_mixture([0.0, 0.0035], [0.65, 0.35], name=name)[name]
    assert one["frame"] == 1
    assert one["change"] == pytest.approx(0.0035, abs=2e-4)
    assert abs(one["change"] - 0.0035) < 4 * one["change_stderr"] < 2e-4
    assert one["share"] == pytest.approx(0.35, abs=0.05)


def test_two_compositions_of_equal_amount() -> None:
    (one,) = refine_mixture([-0.002, 0.002], [0.5, 0.5])["LFP"]
    assert abs(one["change"]) == pytest.approx(0.004, abs=2e-4)
    assert one["share"] == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("lines", "changes"),
    [
        (LINES, [0.0]),
        (replace(LINES, axial=0.008), [0.0]),
        (replace(LINES, quartic=(0.4, 0.6, 3.0), microstrain=0.1), [0.0]),
        (LINES, [-2e-4, 0.0, 2e-4]),
    ],
    ids=["plain", "tails", "anisotropic strain", "gradient"],
)
def test_one_cell_is_one(lines: Lines, changes: list[float]) -> None:
    assert refine_mixture(changes, [1 / len(changes)] * len(changes), lines) == {}


def fit_of(
    amounts: tuple[float, ...],
    strains: tuple[float, ...] = (0.0, 0.0),
    sigma: float = 1e-5,
    *,
    stderr: float = 1.0,
    converged: bool = True,
) -> SimpleNamespace:
    """A fit of cubic cells: amounts, and strains of the reciprocal metric with their errors."""
    rows = np.zeros((len(amounts), 6))
    rows[: len(strains), 0] = strains
    intensity = np.array(amounts)
    present = tuple(range(len(amounts)))
    return SimpleNamespace(
        present=present,
        converged=converged,
        intensity=intensity,
        parameters=SimpleNamespace(strain=rows, inflation=np.full(len(amounts), 2.0)),
        strain_covariance=tuple(np.array([[sigma**2 / 2]]) for _ in amounts),
        get_index=present.index,
        get_significance=lambda phase: float(intensity[phase] / stderr),
        misfit=1000.0,
        parameter_count=20,
    )


@pytest.mark.parametrize(
    ("amounts", "stderr", "is_clear"),
    [
        # twice the significance, for errors are inflated by two: 25 counting errors
        ((100.0, 100.0), 7.9, True),
        ((100.0, 100.0), 8.1, False),
        # and a tenth of all that scatters
        ((11.0, 89.0), 0.1, True),
        ((9.0, 91.0), 0.1, False),
    ],
)
def test_phases_that_are_looked_at(
    amounts: tuple[float, ...], stderr: float, is_clear: bool
) -> None:
    assert second_cell._is_clear(fit_of(amounts, stderr=stderr), 0) == is_clear
    assert not second_cell._is_clear(fit_of(amounts, stderr=stderr, converged=False), 0)
    assert not second_cell._is_clear(fit_of(amounts, stderr=stderr), 5)


@pytest.mark.parametrize(("used", "can_gain"), [(869, True), (871, False)])
def test_counting_noise_cannot_be_taken_away(used: int, can_gain: bool) -> None:
    """Of 1000 a second cell takes 150; 850 is that of 870 points less 20 parameters."""
    assert second_cell._can_gain(fit_of((1.0, 1.0)), used) == can_gain


@pytest.mark.parametrize(
    ("amounts", "strains", "sigma", "are_two"),
    [
        ((60.0, 40.0), (0.0, 4e-3), 1e-5, True),
        # the weaker has 8 % of both
        ((91.5, 8.5), (0.0, 4e-3), 1e-5, True),
        ((92.5, 7.5), (0.0, 4e-3), 1e-5, False),
        ((7.5, 92.5), (0.0, 4e-3), 1e-5, False),
        # they differ by five errors
        ((60.0, 40.0), (0.0, 4e-3), 7.9e-4, True),
        ((60.0, 40.0), (0.0, 4e-3), 8.1e-4, False),
        # and lengths by 5e-4: 1/a^2 changes by twice that
        ((60.0, 40.0), (0.0, 1.05e-3), 1e-6, True),
        ((60.0, 40.0), (0.0, 0.95e-3), 1e-6, False),
    ],
)
def test_when_cells_are_two(
    amounts: tuple[float, ...], strains: tuple[float, ...], sigma: float, are_two: bool
) -> None:
    found = second_cell._compare_cells(
        fit_of(amounts, strains, sigma), make_phase("cubic"), (0, 1), 4
    )
    assert (found is not None) == are_two


@pytest.mark.parametrize(("amounts", "turned"), [((60.0, 40.0), 1.0), ((40.0, 60.0), -1.0)])
def test_the_weaker_cell_beside_the_stronger(amounts: tuple[float, ...], turned: float) -> None:
    """a scales as (1 + e)^-1/2: at e = 4e-3 it is 2e-3 smaller."""
    found = second_cell._compare_cells(
        fit_of(amounts, (0.0, 4e-3), 2e-5), make_phase("cubic"), (0, 1), 4
    )
    assert found is not None and found.frame == 4
    assert found.change == pytest.approx(1.004 ** (-0.5 * turned) - 1, rel=1e-6)
    assert found.share == pytest.approx(0.4)
    assert found.change_stderr == pytest.approx(1e-5, rel=5e-3)


def test_a_phase_twice() -> None:
    """Each row of the second is that of the first, but its cell and widths."""
    before = make_parameters(
        log_size_width=np.log([0.02, 1e9]), log_strain_width=np.log([1e-9, 1e9])
    )
    strains = np.array([[1e-3] * 6, [2e-3] * 6])
    after = second_cell._double_parameters(before, 1, strains)
    np.testing.assert_array_equal(after.strain[[0, 1, 2]], [before.strain[0], *strains])
    np.testing.assert_array_equal(after.overall_b, before.overall_b[[0, 1, 1]])
    np.testing.assert_array_equal(after.inflation, before.inflation[[0, 1, 1]])
    assert np.isnan(after.amount).all() and after.amount.size == 3
    assert after.log_size_width.tolist() == [
        before.log_size_width[0],
        *[second_cell.START_LOG_SIZE_WIDTH] * 2,
    ]
    assert after.log_strain_width[1] == after.log_strain_width[2]
    assert after.log_strain_width[2] == second_cell.START_LOG_STRAIN_WIDTH
    narrow = second_cell._double_parameters(before, 0, strains)
    assert narrow.log_strain_width[0] == narrow.log_strain_width[2] == np.log(1e-9)
    prior = make_prior()
    doubled = second_cell._double_prior(prior, 1, strains, 0.04)
    np.testing.assert_array_equal(doubled.strain.mean, [prior.strain.mean[0], *strains])
    np.testing.assert_array_equal(doubled.strain.sigma[1:], np.full((2, 6), 0.04))
    np.testing.assert_array_equal(doubled.strain.sigma[0], prior.strain.sigma[0])
    np.testing.assert_array_equal(doubled.overall_b.mean, prior.overall_b.mean[[0, 1, 1]])
    series = make_model(free=(3, 2))
    twice = second_cell._double_phase(series, 1)
    assert [phase.name for phase in twice.phases] == ["cubic", "tetragonal", "tetragonal"]
    assert [len(free) for free in twice.free_reflections] == [3, 2, 0]
    assert twice.intensity_freedom.tolist() == [0.5, 0.4, 0.4]
    lines = twice.list_reflections((0, 1, 2))
    np.testing.assert_array_equal(lines.form[5:11], lines.form[11:])
    np.testing.assert_array_equal(lines.edge, [0, 5, 11, 17])
    assert np.flatnonzero(lines.is_free).tolist() == [0, 1, 2, 5, 6]


def test_second_cells_are_told_by_phase_and_number() -> None:
    one = second_cell.SecondCell(frame=1, change=0.003, change_stderr=1e-4, share=0.3)
    told = second_cell.describe_second_cells({1: [one]}, make_model(), np.array([7, 9]))
    right = {"frame": 9, "change": 0.003, "change_stderr": 1e-4, "share": 0.3}
    assert told == {"tetragonal": [right]}
