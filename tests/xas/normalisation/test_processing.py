"""A measurement under one choice is what the parts make, and what a file keeps of it gives it
back."""

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra

from ssbchar.xas.exafs.options import Exafs
from ssbchar.xas.normalisation import edge, normalise, processing
from ssbchar.xas.normalisation.exafs_free import remove_exafs
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.normalisation.processing_choices import ProcessingChoice

ENERGY = made_spectra.grid()
E0 = 7119.6
MU = np.stack([made_spectra.mu(ENERGY, made_spectra.Truth(loss=loss)) for loss in (0.0, 0.3)])
RANGES = edge.choose_fit_ranges(ENERGY, E0)
STDERR = np.full(MU.shape, 1e-3)
DRAWN = ProcessingChoice(
    pre1=-150.0,
    pre2=-40.0,
    norm1=80.0,
    norm2=600.0,
    nnorm=1,
    e0_offset=1.0,
    rbkg=0.9,
    kmin=3.0,
    kmax=12.0,
    dk=1.0,
    window="kaiser",
    tails=True,
)


def stored(options: Normalisation | None = None, mode: str = "transmission") -> xr.Dataset:
    how = options or Normalisation(core_width=1.25)
    measurement = normalise.normalise_by_options(
        ENERGY, MU, E0, how, as_given=mode == "normalised", mu_stderr=STDERR
    )
    nothing = np.full(2, np.nan)
    words = {"name": ["a", "merged"], "status": ["ok", "ok"], "ledger": ["", ""]}
    ds = normalise.build_normalised_dataset(
        measurement, how, {**words, "shift": nothing, "shift_stderr": nothing}
    )
    return ds.assign_attrs(mode=mode)


@pytest.mark.parametrize("with_free", [True, False])
def test_it_is_what_the_parts_make(with_free: bool) -> None:
    free = remove_exafs(ENERGY, MU, E0, Exafs()) if with_free else None
    choice = processing.NormalisationChoice(e0=E0, ranges=RANGES, victoreen=3, core_width=1.25)
    one = processing.normalise_under_choice(ENERGY, MU, choice, free, STDERR)
    tail = edge.calculate_tail(ENERGY, E0, 1.25)
    curve = None if free is None else free.curve
    expected = edge.normalise_edges(ENERGY, MU, RANGES, victoreen=3, exafs_free=curve, tail=tail)
    assert np.array_equal(one.spectra.norm, expected.norm)
    assert np.array_equal(one.tail, tail)
    smoother = None if free is None else free.build_smoother(ENERGY.size)
    operators = edge.derive_operators(ENERGY, RANGES, victoreen=3, smoother=smoother, tail=tail)
    assert np.array_equal(one.operators.step_weights, operators.step_weights)
    assert one.operators is one.operators, "made once"
    norm, step = one.calculate_norm_stderr()
    by_hand = edge.norm_stderr_from_mu_stderr(STDERR, expected, operators)
    assert np.array_equal(norm, by_hand[0]) and np.array_equal(step, by_hand[1])
    rows = np.ones(MU.shape)
    assert np.array_equal(
        one.calculate_functional_stderr(rows),
        edge.functional_stderr_from_mu_stderr(rows, STDERR, expected, operators),
    )


def test_unknown_noise_is_nan() -> None:
    choice = processing.NormalisationChoice(e0=E0, ranges=RANGES)
    assert np.isnan(processing.normalise_under_choice(ENERGY, MU, choice).mu_stderr).all()


def test_what_came_normalised_stays() -> None:
    choice = processing.NormalisationChoice(e0=E0, ranges=RANGES, as_given=True)
    one = processing.normalise_under_choice(ENERGY, MU, choice, None, STDERR)
    assert np.array_equal(one.spectra.norm, MU)
    assert np.array_equal(one.operators.subtraction, np.eye(ENERGY.size))
    norm, step = one.calculate_norm_stderr()
    assert np.allclose(norm, STDERR) and not step.any()


def test_a_file_keeps_its_ranges_by_name() -> None:
    ds = stored(Normalisation(core_width=0.0, victoreen=2, norm1=50.0))
    kept = processing.StoredNormalisation.read(ds.attrs)
    assert kept.ranges == edge.choose_fit_ranges(ENERGY, E0, edge.FitLimits(norm1=50.0))
    assert (kept.victoreen, kept.exafs_removed) == (2, True)
    assert '"pre_start"' in ds.attrs["ranges"]
    assert processing.StoredNormalisation.read({"ranges": kept.to_json()}) == kept


@pytest.mark.parametrize(
    "options",
    [
        Normalisation(core_width=1.25),
        Normalisation(core_width=0.0, exafs_free=False, victoreen=3),
        Normalisation(core_width=3.0, norm1=60.0, nnorm=1),
    ],
)
def test_a_file_is_normalised_again_as_it_was(options: Normalisation) -> None:
    ds = stored(options)
    again = processing.normalise_again(ds, processing.remove_exafs_again(ds), None)
    assert np.array_equal(again.spectra.norm, ds["norm"])
    assert np.array_equal(again.spectra.edge_step, ds["edge_step"])
    assert np.array_equal(again.mu_stderr, ds["mu_stderr"])


def test_another_choice_has_its_own_ranges_and_tails() -> None:
    from dataclasses import replace

    ds = stored()
    free = processing.remove_exafs_again(ds)
    one = processing.normalise_again(ds, free, DRAWN)
    assert one.choice.ranges == edge.choose_fit_ranges(ENERGY, E0, DRAWN.fit_limits)
    assert one.choice.core_width == 1.25
    other = processing.normalise_again(ds, free, replace(DRAWN, tails=False))
    assert other.choice.core_width == 0.0
    assert not np.array_equal(one.spectra.edge_step, other.spectra.edge_step)


def test_exafs_is_removed_where_it_was() -> None:
    ds = stored()
    assert np.array_equal(
        processing.remove_exafs_again(ds).curve, remove_exafs(ENERGY, MU, E0, Exafs()).curve
    )
    assert processing.remove_exafs_again(stored(Normalisation(exafs_free=False))).curve is None
    given = stored(mode="normalised")
    assert processing.remove_exafs_again(given).curve is None
    assert processing.remove_exafs_again(ds.assign_attrs(mode="normalised")).curve is None
    assert np.array_equal(
        processing.normalise_again(given, processing.remove_exafs_again(given), None).spectra.norm,
        MU,
    )


def test_the_mode_says_what_came_normalised() -> None:
    assert processing.is_given_normalised({"mode": "normalised"})
    assert not processing.is_given_normalised({"mode": "mu"})
    assert not processing.is_given_normalised({})
