"""Figures of a diffraction series: what they show is what the Datasets hold; same bytes twice; light files."""

import json

import numpy as np
import pytest
import xarray as xr

from ssbchar import store
from ssbchar.results.figures import hexrd, hexrd_course, hexrd_tensor, style

PHASES = ("LAGP", "LFP", "M3PO42")
AXES = ["a", "b", "c", "alpha", "beta", "gamma"]
CELLS = {
    "LAGP": (8.25, 8.25, 20.65, 90, 90, 120),
    "LFP": (10.33, 6.01, 4.69, 90, 90, 90),
    "M3PO42": (7.5, 8.3, 5.0, 90, 94, 90),
}
WAVELENGTH = 0.2412


def series(frames=60, points=900, timed=True):
    """Datasets of the contract: two phases that expand and one that appears at 600 degC."""
    rng = np.random.default_rng(5)
    rise = np.linspace(0, 2, frames)
    temperature = 25 + 775 * np.where(rise < 1, rise, 2 - rise)
    segment = np.where(rise < 1, "heating", "cooling").astype(object)
    two_theta = np.linspace(1, 9, points)
    level = np.where((np.arange(frames)[:, None] > 20), 1.0, 0.0)
    lines = {"LAGP": np.array([2.3, 3.7, 5.1]), "LFP": np.array([2.9, 4.4]), "M3PO42": np.array([3.3, 4.9, 6.0])}
    calculated = np.full((frames, points), 50.0)
    for name, places in lines.items():
        for place in places:
            shift = place * (1 - 1e-5 * (temperature[:, None] - 25))
            peak = 400 * np.exp(-0.5 * ((two_theta - shift) / 0.02) ** 2)
            calculated += peak * (level if name == "M3PO42" else 1.0)
    observed = rng.poisson(calculated).astype(float)
    status = np.full(frames, "ok", dtype=object)
    status[7] = "zeros"
    observed[7] = 0
    time = 1.5e9 + 30.0 * np.arange(frames) if timed else np.full(frames, np.nan)
    patterns = xr.Dataset(
        {
            "intensity": (("frame", "two_theta"), observed),
            "intensity_stderr": (("frame", "two_theta"), np.sqrt(np.maximum(observed, 1))),
            "time": ("frame", time),
            "status": ("frame", status),
            "wavelength": WAVELENGTH,
            "common_wavelength": 0.1173,
        },
        coords={"frame": np.arange(1, frames + 1), "two_theta": two_theta},
    )
    patterns["two_theta_common"] = ("two_theta", two_theta * 0.1173 / WAVELENGTH)
    furnace = xr.Dataset({"temperature": ("frame", temperature), "segment": ("frame", segment)})
    return patterns, furnace, lattice(frames, temperature, calculated, observed), curves(), peaks(frames, lines)


def lattice(frames, temperature, calculated, observed):
    rng = np.random.default_rng(6)
    cell = np.array([CELLS[n] for n in PHASES], float)[None] * np.ones((frames, 1, 1))
    cell[..., :3] *= 1 + 1e-5 * (temperature[:, None, None] - 25)
    stderr = np.where(np.arange(6) < 3, 2e-4, 0.0) * np.ones((frames, 3, 1))
    cell += stderr * rng.normal(size=cell.shape)
    cell[:, 0, 1] = cell[:, 0, 0]
    present = np.ones((frames, 3), int)
    present[:21, 2] = 0
    weight = np.full((frames, 3), np.nan)
    weight[:, 0] = 1.0
    ds = xr.Dataset(
        {
            "cell": (("frame", "phase", "axis"), cell),
            "cell_stderr": (("frame", "phase", "axis"), stderr),
            "volume": (("frame", "phase"), np.prod(cell[..., :3], axis=-1)),
            "volume_stderr": (("frame", "phase"), np.full((frames, 3), 0.05)),
            "intensity": (("frame", "phase"), present * 100.0),
            "intensity_stderr": (("frame", "phase"), np.full((frames, 3), 2.0)),
            "intensity_upper95": (("frame", "phase"), np.full((frames, 3), 4.0)),
            "weight_fraction": (("frame", "phase"), weight),
            "weight_fraction_stderr": (("frame", "phase"), np.full((frames, 3), 0.01)),
            "present": (("frame", "phase"), present),
            "verdict": (("frame", "phase"), np.full((frames, 3), "ok", dtype=object)),
            "rwp": ("frame", np.full(frames, 0.071), {"units": "1"}),
            "rexp": ("frame", np.full(frames, 0.069), {"units": "1"}),
            "gof": ("frame", np.linspace(1, 1.2, frames)),
            "calculated": (("frame", "two_theta"), calculated),
            "background": (("frame", "two_theta"), np.full_like(calculated, 50.0)),
            "residual": (("frame", "two_theta"), observed - calculated),
        },
        coords={"phase": list(PHASES), "axis": AXES},
    )
    ds["verdict"].values[30, 0] = "not_converged"
    return ds


def curves():
    grid = np.arange(25.0, 801.0, 25.0)
    shape = (3, 2, 7, grid.size)
    alpha = np.full(shape, 1e-5)
    alpha[..., 2, :] = 2e-5
    alpha[..., 3:6, :] = np.nan
    alpha[2] = np.nan
    cell = np.full(shape, np.nan)
    for p, name in enumerate(PHASES):
        cell[p, :, :6] = np.array(CELLS[name], float)[None, :, None] * (1 + 1e-5 * (grid - 25))
    dims = ("phase", "segment", "axis", "temperature")
    tensor = np.zeros((3, 2, grid.size, 6))
    tensor[0, ..., :3], tensor[1, ..., :3], tensor[2] = (1e-5, 1e-5, 2e-5), (1e-5, 1e-5, 1e-5), np.nan
    principal = np.moveaxis(tensor[..., :3], -1, 2)
    return xr.Dataset(
        {
            "cell": (dims, cell),
            "cell_stderr": (dims, np.full(shape, 1e-4)),
            "linear_expansion": (dims, alpha),
            "linear_expansion_stderr": (dims, np.full(shape, 3e-7)),
            "tensor": (("phase", "segment", "temperature", "component"), tensor),
            "principal_expansion": (("phase", "segment", "principal", "temperature"), principal),
            "principal_expansion_stderr": (("phase", "segment", "principal", "temperature"), 1e-2 * principal),
            "reacting_from": (("phase", "segment"), np.array([[650.0, np.nan]] * 3)),
        },
        coords={
            "phase": list(PHASES), "segment": ["heating", "cooling"], "axis": [*AXES, "volume"], "temperature": grid,
        },
        attrs={"model": "polynomial"},
    )  # fmt: skip


def peaks(frames, lines):
    names = [name for name, places in lines.items() for _ in places]
    place = np.concatenate(list(lines.values())) * np.ones((frames, 1))
    place[0, -1] = np.nan
    return xr.Dataset({"predicted": (("frame", "peak"), place)}, coords={"phase": ("peak", names)})


@pytest.fixture(scope="module")
def drawn():
    return hexrd.draw(*series(), labels={"sample": "LAGP+LFP", "measurement": "test"})


def test_the_figures_of_a_series(drawn):
    assert list(drawn) == [
        "contour", "lattice", "expansion", "presence", "waterfall", "refinement", "residual", "indicatrix",
    ]  # fmt: skip
    for drawing in drawn.values():
        assert drawing.title and len(drawing.caption) > 60
        for axes in drawing.figure.axes:
            labelled = axes.get_xlabel() or axes.get_ylabel() or axes.get_title()
            assert labelled or axes.get_yticklabels(), "an axes says nothing"


def test_the_map_shows_intensity_and_greys_what_was_set_aside(drawn):
    figure = drawn["contour"].figure
    mesh = figure.axes[0].collections[0].get_array()
    assert np.ma.getmaskarray(mesh).reshape(60, -1)[7].all() or np.isnan(mesh.reshape(60, -1)[7]).all()
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


def test_the_band_is_ninety_five_percent():
    figure = style.figure()
    axes = figure.add_subplot()
    style.band(axes, [0, 1], [1, 1], [0.5, 0.5], style.BLUE)
    path = axes.collections[0].get_paths()[0].vertices
    assert path[:, 1].min() == pytest.approx(1 - 0.5 * 1.959964) and path[:, 1].max() == pytest.approx(1.979982)


def test_same_bytes_twice_and_light(tmp_path, drawn):
    made_by = {"step": "test"}
    again = hexrd.draw(*series(), labels={"sample": "LAGP+LFP", "measurement": "test"})
    for folder, figures in (("one", drawn), ("two", again)):
        some = {name: figures[name] for name in ("contour", "expansion", "indicatrix")}
        store.save(some, tmp_path / folder, made_by, {"measurement": "test"})
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name
        assert path.stat().st_size < 1.2e6, f"{path.name} is heavy"
    assert json.loads((tmp_path / "one" / "contour.json").read_text())["title"]


def test_a_series_without_times_runs_over_frames():
    drawn = hexrd.draw(*series(timed=False), labels={})
    assert drawn["contour"].figure.axes[0].get_ylabel() == "Frame"


def test_no_temperature_no_peaks_no_curves():
    patterns, furnace, cells, table, tracked = series()
    furnace["temperature"][:] = np.nan
    furnace["segment"] = ("frame", np.full(60, "none", dtype=object))
    table["linear_expansion"][:] = np.nan
    drawn = hexrd.draw(patterns, furnace, cells, table, tracked.isel(peak=slice(0, 0)), labels={})
    assert "expansion" not in drawn
    assert any(a.get_xlabel() == "Time (h)" for a in drawn["lattice"].figure.axes)


def test_large_maps_are_averaged_not_dropped():
    values = np.arange(1500.0)[:, None] * np.ones(5)
    values[3] = np.nan
    small, rows, columns = hexrd_course.reduced(values, np.arange(1500.0), np.arange(5.0))
    assert small.shape == (500, 5) and rows.size == 501 and columns.size == 6
    assert small[0, 0] == pytest.approx(1.0) and small[1, 0] == pytest.approx(4.5)
    assert (rows[0], rows[-1]) == (-0.5, 1499.5)


def test_many_phases_go_over_several_figures():
    assert [(n, p) for n, p in hexrd_course.pages(list("abcdefg"), 3, "lattice")] == [
        ("lattice", ["a", "b", "c"]),
        ("lattice_2", ["d", "e", "f"]),
        ("lattice_3", ["g"]),
    ]


def test_weight_fractions_only_where_every_phase_has_one(drawn):
    patterns, furnace, cells, table, tracked = series()
    texts = [t.get_text() for a in drawn["presence"].figure.axes for t in a.texts]
    assert set(texts) == {"I / I max"}, "one refinable phase among three would be 100 percent"
    cells["weight_fraction"][:] = 0.4
    again = hexrd.draw(patterns, furnace, cells, table, tracked, labels={})["presence"]
    assert {t.get_text() for a in again.figure.axes for t in a.texts} == {"weight"}


def test_a_phase_has_one_colour_everywhere(drawn):
    from matplotlib.colors import to_hex

    above = drawn["contour"].figure.axes[2]
    ticks = {t.get_text(): to_hex(t.get_color()) for t in above.get_yticklabels()}
    strips = {a.get_ylabel(): to_hex(a.yaxis.label.get_color()) for a in drawn["presence"].figure.axes[:-1]}
    assert ticks == strips and len(set(ticks.values())) == len(PHASES)


def test_expansion_along_a_direction_is_the_quadratic_form():
    tensor = np.array([[1.0, 0.5, 0.0], [0.5, 2.0, 0.0], [0.0, 0.0, -3.0]])
    along = hexrd_tensor.expansion_along(tensor, np.array([[1, 0, 0], [0, 0, 1], [np.sqrt(0.5), np.sqrt(0.5), 0]]))
    np.testing.assert_allclose(along, [1.0, -3.0, 2.0])


def test_an_isotropic_phase_needs_no_indicatrix(drawn):
    assert "LAGP" in drawn["indicatrix"].title and "LFP" not in drawn["indicatrix"].title
    assert "10.00 ± 0.10, 10.00 ± 0.10, 20.00 ± 0.20" in drawn["indicatrix"].caption


def test_eleven_phases_are_all_shown():
    patterns, furnace, cells, table, tracked = series(frames=40)
    many = [f"phase {k}" for k in range(11)]
    cells = cells.isel(phase=[k % 3 for k in range(11)]).assign_coords(phase=many)
    table = table.isel(phase=[k % 2 for k in range(11)]).assign_coords(phase=many)
    drawn = hexrd.draw(patterns, furnace, cells, table, tracked, labels={})
    titles = {a.get_title() for name in drawn if name.startswith("lattice") for a in drawn[name].figure.axes}
    assert titles >= set(many)
    assert len(drawn["presence"].figure.axes) == 12
