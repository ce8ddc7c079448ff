"""FEFF's files, the EXAFS equation over them and the joint fit of shells, against made paths of
known truth."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from xas import made_paths

from ssbchar.errors import BadInput
from ssbchar.storage import store
from ssbchar.xas.paths import exafs_equation, feffdat, fit
from ssbchar.xas.paths.model import PathFitProblem, Spectrum, Transform
from ssbchar.xas.paths.options import PathFit

K = 0.05 * np.arange(281)
OPTIONS = PathFit(kmin=3.0, kmax=12.0, rmin=1.0, rmax=3.0)
TRUE = {"e0": 2.0, "numbers": (5.0, 10.0), "changes": (-0.03, 0.04), "sigma2": (0.006, 0.009)}


@pytest.fixture
def made(tmp_path: Path) -> xr.Dataset:
    made_paths.write(tmp_path)
    return made_paths.read(tmp_path)


def test_a_file_of_feff_is_read_as_it_says(tmp_path: Path) -> None:
    made_paths.write(tmp_path, free_path=7.5)
    first = feffdat.read_path(tmp_path / "feff0001.dat")
    assert (first.legs, first.degeneracy, first.reff, first.scatterer) == (2, 6.0, 2.10, "O")
    assert first.version.startswith("Feff 6L")
    assert np.allclose(first.k, made_paths.TABLE) and np.allclose(first.free_path, 7.5)
    assert np.allclose(first.amplitude, made_paths.size(first.k, "O"))
    assert np.allclose(first.phase, made_paths.phase(first.k, "O"), atol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: "", "no geometry or no table"),
        (lambda t: t.split("    k   real")[0], "no geometry or no table"),
        (lambda t: t.replace(" 1.000E+00", " nonsense", 3), "could not convert"),
        (lambda t: "\n".join(t.splitlines()[:12]), "3 rows"),
        (lambda t: t.replace(" 1.000E+00", " NaN      ", 1), "not finite"),
        (lambda t: t.replace("   2   6.000", "   3   6.000"), "2 atoms of 3"),
    ],
)
def test_what_is_no_path_of_feff_is_refused(tmp_path: Path, spoil, said: str) -> None:
    path = tmp_path / "feff0001.dat"
    path.write_text(spoil(made_paths.text("O", 6.0, 2.1, 9.0)), encoding="utf-8")
    with pytest.raises(BadInput, match=said):
        feffdat.read_path(path)


def test_chi_of_the_paths_is_the_textbooks(made: xr.Dataset) -> None:
    found = exafs_equation.group_shells(made, (), 3.4, 0.25, 2)
    assert [(s.label, s.number) for s in found] == [("O 2.10", 6.0), ("Fe 3.00", 12.0)]
    table = exafs_equation.ScatteringPaths(made)
    rows = zip(found, TRUE["numbers"], TRUE["changes"], TRUE["sigma2"], strict=True)
    total = np.sum([table.chi(K, TRUE["e0"], s, n, dr, s2) for s, n, dr, s2 in rows], axis=0)
    true = made_paths.chi(K, **TRUE)
    use = (K > 2) & (K < 12)
    assert (
        np.abs(total - true)[use].max() < 2e-3 * np.abs(true[use]).max()
    )  # of the splines between FEFF's points


def test_slopes_are_those_of_chi(made: xr.Dataset) -> None:
    shell, table = (
        exafs_equation.group_shells(made, (), 3.4, 0.25, 2)[1],
        exafs_equation.ScatteringPaths(made),
    )
    at = np.array([1.5, 10.0, 0.03, 0.008])
    by = table.slopes(K[40:], at[0], shell, *at[1:])[1]
    for i, step in enumerate((1e-3, 1e-3, 1e-6, 1e-7)):
        up, down = at.copy(), at.copy()
        up[i] += step
        down[i] -= step
        expected = (
            (
                table.chi(K[40:], up[0], shell, *up[1:])
                - table.chi(K[40:], down[0], shell, *down[1:])
            )
            / 2
            / step
        )
        assert np.abs(by[i] - expected).max() < 1e-5 * np.abs(expected).max()


def test_shells_are_grouped_by_scatterer_and_gap(tmp_path: Path) -> None:
    shells = (
        ("O", 2.0, 2.06),
        ("O", 4.0, 2.20),
        ("P", 1.0, 2.84),
        ("P", 4.0, 3.26),
        ("O", 2.0, 3.30),
    )
    made_paths.write(tmp_path, shells)
    ds = made_paths.read(tmp_path)
    assert [s.label for s in exafs_equation.group_shells(ds, (), 3.6, 0.25, 2)] == [
        "O 2.15",
        "P 2.84",
        "P 3.26",
        "O 3.30",
    ]
    assert [s.number for s in exafs_equation.group_shells(ds, (), 3.0, 0.25, 2)] == [6.0, 1.0]
    assert [
        s.label for s in exafs_equation.group_shells(ds, ((2.0, 2.3), (2.8, 3.4)), 3.0, 0.25, 2)
    ] == [
        "O 2.15",
        "O+P 3.21",
    ]


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


AFTER = {"e0": 2.0, "numbers": (4.5, 10.0), "changes": (-0.01, 0.04), "sigma2": (0.006, 0.012)}


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
        (PathFit(kmin=3, kmax=6, rmax=2.6), "parameters for"),
        (PathFit(kmax=12, shells=((6.0, 7.0),)), "no path of FEFF"),
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


def test_chi_square_counts_independent_points(made: xr.Dataset) -> None:
    """Of noise alone, chi-square at the truth is the number of independent points, on average over
    seeds."""
    transform = Transform(3.0, 12.0, 2, 1.0, "kaiser", 1.0, 3.0)
    found, table = (
        exafs_equation.group_shells(made, (), 3.4, 0.25, 2),
        exafs_equation.ScatteringPaths(made),
    )
    at = np.array([0.0, 1e-9, 1e-9, 0, 0, 0.005, 0.005])
    places = np.array([[1, 3, 5], [2, 4, 6]])
    total = []
    for seed in range(200):
        noise = 1e-3 * np.random.default_rng(seed).standard_normal(K.size)
        problem = PathFitProblem([Spectrum(K, noise, 0.0, 0, places)], table, found, transform)
        total.append(float((problem.residual(at)[0] ** 2).sum()))
    assert np.mean(total) == pytest.approx(transform.independent, rel=0.1)
