"""Principal components and crossings: the number of species, and every formula by hand."""

import numpy as np
import pytest
import xarray as xr
from scipy.stats import chi2, special_ortho_group
from xas import made_spectra
from xas.made_series import ENERGY, GIVEN, SPECIES, made, shares

from ssbchar.errors import BadInput
from ssbchar.xas.normalisation.options import Normalisation
from ssbchar.xas.series import components
from ssbchar.xas.series import normalise as series
from ssbchar.xas.series.options import Series


@pytest.mark.parametrize("species", [1, 2, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_number_of_species_is_found(species: int, seed: int) -> None:
    ds = series.normalise_series(made(100, species, seed), Normalisation())
    found = components.find_components(ds, Series())
    assert int(found["rank"]) == species
    assert float(found["noise_ratio"]) == pytest.approx(1, abs=0.06)


def test_a_trembling_axis_is_no_species_where_its_error_is_known() -> None:
    ds = series.normalise_series(made(120, 2, 4, jitter=0.02), Normalisation())
    assert int(components.find_components(ds, Series())["rank"]) == 2
    blind = ds.assign_attrs(alignment_error=float("nan"))
    assert int(components.find_components(blind, Series())["rank"]) > 2


@pytest.mark.parametrize("species", [2, 3])
def test_counted_noise_on_interpolated_axes_is_no_species(species: int) -> None:
    """Photons counted through the edge (more noise above it), axes that tremble and are calibrated
    to 0.003 eV."""
    random = np.random.default_rng(40 + species)
    ds = made(120, species, 13)
    for i, share in enumerate(shares(120, species)):
        drift = 0.02 * random.standard_normal()
        axis = ENERGY - drift
        mu = share @ np.array([made_spectra.mu(axis, s) for s in SPECIES[:species]])
        counts = random.poisson(2e6, ENERGY.size), random.poisson(2e6 * np.exp(-mu))
        ds["mu"][i] = np.log(counts[0] / counts[1])
        ds["energy"][i] = axis + 0.003 * random.standard_normal()
    ds.attrs["alignment_error"] = 0.003
    found = components.find_components(series.normalise_series(ds, Normalisation()), Series())
    assert int(found["rank"]) == species
    assert bool((found["crossing_p"].values > 1e-3).all()) is (species == 2)


def test_noise_alone_exceeds_its_edge_in_five_of_a_hundred() -> None:
    random = np.random.default_rng(5)
    largest = [np.linalg.norm(random.standard_normal((120, 60)), 2) ** 2 for _ in range(400)]
    assert np.mean(np.array(largest) > components.compute_noise_edge(120, 60)) == pytest.approx(
        0.05, abs=0.03
    )


def test_noise_ratio_and_indicator_of_a_known_matrix() -> None:
    random = np.random.default_rng(6)
    noise = 1.7 * random.standard_normal((200, 90))
    signal = 40 * random.standard_normal((200, 3)) @ special_ortho_group.rvs(90, random_state=1)[:3]
    squares = np.linalg.svd(noise + signal, compute_uv=False) ** 2
    assert components.estimate_noise_ratio(squares, 200, 90) == pytest.approx(1.7, rel=0.03)
    assert int(np.nanargmin(components.compute_indicator(squares, 200, 90)[:10])) + 1 == 3


def test_two_species_cross_at_isosbestic_points_and_three_do_not() -> None:
    two = components.find_components(
        series.normalise_series(made(100, 2, 7), Normalisation()), Series()
    )
    assert two.sizes["crossing"] >= 2
    assert (two["crossing_p"].values > 0.01).all()
    three = components.find_components(
        series.normalise_series(made(100, 3, 7), Normalisation()), Series()
    )
    assert (three["crossing_p"].values < 0.01).any()


def test_the_edge_of_noise_by_hand() -> None:
    """n = 5, p = 9: a = 2, b = 3."""
    expected = 25 + 0.9793 * 5 * (1 / 2 + 1 / 3) ** (1 / 3)
    assert components.compute_noise_edge(5, 9) == pytest.approx(expected)
    one = components.compute_noise_edge(1, 9)
    assert (
        one
        == components.compute_noise_edge(2, 9)
        == pytest.approx(16 + 3.9172 * (4 / 3) ** (1 / 3))
    )


def test_malinowskis_indicator_by_hand() -> None:
    """c = 3, r = 5: sqrt(5 / 10) / 4, then sqrt(1 / 5) / 1."""
    for n, p in ((3, 5), (5, 3)):
        found = components.compute_indicator(np.array([9.0, 4.0, 1.0]), n, p)
        assert found[:2] == pytest.approx([0.5**0.5 / 4, 0.2**0.5])
        assert np.isnan(found[2])


def test_noise_ratio_scales_with_the_noise_and_not_with_the_species() -> None:
    random = np.random.default_rng(11)
    squares = np.linalg.svd(random.standard_normal((80, 160)), compute_uv=False) ** 2
    one = components.estimate_noise_ratio(squares, 80, 160)
    assert one == pytest.approx(1, rel=0.03)
    assert components.estimate_noise_ratio(4 * squares, 80, 160) == pytest.approx(2 * one)
    assert components.estimate_noise_ratio(squares, 160, 80) == one
    squares[:3] *= 1e6
    assert components.estimate_noise_ratio(squares, 80, 160) == one


def normalised(count: int = 8, points: int = 12, **more: float) -> xr.Dataset:
    """Spectra that were normalised already, so that the noise of a point is that of the file."""
    energy = 7100.0 + np.arange(points)
    random = np.random.default_rng(3)
    level = 1 + 0.1 * np.arange(count)
    profile = 1e-3 * (1 + 0.5 * np.sin(energy))
    stderr = np.vstack([np.outer(level, profile), profile[None]])
    ds = xr.Dataset(
        coords={"energy": energy}, attrs={"mode": "normalised", "ranges": GIVEN, **more}
    )
    dims = ("spectrum", "energy")
    ds["mu"] = ds["norm"] = (dims, random.standard_normal((count + 1, points)))
    ds["mu_stderr"] = ds["norm_stderr"] = (dims, stderr)
    ds["edge_step"] = ("spectrum", np.ones(count + 1))
    ds["e0_half"] = ("spectrum", np.full(count + 1, 7105.0))
    ds["number"] = ("spectrum", np.append(1 + np.arange(count), 0))
    ds["e0"] = ((), 7105.0)
    correlation = 0.3 ** np.abs(np.subtract.outer(energy, energy))
    ds["noise_correlation"] = (("energy", "energy2"), correlation)
    return ds


def test_noise_scale_is_the_running_level_over_the_step() -> None:
    ds = normalised()
    found = components.estimate_noise_scale(ds, width=1)
    level = 1 + 0.1 * np.arange(8)
    assert found == pytest.approx(level / np.median(level))
    ds["edge_step"][:] = np.r_[2.0, np.ones(8)]
    assert components.estimate_noise_scale(ds, width=1)[0] == pytest.approx(found[0] / 2)
    spike = normalised()
    spike["mu_stderr"][3] *= 5
    smooth = components.estimate_noise_scale(spike, width=3)
    assert smooth.size == 8 and smooth.max() < 1.3
    assert components.estimate_noise_scale(spike).max() < 1.3


def test_the_whitener_makes_noise_and_axis_error_unit_variance() -> None:
    ds = normalised(9, alignment_error=0.05)
    ds["edge_step"][:] = 2.0
    use = np.arange(12) > 1
    norm = ds["norm"].values[:-1]
    noise = np.median(ds["mu_stderr"].values[:-1], axis=0) / 2
    covariance = np.outer(noise, noise) * ds["noise_correlation"].values
    for third in (slice(0, 3), slice(3, 6), slice(6, 9)):
        slope = np.gradient(norm[third].mean(axis=0), ds["energy"].values)
        covariance += 0.05**2 * np.outer(slope, slope)
    white = components.build_whitener(ds, use)
    assert np.allclose(white @ covariance[np.ix_(use, use)] @ white.T, np.eye(10), atol=1e-8)


def test_too_few_points_or_spectra_are_refused() -> None:
    options = Series(window=(-5.0, 20.0))
    assert components.find_components(normalised(5, 10), options).sizes["component"] <= 5
    for ds in (normalised(4, 10), normalised(5, 9)):
        with pytest.raises(BadInput, match="in the window"):
            components.find_components(ds, options)


def test_the_window_holds_its_ends_and_components_are_scaled() -> None:
    ds = normalised(8, 14)
    found = components.find_components(ds, Series(window=(-4.0, 7.0), shown=3))
    assert found["energy"].values.tolist() == [7101.0 + i for i in range(12)]
    assert found.sizes["component"] == 3 and found["number"].values.tolist() == list(range(1, 9))
    everything = components.find_components(ds, Series(window=(-4.0, 7.0)))
    assert everything.sizes["component"] == 8
    # Of all components, scores times loadings are the spectra.
    product = everything["score"].values @ everything["loading"].values
    assert np.allclose(product, ds["norm"].values[:-1, 1:13])
    squares = everything["eigenvalue"].values * 12
    ratio = components.estimate_noise_ratio(squares, 8, 12)
    assert float(found["noise_ratio"]) == pytest.approx(ratio)
    edges = [components.compute_noise_edge(8 - k, 12 - k) for k in range(3)]
    assert np.allclose(found["edge"], np.array(edges) * (max(1, ratio) * 1.03) ** 2 / 12)


def test_species_end_at_the_first_component_below_its_edge() -> None:
    ds = series.normalise_series(made(40, 2, 5), Normalisation())
    # How many are shown ends nothing.
    assert int(components.find_components(ds, Series(shown=1))["rank"]) == 2
    found = components.find_components(ds, Series())
    above = found["eigenvalue"].values > found["edge"].values
    assert above[:2].all() and not above[2] and int(found["rank"]) == 2
    assert int(found["rank_indicator"]) == int(np.nanargmin(found["indicator"].values)) + 1


def test_the_noise_of_a_window_has_one_profile_and_each_scans_level() -> None:
    """Points have half the variance of the whole; levels 1 and 2, stated noise doubled."""
    whole, point = np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[0.5, 1.0], [1.0, 2.0]])
    scans = xr.Dataset({"norm_stderr": (("spectrum", "energy"), whole)})
    scans["mu_stderr"] = (("spectrum", "energy"), 4.0 * point)
    scans["edge_step"] = ("spectrum", [4.0, 4.0])
    found = components._separate_noise(scans, np.ones(2, bool), np.array([1.0, 2.0]), 2.0)
    assert np.allclose(found.whole, 2 * whole) and np.allclose(found.point, 2 * point)
    scans["mu_stderr"] = (("spectrum", "energy"), 40.0 * point)
    found = components._separate_noise(scans, np.ones(2, bool), np.array([1.0, 2.0]), 2.0)
    assert np.allclose(found.point, found.whole)


def window(
    place: float = 7.3, stderr: float = 1e-4, count: int = 30, axis_error: float = 0.0
) -> components.SeriesWindow:
    """Two species, lines that cross at a place where both are 0.5."""
    energy = np.arange(16.0)
    share = np.linspace(0, 1, count)[:, None]
    first, last = 0.5 + 0.1 * (energy - place), 0.5 - 0.1 * (energy - place)
    errors = np.full((count, 16), stderr)
    return components.SeriesWindow(
        energy=energy,
        norm=(1 - share) * first + share * last,
        stderr=errors,
        point_stderr=errors,
        half_steps=np.full(count, 8.0),
        axis_error=axis_error,
    )


def test_lines_cross_where_they_cross() -> None:
    (found,) = components.find_crossings(window())
    assert found.energy == pytest.approx(7.3, abs=1e-4) and found.value == pytest.approx(0.5)
    assert found.reduced_chi_square < 0.1 and found.p == pytest.approx(1)
    # Noise hides the sign at 7; the crossing still lies between 7 and 8.
    (found,) = components.find_crossings(window(stderr=0.02))
    assert found.energy == pytest.approx(7.3, abs=1e-2)


def test_a_crossing_lies_between_the_points_where_the_difference_turns() -> None:
    """A cubic difference is hidden by noise at 7 and turns between 7 and 8."""
    one = window(stderr=1e-3)
    share = np.linspace(1, -1, 30)[:, None]
    norm = 0.5 + 0.01 * share * (one.energy - 7.3) ** 3
    bent = components.SeriesWindow(**{**vars(one), "norm": norm})
    (found,) = components.find_crossings(bent)
    assert 7 < found.energy < 8


def test_the_place_of_least_scatter_is_sought_on_both_sides() -> None:
    """Two standard errors about 7.3 where the means cross; the scans scatter least elsewhere."""
    one = window(count=30, stderr=2e-3)
    energy, share = one.energy, np.linspace(-1, 1, 30)[:, None]
    for place in (7.285, 7.315):
        # Only the ends decide where the means cross, only the middle where the series scatters.
        norm = one.norm.copy()
        norm[3:-3] = 0.5 - 0.1 * share[3:-3] * (energy - place)
        moved = components.SeriesWindow(**{**vars(one), "norm": norm})
        (found,) = components.find_crossings(moved)
        assert np.sign(found.energy - 7.3) == np.sign(place - 7.3)
        assert found.energy == pytest.approx(place, abs=1e-2)


def test_a_crossing_in_the_pre_edge_is_left_out() -> None:
    """Half steps at 8: the difference counts above 3, on both sides of the crossing."""
    assert len(components.find_crossings(window(place=4.5))) == 1
    assert components.find_crossings(window(place=3.5)) == []


def test_a_difference_of_five_standard_errors_is_needed_on_both_sides() -> None:
    """Means of three scans; the difference 0.2 (14 / 14.5) (E - 13.6) is 0.27 at the last point."""
    one = window(place=13.6, count=30)
    share = np.linspace(0, 1, 30)
    slope = 0.2 * (share[-3:].mean() - share[:3].mean())
    largest = slope * (15 - 13.6)
    limit = largest / 5 * np.sqrt(3) / np.sqrt(2)
    assert len(components.find_crossings(window(place=13.6, stderr=0.99 * limit))) == 1
    assert components.find_crossings(window(place=13.6, stderr=1.01 * limit)) == []
    assert len(components.find_crossings(one)) == 1


def test_scatter_by_hand() -> None:
    """A quarter of the way between two points: mean weighted by 1/variance, chi-square about it."""
    norm = np.array([[0.0, 1.0], [0.2, 1.0], [0.1, 0.5]])
    one = components.SeriesWindow(
        energy=np.array([10.0, 12.0]),
        norm=norm,
        stderr=np.array([[0.1, 0.1], [0.2, 0.1], [0.1, 0.3]]),
        point_stderr=np.array([[0.1, 0.05], [0.1, 0.1], [0.05, 0.2]]),
        half_steps=np.zeros(3),
        axis_error=0.1,
    )
    value = 0.75 * norm[:, 0] + 0.25 * norm[:, 1]
    slope = (norm[:, 1] - norm[:, 0]) / 2
    point, whole = one.point_stderr, one.stderr
    variance = (0.75 * point[:, 0]) ** 2 + (0.25 * point[:, 1]) ** 2 + (0.1 * slope) ** 2
    shared = whole**2 - point**2
    variance += 0.75 * shared[:, 0] + 0.25 * shared[:, 1]
    mean = np.average(value, weights=1 / variance)
    found = components._measure_scatter(one, 10.5)
    assert found == pytest.approx((mean, float(((value - mean) ** 2 / variance).sum())))


def test_the_probability_has_a_degree_of_freedom_for_mean_and_place() -> None:
    one = window(count=10)
    noisy = components.SeriesWindow(
        **{**vars(one), "norm": one.norm + 1e-4 * np.cos(7 * np.arange(10))[:, None]}
    )
    (found,) = components.find_crossings(noisy)
    scatter = [components._measure_scatter(noisy, x)[1] for x in np.linspace(7.29, 7.31, 2001)]
    assert found.reduced_chi_square == pytest.approx(min(scatter) / 8, rel=1e-2)
    assert found.p == pytest.approx(float(chi2.sf(8 * found.reduced_chi_square, 8)))


def test_an_unknown_error_of_the_axis_is_none() -> None:
    assert components._read_axis_error(xr.Dataset(attrs={"alignment_error": float("nan")})) == 0
    assert components._read_axis_error(xr.Dataset()) == 0
    assert components._read_axis_error(xr.Dataset(attrs={"alignment_error": 0.02})) == 0.02
