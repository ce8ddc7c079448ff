"""The joint fit of shells, against made paths of known truth."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_paths
from xas.made_paths import TRUE, K

from ssbchar.errors import BadInput
from ssbchar.storage import store
from ssbchar.xas.exafs.options import FourierWindow
from ssbchar.xas.paths import fit
from ssbchar.xas.paths.exafs_equation import Shell
from ssbchar.xas.paths.options import PathFit

OPTIONS = PathFit(rmin=1.0, rmax=3.0)

AFTER = {"e0": 2.0, "numbers": (4.5, 10.0), "changes": (-0.01, 0.04), "sigma2": (0.006, 0.012)}


def test_truth_without_noise(made: xr.Dataset) -> None:
    ds = fit.fit_paths(made, made_paths.exafs(K, made_paths.chi(K, **TRUE)), None, OPTIONS)
    assert ds.attrs["verdict"] == "ok"
    assert float(ds["e0"][0]) == pytest.approx(TRUE["e0"], abs=0.1)
    assert np.allclose(ds["number"][0], TRUE["numbers"], rtol=0.01)
    assert np.allclose(ds["distance"][0], [2.07, 3.04], atol=0.002)
    assert np.allclose(ds["displacement"][0], TRUE["sigma2"], atol=2e-4)
    assert float(ds["r_factor"][0]) < 1e-4
    assert float(ds["independent_points"]) == pytest.approx(2 * 9 * 2 / np.pi + 1)


def test_the_passive_electrons_factor_scales_numbers_alone(made: xr.Dataset) -> None:
    spectrum = made_paths.exafs(K, 0.7 * made_paths.chi(K, **TRUE))
    known, unknown = (
        fit.fit_paths(made, spectrum, None, PathFit(**{**vars(OPTIONS), "s02": s}))
        for s in (0.7, 1.0)
    )
    assert np.allclose(0.7 * known["number"], unknown["number"], rtol=1e-6)
    assert np.allclose(known["distance"], unknown["distance"], atol=1e-8)
    assert float(known["reduced_chi_square"]) == pytest.approx(float(unknown["reduced_chi_square"]))


def pair(seed: int, noise: float, cycled: dict, e0: float = 7120.0, alignment: str = "foil"):
    random = np.random.default_rng(seed)
    spectra = [
        made_paths.chi(K, **p) + noise * random.standard_normal(K.size) for p in (TRUE, cycled)
    ]
    second = made_paths.exafs(K, spectra[1], e0, alignment, "after")
    return made_paths.exafs(K, spectra[0], alignment=alignment, measurement="before"), second


def test_pulls_of_a_joint_fit(made: xr.Dataset) -> None:
    """Error over stderr of every parameter and of the changes, 60 seeds of noise; chi-square over
    its expectation."""
    pulls, changes, reduced = [], [], []
    for seed in range(60):
        before, after = pair(seed, 2e-3, AFTER)
        ds = fit.fit_paths(made, after, before, PathFit(**{**vars(OPTIONS), "e0": (0.0,)}))
        assert ds.sizes["parameter"] == 13
        truth = [2.0, 5, 10, -0.03, 0.04, 0.006, 0.009, 4.5, 10, -0.01, 0.04, 0.006, 0.012]
        pulls.append((ds["value"].values - truth) / ds["stderr"].values)
        a, b = (int(ds["distance_place"][i, 0]) for i in (0, 1))
        cov = ds["covariance"].values
        changes.append(
            (float(ds["value"][b] - ds["value"][a]) - 0.02)
            / np.sqrt(cov[a, a] + cov[b, b] - 2 * cov[a, b])
        )
        reduced.append(float(ds["reduced_chi_square"]))
    assert np.abs(np.mean(pulls, axis=0)).max() < 0.5
    spread = np.std(pulls, axis=0)
    assert 0.7 < np.median(spread) < 1.4 and spread.min() > 0.5 and spread.max() < 1.7
    assert 0.6 < np.std(changes) < 1.5 and abs(np.mean(changes)) < 0.5
    assert 0.6 < np.median(reduced) < 1.6


def test_one_origin_on_one_axis_two_without(made: xr.Dataset) -> None:
    """The cycled spectrum's E0 lies 1.5 eV lower: on one axis the shift of its origin is that much
    higher."""
    moved = {**TRUE, "e0": TRUE["e0"] + 1.5}
    before, after = pair(3, 1e-4, moved, e0=7118.5)
    ds = fit.fit_paths(made, after, before, OPTIONS)
    assert str(ds["parameter"].values[0]) == "e0"
    assert np.allclose(ds["e0"], [2.0, 3.5], atol=0.1)
    before, after = pair(3, 1e-4, {**TRUE, "e0": -1.0}, e0=7118.5, alignment="none")
    apart = fit.fit_paths(made, after, before, OPTIONS)
    assert apart.sizes["parameter"] == ds.sizes["parameter"] + 1
    assert np.allclose(apart["e0"], [2.0, -1.0], atol=0.1)


def test_what_is_shared_has_one_value_and_is_known_better(made: xr.Dataset) -> None:
    before, after = pair(5, 2e-3, TRUE)
    free = fit.fit_paths(made, after, before, OPTIONS)
    tied = fit.fit_paths(
        made, after, before, PathFit(**{**vars(OPTIONS), "shared": ("distance", "displacement")})
    )
    assert tied.sizes["parameter"] == free.sizes["parameter"] - 4
    assert np.array_equal(tied["distance"][0], tied["distance"][1])
    same = free["reduced_chi_square"] / tied["reduced_chi_square"]
    assert float(tied["distance_stderr"][0, 0]) * float(np.sqrt(same)) < 0.85 * float(
        free["distance_stderr"][0, 0]
    )


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (PathFit(rmin=2.3, rmax=2.6), "parameters for"),
        (PathFit(shells=((6.0, 7.0),)), "no path of FEFF"),
    ],
)
def test_a_fit_that_cannot_be_is_refused(made: xr.Dataset, options: PathFit, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        fit.fit_paths(made, made_paths.exafs(K, made_paths.chi(K, **TRUE)), None, options)


def test_what_is_kept_has_units_and_can_be_stored(made: xr.Dataset, tmp_path: Path) -> None:
    ds = fit.fit_paths(made, *pair(1, 2e-3, AFTER)[::-1], OPTIONS)
    for one in (made, ds):
        store.save(
            one, tmp_path / "one.nc", store.describe_provenance("xas.paths.fit_paths", {}, {}), {}
        )
        again = store.load(tmp_path / "one.nc")
        assert set(one.variables) <= set(again.variables)
    assert ds["distance"].attrs["units"] == "angstrom"


def test_no_exafs_no_fit(made: xr.Dataset) -> None:
    short = xr.Dataset(attrs={"exafs": "the scan ends at k = 4", "measurement": "short"})
    with pytest.raises(BadInput, match="the scan ends at k = 4"):
        fit.fit_paths(made, short, None, OPTIONS)


def test_a_minimum_that_is_no_structure_is_doubtful(made: xr.Dataset) -> None:
    for seed in range(4):
        noise = 1e-2 * np.random.default_rng(seed).standard_normal(K.size)
        ds = fit.fit_paths(made, made_paths.exafs(K, noise), None, OPTIONS)
        assert ds.attrs["verdict"] == "doubtful" and "negative" in ds.attrs["reason"]
    one = fit.fit_paths(
        made, made_paths.exafs(K, made_paths.chi(K, **TRUE)), None, PathFit(shells=((2.0, 2.2),))
    )
    assert one.attrs["verdict"] == "doubtful" and "R factor" in one.attrs["reason"]


def test_places_of_a_pair_are_counted_from_the_shifts_of_the_origin() -> None:
    before = made_paths.exafs(K, 0 * K, e0=7120.0)
    after = made_paths.exafs(K, 0 * K, e0=7118.5)
    first, second = fit.assign_parameters([before, after], 2, PathFit(shared=("distance",)))
    assert (first.e0, second.e0) == (0, 0)
    assert (first.offset, second.offset) == (0.0, 1.5)
    assert first.places.tolist() == [[1, 3, 5], [2, 4, 6]]
    assert second.places.tolist() == [[7, 3, 9], [8, 4, 10]]
    apart = [ds.assign_attrs(alignment="none") for ds in (before, after)]
    first, second = fit.assign_parameters(apart, 1, PathFit())
    assert (first.e0, second.e0, second.offset) == (0, 1, 0.0)
    assert first.places.tolist() == [[2, 3, 4]] and second.places.tolist() == [[5, 6, 7]]
    (alone,) = fit.assign_parameters([before], 1, PathFit())
    assert alone.e0 == 0 and alone.places.tolist() == [[1, 2, 3]]


def test_a_pair_aligned_by_different_means_has_two_origins() -> None:
    before = made_paths.exafs(K, 0 * K, alignment="foil")
    after = made_paths.exafs(K, 0 * K, alignment="project")
    assert [s.e0 for s in fit.assign_parameters([before, after], 1, PathFit())] == [0, 1]


def test_the_fit_starts_from_the_crystal() -> None:
    spectra = fit.assign_parameters([made_paths.exafs(K, 0 * K)], 2, PathFit())
    shells = [
        Shell(label="O", paths=np.array([0]), number=6.0, distance=2.1),
        Shell(label="Fe", paths=np.array([1]), number=12.0, distance=3.0),
    ]
    starts = fit.list_starts(spectra, shells, 7, PathFit(e0=(-6.0, 2.0), sigma2=0.004))
    assert [list(s) for s in starts] == [
        [-6.0, 6.0, 12.0, 0.0, 0.0, 0.004, 0.004],
        [2.0, 6.0, 12.0, 0.0, 0.0, 0.004, 0.004],
    ]
    assert fit.scale_by_s02(shells[0], 0.8).number == pytest.approx(7.5)


def test_a_shell_just_beyond_the_end_belongs_to_the_fit(made: xr.Dataset) -> None:
    """Shells at 2.1 and 3.0 angstrom: the second lies within 0.3 of R = 2.75, not of 2.65."""
    spectrum = made_paths.exafs(K, made_paths.chi(K, **TRUE))
    for rmax, count in ((2.75, 2), (2.65, 1)):
        options = PathFit(rmin=1.0, rmax=rmax)
        assert fit.fit_paths(made, spectrum, None, options).sizes["shell"] == count


def test_as_many_parameters_as_independent_points_are_too_many(made: xr.Dataset) -> None:
    """7 parameters need 8 points: 2 dk dR/pi + 1 with dk = 9 gives 7.99 and 8.01."""
    spectrum = made_paths.exafs(K, made_paths.chi(K, **TRUE))
    for points, possible in ((7.99, False), (8.01, True)):
        rmax = 3.0 - 0.25
        rmin = rmax - (points - 1) * np.pi / 18
        options = PathFit(rmin=rmin, rmax=rmax, shells=((2.0, 2.2), (2.9, 3.1)))
        if possible:
            assert fit.fit_paths(made, spectrum, None, options).sizes["parameter"] == 7
        else:
            with pytest.raises(BadInput, match=r"7 parameters for 8\.0 independent points"):
                fit.fit_paths(made, spectrum, None, options)


def test_k_ends_where_the_shorter_spectrum_does_unless_set(made: xr.Dataset) -> None:
    before, after = pair(3, 1e-3, TRUE)
    after["kmax"] = ((), 11.0)
    ds = fit.fit_paths(made, after, before, OPTIONS)
    assert ds.attrs["fit_kmax"] == 11.0
    assert (
        fit.fit_paths(made, after, before, OPTIONS, window=FourierWindow(kmax=10.5)).attrs[
            "fit_kmax"
        ]
        == 10.5
    )


def test_no_paths_no_fit() -> None:
    skipped = xr.Dataset(attrs={"skipped": "FEFF is not installed"})
    ds = fit.fit_paths(skipped, made_paths.exafs(K, 0 * K), None, OPTIONS)
    assert ds.attrs == {"skipped": "FEFF is not installed"} and not ds.variables


def test_a_weak_shell_stays_as_in_the_crystal_unless_it_is_asked_for(tmp_path: Path) -> None:
    shells = (*made_paths.SHELLS, ("O", 0.2, 2.60))
    made_paths.write(tmp_path, shells)
    paths = made_paths.read(tmp_path)
    spectrum = made_paths.exafs(K, made_paths.chi(K, **TRUE))
    ds = fit.fit_paths(paths, spectrum, None, OPTIONS)
    assert ds["shell"].values.tolist() == ["O 2.10", "Fe 3.00"]
    assert ds.attrs["held"] == "O 2.60"
    assert np.allclose(ds["number"][0], TRUE["numbers"], rtol=0.05)
    asked = {"shells": ((2.5, 2.7), (2.9, 3.1))}
    every = fit.fit_paths(paths, spectrum, None, PathFit(**{**vars(OPTIONS), **asked}))
    assert every["shell"].values.tolist() == ["O 2.60", "Fe 3.00"]
    assert every.attrs["held"] == ""


def test_of_more_shells_than_the_data_allow_the_weakest_are_held(tmp_path: Path) -> None:
    shells = (*made_paths.SHELLS, ("O", 1.0, 2.6), ("S", 3.0, 2.4))
    made_paths.write(tmp_path, shells)
    spectrum = made_paths.exafs(K, made_paths.chi(K, **TRUE))
    narrow = PathFit(**{**vars(OPTIONS), "rmin": 1.5})
    ds = fit.fit_paths(made_paths.read(tmp_path), spectrum, None, narrow)
    assert ds.sizes["parameter"] <= 2 / 3 * float(ds["independent_points"])
    assert "O 2.60" in ds.attrs["held"].split(", ")


def test_a_held_shell_is_in_the_model(tmp_path: Path) -> None:
    """A shell that the data hold and the fit does not vary moves nothing of the others."""
    third = ("O", 1.0, 2.60)
    made_paths.write(tmp_path, (*made_paths.SHELLS, third))
    paths = made_paths.read(tmp_path)
    both = made_paths.chi(K, **TRUE)
    extra = made_paths.chi(K, TRUE["e0"], (1.0,), (0.0,), (0.005,), (third,))
    options = PathFit(**{**vars(OPTIONS), "rmin": 1.2})
    ds = fit.fit_paths(paths, made_paths.exafs(K, both + extra), None, options)
    assert ds.attrs["held"] == "O 2.60"
    assert np.allclose(ds["number"][0], TRUE["numbers"], rtol=0.01)
    assert np.allclose(ds["distance"][0], [2.07, 3.04], atol=0.002)
    assert float(ds["r_factor"][0]) < 1e-4
    alone = fit.fit_paths(paths, made_paths.exafs(K, both), None, options)
    assert float(alone["r_factor"][0]) > 3 * float(ds["r_factor"][0])


def test_paths_of_another_edge_are_refused(made: xr.Dataset) -> None:
    spectrum = made_paths.exafs(K, made_paths.chi(K, **TRUE))
    other = made.assign_attrs(element="Ge", edge="K")
    with pytest.raises(BadInput, match="paths are of Ge K, the spectrum is of Fe K"):
        fit.fit_paths(other, spectrum, None, OPTIONS)
