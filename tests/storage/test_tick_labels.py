"""Plain numbers at ticks are text; what is a formula stays one."""

import matplotlib as mpl
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ssbchar.results.figures.style import make_figure
from ssbchar.storage.store import render_figure
from ssbchar.storage.tick_labels import use_plain_ticks


@pytest.fixture
def figure() -> Figure:
    """Axes with small numbers of both signs, and with large ones along y."""
    settings = {"axes.formatter.use_mathtext": True, "axes.formatter.limits": (-4, 5)}
    with mpl.rc_context(settings):
        made = Figure((3, 2), layout="constrained")
        left, right = made.subplots(1, 2, sharex=True)
        left.plot([-2, 4], [-3e7, 5e7])
        left.set_xticks([-2, 0, 2])
        right.plot([-2, 4], [1, 1000])
        right.set_yscale("log")
        return made


def labels_of(axis: object) -> list[str]:
    return [tick.get_text() for tick in axis.get_ticklabels()]  # type: ignore[attr-defined]


def test_numbers_are_text_with_the_true_sign(figure: Figure) -> None:
    left, _ = figure.axes
    figure.draw_without_rendering()
    before = labels_of(left.xaxis)
    assert "$\\mathdefault{\N{MINUS SIGN}2}$" in before
    use_plain_ticks(figure)
    figure.draw_without_rendering()
    assert labels_of(left.xaxis) == [
        label.replace("$\\mathdefault{", "").replace("}$", "") for label in before
    ]
    assert "\N{MINUS SIGN}2" in labels_of(left.xaxis)


def test_powers_of_ten_stay_formulas(figure: Figure) -> None:
    left, right = figure.axes
    use_plain_ticks(figure)
    figure.draw_without_rendering()
    assert (
        left.yaxis.get_offset_text().get_text() == "$\\times\\mathdefault{10^{7}}\\mathdefault{}$"
    )
    assert all("$" not in label for label in labels_of(left.yaxis))
    assert any("10^{2}" in label for label in labels_of(right.yaxis))


def test_labels_that_a_figure_sets_stay(figure: Figure) -> None:
    left, _ = figure.axes
    left.set_yticks([0, 1e7], ["none", "$a$"])
    use_plain_ticks(figure)
    figure.draw_without_rendering()
    assert labels_of(left.yaxis) == ["none", "$a$"]


def test_axes_are_placed_once_for_both_files(figure: Figure) -> None:
    svg, png = render_figure(figure)
    place = figure.axes[0].get_position()
    assert b"\xe2\x88\x922" in svg and b"mathdefault{0}" not in svg
    assert render_figure(figure) == (svg, png)
    assert figure.axes[0].get_position().bounds == place.bounds


def test_long_labels_lie_within_the_picture() -> None:
    """Axes are placed by the letters of the picture: those of the drawing with lines are measured
    at half their resolution, some percent too narrow."""
    made = make_figure(4.8, 3.5)
    axes = made.subplots()
    axes.set_yticks(range(3), ["Li0.25Si 200 MPa 3 min", "Li1Si 100 MPa 30 s", "Li1Si 0 MPa"])
    render_figure(made)
    made.set_dpi(150)
    FigureCanvasAgg(made).draw()
    assert min(label.get_window_extent().x0 for label in axes.get_yticklabels()) > 0
