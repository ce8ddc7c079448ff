"""Figures of a diffraction series: what they show is what the Datasets hold; same bytes twice;
light files."""

import json

import numpy as np
import pytest
import xarray as xr
from results.made_hexrd import CELLS, PHASES, series, tables

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd import all, calibration, series_axes
from ssbchar.results.figures.hexrd import cells as cells_figure
from ssbchar.results.figures.hexrd import tensor as hexrd_tensor
from ssbchar.storage import store


@pytest.fixture(scope="module")
def drawn():
    return all.draw_series(
        *series(), tables(), labels={"sample": "LAGP+LFP", "measurement": "test"}
    )


def test_the_figures_of_a_series(drawn):
    assert list(drawn) == [
        "contour",
        "lattice",
        "expansion",
        "presence",
        "waterfall",
        "refinement",
        "residual",
        "broadening",
        "indicatrix",
    ]
    for drawing in drawn.values():
        assert drawing.title and len(drawing.caption) > 60
        for axes in drawing.figure.axes:
            labelled = axes.get_xlabel() or axes.get_ylabel() or axes.get_title()
            assert labelled or axes.get_yticklabels(), "an axes says nothing"


def test_the_map_shows_intensity_and_greys_what_was_set_aside(drawn):
    figure = drawn["contour"].figure
    mesh = figure.axes[0].collections[0].get_array()
    assert (
        np.ma.getmaskarray(mesh).reshape(60, -1)[7].all() or np.isnan(mesh.reshape(60, -1)[7]).all()
    )
    patterns = series()[0]
    np.testing.assert_allclose(mesh.reshape(60, -1)[0].filled(np.nan), patterns["intensity"][0])
    assert "1 set aside" in drawn["contour"].caption


def test_units_stand_on_every_axis(drawn):
    texts = {a.get_ylabel() for d in drawn.values() for a in d.figure.axes}
    assert {"a (Å)", "c (Å)", "V (Å³)", "Time (h)", "T (°C)"} <= texts
    assert any("2$\\theta$ at 0.1173 Å" in a.get_xlabel() for a in drawn["contour"].figure.axes)


def test_equal_axes_are_drawn_once_and_fixed_angles_not_at_all(drawn):
    shown = [a.get_ylabel() for a in drawn["lattice"].figure.axes if a.get_visible()]
    assert shown.count("b (Å)") == 2 and shown.count("a (Å)") == 3 and "β (°)" not in shown


def test_points_are_the_cells_and_left_out_ones_are_marked(drawn):
    _, furnace, cells, *_ = series()
    axes = drawn["lattice"].figure.axes[0]
    containers = {c.get_label(): c for c in axes.containers}
    x, y = containers["heating"].lines[0].get_data()
    own = (furnace["segment"].values == "heating") & (cells["verdict"].values[:, 0] == "ok")
    np.testing.assert_allclose(y, cells["cell"].values[own, 0, 0])
    np.testing.assert_allclose(x, furnace["temperature"].values[own])
    assert any(line.get_label() == "left out" for line in axes.lines)


def test_a_joint_curve_vaguer_than_its_points_is_left_out():
    """2 x 1.96 x 0.01 = 0.039 against a quarter of a spread of 0.16, and of 0.15."""
    joint, stderr = np.array([8.2, np.nan, 8.3]), np.array([0.01, np.nan, 0.01])
    for spread, is_drawn in ((0.16, True), (0.15, False)):
        found, _ = cells_figure._leave_out_vague(joint, stderr, np.array([8.0, np.nan, 8 + spread]))
        assert np.isfinite(found).any() == is_drawn


def test_the_band_is_ninety_five_percent():
    figure = style.make_figure()
    axes = figure.add_subplot()
    style.draw_band(axes, [0, 1], [1, 1], [0.5, 0.5], colour=style.BLUE)
    path = axes.collections[0].get_paths()[0].vertices
    assert path[:, 1].min() == pytest.approx(1 - 0.5 * 1.959964) and path[
        :, 1
    ].max() == pytest.approx(1.979982)


def test_same_bytes_twice_and_light(tmp_path, drawn):
    made_by = {"step": "test"}
    again = all.draw_series(
        *series(), tables(), labels={"sample": "LAGP+LFP", "measurement": "test"}
    )
    for folder, figures in (("one", drawn), ("two", again)):
        some = {name: figures[name] for name in ("contour", "expansion", "indicatrix")}
        store.save(some, tmp_path / folder, made_by, {"measurement": "test"})
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
        assert path.stat().st_size < 1.2e6, f"{path.name} is heavy"
    assert json.loads((tmp_path / "one" / "contour.json").read_text())["title"]


def test_a_series_without_times_runs_over_frames():
    drawn = all.draw_series(*series(timed=False), tables(), labels={})
    assert drawn["contour"].figure.axes[0].get_ylabel() == "Frame"


def test_no_temperature_no_peaks_no_curves():
    patterns, furnace, cells, table, tracked = series()
    furnace["temperature"][:] = np.nan
    furnace["segment"] = ("frame", np.full(60, "none", dtype=object))
    table["linear_expansion"][:] = np.nan
    drawn = all.draw_series(
        patterns, furnace, cells, table, tracked.drop_vars(["inverse_size"]), [], labels={}
    )
    assert "expansion" not in drawn
    assert any(a.get_xlabel() == "Time (h)" for a in drawn["lattice"].figure.axes)


def test_large_maps_are_averaged_not_dropped():
    values = np.arange(1500.0)[:, None] * np.ones(5)
    values[3] = np.nan
    small, rows, columns = series_axes.average_mesh(
        values.__getitem__, np.arange(1500.0), np.arange(5.0)
    )
    assert small.shape == (500, 5) and rows.size == 501 and columns.size == 6
    assert small[0, 0] == pytest.approx(1.0) and small[1, 0] == pytest.approx(4.5)
    assert (rows[0], rows[-1]) == (-0.5, 1499.5)


def test_many_phases_go_over_several_figures():
    assert [(n, p) for n, p in series_axes.split_pages(list("abcdefg"), 3, "lattice")] == [
        ("lattice", ["a", "b", "c"]),
        ("lattice_2", ["d", "e", "f"]),
        ("lattice_3", ["g"]),
    ]


def test_weight_fractions_only_where_every_phase_has_one(drawn):
    patterns, furnace, cells, table, tracked = series()
    texts = [t.get_text() for a in drawn["presence"].figure.axes for t in a.texts]
    assert set(texts) == {"I / I max"}, "one refinable phase among three would be 100 percent"
    cells["weight_fraction"][:] = 0.4
    again = all.draw_series(patterns, furnace, cells, table, tracked, tables(), labels={})[
        "presence"
    ]
    assert {t.get_text() for a in again.figure.axes for t in a.texts} == {"weight"}


def test_a_phase_has_one_colour_everywhere(drawn):
    from matplotlib.colors import to_hex

    above = drawn["contour"].figure.axes[2]
    ticks = {t.get_text(): to_hex(t.get_color()) for t in above.get_yticklabels()}
    strips = {
        a.get_ylabel(): to_hex(a.yaxis.label.get_color())
        for a in drawn["presence"].figure.axes[:-1]
    }
    assert ticks == strips and len(set(ticks.values())) == len(PHASES)
    for name in ("lattice", "expansion"):
        titles = {a.get_title(): to_hex(a.title.get_color()) for a in drawn[name].figure.axes}
        titles.pop("", None)
        assert titles and titles.items() <= ticks.items()


def test_a_phase_keeps_its_colour_in_all_series_of_a_run():
    patterns, furnace, cells, *_ = series(frames=40)
    labels = {"phase_order": "NCM811,M3PO42,LAGP,LFP"}
    at = series_axes.make_series_axes(patterns, furnace, cells, labels)
    other = series_axes.make_series_axes(
        patterns, furnace, cells.isel(phase=[2, 0]), {**labels, "sample": "another"}
    )
    assert at.colours["M3PO42"] == other.colours["M3PO42"] == style.CYCLE[1]
    assert at.colours["LAGP"] == other.colours["LAGP"] == style.CYCLE[2]
    # A phase that the sheet does not name comes after those that it does.
    assert style.assign_colours(["X", "LFP"], ["LFP"])["X"] == style.CYCLE[1]
    many = style.assign_colours([f"phase {k}" for k in range(14)])
    assert len(set(many.values())) == 14


def test_expansion_along_a_direction_is_the_quadratic_form():
    tensor = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, -3.0]])
    along = hexrd_tensor.expansion_from_tensor(
        tensor, np.array([[1, 0, 0], [0, 0, 1], [np.sqrt(0.5), np.sqrt(0.5), 0]])
    )
    np.testing.assert_allclose(along, [1.0, -3.0, 2.0])


def test_an_isotropic_phase_needs_no_indicatrix(drawn):
    assert "LAGP" in drawn["indicatrix"].title and "LFP" not in drawn["indicatrix"].title
    assert "10.00 ± 0.10, 10.00 ± 0.10, 20.00 ± 0.20" in drawn["indicatrix"].caption


def test_eleven_phases_are_all_shown():
    patterns, furnace, cells, table, tracked = series(frames=40)
    many = [f"phase {k}" for k in range(11)]
    cells = cells.isel(phase=[k % 3 for k in range(11)]).assign_coords(phase=many)
    table = table.isel(phase=[k % 2 for k in range(11)]).assign_coords(phase=many)
    drawn = all.draw_series(patterns, furnace, cells, table, tracked, tables(), labels={})
    titles = {
        a.get_title()
        for name in drawn
        if name.startswith("lattice")
        for a in drawn[name].figure.axes
    }
    assert titles >= set(many)
    assert len(drawn["presence"].figure.axes) == 12


def test_ticks_are_the_reflections_of_the_phase_tables_at_the_refined_cell():
    patterns, _, cells, *_ = series()
    found = series_axes.locate_reflections(tables(), cells, patterns, frame=25)
    assert list(found) == list(PHASES)
    spacing = cells["cell"].values[25, 0, 2] / np.array([1, 2, 4])
    expected = 2 * np.degrees(np.arcsin(0.1173 / (2 * spacing)))
    inside = (expected >= float(patterns["two_theta_common"][0])) & (
        expected <= float(patterns["two_theta_common"][-1])
    )
    np.testing.assert_allclose(found["LAGP"], np.sort(expected[inside]), rtol=1e-9)
    assert len(found["M3PO42"]) == 3, "all in range where no atoms are known"


def test_a_phase_without_a_cell_gets_the_ticks_of_its_table():
    patterns, _, cells, *_ = series()
    cells["cell"].values[:, 2] = np.nan
    found = series_axes.locate_reflections(tables(), cells, patterns)
    d = CELLS["M3PO42"][2] * np.sin(np.radians(94))  # d(001) = c sin(beta)
    first = 2 * np.degrees(np.arcsin(0.1173 / (2 * d)))
    assert found["M3PO42"][0] == pytest.approx(first, rel=1e-9)


def test_breadths_are_those_of_the_peaks(drawn):
    axes = drawn["broadening"].figure.axes
    values = [c.lines[0].get_ydata() for a in axes for c in a.containers]
    assert {round(float(v), 6) for part in values for v in part} == {0.01, 0.2}, "1/nm and percent"


def test_caked_rings_are_shown_where_kept():
    patterns, furnace, cells, table, tracked = series()
    shape = (60, 12, patterns.sizes["two_theta"])
    patterns.coords["azimuth"] = np.arange(-165.0, 180.0, 30.0)
    patterns["caked"] = (
        ("frame", "azimuth", "two_theta"),
        np.broadcast_to(patterns["intensity"].values[:, None], shape),
    )
    patterns["intensity_robust"] = patterns["intensity"] - 3 * patterns["intensity_stderr"]
    patterns["grain_share"] = patterns["intensity"] * 0 + 0.02
    drawn = all.draw_series(patterns, furnace, cells, table, tracked, tables(), labels={})["caked"]
    below = [a for a in drawn.figure.axes if a.get_ylabel().startswith("Grains")]
    np.testing.assert_allclose(below[0].lines[0].get_ydata(), 3.0)
    assert "2 % of the sectors" in drawn.caption


def test_a_calibration_shows_its_rings_and_their_offsets():
    angle, azimuth = np.linspace(0.5, 9.5, 10), np.linspace(-150, 150, 6)
    counts = np.ones((6, 10)) * np.arange(10.0)
    counts[0, :] = np.nan
    geometry = xr.Dataset(
        {
            "ring_map": (("map_azimuth", "map_two_theta"), counts),
            "ring_two_theta": ("ring", [2.5, 4.5]),
            "ring_offset": ("ring", [10.0, -10.0]),
            "ring_offset_stderr": ("ring", [5.0, 5.0]),
            "ring_held_out": ("ring", [20.0, -30.0]),
        },
        coords={"map_azimuth": azimuth, "map_two_theta": angle},
        attrs={"calibrant": "CeO2"},
    )
    drawing = calibration.draw_calibration(geometry, {"measurement": "m"})["calibration"]
    above, below, *_ = drawing.figure.axes
    assert above.get_title(loc="left") == "m: CeO2"
    used, left_out = below.get_legend_handles_labels()[1]
    assert {used, left_out} == {"used", "left out"}
    drawn = [line.get_ydata() for line in below.lines]
    assert any(np.array_equal(values, [20.0, -30.0]) for values in drawn)
    assert below.get_xlim() == (1.5, 9.5)
    assert "2 rings" in drawing.caption
