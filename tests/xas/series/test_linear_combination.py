"""Mixtures of measured spectra: shares come back, errors are what scatters, noise is propagated."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr
from xas import made_spectra
from xas.campaign import chain, write_pair
from xas.made_series import ENERGY, GIVEN, NOISE, SPECIES, made, shares

from ssbchar.errors import BadInput
from ssbchar.xas.normalisation import normalise
from ssbchar.xas.normalisation.edge import EdgeOperators
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.series import lcf_solver, linear_combination
from ssbchar.xas.series import normalise as series
from ssbchar.xas.series.options import Mixture


def test_errors_of_weights_are_what_scatters(tmp_path_factory: pytest.TempPathFactory) -> None:
    weights, stated = [], []
    for seed in range(8):
        folder = tmp_path_factory.mktemp("pair")
        write_pair(folder, 50 + seed, loss=0.0, shift=3.5, repeats=1)
        _, one = chain(folder, "pristine")
        _, other = chain(folder, "cycled")
        again = tmp_path_factory.mktemp("again")
        write_pair(again, 500 + seed, loss=0.0, shift=0.0, repeats=1)
        _, sample = chain(again, "pristine")
        done = linear_combination.fit_mixture(sample, [one, other], Mixture(choices=0))
        weights.append(float(done["weight"][-1, 1]))
        stated.append(float(done["weight_stderr"][-1, 1]))
    pulls = np.array(weights) / np.array(stated)
    assert abs(pulls.mean()) < 3 / np.sqrt(8)
    assert 0.5 < pulls.std() < 1.7


def test_references_of_another_edge_are_no_references(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("pair")
    write_pair(folder, 1, loss=0.0, shift=0.0, repeats=1)
    _, one = chain(folder, "pristine")
    with pytest.raises(BadInput, match="none of its references is measured at Fe K"):
        linear_combination.fit_mixture(one, [one.assign_attrs(element="Ge")], Mixture())


def test_shares_along_the_series_come_back() -> None:
    ds = series.normalise_series(made(60, 2, 8), Normalisation())
    pure = [made(4, 1, 9, thickness=0.0), made(4, 2, 11, thickness=0.0)]
    noise = NOISE * np.random.default_rng(3).standard_normal(pure[1]["mu"].shape)
    pure[1]["mu"][:] = made_spectra.mu(ENERGY, SPECIES[1]) + noise
    references = [normalise.normalise_spectra(p, Normalisation()) for p in pure]
    done = linear_combination.fit_mixture(ds, references, Mixture(choices=5))
    error = done["weight"].values[:-1, 1] - shares(60, 2)[:, 1]
    assert np.abs(error).max() < 0.02
    assert np.abs(done["weight"].values[:-1].sum(axis=1) - 1).max() < 0.02


def spectra(mixture: list[list[float]], e0: float = 20.0, name: str = "m") -> xr.Dataset:
    """Spectra that were normalised already: an edge and a later edge, in some shares."""
    energy = np.arange(0.0, 60.0)
    pure = np.array([np.tanh((energy - at) / 3) / 2 + 0.5 for at in (20.0, 26.0)])
    mu = np.array(mixture) @ pure
    ds = xr.Dataset(coords={"energy": energy})
    dims = ("spectrum", "energy")
    ds["mu"] = ds["norm"] = (dims, mu)
    ds["mu_stderr"] = ds["norm_stderr"] = (dims, np.full(mu.shape, 1e-3))
    ds["name"] = ("spectrum", [*(str(i) for i in range(len(mu) - 1)), "merged"])
    ds["e0_half"] = ("spectrum", np.full(len(mu), e0))
    ds["e0"] = ((), 20.0)
    ds.attrs = {"mode": "normalised", "element": "Fe", "edge": "K", "measurement": name}
    ds.attrs["ranges"] = GIVEN
    return ds


FIRST, SECOND = spectra([[1, 0]], 20.0, "first"), spectra([[0, 1]], 26.0, "second")


@pytest.mark.parametrize("shift", [True, False])
def test_a_mixture_and_its_table(shift: bool) -> None:
    options = Mixture(window=(-15.0, 30.0), shift=shift, choices=1)
    ds = linear_combination.fit_mixture(spectra([[0.3, 0.7], [0.6, 0.4]]), [SECOND, FIRST], options)
    assert np.allclose(ds["weight"], [[0.7, 0.3], [0.4, 0.6]], atol=1e-6)
    assert ds["energy"].values.tolist() == list(np.arange(5.0, 51.0))
    assert ds["reference"].values.tolist() == ["second", "first"] and ds.attrs["reduced"] == "first"
    names = [str(n) for n in ds["parameter"].values]
    assert names == ["weight second", "weight first"] + ["shift"] * shift
    assert ds.attrs["method"] == f"-15 to +30 eV, shift {'free' if shift else 'fixed'}"
    variance = np.einsum("sii->si", ds["covariance"].values)
    assert np.allclose(ds["weight_stderr"], np.sqrt(variance[:, :2]))
    expected = np.sqrt(variance[:, 2]) if shift else np.zeros(2)
    assert np.allclose(ds["shift_stderr"], expected)
    assert np.allclose(ds["measured"], ds["fitted"], atol=1e-6)
    assert set(ds["verdict"].values) == {"ok"} and (ds["weight_systematic"] == 0).all()


def test_the_range_ends_where_a_reference_does_less_its_shift() -> None:
    short = FIRST.isel(energy=slice(8, 41))
    free = linear_combination._choose_range(FIRST, [short], Mixture(max_shift=2.0))
    assert free == (10.0, 38.0)
    fixed = linear_combination._choose_range(FIRST, [short], Mixture(shift=False))
    assert fixed == (8.0, 40.0)
    window = Mixture(window=(-5.0, 6.0))
    assert linear_combination._choose_range(FIRST, [short], window) == (15.0, 26.0)


def test_as_many_points_as_parameters_are_too_few() -> None:
    sample = spectra([[0.5, 0.5]])
    for high, possible in ((4.0, True), (3.0, False)):
        options = Mixture(window=(0.0, high), shift=False, choices=1)
        if possible:
            ds = linear_combination.fit_mixture(sample, [FIRST, SECOND], options)
            assert ds.sizes["energy"] == 5
        else:
            with pytest.raises(BadInput, match="do not cover"):
                linear_combination.fit_mixture(sample, [FIRST, SECOND], options)


def test_a_shift_at_its_bound_is_told() -> None:
    sample = spectra([[1, 0]])
    moved = FIRST.assign_coords(energy=FIRST["energy"] - 1.0)
    for bound, verdict in ((0.5, "at_edge"), (2.0, "ok")):
        options = Mixture(window=(-10.0, 20.0), max_shift=bound, choices=1)
        ds = linear_combination.fit_mixture(sample, [moved], options)
        assert ds["verdict"].values.tolist() == [verdict]


def propagated(gains: np.ndarray, one: SimpleNamespace, factor: float) -> np.ndarray:
    """Return the covariance from one measurement, by differences of norm = (A mu) / (w mu)."""
    mu = np.linspace(1.0, 2.0, one.energy.size)
    subtraction, weights = one.operators.subtraction, one.operators.step_weights
    norm = subtraction @ mu / (weights @ mu)
    total = np.zeros((len(gains), len(gains)))
    for i, sigma in enumerate(one.mu_stderr[0]):
        step = 1e-6 * (np.arange(mu.size) == i)
        change = (subtraction @ (mu + step) / (weights @ (mu + step)) - norm) / 1e-6
        moved = factor * gains @ change * sigma
        total += np.outer(moved, moved)
    return total


def test_noise_reaches_the_weights_through_baseline_and_step() -> None:
    random = np.random.default_rng(5)
    energy = np.linspace(0, 1, 12)
    mu = np.linspace(1.0, 2.0, 12)

    def measurement() -> SimpleNamespace:
        subtraction, weights = random.standard_normal((12, 12)), random.uniform(0.1, 0.2, 12)
        step = np.array([weights @ mu])
        return SimpleNamespace(
            energy=energy,
            mu_stderr=random.uniform(1e-3, 2e-3, (1, 12)),
            operators=EdgeOperators(subtraction=subtraction, step_weights=weights),
            spectra=SimpleNamespace(norm=(subtraction @ mu / step)[None], edge_step=step),
        )

    parts = [measurement() for _ in range(3)]
    stderr = random.uniform(1e-3, 2e-3, (1, 12))
    for tied in (False, True):
        options = Mixture(shift=False, sum_to_one=tied)
        pairs = [(p.energy, p.spectra.norm[0]) for p in parts[1:]]
        fit = lcf_solver.fit_combination(energy, parts[0].spectra.norm, stderr, pairs, options)
        found = linear_combination.propagate_noise(energy, parts, stderr, fit, options)
        gains = lcf_solver.build_gain(fit.columns, 1 / stderr**2, 2 if tied else 0)[0]
        expected = propagated(gains, parts[0], 1.0)
        for part, weight in zip(parts[1:], fit.weight[0], strict=True):
            expected += propagated(gains, part, -weight)
        assert np.allclose(found[0], expected, rtol=1e-4)


def test_the_spread_is_half_of_the_central_68_percent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Choices whose weights are 0, 1 ... 100, of one reference."""
    counter = iter(range(101))
    fit = lcf_solver.fit_combination

    def numbered(*given: object, **more: object) -> lcf_solver.CombinationFit:
        return replace(fit(*given, **more), weight=np.full((1, 1), float(next(counter))))

    monkeypatch.setattr(linear_combination, "fit_combination", numbered)
    monkeypatch.setattr(linear_combination, "_draw", lambda datasets, options: [None] * 101)
    covariances = iter(float(i) for i in range(101))
    monkeypatch.setattr(
        linear_combination, "propagate_noise", lambda *given: np.full((1, 1, 1), next(covariances))
    )
    use = np.ones(60, bool)
    options = Mixture(shift=False)
    found = linear_combination.fit_over_choices(FIRST, [FIRST], use, options)
    # Noise is propagated for the first three choices: the mean of 0, 1 and 2.
    assert found.covariance.tolist() == [[[1.0]]]
    assert found.weight.tolist() == [[50.0]]
    assert found.spread == pytest.approx([(84.13 - 15.87) / 2])


def test_fewer_than_two_choices_are_none() -> None:
    assert linear_combination._draw([FIRST], Mixture(choices=1)) == [None]
    drawn = linear_combination._draw([FIRST, SECOND], Mixture(choices=2))
    assert len(drawn) >= 2 and None not in drawn


def test_references_without_a_name_are_numbered_from_one() -> None:
    one, other = FIRST.copy(), SECOND.copy()
    del one.attrs["measurement"], other.attrs["measurement"]
    options = Mixture(window=(-15.0, 30.0), shift=False, choices=1)
    ds = linear_combination.fit_mixture(spectra([[0.3, 0.7]]), [one, other], options)
    assert ds["reference"].values.tolist() == ["reference 1", "reference 2"]
