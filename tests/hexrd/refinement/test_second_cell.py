"""A twin a little larger is found and measured; tails, strain, gradients of one cell are none."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_profiles import Lines, make_series, simulate_pattern

from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import refine
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
