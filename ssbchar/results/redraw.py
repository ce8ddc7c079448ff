"""A figure of a finished run drawn again: in another style, width or format, from the tables it was
drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.errors import BadInput, describe_error
from ssbchar.pipeline import step
from ssbchar.results.figures import style
from ssbchar.runtime.options import suggest_word
from ssbchar.storage import store
from ssbchar.storage.plotted import list_panels
from ssbchar.storage.tick_labels import use_plain_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MM_PER_INCH = 25.4
FORMATS = (".pdf", ".svg", ".png", ".eps", ".tiff")
"""Endings of files that a figure is written to."""
RESOLUTION = 600
"""Of raster files [1/inch]."""


@dataclass(frozen=True, kw_only=True)
class FigureNote:
    """A figure of a run."""

    name: str
    """Without its measurement: ``contour``."""
    measurement: str
    path: Path
    """Its note, ``<name>.json``."""

    @property
    def full_name(self) -> str:
        """``measurement/name``, which no other figure of its technique has."""
        return f"{self.measurement}/{self.name}"


def list_figures(run: Path) -> list[FigureNote]:
    """Return the figures of a run, in the order of their folders.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    """
    found = []
    for index in sorted(run.glob("*/*/figures/index.txt")):
        for name in index.read_text(encoding="utf-8").split():
            measurement = index.parent.parent.name
            note = index.with_name(f"{name}.json")
            found.append(FigureNote(name=name, measurement=measurement, path=note))
    return found


def find_figure(run: Path, name: str) -> FigureNote:
    """Return the figure of a name.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    name : str
        ``contour``, or ``measurement/contour`` where several measurements have one.

    Raises
    ------
    BadInput
        The run has none, or several of this name.
    """
    figures = list_figures(run)
    if not figures:
        raise BadInput(run, "holds no figures", "name the folder results/<run> of a finished run")
    fitting = [one for one in figures if name in (one.name, one.full_name)]
    if not fitting:
        known = [one.full_name for one in figures] + [one.name for one in figures]
        raise BadInput(run, f"has no figure '{name}'", suggest_word(name, known))
    if len(fitting) > 1:
        choices = ", ".join(one.full_name for one in fitting)
        raise BadInput(run, f"has {len(fitting)} figures '{name}'", f"name one of {choices}")
    return fitting[0]


def draw_figure(run: Path, name: str, own_style: Path | None = None) -> Figure:
    """Return a figure of a run, drawn again from the tables it was drawn from.

    Parameters
    ----------
    run : Path
        ``results/<run>``, or a copy of it.
    name : str
        As for `find_figure`.
    own_style : Path, optional
        A style file of matplotlib.

    Raises
    ------
    BadInput
        As `find_figure`, or a table is missing.
    """
    found = find_figure(run, name)
    note = store.read_json(found.path)
    made_by: Mapping[str, Any] = note["provenance"]
    inputs: dict[str, list[Path]] = {}
    for one in made_by["inputs"]:
        inputs.setdefault(one["name"], []).append(_find_input(run, one["path"]))
    labels = {
        key: value
        for key, value in note.items()
        if key not in ("title", "caption", "alt", "data", "provenance")
    }
    with style.use_own_style(own_style):
        try:
            drawings = step.call_step(made_by["step"], inputs, made_by["options"], labels)
            figure: Figure = drawings[found.name].figure
        except (AttributeError, ImportError, KeyError, TypeError) as error:
            # A step, an argument or a variable that this version does not know.
            problem = f"was made by another version ({describe_error(error)})"
            raise BadInput(found.path, problem, "run it again with this version") from error
    if note.get("synthetic"):
        store.mark_synthetic(figure)
    return figure


def _find_input(run: Path, path: str) -> Path:
    """Return where a table of a run lies now: below the run's folder, which may have moved."""
    parts = Path(path).parts
    if "results" in parts:
        place = len(parts) - 1 - parts[::-1].index("results")
        moved = run.joinpath(*parts[place + 2 :])
        if moved.exists():
            return moved
    if not Path(path).exists():
        raise BadInput(path, "what the figure was drawn from is not there", "run the step again")
    return Path(path)


def write_figure(
    run: Path,
    name: str,
    *,
    to: Path | None = None,
    own_style: Path | None = None,
    width: float | None = None,
    letters: bool = True,
) -> Path:
    """Draw a figure of a run again into a file.

    Parameters
    ----------
    run : Path
        ``results/<run>``.
    name : str
        As for `find_figure`.
    to : Path, optional
        The file, whose ending is its format; by default ``<name>.pdf``.
    own_style : Path, optional
        A style file of matplotlib.
    width : float, optional
        [mm]; the height follows. By default as in the report.
    letters : bool
        Write a letter into each panel of a figure of several, where it has none.

    Raises
    ------
    BadInput
        As `draw_figure`, or the file's ending is no format.
    """
    to = to or Path(f"{name.rpartition('/')[2]}.pdf")
    if to.suffix.lower() not in FORMATS:
        raise BadInput(to, "is of no known format", f"end it in {', '.join(FORMATS)}")
    figure = draw_figure(run, name, own_style)
    if width is not None:
        old_width, old_height = figure.get_size_inches()
        new = width / MM_PER_INCH
        figure.set_size_inches(new, old_height * new / old_width)
    if letters:
        write_letters(figure)
    use_plain_ticks(figure)
    to.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(to, dpi=RESOLUTION, metadata=_undate(to.suffix.lower()))
    return to


def write_letters(figure: Figure) -> None:
    """Write a letter into each panel of a figure of several, unless it has letters already.

    Parameters
    ----------
    figure : Figure
    """
    panels = list_panels(figure)
    texts = {text.get_text().strip("() ") for _, axes in panels for text in axes.texts}
    flat = [(name, axes) for name, axes in panels if axes.name != "3d"]
    if len(flat) < 2 or {"a", "b"} <= texts:
        return
    for name, axes in flat:
        style.write_panel_letter(axes, name)


def _undate(suffix: str) -> dict[str, Any] | None:
    """Return metadata without the time of writing, so that the same figure has the same bytes."""
    return {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(suffix)
