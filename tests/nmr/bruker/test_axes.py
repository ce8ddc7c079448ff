"""Coordinates made once are the same as those that xarray makes."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.nmr.bruker.axes import make_coordinates

TIME = np.array([0.0, 1e-6, 2e-6])
SLICE = np.arange(1, 5)
SECONDS = {"units": "s"}


def test_coordinates_are_as_xarray_makes_them() -> None:
    made = xr.Dataset(
        coords=make_coordinates(
            region=("li_metal", "li_si"), time=(TIME, SECONDS), slice=(SLICE, {})
        )
    )
    plain = xr.Dataset(
        coords={
            "time": ("time", TIME, SECONDS),
            "slice": ("slice", SLICE),
            "region": ("region", np.array(["li_metal", "li_si"])),
        }
    )
    xr.testing.assert_identical(made, plain)
    assert {name: made[name].dtype for name in plain.coords} == {
        name: plain[name].dtype for name in plain.coords
    }
    for name in plain.coords:
        assert made.indexes[name].equals(plain.indexes[name])


def test_the_region_comes_last_and_only_if_there_is_one() -> None:
    assert list(make_coordinates(region=("a", "b"), x=(np.arange(3), {}))) == ["x", "region"]
    assert list(make_coordinates(x=(np.arange(3), {}))) == ["x"]


def test_values_are_found_by_their_labels() -> None:
    coords = make_coordinates(region=("a", "b"), time=(TIME, SECONDS))
    area = np.arange(6.0).reshape(2, 3)
    ds = xr.Dataset({"area": (("region", "time"), area)}, coords=coords)
    assert float(ds["area"].sel(region="b", time=1e-6)) == 4.0
    with pytest.raises(KeyError):
        ds["area"].sel(region="c")


def test_regions_of_one_call_do_not_reach_the_next() -> None:
    first = make_coordinates(region=("a", "b"))
    second = make_coordinates(region=("b", "c"))
    again = make_coordinates(region=("a", "b"))
    assert first["region"].values.tolist() == again["region"].values.tolist() == ["a", "b"]
    assert second["region"].values.tolist() == ["b", "c"]
