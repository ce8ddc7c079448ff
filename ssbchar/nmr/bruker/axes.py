"""Coordinates of a Dataset with their indexes made once, which xarray else makes twice."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from xarray.indexes import PandasIndex


def make_coordinates(
    region: tuple[str, ...] = (), **values: tuple[NDArray[Any], dict[str, str]]
) -> xr.Coordinates:
    """Return one-dimensional coordinates, each named as its dimension.

    Parameters
    ----------
    region : tuple of str
        Names of the regions, where that is a dimension.
    **values : tuple of ndarray, shape (dimension,), and dict
        Values and attributes (unit) of each other coordinate.
    """
    variables = {
        name: xr.Variable((name,), array, attrs, fastpath=True)
        for name, (array, attrs) in values.items()
    }
    indexes = {
        name: PandasIndex(pd.Index(array), name, array.dtype) for name, (array, _) in values.items()
    }
    if region:
        variables["region"], indexes["region"] = _name_coordinate("region", region)
    return xr.Coordinates(variables, indexes)


@functools.cache
def _name_coordinate(dimension: str, names: tuple[str, ...]) -> tuple[xr.Variable, PandasIndex]:
    array = np.array(names)
    return xr.Variable(dimension, array), PandasIndex(pd.Index(array), dimension, array.dtype)
