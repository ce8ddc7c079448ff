"""What stands in an output file: one table per file, from which data sets and
``docs/data-model.md`` are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ssbchar.storage import lazy_rows
from ssbchar.storage.row_file import RowFile

if TYPE_CHECKING:
    import xarray as xr
    from xarray.indexes import Index


@dataclass(frozen=True, kw_only=True)
class IndexedCoordinates:
    """Coordinates of a data set with their indexes, made once."""

    variables: Mapping[str, xr.Variable]
    indexes: Mapping[str, Index]
    """One of each variable, that is named as its dimension."""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One variable of an output."""

    dims: tuple[str, ...] = ()
    """Names of its dimensions, in the order stored."""
    unit: str = ""
    """UDUNITS name; ``1`` for a pure number, empty for words, flags and indices."""
    meaning: str
    """One line for the data model."""
    long_name: str = ""
    """Attribute of the same name, where the variable's own name does not tell."""
    ancillary: tuple[str, ...] = ()
    """Variables that say how good this one is: its standard error, its covariance."""
    optional: bool = False
    """The variable may be missing; `meaning` says when."""
    coordinate: bool = False
    """The variable is a coordinate."""

    def attributes(self) -> dict[str, str]:
        """Return the attributes stored with the values (CF conventions)."""
        given = {
            "units": self.unit,
            "long_name": self.long_name,
            "ancillary_variables": " ".join(self.ancillary),
        }
        return {name: text for name, text in given.items() if text}


@dataclass(frozen=True, kw_only=True)
class OutputTable:
    """The variables and attributes of one output file."""

    file: str
    """Name of the file, below the measurement's folder."""
    steps: tuple[str, ...]
    """The steps that write it."""
    about: str
    """What the file holds, one sentence."""
    variables: Mapping[str, Variable]
    attributes: Mapping[str, str] = field(default_factory=dict)
    """Attributes of the file: name and meaning."""

    def dataset(
        self,
        values: Mapping[str, Any],
        attrs: Mapping[str, Any] | None = None,
        *,
        coords: IndexedCoordinates | None = None,
    ) -> xr.Dataset:
        """Return the data set of these values.

        Parameters
        ----------
        values : mapping of str to array_like or DataArray
            Variables by name, shaped as the table says; a `RowFile` of a long series is read where
            it is used. A DataArray keeps its own attributes.
        attrs : mapping, optional
            Attributes of the data set.
        coords : IndexedCoordinates, optional
            Coordinates with indexes made elsewhere; `values` then leaves them out.

        Raises
        ------
        ValueError
            A value that the table does not know, a variable of the table without a value, or two
            that have a dimension at different lengths.
        """
        import xarray as xr

        given = set(values) | set(coords.variables if coords is not None else ())
        unknown = sorted(given - set(self.variables))
        missing = sorted(n for n, v in self.variables.items() if not v.optional and n not in given)
        if unknown or missing:
            raise ValueError(
                f"{self.file}: not in its table: {unknown}; without a value: {missing}"
            )
        made: dict[str, Any] = {}
        for name, value in values.items():
            known = self.variables[name]
            if isinstance(value, xr.DataArray):
                made[name] = value.variable
            elif isinstance(value, RowFile):
                made[name] = lazy_rows.make_variable(known.dims, value, known.attributes())
            else:
                # Of plain numbers in their dimensions nothing is left to be converted or checked.
                plain = isinstance(value, np.ndarray) and value.dtype.kind in "biufc"
                fast = plain and value.ndim == len(known.dims)
                made[name] = xr.Variable(known.dims, value, known.attributes(), fastpath=fast)
        along = {name: value for name, value in made.items() if self.variables[name].coordinate}
        if coords is not None:
            return self._join(made, coords, set(along), dict(attrs or {}))
        rest = {name: value for name, value in made.items() if name not in along}
        return xr.Dataset(rest, coords=along, attrs=dict(attrs or {}))

    def _join(
        self,
        made: Mapping[str, xr.Variable],
        coords: IndexedCoordinates,
        along: set[str],
        attrs: dict[str, Any],
    ) -> xr.Dataset:
        """Return the data set of variables and coordinates that are made.

        The public constructor copies, aligns and merges them, though they are of one table: a fifth
        of the time that reading and fitting an NMR spectrum takes.
        """
        import xarray as xr

        variables = {**made, **coords.variables}
        sizes: dict[str, int] = {}
        for name, variable in variables.items():
            for dimension, length in zip(variable.dims, variable.shape, strict=True):
                if sizes.setdefault(str(dimension), length) != length:
                    raise ValueError(
                        f"{self.file}: {name} is {length} long on {dimension}, others are "
                        f"{sizes[str(dimension)]}"
                    )
        return xr.Dataset._construct_direct(
            variables=dict(variables),
            coord_names=along | set(coords.variables),
            dims=sizes,
            attrs=attrs,
            indexes=dict(coords.indexes),
        )

    def page(self) -> str:
        """Return the table as Markdown, one row per variable."""
        steps = ", ".join(f"`{step}`" for step in self.steps)
        lines = [f"### `{self.file}`", "", f"{self.about} Written by {steps}.", ""]
        lines += ["| variable | dims | unit | meaning |", "|---|---|---|---|"]
        for name, variable in self.variables.items():
            unit = variable.unit.replace("|", "\\|")
            meaning = variable.meaning
            if variable.ancillary:
                meaning += "; with " + ", ".join(f"`{beside}`" for beside in variable.ancillary)
            lines.append(f"| `{name}` | {', '.join(variable.dims)} | {unit} | {meaning} |")
        if self.attributes:
            listed = "; ".join(f"`{name}`: {text}" for name, text in self.attributes.items())
            lines += ["", f"Attributes: {listed}."]
        return "\n".join([*lines, ""])
