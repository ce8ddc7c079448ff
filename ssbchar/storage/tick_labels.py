"""Tick labels that are drawn as plain text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.ticker import ScalarFormatter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMULA = ("$\\mathdefault{", "}$")
"""What stands around a tick label set as a formula."""


class PlainTicks(ScalarFormatter):
    """Numbers at the ticks as text, their common power of ten as a formula.

    matplotlib sets both as formulas or neither. A formula is parsed anew each time that it is
    measured or drawn, which takes a third of the time of a figure with many ticks.
    """

    def __call__(self, x: float, pos: int | None = None) -> str:
        """Return the label of a tick at `x`, in the unit of its axis."""
        label = super().__call__(x, pos)
        return label.removeprefix(FORMULA[0]).removesuffix(FORMULA[1])


def use_plain_ticks(figure: Figure) -> None:
    """Let all tick labels of a figure that are plain numbers be drawn as text.

    Parameters
    ----------
    figure : Figure
        Changed in place; labels that a figure sets itself stay.
    """
    for axes in figure.axes:
        for axis in axes._axis_map.values():
            given = axis.get_major_formatter()
            if type(given) is ScalarFormatter:
                plain = PlainTicks()
                plain.__dict__.update(given.__dict__)
                axis.set_major_formatter(plain)
