"""A table of variables makes the data set and the page of the data model."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.storage.row_file import RowFile
from ssbchar.storage.variables import IndexedCoordinates, OutputTable, Variable

TABLE = OutputTable(
    file="t.nc",
    steps=("a.b",),
    about="A test.",
    variables={
        "y": Variable(
            dims=("x",), unit="m", meaning="a length", long_name="length", ancillary=("y_stderr",)
        ),
        "y_stderr": Variable(dims=("x",), unit="m", meaning="its error"),
        "flag": Variable(dims=("x",), meaning="a flag", optional=True),
        "x": Variable(dims=("x",), unit="s", meaning="a time", coordinate=True),
    },
)
VALUES = {"y": [1.0, 2.0], "y_stderr": [0.1, 0.2], "x": [0.0, 5.0]}


def test_a_table_reads_as_one_row_per_variable() -> None:
    table = OutputTable(
        file="x.nc",
        steps=("a.b", "a.c"),
        about="Something.",
        variables={
            "mu": Variable(dims=("k", "r"), unit="1", meaning="a number", ancillary=("mu_stderr",)),
            "mu_stderr": Variable(dims=("k", "r"), unit="1", meaning="its standard error"),
        },
        attributes={"mode": "how"},
    )
    assert table.page().splitlines() == [
        "### `x.nc`",
        "",
        "Something. Written by `a.b`, `a.c`.",
        "",
        "| variable | dims | unit | meaning |",
        "|---|---|---|---|",
        "| `mu` | k, r | 1 | a number; with `mu_stderr` |",
        "| `mu_stderr` | k, r | 1 | its standard error |",
        "",
        "Attributes: `mode`: how.",
    ]


def test_a_page_without_attributes_ends_with_its_table() -> None:
    assert TABLE.page().splitlines()[-1].startswith("| `x` | x | s |")
    bar = OutputTable(
        file="b.nc", steps=("a",), about="B.", variables={"v": Variable(unit="a|b", meaning="c")}
    )
    assert "| `v` |  | a\\|b | c |" in bar.page()


def test_attributes_are_those_of_the_conventions() -> None:
    assert TABLE.variables["y"].attributes() == {
        "units": "m",
        "long_name": "length",
        "ancillary_variables": "y_stderr",
    }
    assert TABLE.variables["y_stderr"].attributes() == {"units": "m"}
    assert TABLE.variables["flag"].attributes() == {}
    assert Variable(meaning="two", ancillary=("a", "b")).attributes() == {
        "ancillary_variables": "a b"
    }


def test_a_data_set_by_hand() -> None:
    found = TABLE.dataset(VALUES, {"mode": "fast"})
    expected = xr.Dataset(
        {
            "y": ("x", [1.0, 2.0], TABLE.variables["y"].attributes()),
            "y_stderr": ("x", [0.1, 0.2], {"units": "m"}),
        },
        coords={"x": ("x", [0.0, 5.0], {"units": "s"})},
        attrs={"mode": "fast"},
    )
    xr.testing.assert_identical(found, expected)
    assert TABLE.dataset(VALUES).attrs == {}


def test_an_optional_variable_may_be_given() -> None:
    assert TABLE.dataset({**VALUES, "flag": [0, 1]})["flag"].values.tolist() == [0, 1]


def test_unknown_and_missing_variables_are_named() -> None:
    with pytest.raises(
        ValueError, match=r"t\.nc: not in its table: \['z'\]; without a value: \[\]"
    ):
        TABLE.dataset({**VALUES, "z": 1})
    with pytest.raises(
        ValueError, match=r"not in its table: \[\]; without a value: \['x', 'y_stderr'\]"
    ):
        TABLE.dataset({"y": [1.0, 2.0]})


def test_a_data_array_keeps_its_own_attributes() -> None:
    own = xr.DataArray([3.0, 4.0], dims=("x",), attrs={"units": "km"})
    found = TABLE.dataset({**VALUES, "y": own})
    assert found["y"].attrs == {"units": "km"} and found["y"].values.tolist() == [3.0, 4.0]


def index_axis(values: list[float]) -> IndexedCoordinates:
    plain = xr.Coordinates({"x": ("x", values, {"units": "s"})})
    return IndexedCoordinates(variables=dict(plain.variables), indexes=dict(plain.xindexes))


def test_coordinates_may_be_made_elsewhere() -> None:
    rest = {name: value for name, value in VALUES.items() if name != "x"}
    found = TABLE.dataset({**rest, "flag": np.array([0, 1])}, coords=index_axis([0.0, 5.0]))
    plain = TABLE.dataset({**VALUES, "flag": np.array([0, 1])})
    xr.testing.assert_identical(found, plain)
    assert list(found.coords) == ["x"] and found.sizes == {"x": 2}
    assert found.sel(x=5.0)["y"].item() == 2.0
    assert found.drop_vars("flag").isel(x=[1])["x"].values.tolist() == [5.0]
    found["y"].attrs["units"] = "km"
    assert TABLE.variables["y"].attributes()["units"] == "m"


def test_lengths_of_one_dimension_agree() -> None:
    rest = {"y": [1.0, 2.0], "y_stderr": np.array([0.1, 0.2, 0.3])}
    with pytest.raises(ValueError, match=r"t\.nc: y_stderr is 3 long on x, others are 2"):
        TABLE.dataset(rest, coords=index_axis([0.0, 5.0]))
    with pytest.raises(ValueError, match="x"):
        TABLE.dataset({**VALUES, "y": np.ones((2, 2))}, coords=None)


def test_rows_of_a_file_become_a_variable() -> None:
    rows = RowFile((2,))
    rows[:] = np.array([5.0, 6.0])
    assert TABLE.dataset({**VALUES, "y": rows})["y"].values.tolist() == [5.0, 6.0]
