"""Names of parameters, shell by part, and what makes a fit doubtful."""

import numpy as np
import pytest
import xarray as xr
from xas import made_paths
from xas.made_paths import TRUE, K

from ssbchar.xas.paths import dataset, fit
from ssbchar.xas.paths.model import FitResult
from ssbchar.xas.paths.options import PathFit

OPTIONS = PathFit(rmin=1.0, rmax=3.0, shared=("displacement",))


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> xr.Dataset:
    folder = tmp_path_factory.mktemp("paths")
    made_paths.write(folder)
    noise = 1e-3 * np.random.default_rng(1).standard_normal((2, K.size))
    before, after = (made_paths.exafs(K, made_paths.chi(K, **TRUE) + one) for one in noise)
    after["e0"] = ((), 7119.0)
    return fit.fit_paths(made_paths.read(folder), after, before, OPTIONS)


def test_a_parameter_is_named_by_the_part_that_owns_it(pair: xr.Dataset) -> None:
    assert [str(name) for name in pair["parameter"].values] == [
        "e0",
        "number O 2.10, pristine",
        "number Fe 3.00, pristine",
        "change of distance O 2.10, pristine",
        "change of distance Fe 3.00, pristine",
        "displacement O 2.10",
        "displacement Fe 3.00",
        "number O 2.10, cycled",
        "number Fe 3.00, cycled",
        "change of distance O 2.10, cycled",
        "change of distance Fe 3.00, cycled",
    ]


def test_the_table_by_part_and_shell_holds_the_parameters(pair: xr.Dataset) -> None:
    value, stderr = pair["value"].values, pair["stderr"].values
    assert np.array_equal(stderr, np.sqrt(np.diag(pair["covariance"].values)))
    for kind in ("number", "distance", "displacement"):
        place = pair[f"{kind}_place"].values
        crystal = pair["crystal_distance"].values if kind == "distance" else 0.0
        assert np.array_equal(pair[kind].values, value[place] + crystal)
        assert np.array_equal(pair[f"{kind}_stderr"].values, stderr[place])
    assert pair["crystal_number"].values.tolist() == [6.0, 12.0]
    assert pair["e0"].values.tolist() == [value[0], value[0] + 1.0]
    assert pair["noise_r"].attrs["units"] == "angstrom^-3"


def test_curves_are_the_sum_of_their_shells_in_k_and_in_r(pair: xr.Dataset) -> None:
    assert np.allclose(pair["model"], pair["parts"].sum("shell"))
    assert float(pair["r"][-1]) == pytest.approx(6.0, abs=0.04)
    misfit = (pair["model_r_real"] - pair["chi_r_real"]) ** 2
    misfit = misfit + (pair["model_r_imag"] - pair["chi_r_imag"]) ** 2
    data = pair["chi_r_real"] ** 2 + pair["chi_r_imag"] ** 2
    inside = (pair["r"] > 0.98) & (pair["r"] < 2.97)
    factor = misfit.where(inside).sum("r") / data.where(inside).sum("r")
    assert np.allclose(factor, pair["r_factor"], rtol=0.02)


GOOD = {"number": 6.0, "displacement": 0.005, "distance": 2.1, "e0": 1.0, "r_factor": 0.01}
CONVERGED = FitResult(
    values=np.zeros(1),
    covariance=np.zeros((1, 1)),
    chi_square=1.0,
    reduced=1.0,
    r_factor=np.zeros(1),
    noise=np.zeros(1),
    independent=10.0,
    converged=True,
)


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({}, ""),
        ({"number": 0.0}, "negative"),
        ({"number": 0.1}, ""),
        ({"displacement": -1e-6}, "negative"),
        ({"displacement": 0.0}, ""),
        ({"distance": 2.31}, "more than 0.2 angstrom"),
        ({"distance": 1.89}, "more than 0.2 angstrom"),
        ({"distance": 2.29}, ""),
        ({"e0": 10.0}, ""),
        ({"e0": 10.1}, "more than 10 eV"),
        ({"e0": -10.1}, "more than 10 eV"),
        ({"r_factor": 0.05}, ""),
        ({"r_factor": 0.06}, "R factor 0.06 above 0.05"),
    ],
)
def test_what_makes_a_fit_doubtful(change: dict[str, float], doubt: str) -> None:
    values = {**GOOD, "crystal_distance": 2.1, **change}
    ds = xr.Dataset({name: ("shell", [value]) for name, value in values.items()})
    doubts = dataset.find_doubts(ds, CONVERGED)
    assert len(doubts) == bool(doubt)
    assert all(doubt in one for one in doubts)
