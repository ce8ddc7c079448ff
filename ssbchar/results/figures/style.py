"""One look for every figure: sizes, colours safe for colour-blind readers, uncertainty bands.

Figures are made with `figure`, never through pyplot, so that no global state of a display is
touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.errors import BadInput
from ssbchar.statistics import Z95

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, ListedColormap
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

COLUMN = 3.5
"""Width of one journal column [inch]."""
PAGE = 7.2
"""Width of a page of two columns [inch]."""
DPI = 200
"""Resolution of rasterised meshes inside vector files [1/inch]."""

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, VERMILION, PURPLE = (
    "#000000",
    "#E69F00",
    "#56B4E9",
    "#009E73",
    "#F0E442",
    "#0072B2",
    "#D55E00",
    "#CC79A7",
)
"""The palette of M. Okabe & K. Ito, Color Universal Design (2008)."""
GREY = "#777777"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Order in which series take their colours (yellow is too faint for lines)."""
DARK_CYCLE = ("#003A5C", "#6B2F00", "#004F39", "#6E3355", "#7A5400", "#2B617F", "#8C8C8C")
"""Their dark tones, and grey for black, which come next."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HEATING, COOLING, HOLD = VERMILION, BLUE, GREY
"""Colours of a temperature programme's segments."""
SEGMENTS = {"heating": HEATING, "cooling": COOLING, "hold": HOLD, "none": BLACK}
BEFORE, AFTER, REFERENCE = BLACK, VERMILION, GREY
"""Colours of pristine, treated and reference samples."""

TEXT, SMALL = 8.0, 7.0
"""Font sizes of labels, and of ticks and legends [pt]."""
RC: Any = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.7,
    "axes.formatter.useoffset": False,
    "axes.formatter.limits": (-4, 5),
    "axes.formatter.use_mathtext": True,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "xtick.top": False,
    "ytick.right": False,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "legend.borderaxespad": 0.4,
    "legend.labelspacing": 0.3,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.0,
    "errorbar.capsize": 0.0,
    "patch.linewidth": 0.6,
    "image.cmap": "viridis",
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


_OWN: dict[str, Any] = {}
"""Settings of the user's own style, over those above."""


@contextmanager
def use_own_style(path: Path | str | None) -> Iterator[None]:
    """Let figures made in a ``with`` block follow a style file of matplotlib, where it departs from
    the common style.

    Parameters
    ----------
    path : path or None
        A ``.mplstyle`` file; None changes nothing.

    Raises
    ------
    BadInput
        There is no such file, or it holds no settings.
    """
    import matplotlib as mpl

    if path is not None:
        if not Path(path).is_file():
            raise BadInput(path, "the style file does not exist", "name a .mplstyle file")
        found = mpl.rc_params_from_file(path, use_default_template=False)
        if not found:
            raise BadInput(path, "sets nothing", "write lines such as 'font.size: 9'")
        _OWN.update(dict(found.items()))
    try:
        # A setting that the common style leaves alone must not outlive the block.
        with mpl.rc_context():
            yield
    finally:
        _OWN.clear()


def make_figure(width: float = COLUMN, height: float = 2.6) -> Figure:
    """Return an empty figure in the common style.

    Parameters
    ----------
    width, height : float
        Size [inch]; `COLUMN` and `PAGE` are the usual widths.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {**RC, **_OWN}
    mpl.rcParams.update(settings)
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    made.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)  # type: ignore[union-attr, call-arg]
    return made


def assign_colours(names: Sequence[str], order: Sequence[str] = ()) -> dict[str, str]:
    """Return a colour per name.

    Parameters
    ----------
    names : sequence of str
        In the order in which they take their colours, dark tones after the cycle; beyond both they
        repeat (see `assign_markers`).
    order : sequence of str
        Names of a whole run: those take their colours first, so that a name has the same one in
        all figures of the run.
    """
    colours = (*CYCLE, *DARK_CYCLE)
    places = {name: place for place, name in enumerate(dict.fromkeys([*order, *names]))}
    return {name: colours[places[name] % len(colours)] for name in names}


def assign_markers(names: Sequence[str]) -> dict[str, str]:
    """Return a marker per name that tells apart names whose colours repeat."""
    return {name: MARKERS[(i + i // len(CYCLE)) % len(MARKERS)] for i, name in enumerate(names)}


def split_order(labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the phases of a run in the order of their colours, as the label ``phase_order`` has
    them; none where it is missing."""
    return tuple(filter(None, labels.get("phase_order", "").split(",")))


def pick_sequence(n: int, name: str = "viridis") -> list[tuple[float, ...]]:
    """Return n colours along a perceptually uniform map, its brightest end left out."""
    import matplotlib as mpl

    return [tuple(mpl.colormaps[name](0.9 * i / max(n - 1, 1))) for i in range(n)]


def get_diverging_map() -> Colormap:
    """Return the map for signed residuals: blue below, white at zero, red above."""
    import matplotlib as mpl

    return mpl.colormaps["RdBu_r"]


def make_class_map(colours: Sequence[str]) -> ListedColormap:
    """Return a map of discrete classes."""
    from matplotlib.colors import ListedColormap

    return ListedColormap(list(colours))


def draw_band(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    stderr: ArrayLike,
    *,
    colour: str,
    label: str = "",
    z: float = Z95,
    **line: Any,
) -> None:
    """Draw a curve with its confidence band.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    x, y, stderr : array_like, shape (point,)
        The curve and its standard error, in the units of the axes.
    colour, label : str
        Colour of curve and band; entry of the legend.
    z : float
        The band is y -/+ z stderr: 95 % by default.
    **line
        Further properties of the curve.
    """
    import numpy as np

    middle, half = np.asarray(y, float), z * np.asarray(stderr, float)
    axes.fill_between(
        np.asarray(x, float), middle - half, middle + half, color=colour, alpha=0.25, linewidth=0
    )
    axes.plot(x, y, color=colour, label=label or None, **line)


def draw_points(
    axes: Axes,
    x: ArrayLike,
    y: ArrayLike,
    stderr: ArrayLike,
    *,
    colour: str,
    label: str = "",
    marker: str = "o",
    **more: Any,
) -> None:
    """Draw points with error bars of one standard error.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    x, y, stderr : array_like, shape (point,)
        Points and their standard errors, in the units of the axes.
    colour, label, marker : str
        Colour, entry of the legend, and marker.
    **more
        Further properties of the error bars.
    """
    more = {"elinewidth": 0.6, "markeredgewidth": 0, **more}
    axes.errorbar(x, y, yerr=stderr, fmt=marker, color=colour, label=label or None, **more)


def write_panel_letter(axes: Axes, letter: str) -> None:
    """Write a panel's letter, bold, inside its upper left corner."""
    axes.text(
        0.02,
        0.97,
        letter,
        transform=axes.transAxes,
        ha="left",
        va="top",
        fontweight="bold",
        fontsize=TEXT,
    )
