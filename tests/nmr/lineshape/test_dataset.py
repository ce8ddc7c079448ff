"""What stands in ``lines.nc``."""

import numpy as np
import pytest
from nmr import signals

from ssbchar.nmr.bruker.axes import make_coordinates
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions


@pytest.fixture(scope="module")
def fit():
    clean = signals.signal((0.1, 0.9), (265, 10), (900, 3000))
    return fit_lines(signals.dataset(signals.noisy(clean, 0.01, 0)), LineFitOptions())


def test_coordinates_are_as_xarray_makes_them(fit) -> None:
    plain = {k: (c.dims, c.values, c.attrs) for k, c in fit.coords.items()}
    assert fit.identical(fit.drop_vars(list(fit.coords)).assign_coords(plain))
    assert fit.sel(region="li_si")["region_area"].shape == (1,)
    assert list(make_coordinates(region=("a", "b"), x=(np.arange(3), {}))) == ["x", "region"]
