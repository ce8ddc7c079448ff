"""A finished run in a notebook: its rows, tables and figures by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ssbchar.errors import BadInput
from ssbchar.results.redraw import FigureNote, draw_figure, find_figure, list_figures
from ssbchar.runtime.options import suggest_word
from ssbchar.storage import raw_files, store

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class OpenRun:
    """A finished run, ``results/<run>``."""

    folder: Path

    @property
    def rows(self) -> pd.DataFrame:
        """The conclusions, a row each, as ``summary.csv`` has them; ``N/A`` stays a verdict."""
        import pandas as pd

        path = self.folder / "summary.csv"
        table = raw_files.read_rows(path)
        found = pd.DataFrame(table)
        for name in ("value", "stderr", "systematic", "lower95", "upper95"):
            found[name] = pd.to_numeric(found[name])
        return found

    @property
    def measurements(self) -> list[str]:
        """The measurements, by technique and name."""
        return [path.parent.name for path in sorted(self.folder.glob("*/*/manifest.csv"))]

    def list_tables(self, measurement: str) -> list[str]:
        """Return the names of the tables of a measurement.

        Parameters
        ----------
        measurement : str

        Raises
        ------
        BadInput
            The run has no such measurement.
        """
        return sorted(path.stem for path in self._find_measurement(measurement).glob("*.nc"))

    def table(self, measurement: str, name: str) -> xr.Dataset:
        """Return a table of a measurement, with units and dimensions as docs/data-model.md has
        them.

        Parameters
        ----------
        measurement : str
        name : str
            ``lattice``, ``normalised``, ``lines`` ...

        Raises
        ------
        BadInput
            There is no such measurement or table, or it holds the reason why there is no result.
        """
        path = self._find_measurement(measurement) / f"{name}.nc"
        if not path.is_file():
            known = self.list_tables(measurement)
            raise BadInput(path, "is not there", suggest_word(name, known))
        return self._load(path)

    def phase(self, name: str) -> xr.Dataset:
        """Return the reflections of a phase.

        Parameters
        ----------
        name : str

        Raises
        ------
        BadInput
            The run has no such phase.
        """
        path = self.folder / "phases" / f"{name}.nc"
        if not path.is_file():
            known = sorted(one.stem for one in path.parent.glob("*.nc"))
            raise BadInput(path, "is not there", suggest_word(name, known))
        return self._load(path)

    def _load(self, path: Path) -> xr.Dataset:
        found: Any = store.load(path)
        if found.attrs.get("lost"):
            raise BadInput(path, "holds no result", f"its fault: {found.attrs['lost']}")
        return found  # type: ignore[no-any-return]

    @property
    def figures(self) -> dict[str, FigureNote]:
        """The figures, by ``measurement/name``."""
        return {one.full_name: one for one in list_figures(self.folder)}

    def figure(self, name: str, style: Path | str | None = None) -> Figure:
        """Return a figure, drawn again from its tables; a notebook shows it.

        Parameters
        ----------
        name : str
            ``contour``, or ``measurement/contour`` where several measurements have one.
        style : path, optional
            A style file of matplotlib.

        Raises
        ------
        BadInput
            There is no such figure, or there are several.
        """
        return draw_figure(self.folder, name, None if style is None else Path(style))

    def numbers(self, name: str) -> pd.DataFrame:
        """Return the numbers behind a figure; of a map the matrix, with x as columns and y as
        index.

        Parameters
        ----------
        name : str
            As for `figure`.

        Raises
        ------
        BadInput
            There is no such figure, or the run was made before figures had their numbers beside
            them.
        """
        import pandas as pd

        note = find_figure(self.folder, name)
        path = note.path.with_name(f"{note.name}.csv")
        if path.is_file():
            return pd.read_csv(path)
        path = note.path.with_name(f"{note.name}.map1.csv")
        if not path.is_file():
            raise BadInput(path, "is not there", "run again: figures write their numbers")
        found = pd.read_csv(path, index_col=0)
        found.columns = found.columns.astype(float)
        return found

    def _find_measurement(self, name: str) -> Path:
        found = [p.parent for p in self.folder.glob("*/*/manifest.csv") if p.parent.name == name]
        if not found:
            raise BadInput(
                self.folder, f"has no measurement '{name}'", suggest_word(name, self.measurements)
            )
        return found[0]


def open_run(folder: Path | str) -> OpenRun:
    """Return a finished run.

    Parameters
    ----------
    folder : path
        ``results/<run>``.

    Raises
    ------
    BadInput
        It holds no summary.
    """
    folder = Path(folder)
    if not (folder / "summary.csv").is_file():
        raise BadInput(folder, "holds no summary.csv", "name the folder of a finished run")
    return OpenRun(folder=folder)
