"""The merged spectrum under a choice: its edge, its chi(R), their noise, where its signal ends."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.normalisation import test_processing as one_choice

from ssbchar.constants import ETOK
from ssbchar.xas import edge_features
from ssbchar.xas.exafs import autobk, fourier
from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge, noisy_edges
from ssbchar.xas.normalisation.merged_spectrum import MergedSpectrum

ENERGY, E0, CHOICE = one_choice.ENERGY, one_choice.E0, one_choice.DRAWN


@pytest.fixture(scope="module")
def stored() -> xr.Dataset:
    return one_choice.stored()


@pytest.fixture(scope="module")
def merged(stored: xr.Dataset) -> MergedSpectrum:
    return MergedSpectrum.from_dataset(stored)


def test_it_is_the_last_spectrum_with_its_settings(stored: xr.Dataset) -> None:
    one = MergedSpectrum.from_dataset(stored)
    assert np.array_equal(one.mu, one_choice.MU[-1:])
    assert (one.e0, one.victoreen, one.exafs_free, one.core_width) == (E0, 0, True, 1.25)
    assert one.span == pytest.approx(ENERGY[-1] - E0)
    assert one.reach == pytest.approx(np.sqrt(ETOK * (ENERGY[-1] - E0)))
    moved = MergedSpectrum.from_dataset(stored, E0 + 2.0)
    assert moved.e0 == E0 + 2.0
    assert moved.span == pytest.approx(ENERGY[-1] - E0 - 2.0)
    assert replace(one, e0=ENERGY[-1] + 1).reach == 0.0
    bare = stored.drop_attrs().assign_attrs(ranges=stored.attrs["ranges"])
    assert MergedSpectrum.from_dataset(bare).exafs_free
    assert MergedSpectrum.from_dataset(bare).core_width == 0.0


def test_a_choice_sets_ranges_background_and_step(merged: MergedSpectrum) -> None:
    made = merged.process(CHOICE, True)
    last = float(np.sqrt(ETOK * (merged.span - CHOICE.e0_offset)))
    operators = autobk.build_operators(
        ENERGY, E0 + 1.0, Exafs(rbkg=CHOICE.rbkg, kmax_background=last)
    )
    chi, coefficients, _ = autobk.chi_from_mu(operators, merged.mu, np.ones(1))
    curve = autobk.evaluate_background(operators, merged.mu, coefficients)
    assert np.array_equal(made.background.curve, curve)
    expected = edge.normalise_edges(
        ENERGY,
        merged.mu,
        edge.choose_fit_ranges(ENERGY, E0, CHOICE.fit_limits),
        exafs_free=curve,
        tail=edge.calculate_tail(ENERGY, E0, 1.25),
    )
    assert np.array_equal(made.normalised.spectra.edge_step, expected.edge_step)
    assert np.array_equal(made.chi, chi / expected.edge_step[:, None])


def test_settings_are_followed(merged: MergedSpectrum) -> None:
    plain = merged.process(CHOICE, True).normalised
    without = replace(merged, exafs_free=False).process(CHOICE, True)
    assert without.normalised.exafs_free.curve is None
    assert without.background.curve is not None
    fitted = merged.process(replace(CHOICE, tails=False), True).normalised
    assert plain.choice.core_width == 1.25
    assert fitted.choice.core_width == 0.0
    xanes = merged.process(CHOICE, False)
    assert xanes.chi.shape == (1, 0)
    assert xanes.normalised.exafs_free.curve is None
    given = replace(merged, as_given=True).process(CHOICE, True)
    assert np.array_equal(given.normalised.spectra.norm, merged.mu)


def test_edge_and_white_line_are_the_rooms_own(merged: MergedSpectrum) -> None:
    made = merged.process(CHOICE, True)
    spectra = made.normalised.spectra
    half = edge_features.find_half_step(ENERGY, spectra.norm)
    top = edge_features.measure_white_line(ENERGY, spectra.flat, E0)
    assert merged.measure_edge(made) == (half.energy[0], top.height[0])
    errors = merged.calculate_edge_stderr(made)
    by_hand = made.normalised.calculate_functional_stderr(half.rows)[0] / half.slope[0]
    assert errors[0] == pytest.approx(by_hand)
    assert errors[1] == made.normalised.calculate_functional_stderr(top.rows)[0]


def test_chi_r_is_windowed_as_the_choice_says(merged: MergedSpectrum) -> None:
    made = merged.process(CHOICE, True)
    r, chi_r = merged.calculate_chi_r(made, CHOICE, 2)
    assert made.background.operators is not None
    _, weights = fourier.build_k_window(
        made.background.operators.k, kmin=3.0, kmax=12.0, dk=1.0, shape="kaiser", kweight=2
    )
    expected = fourier.chi_r_from_chi(made.chi, weights, 6.0)
    assert np.array_equal(r, expected[0]) and np.array_equal(chi_r, expected[1][0])


def test_errors_are_what_scatters(merged: MergedSpectrum) -> None:
    """Noise of 1e-3 on every point, two hundred times: half step, white line and |chi(R)|."""
    random = np.random.default_rng(0)
    edges, sizes = [], []
    for _ in range(200):
        noise = 1e-3 * random.standard_normal(merged.mu.shape)
        one = replace(merged, mu=merged.mu + noise)
        made = one.process(CHOICE, True)
        edges.append(one.measure_edge(made))
        sizes.append(np.abs(one.calculate_chi_r(made, CHOICE, 1)[1]))
    made = merged.process(CHOICE, True)
    stated = np.array(merged.calculate_edge_stderr(made))
    assert np.std(edges, axis=0) == pytest.approx(stated, rel=0.2)
    error = merged.calculate_chi_r_stderr(made, CHOICE, 1)
    peak = int(np.argmax(np.mean(sizes, axis=0)))
    assert np.std(sizes, axis=0)[peak] == pytest.approx(error[peak], rel=0.2)
    assert merged.calculate_chi_r_stderr(merged.process(CHOICE, False), CHOICE, 1).size == 0


def test_the_step_is_part_of_the_error_of_chi(merged: MergedSpectrum) -> None:
    """Spectra that came normalised have a step without noise: their error is that of points."""
    made = merged.process(CHOICE, True)
    given = replace(merged, as_given=True)
    given_made = given.process(CHOICE, True)
    step = made.normalised.spectra.edge_step[0]
    with_step = merged.calculate_chi_r_stderr(made, CHOICE, 1) * step
    without = given.calculate_chi_r_stderr(given_made, CHOICE, 1)
    assert not np.allclose(with_step, without, rtol=1e-3)
    assert np.median(with_step / without) == pytest.approx(1, abs=0.1)


def test_the_signal_ends_in_its_noise() -> None:
    """More noise, an earlier end; without noise it reaches the last k."""
    energy = made_spectra.grid()
    mu = made_spectra.mu(energy, made_spectra.Truth())[None]

    def end(sigma: float, ratio: float = 2.5, as_given: bool = False) -> float:
        return MergedSpectrum(
            energy=energy,
            mu=mu,
            mu_stderr=np.full(mu.shape, sigma),
            e0=E0,
            as_given=as_given,
            victoreen=0,
            exafs_free=True,
            core_width=0.0,
            span=float(energy[-1]) - E0,
        ).find_signal_end(ratio)

    ends = [end(sigma) for sigma in (1e-9, 3e-4, 1e-3, 3e-3, 1.0)]
    assert ends == sorted(ends, reverse=True)
    assert ends[0] == pytest.approx(14.95, abs=0.1)
    assert ends[-1] == pytest.approx(4.05), "not below 4/angstrom"
    assert ends[1:4] == pytest.approx([14.95, 10.65, 8.05]), "as recorded"
    assert end(1e-3, 5.0) < end(1e-3) < end(1e-3, 1.0)


def test_twice_the_absorption_has_the_same_chi_and_the_same_errors(
    merged: MergedSpectrum,
) -> None:
    """A thicker sample: chi is divided by its step, errors of mu too."""
    double = replace(merged, mu=2 * merged.mu, mu_stderr=2 * merged.mu_stderr)
    one, two = merged.process(CHOICE, True), double.process(CHOICE, True)
    assert np.allclose(one.chi, two.chi, atol=1e-4)
    assert np.allclose(
        merged.calculate_chi_r_stderr(one, CHOICE, 1),
        double.calculate_chi_r_stderr(two, CHOICE, 1),
        rtol=0.05,
    )
    assert double.calculate_edge_stderr(two) == pytest.approx(
        merged.calculate_edge_stderr(one), rel=0.02
    )


def test_the_mean_is_the_last_of_many(stored: xr.Dataset) -> None:
    many = stored.isel(spectrum=[0, 0, 1])
    one = MergedSpectrum.from_dataset(many)
    assert one.mu.shape == one.mu_stderr.shape == (1, ENERGY.size)
    assert np.array_equal(one.mu, one_choice.MU[-1:])


def test_noise_starved_edges_have_the_error_of_noisy_copies(merged: MergedSpectrum) -> None:
    """With noise of a third of the step in every point the half step jumps by eV."""
    step_noise = np.full_like(merged.mu_stderr, 0.02)
    quiet, loud = (replace(merged, mu_stderr=factor * step_noise) for factor in (1.0, 30.0))
    small = quiet.calculate_edge_stderr(quiet.process(CHOICE, False))
    large = loud.calculate_edge_stderr(loud.process(CHOICE, False))
    assert np.isnan(large[0]) or large[0] > 30 * small[0]


def test_copies_without_a_half_step_leave_no_error() -> None:
    copies = np.array([1.0] * 89 + [np.nan] * 11)
    assert np.isnan(noisy_edges.find_spread(copies, 1.0))
    assert noisy_edges.find_spread(copies[:98], 1.5) == pytest.approx(0.5)
    assert np.isnan(noisy_edges.find_spread(copies[:89], float("nan")))
