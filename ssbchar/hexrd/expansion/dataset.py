"""The table of expansions (``expansion.nc``): its variables, units and names."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ssbchar.hexrd.expansion.options import Expansion
from ssbchar.statistics import Z95
from ssbchar.storage.variables import OutputTable, Variable
from ssbchar.typing import Array

if TYPE_CHECKING:
    import xarray as xr

AXES = ("a", "b", "c", "alpha", "beta", "gamma", "volume")
"""What a cell is described by, in the order of every array of cells."""
VOLUME = AXES.index("volume")
COMPONENTS = ("11", "22", "33", "23", "13", "12")
SIZES = np.array([0, 1, 2, VOLUME])
"""The axes that have a linear expansion."""
SEGMENT = ("phase", "segment")
CURVE = (*SEGMENT, "axis", "temperature")
TENSOR = (*SEGMENT, "temperature", "component")
PRINCIPAL = (*SEGMENT, "principal", "temperature")
FRAME = "Cartesian: z along c, y along b*"


class ExpansionStatus(StrEnum):
    """How a phase expands on a segment, the variable ``verdict`` of ``expansion.nc``."""

    OK = "ok"
    REACTING = "reacting"
    TOO_FEW_FRAMES = "too_few_frames"
    NOT_PRESENT = "not_present"


def _describe_stderr(
    dims: tuple[str, ...],
    unit: str,
    meaning: str,
    long_name: str = "",
) -> Variable:
    return Variable(
        dims=dims,
        unit=unit,
        meaning=f"standard error of {meaning}",
        long_name=long_name or f"standard error of {meaning}",
    )


EXPANSION = OutputTable(
    file="expansion.nc",
    steps=("hexrd.expansion.fit_expansion",),
    about="Cells against temperature with their thermal expansion, per phase and segment.",
    variables={
        "cell": Variable(
            dims=CURVE,
            unit="angstrom",
            meaning="fitted a, b, c [angstrom], alpha, beta, gamma [degree], volume [angstrom^3]",
            long_name="a, b, c [angstrom]; alpha, beta, gamma [degree]; volume [angstrom^3]",
            ancillary=("cell_stderr",),
        ),
        "cell_stderr": _describe_stderr(CURVE, "angstrom", "`cell`"),
        "linear_expansion": Variable(
            dims=CURVE,
            unit="1/K",
            meaning="(1/L) dL/dT; of the volume (1/V) dV/dT",
            long_name="(1/L) dL/dT; volume: (1/V) dV/dT",
            ancillary=("linear_expansion_stderr",),
        ),
        "linear_expansion_stderr": _describe_stderr(CURVE, "1/K", "`linear_expansion`"),
        "linear_expansion_lower95": Variable(
            dims=CURVE,
            unit="1/K",
            meaning="lower 95 % limit of `linear_expansion`",
        ),
        "linear_expansion_upper95": Variable(
            dims=CURVE,
            unit="1/K",
            meaning="upper 95 % limit of `linear_expansion`",
        ),
        "tensor": Variable(
            dims=TENSOR,
            unit="1/K",
            meaning=f"thermal expansion tensor; {FRAME}",
            long_name=f"thermal expansion tensor; {FRAME}",
            ancillary=("tensor_stderr",),
        ),
        "tensor_stderr": _describe_stderr(TENSOR, "1/K", "`tensor`"),
        "lagrangian_strain": Variable(
            dims=TENSOR,
            unit="1",
            meaning="finite strain against the segment's lowest temperature",
            long_name="finite strain against the segment's lowest temperature",
        ),
        "principal_expansion": Variable(
            dims=PRINCIPAL,
            unit="1/K",
            meaning="principal values of the tensor, followed by continuity",
            long_name="principal values, followed by continuity",
            ancillary=("principal_expansion_stderr",),
        ),
        "principal_expansion_stderr": _describe_stderr(PRINCIPAL, "1/K", "`principal_expansion`"),
        "principal_axis": Variable(
            dims=(*PRINCIPAL, "xyz"),
            unit="1",
            meaning=f"directions of the principal axes; {FRAME}",
            long_name=f"directions of the principal axes; {FRAME}",
            ancillary=("principal_axis_stderr",),
        ),
        "principal_axis_stderr": _describe_stderr(
            PRINCIPAL,
            "degree",
            "these directions; 90 where undefined (equal principal values)",
        ),
        "mean_linear_expansion": Variable(
            dims=(*SEGMENT, "axis"),
            unit="1/K",
            meaning="(L2 - L1) / (L1 (T2 - T1))",
            long_name="(L2 - L1) / (L1 (T2 - T1))",
            ancillary=("mean_linear_expansion_stderr",),
        ),
        "mean_linear_expansion_stderr": _describe_stderr(
            (*SEGMENT, "axis"),
            "1/K",
            "`mean_linear_expansion`",
        ),
        "mean_linear_expansion_systematic": Variable(
            dims=(*SEGMENT, "axis"),
            unit="1/K",
            meaning="systematic error of `mean_linear_expansion`: the temperature scale, and what "
            "the errors of the cells hold beside scatter",
        ),
        "mean_from": Variable(dims=SEGMENT, unit="degC", meaning="T1 of the mean"),
        "mean_to": Variable(dims=SEGMENT, unit="degC", meaning="T2 of the mean"),
        "inflation": Variable(
            dims=(*SEGMENT, "axis"),
            unit="1",
            meaning="factor on the stated esds: scatter (Birge) times serial correlation",
        ),
        "chi2": Variable(
            dims=SEGMENT,
            unit="1",
            meaning="reduced chi-square against the stated esds",
        ),
        "order": Variable(dims=SEGMENT, unit="1", meaning="order of the polynomial"),
        "characteristic_temperature": Variable(
            dims=SEGMENT,
            unit="K",
            meaning="Einstein or Debye temperature of the curve",
        ),
        "frames_used": Variable(dims=SEGMENT, unit="1", meaning="frames on the curve"),
        "frames_rejected": Variable(
            dims=SEGMENT,
            unit="1",
            meaning="frames more than five robust standard deviations off the curve",
        ),
        "verdict": Variable(
            dims=SEGMENT,
            meaning="`ok`, `reacting`, `too_few_frames` or `not_present`",
        ),
        "reacting": Variable(
            dims=("frame", "phase"),
            meaning="1 where the intensity has left its first level on the segment for good",
        ),
        "reacting_from": Variable(
            dims=SEGMENT,
            unit="degC",
            meaning="first temperature flagged as reacting",
        ),
        "hysteresis": Variable(
            dims=("phase", "axis"),
            unit="1",
            meaning="cooling / heating - 1 in the middle of their common range",
            long_name="cooling / heating - 1",
            ancillary=("hysteresis_stderr",),
        ),
        "hysteresis_stderr": _describe_stderr(("phase", "axis"), "1", "`hysteresis`"),
        "hysteresis_temperature": Variable(
            dims=("phase",),
            unit="degC",
            meaning="where the hysteresis is given",
        ),
        "hysteresis_p": Variable(
            dims=("phase",),
            unit="1",
            meaning="probability of such a difference by chance",
        ),
        "phase": Variable(dims=("phase",), meaning="name of the phase", coordinate=True),
        "segment": Variable(
            dims=("segment",),
            meaning="name of the segment; the second of a kind is `heating 2` ...",
            coordinate=True,
        ),
        "axis": Variable(dims=("axis",), meaning=" ".join(AXES), coordinate=True),
        "temperature": Variable(
            dims=("temperature",),
            unit="degC",
            meaning="grid of the curves",
            coordinate=True,
        ),
        "component": Variable(dims=("component",), meaning=" ".join(COMPONENTS), coordinate=True),
        "principal": Variable(dims=("principal",), meaning="1, 2, 3", coordinate=True),
        "xyz": Variable(dims=("xyz",), meaning="Cartesian axes", coordinate=True),
        "frame": Variable(dims=("frame",), meaning="number in the series", coordinate=True),
    },
    attributes={"model": "`polynomial`, `einstein` or `debye`"},
)
COUNTS = ("frames_used", "frames_rejected")


class ExpansionValues:
    """The variables of the table, filled phase by phase and segment by segment; NaN elsewhere."""

    def __init__(self, *, phases: int, segments: list[str], grid: Array) -> None:
        self.segments, self.grid = segments, grid
        sizes = {
            "phase": phases,
            "segment": len(segments),
            "axis": len(AXES),
            "temperature": grid.size,
            "component": len(COMPONENTS),
            "principal": 3,
            "xyz": 3,
        }
        self._values: dict[str, NDArray[Any]] = {}
        for name, variable in EXPANSION.variables.items():
            if not variable.coordinate and "frame" not in variable.dims:
                shape = tuple(sizes[dim] for dim in variable.dims)
                self._values[name] = _make_blank(name, shape)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return a variable, to be filled in place."""
        return self._values[name]

    def build_dataset(
        self,
        lattice: xr.Dataset,
        reacting: NDArray[np.int8],
        options: Expansion,
    ) -> xr.Dataset:
        """Return the table (`EXPANSION`); `reacting` has shape (frame, phase).

        The 95 % limits of the linear expansion [1/K] follow from its standard error.
        """
        expansion = self["linear_expansion"]
        half = Z95 * self["linear_expansion_stderr"]
        values: Mapping[str, Any] = {
            **self._values,
            "linear_expansion_lower95": expansion - half,
            "linear_expansion_upper95": expansion + half,
            "reacting": reacting,
            "phase": lattice["phase"].values.astype(object),
            "segment": np.array(self.segments, dtype=object),
            "axis": np.array(AXES, dtype=object),
            "temperature": self.grid,
            "component": np.array(COMPONENTS, dtype=object),
            "principal": np.arange(1, 4),
            "xyz": np.array(list("xyz"), dtype=object),
            "frame": lattice["frame"],
        }
        attrs: dict[str, Any] = {"model": options.model}
        if lattice.attrs.get("synthetic"):
            attrs["synthetic"] = 1
        return EXPANSION.dataset(values, attrs)


def _make_blank(name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    # A phase without a curve on a segment was not there, until something else is put.
    if name == "verdict":
        return np.full(shape, ExpansionStatus.NOT_PRESENT.value, dtype=object)
    if name in COUNTS:
        return np.zeros(shape, np.int64)
    return np.full(shape, np.nan)
