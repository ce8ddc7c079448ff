"""Coordinates of a Dataset with their indexes made once, which xarray else makes twice."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from xarray.indexes import PandasIndex

from ssbchar.storage.variables import IndexedCoordinates


def make_coordinates(
    region: tuple[str, ...] = (), **values: tuple[NDArray[Any], dict[str, str]]
) -> IndexedCoordinates:
    """Return one-dimensional coordinates, each named as its dimension.

    Parameters
    ----------
    region : tuple of str
        Names of the regions, where that is a dimension.
    **values : tuple of ndarray, shape (dimension,), and dict
        Values and attributes (unit) of each other coordinate.
    """
    made = {name: _index(name, array, attrs) for name, (array, attrs) in values.items()}
    if region:
        variable, index = _index_names("region", region)
        # A data set may change its attributes: each has its own.
        made["region"] = variable.copy(deep=False), index
    return IndexedCoordinates(
        variables={name: variable for name, (variable, _) in made.items()},
        indexes={name: index for name, (_, index) in made.items()},
    )


def _index(
    dimension: str, array: NDArray[Any], attrs: Mapping[str, str]
) -> tuple[xr.Variable, PandasIndex]:
    index = PandasIndex(pd.Index(array), dimension, array.dtype)
    made = index.create_variables({dimension: xr.Variable(dimension, array, attrs, fastpath=True)})
    return made[dimension], index


@functools.cache
def _index_names(dimension: str, names: tuple[str, ...]) -> tuple[xr.Variable, PandasIndex]:
    return _index(dimension, np.array(names), {})
