"""The numbers behind a figure are those that were drawn; the words say what is seen."""

import csv
import io

import numpy as np
import pytest
from matplotlib.figure import Figure

from ssbchar.storage import plotted


def table(figure: Figure, name: str = "f.csv") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(plotted.write_tables(figure, "f")[name])))


def test_lines_points_bands_and_segments() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    x = np.array([1.0, 2.0, 3.0])
    left.plot(x, x**2, label="calculated")
    left.axhline(5.0)
    left.errorbar(x, [1.0, np.nan, 9.5], yerr=[0.1, 0.2, 0.25], fmt="o", label="measured")
    right.fill_between(x, x - 1, x + 1, label="95 %")
    right.scatter(x, x, c=[7.0, 8.0, 9.0])
    right.vlines([2.5], -1, 1, label="LAGP")
    rows = table(figure)
    of = {(r["panel"], r["series"], r["kind"]) for r in rows}
    assert of == {
        ("a", "calculated", "line"),
        ("a", "measured", "points"),
        ("b", "95 %", "band"),
        ("b", "points", "points"),
        ("b", "LAGP", "segments"),
    }
    line = [(float(r["x"]), float(r["y"])) for r in rows if r["series"] == "calculated"]
    assert line == [(1, 1), (2, 4), (3, 9)]
    measured = [r for r in rows if r["series"] == "measured"]
    assert [r["y"] for r in measured] == ["1", "", "9.5"]
    assert float(measured[0]["y_low"]) == pytest.approx(0.9)
    assert float(measured[2]["y_high"]) == pytest.approx(9.75)
    assert measured[1]["y_low"] == ""
    band = [
        (float(r["x"]), float(r["y_low"]), float(r["y_high"])) for r in rows if r["kind"] == "band"
    ]
    assert band == [(1, 0, 2), (2, 1, 3), (3, 2, 4)]
    assert [r["z"] for r in rows if r["series"] == "points"] == ["7", "8", "9"]
    segment = next(r for r in rows if r["kind"] == "segments")
    assert (segment["x"], segment["y"], segment["y_end"]) == ("2.5", "-1", "1")


def test_points_at_the_same_place_keep_their_own_bars() -> None:
    figure = Figure()
    figure.subplots().errorbar([1.0, 1.0], [2.0, 5.0], yerr=[0.5, 1.0], fmt="o")
    rows = table(figure)
    assert [(r["y"], r["y_low"], r["y_high"]) for r in rows] == [
        ("2", "1.5", "2.5"),
        ("5", "4", "6"),
    ]


@pytest.mark.parametrize("shading", ["nearest", "flat"])
def test_a_map_stands_with_the_centres_of_its_cells(shading: str) -> None:
    figure = Figure()
    axes = figure.subplots()
    values = np.arange(6.0).reshape(2, 3)
    values[1, 2] = np.nan
    x, y = np.arange(3.0), np.arange(2.0)
    if shading == "flat":
        x, y = np.arange(4.0) - 0.5, np.arange(3.0) - 0.5
    figure.colorbar(axes.pcolormesh(x, y, values, shading=shading))
    made = plotted.write_tables(figure, "f")
    assert list(made) == ["f.map1.csv"]
    assert made["f.map1.csv"] == "y \\ x,0,1,2\n0,0,1,2\n1,3,4,\n"


def test_a_name_that_a_spreadsheet_would_run_is_marked() -> None:
    figure = Figure()
    figure.subplots().plot([1.0], [1.0], label="=1+1")
    assert table(figure)[0]["series"] == "'=1+1"


def test_words_say_what_is_seen() -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([0, 800], [8.25, 8.31], label="heating")
    left.set(xlabel="temperature (°C)", ylabel="a (Å)", xlim=(0, 800), ylim=(8.2, 8.4))
    left.legend()
    right.pcolormesh(np.zeros((2, 2)))
    right.set(xlabel="2θ (°)", ylabel="frame", xlim=(0, 2), ylim=(0, 2))
    said = plotted.describe_figure(figure)
    assert said == (
        "Panel a: a (Å) from 8.2 to 8.4 against temperature (°C) from 0 to 800: heating. "
        "Panel b: frame from 0 to 2 against 2θ (°) from 0 to 2: a colour map."
    )
