"""The table of expansions: blank where nothing was fitted, limits from the standard errors."""

import numpy as np
import pytest
import xarray as xr
from hexrd.expansion.made_curves import GRID, table

from ssbchar.hexrd.expansion import dataset
from ssbchar.hexrd.expansion.dataset import AXES, EXPANSION, ExpansionValues
from ssbchar.hexrd.expansion.options import Expansion

LATTICE = xr.Dataset(coords={"phase": ["A", "B"], "frame": [1, 2, 5]})
REACTING = np.array([[0, 0], [1, 0], [1, 1]], np.int8)
BOTH = ("heating", "cooling")


def made(phases: int = 2) -> ExpansionValues:
    return ExpansionValues(phases=phases, segments=list(BOTH), grid=GRID)


def test_blank_values_and_their_table() -> None:
    out = table(BOTH)
    assert out["verdict"].tolist() == [["not_present", "not_present"]]
    assert out["frames_used"].dtype == np.int64 and out["tensor"].shape == (1, 2, GRID.size, 6)
    lattice = xr.Dataset(coords={"phase": ["A"], "frame": [1, 2]}, attrs={"synthetic": 1})
    out["linear_expansion"][0, 0, 0, 0] = 1e-5
    out["linear_expansion_stderr"][0, 0, 0, 0] = 1e-6
    ds = out.build_dataset(lattice, np.zeros((2, 1), np.int8), Expansion(model="debye"))
    assert ds.attrs == {"model": "debye", "synthetic": 1}
    first = ds.isel(phase=0, segment=0, axis=0, temperature=0)
    assert float(first["linear_expansion_lower95"]) == pytest.approx(1e-5 - 1.959963984540054e-6)
    assert float(first["linear_expansion_upper95"]) == pytest.approx(1e-5 + 1.959963984540054e-6)


def test_order_of_cell_parameters_and_of_tensor_components() -> None:
    assert AXES == ("a", "b", "c", "alpha", "beta", "gamma", "volume")
    assert AXES[dataset.VOLUME] == "volume"
    assert [AXES[i] for i in dataset.SIZES] == ["a", "b", "c", "volume"]
    assert dataset.COMPONENTS == ("11", "22", "33", "23", "13", "12"), "as Voigt has them"


def test_shapes_are_those_of_the_table() -> None:
    out = made()
    sizes = {"phase": 2, "segment": 2, "axis": 7, "temperature": GRID.size, "component": 6}
    sizes |= {"principal": 3, "xyz": 3}
    for name, variable in EXPANSION.variables.items():
        if not variable.coordinate and name != "reacting":
            assert out[name].shape == tuple(sizes[dim] for dim in variable.dims), name


def test_blank_is_nan_but_for_counts_and_verdicts() -> None:
    out = made()
    assert (out["verdict"] == "not_present").all() and type(out["verdict"][0, 0]) is str
    for name in ("frames_used", "frames_rejected"):
        assert out[name].dtype == np.int64 and not out[name].any()
    for name in ("cell", "chi2", "order", "hysteresis_p", "principal_axis"):
        assert out[name].dtype == float and np.isnan(out[name]).all()


def test_values_are_filled_in_place() -> None:
    out = made()
    out["cell"][1, 0, 2, 3] = 8.0
    assert out["cell"][1, 0, 2, 3] == 8.0 and np.isfinite(out["cell"]).sum() == 1


def test_coordinates_of_the_data_set() -> None:
    ds = made().build_dataset(LATTICE, REACTING, Expansion())
    assert ds["phase"].values.tolist() == ["A", "B"]
    assert ds["segment"].values.tolist() == list(BOTH)
    assert ds["frame"].values.tolist() == [1, 2, 5]
    assert ds["principal"].values.tolist() == [1, 2, 3]
    assert ds["xyz"].values.tolist() == ["x", "y", "z"]
    np.testing.assert_array_equal(ds["temperature"], GRID)
    np.testing.assert_array_equal(ds["reacting"], REACTING)
    assert ds["reacting"].dims == ("frame", "phase")
    assert ds.attrs == {"model": Expansion().model}, "measured data are not marked"


def test_limits_are_1_96_standard_errors_either_side() -> None:
    out = made()
    out["linear_expansion"][:] = 2e-5
    out["linear_expansion_stderr"][:] = 1e-6
    ds = out.build_dataset(LATTICE, REACTING, Expansion())
    half = 1.959963984540054e-6
    np.testing.assert_allclose(ds["linear_expansion_lower95"], 2e-5 - half, rtol=1e-14)
    np.testing.assert_allclose(ds["linear_expansion_upper95"], 2e-5 + half, rtol=1e-14)


def test_every_standard_error_has_the_dims_of_its_variable() -> None:
    for name, variable in EXPANSION.variables.items():
        for beside in variable.ancillary:
            assert beside == f"{name}_stderr"
            dims = EXPANSION.variables[beside].dims
            assert dims == variable.dims or (*dims, "xyz") == variable.dims


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("cell", "angstrom"),
        ("linear_expansion", "1/K"),
        ("lagrangian_strain", "1"),
        ("principal_axis_stderr", "degree"),
        ("mean_from", "degC"),
        ("characteristic_temperature", "K"),
        ("hysteresis", "1"),
    ],
)
def test_units(name: str, unit: str) -> None:
    ds = made().build_dataset(LATTICE, REACTING, Expansion())
    assert ds[name].attrs["units"] == unit


def test_standard_errors_are_named_after_their_variable() -> None:
    long_names = {name: v.long_name for name, v in EXPANSION.variables.items()}
    assert long_names["cell_stderr"] == "standard error of `cell`"
    assert long_names["hysteresis_stderr"] == "standard error of `hysteresis`"
    assert long_names["principal_axis_stderr"].startswith("standard error of these directions; 90")
