"""The tails that the core hole's lifetime gives an edge: taken for neither baseline nor step."""

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from ssbchar.xas import edge_features, edge_tables
from ssbchar.xas.comparison import compare
from ssbchar.xas.comparison.options import Comparison
from ssbchar.xas.normalisation import edge, normalise
from ssbchar.xas.normalisation.options import Normalisation

ENERGY = np.concatenate(
    [np.arange(6912.0, 7092, 4), np.arange(7092.0, 7132, 0.3), np.arange(7132.0, 7800, 3)]
)
GAMMA = 1.25
LIMITS = edge.choose_fit_ranges(ENERGY, 7112.0, edge.FitLimits(norm1=100.0))


def made(energy: NDArray[np.float64], at: float = 7112.0, width: float = GAMMA, white: float = 0.0):
    """Return absorption on a line, step 0.8, falling by a line above, and the normalised one."""
    norm = (
        np.arctan(2 * (energy - at) / width) / np.pi
        + 0.5
        + white * np.exp(-0.5 * ((energy - at - 4) / 2.0) ** 2)
    )
    below = 0.3 - 1e-4 * (energy - 7112)
    return below + 0.8 * norm * (1 - 2e-4 * np.maximum(energy - 7112, 0)), norm, below


def test_baseline_and_step_of_an_edge_with_tails():
    mu, norm, below = made(ENERGY)
    plain = edge.normalise_edges(ENERGY, mu[None], LIMITS)
    freed = edge.normalise_edges(
        ENERGY, mu[None], LIMITS, tail=edge.calculate_tail(ENERGY, 7112.0, GAMMA)
    )
    at = LIMITS.at_e0
    assert plain.pre_edge[0, at] - below[at] > 0.002
    assert plain.edge_step[0] < 0.8 * 0.995
    assert abs(freed.pre_edge[0, at] - below[at]) < 2e-4
    assert freed.edge_step[0] == pytest.approx(0.8, rel=1e-3)
    near = np.abs(ENERGY - 7112) < 5
    assert (
        np.abs(freed.norm[0] - norm)[near].max() < 1e-3 < np.abs(plain.norm[0] - norm)[near].max()
    )


def test_no_width_changes_nothing():
    mu = made(ENERGY)[0][None]
    assert np.array_equal(
        edge.normalise_edges(ENERGY, mu, LIMITS).norm,
        edge.normalise_edges(
            ENERGY, mu, LIMITS, tail=edge.calculate_tail(ENERGY, 7112.0, 0.0)
        ).norm,
    )


@pytest.mark.parametrize("victoreen", [0, 3])
def test_the_operators_that_carry_noise_hold_the_tails(victoreen: int):
    random = np.random.default_rng(3)
    mu = (made(ENERGY)[0] + 1e-3 * random.standard_normal(ENERGY.size))[None]
    tail = edge.calculate_tail(ENERGY, 7112.0, GAMMA)
    done = edge.normalise_edges(ENERGY, mu, LIMITS, victoreen=victoreen, tail=tail)
    operators = edge.derive_operators(ENERGY, LIMITS, victoreen=victoreen, tail=tail)
    assert np.allclose(operators.subtraction @ mu[0], mu[0] - done.pre_edge[0], rtol=0, atol=1e-10)
    assert operators.step_weights @ mu[0] == pytest.approx(done.edge_step[0], rel=1e-10)


def test_half_step_of_narrow_and_wide_edges_lies_where_they_cross_one_half():
    for width in (2.0, 2.5, 3.2):
        for moved in np.arange(0, 0.3, 0.06):
            grid = np.arange(7092.0, 7132, 0.3) + moved
            fine = np.arange(7105.0, 7118, 0.001)
            true = fine[np.argmax(made(fine, 7112, width, 0.7)[1] >= 0.5)]
            found = edge_features.find_half_step(grid, made(grid, 7112, width, 0.7)[1][None])[0][0]
            assert abs(found - true) < 0.0025, (width, moved)


def measured(mu, core_width: float) -> xr.Dataset:
    mu = mu[None]
    options = Normalisation(core_width=core_width)
    e0 = normalise.find_origin(ENERGY, mu, options, "made", False)
    both = np.vstack([mu, mu])
    measurement = normalise.normalise_by_options(
        ENERGY, both, e0, options, as_given=False, mu_stderr=np.full(both.shape, 1e-4)
    )
    nothing = np.full(2, np.nan)
    words = {"name": ["a", "merged"], "status": ["ok", "ok"], "ledger": ["", ""]}
    ds = normalise.build_normalised_dataset(
        measurement, options, {**words, "shift": nothing, "shift_stderr": nothing}
    )
    return ds.assign_attrs(element="Fe", edge="K", alignment="foil", alignment_error=0.02)


def test_edge_shift_of_a_wider_edge_without_noise():
    """A part of the absorber is reduced: an earlier, wider edge. What was asked of noise holds
    without it, too."""
    intact, partly = made(ENERGY, 7112.0, 2.6, 0.7), made(ENERGY, 7108.0, 3.5, 0.1)
    share = 0.15
    fine = np.arange(7092.0, 7132, 0.001)
    whole = made(fine, 7112.0, 2.6, 0.7)[1]
    mixed = (1 - share) * whole + share * made(fine, 7108.0, 3.5, 0.1)[1]
    first = [float(fine[np.argmax(n >= 0.5)]) for n in (whole, mixed)]
    cycled = measured((1 - share) * intact[0] + share * partly[0], 2.6)
    found = compare.compare_pair(measured(intact[0], 2.6), cycled, Comparison(choices=40))
    off, left_out = found["edge_shift"].values - (first[1] - first[0]), found["tails"].values == 1
    assert abs(np.median(off[left_out])) < 0.002 and np.median(off[~left_out]) > 0.004
    assert 10 < left_out.sum() < 31, "half of the choices leave the tails out"


def test_widths_are_tabulated_for_every_edge_that_is_calibrated():
    assert edge_tables.look_up_core_width("U", "L1") == 0.0
    for (element, edge_name), energy in edge_tables.BEARDEN.items():
        assert 2e-5 < edge_tables.look_up_core_width(element, edge_name) / energy < 1e-3, element


def test_the_width_follows_the_element_and_the_option():
    attrs = {"element": "Ge", "edge": "K"}
    assert normalise.resolve_core_width(Normalisation(), attrs).core_width == 1.96
    assert normalise.resolve_core_width(Normalisation(core_width=0.0), attrs).core_width == 0.0
    assert normalise.resolve_core_width(Normalisation(core_width=3.0), attrs).core_width == 3.0
