"""Curves of a figure as data of the page: all of a panel or none, within the room there is."""

import base64
import json

import numpy as np
import pytest

from ssbchar.results.figures import style
from ssbchar.results.report import closer_look
from ssbchar.storage import plotted

X = np.linspace(0, 10, 300)


def drawn(draw) -> list[dict]:
    figure = style.make_figure()
    axes = figure.subplots(2, 1, sharex=True)
    draw(axes)
    axes[1].set_xlabel("2θ (°)")
    axes[0].set_ylabel("counts")
    table = plotted.write_tables(figure, "one")["one.csv"]
    found = closer_look.read_curves(table, plotted.list_axis_labels(figure))
    written = closer_look.write_panels(found)
    return json.loads(written) if written else []


def decode(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f4")


def test_curves_are_those_that_are_drawn() -> None:
    def draw(axes) -> None:
        axes[0].plot(X, np.sin(X), label="observed")
        axes[0].plot(X, np.cos(X), label="calculated")
        axes[0].plot(X[::2], X[::2], label="coarse")
        axes[1].plot([0, 1, 2], [1, 2, 3], label="few")

    (panel,) = drawn(draw)
    assert panel["panel"] == "a" and panel["labels"] == ["2θ (°)", "counts"]
    assert [curve["name"] for curve in panel["curves"]] == ["observed", "calculated", "coarse"]
    assert [curve["x"] for curve in panel["curves"]] == [0, 0, 1] and not panel["falls"]
    np.testing.assert_allclose(decode(panel["x"][0]), X, rtol=1e-6)
    np.testing.assert_allclose(decode(panel["curves"][1]["y"]), np.cos(X), atol=1e-6)


def test_a_falling_axis_is_turned_and_remembered() -> None:
    (panel,) = drawn(lambda axes: axes[0].plot(X[::-1], X[::-1] ** 2, label="spectrum"))
    assert panel["falls"]
    np.testing.assert_allclose(decode(panel["curves"][0]["y"]), X**2, rtol=1e-6)


def test_curves_of_one_name_are_told_apart_and_a_crowd_is_left_to_the_figure() -> None:
    def draw(count: int):
        return lambda axes: [axes[0].plot(X, X + n, label="_frame") for n in range(count)]

    (panel,) = drawn(draw(3))
    assert len(panel["curves"]) == 3 and len(panel["x"]) == 1
    assert drawn(draw(closer_look.MOST_SERIES + 1)) == []


def test_points_of_one_x_are_left_to_the_figure() -> None:
    """Heating and cooling at one temperature: a chart would read off one of both."""
    at = np.concatenate([X, X[::-1]])
    assert drawn(lambda axes: axes[0].scatter(at, at + 1, label="cells")) == []


def test_the_first_figures_of_all_have_room_first() -> None:
    library = sum(
        path.stat().st_size
        for path in (closer_look.LIBRARY, closer_look.STYLE, closer_look.LICENCE)
    )
    ranks, sizes = [0, 1, 0, 1], [100, 100, 100, 0]
    assert closer_look.choose_within(sizes, ranks, library + 250) == [True, False, True, False]
    assert closer_look.choose_within(sizes, ranks, library + 300) == [True, True, True, False]
    assert closer_look.choose_within(sizes, ranks, 0) == [False] * 4


def test_the_library_is_whole_with_its_licence() -> None:
    script, css = closer_look.read_library()
    assert "Copyright (c) 2022 Leon Sorokin" in script and "MIT License" in script
    assert "github.com/leeoniya/uPlot (v1.6.32)" in script and ".u-legend" in css
    assert "</script" not in script and "</style" not in css
    assert len(script) + len(css) < 70_000


@pytest.mark.parametrize("text", ["</script><b>", "<!--"])
def test_no_name_of_a_series_ends_the_data(text: str) -> None:
    figure = style.make_figure()
    figure.subplots().plot(X, X, label=text)
    table = plotted.write_tables(figure, "one")["one.csv"]
    found = closer_look.write_panels(closer_look.read_curves(table, {}))
    assert "<" not in found and json.loads(found)[0]["curves"][0]["name"] == text


def map_of(values: np.ndarray, x: np.ndarray, y: np.ndarray) -> dict:
    figure = style.make_figure()
    axes = figure.subplots(2, 1)
    axes[1].pcolormesh(x, y, values, shading="nearest")
    axes[1].set_xlabel("2θ (°)")
    axes[1].set_ylabel("temperature (°C)")
    assert plotted.list_map_panels(figure) == ["b"]
    table = plotted.write_tables(figure, "one")["one.map1.csv"]
    return closer_look.read_map(table, "b", plotted.list_axis_labels(figure)["b"])


def values_of(found: dict) -> np.ndarray:
    """Values of a map as the page's script takes them from its steps."""
    inner = found["map"]
    codes = np.frombuffer(base64.b64decode(inner["values"]), "<u2").astype(float)
    low, high = inner["range"]
    values = np.where(
        codes > 0, low + (codes - 1) / (closer_look.LEVELS - 1) * (high - low), np.nan
    )
    return values.reshape(decode(inner["y"]).size, decode(inner["x"]).size)


def test_a_map_is_what_is_drawn() -> None:
    x, y = np.linspace(2, 8, 40), np.linspace(25, 800, 30)
    values = np.random.default_rng(1).normal(size=(30, 40))
    values[3, 5] = np.nan
    found = map_of(values, x, y)
    assert found["panel"] == "b" and found["labels"] == ["2θ (°)", "temperature (°C)"]
    np.testing.assert_allclose(decode(found["map"]["x"]), x, rtol=1e-6)
    np.testing.assert_allclose(decode(found["map"]["y"]), y, rtol=1e-6)
    np.testing.assert_allclose(values_of(found), values, atol=2e-4)
    low, high = found["map"]["shown"]
    assert low == pytest.approx(np.nanpercentile(values, 1), abs=1e-4)
    assert high == pytest.approx(np.nanpercentile(values, 99.5), abs=1e-4)


def test_a_large_map_is_averaged_over_what_is_known() -> None:
    rows, columns = 3 * closer_look.MOST_ROWS, 2 * closer_look.MOST_COLUMNS
    values = np.repeat(np.repeat(np.arange(columns // 2)[None, :] * 1.0, 2, 1), rows, 0)
    values[0, :] = np.nan
    values[:, 0:2] = np.nan
    found = map_of(values, np.arange(columns) * 1.0, np.arange(rows) * 1.0)
    mean = values_of(found)
    assert mean.shape == (closer_look.MOST_ROWS, closer_look.MOST_COLUMNS)
    assert np.isnan(mean[:, 0]).all()
    np.testing.assert_allclose(
        mean[:, 1:], np.broadcast_to(np.arange(1, 320), (150, 319)), atol=0.01
    )
    np.testing.assert_allclose(decode(found["map"]["y"])[:2], [1, 4])
    np.testing.assert_allclose(decode(found["map"]["x"])[:2], [0.5, 2.5])


def test_a_map_without_values_and_of_one_value() -> None:
    x, y = np.arange(3.0), np.arange(2.0)
    assert np.isnan(values_of(map_of(np.full((2, 3), np.nan), x, y))).all()
    assert values_of(map_of(np.full((2, 3), 7.0), x, y)).tolist() == [[7.0] * 3] * 2
