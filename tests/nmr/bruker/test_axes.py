"""Coordinates made once are the same as those that xarray makes."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.storage.variables import OutputTable, Variable

TIME = np.array([0.0, 1e-6, 2e-6])
SLICE = np.arange(1, 5)
SECONDS = {"units": "s"}


TABLE = OutputTable(
    file="t.nc",
    steps=("a.b",),
    about="A test.",
    variables={"area": Variable(dims=("region", "time"), unit="1", meaning="an area")}
    | {
        name: Variable(dims=(name,), meaning="an axis", coordinate=True, optional=True)
        for name in ("time", "slice", "region")
    },
)
AREA = np.arange(6.0).reshape(2, 3)


def test_coordinates_are_as_xarray_makes_them() -> None:
    coords = make_coordinates(region=("li_metal", "li_si"), time=(TIME, SECONDS), slice=(SLICE, {}))
    made = TABLE.dataset({"area": AREA}, coords=coords)
    plain = xr.Dataset(
        {"area": (("region", "time"), AREA, {"units": "1"})},
        coords={
            "time": ("time", TIME, SECONDS),
            "slice": ("slice", SLICE),
            "region": ("region", np.array(["li_metal", "li_si"])),
        },
    )
    xr.testing.assert_identical(made, plain)
    assert {name: made[name].dtype for name in plain.coords} == {
        name: plain[name].dtype for name in plain.coords
    }
    for name in plain.coords:
        assert made.indexes[name].equals(plain.indexes[name])
    assert made.merge(plain).identical(plain)


def test_the_region_comes_last_and_only_if_there_is_one() -> None:
    found = make_coordinates(region=("a", "b"), x=(np.arange(3), {}))
    assert list(found.variables) == list(found.indexes) == ["x", "region"]
    assert list(make_coordinates(x=(np.arange(3), {})).variables) == ["x"]


def test_values_are_found_by_their_labels() -> None:
    coords = make_coordinates(region=("a", "b"), time=(TIME, SECONDS))
    ds = TABLE.dataset({"area": AREA}, coords=coords)
    assert float(ds["area"].sel(region="b", time=1e-6)) == 4.0
    with pytest.raises(KeyError):
        ds["area"].sel(region="c")


def test_regions_of_one_call_do_not_reach_the_next() -> None:
    first, second = make_coordinates(region=("a", "b")), make_coordinates(region=("b", "c"))
    first.variables["region"].attrs["units"] = "spoiled"
    again = make_coordinates(region=("a", "b"))
    assert again.variables["region"].values.tolist() == ["a", "b"]
    assert again.variables["region"].attrs == {}
    assert second.variables["region"].values.tolist() == ["b", "c"]
