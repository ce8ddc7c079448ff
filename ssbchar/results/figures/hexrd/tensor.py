"""The expansion indicatrix: how much a phase expands along every direction, as a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ssbchar.results.figures import style
from ssbchar.results.figures.hexrd.series_axes import split_pages
from ssbchar.storage.store import Drawing
from ssbchar.typing import Array

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from matplotlib.figure import Figure

SIDE_BY_SIDE = 3
"""Phases in one figure."""
VOIGT = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
"""Place of each tensor element among the components 11, 22, 33, 23, 13, 12."""
ISOTROPIC = 0.02
"""A phase whose principal values differ by less than this share is a sphere and not drawn."""


def expansion_from_tensor(tensor: Array, direction: Array) -> Array:
    """Return n . alpha . n, the expansion coefficient along unit vectors.

    Parameters
    ----------
    tensor : ndarray, shape (3, 3)
        Thermal expansion tensor [1/K].
    direction : ndarray, shape (..., 3)
        Unit vectors in the tensor's frame.
    """
    return np.asarray(np.einsum("...i,ij,...j->...", direction, tensor, direction))


def draw_indicatrix(table: xr.Dataset, colours: Mapping[str, str]) -> dict[str, Drawing]:
    """Return figures of the expansion surface of each anisotropic phase, amid its heating range;
    ``colours`` are those of the phases."""
    shown = {}
    for name in table["phase"].values.astype(str):
        found = _pick_middle_row(table.sel(phase=name))
        if found is not None:
            shown[name] = found
    return {
        name: _draw_indicatrix_page(table, shown, some, colours)
        for name, some in split_pages(list(shown), SIDE_BY_SIDE, "indicatrix")
    }


def _pick_middle_row(phase: xr.Dataset) -> xr.Dataset | None:
    """Return the first segment's row amid its temperatures, or None where there is none or it is
    isotropic."""
    if "tensor" not in phase:
        return None
    for segment in phase["segment"].values:
        part = phase.sel(segment=segment)
        known = np.flatnonzero(np.isfinite(part["tensor"].values).all(axis=-1))
        if known.size:
            row = part.isel(temperature=known[known.size // 2])
            values = row["principal_expansion"].values
            return row if np.ptp(values) > ISOTROPIC * np.max(np.abs(values)) else None
    return None


def _draw_indicatrix_page(
    table: xr.Dataset,
    shown: dict[str, xr.Dataset],
    names: list[str],
    colours: Mapping[str, str],
) -> Drawing:
    figure = style.make_figure(min(style.PAGE, style.COLUMN + 1.85 * (len(names) - 1)), 3.0)
    values = []
    for column, name in enumerate(names, 1):
        row = shown[name]
        _draw_surface(figure, (1, len(names), column), 1e6 * row["tensor"].values[VOIGT])
        unit = r" (10$^{-6}$ K$^{-1}$)"
        figure.axes[-1].set_title(name + unit, y=1.0, color=colours[name])
        principal, stderr = (
            1e6 * row["principal_expansion"].values,
            1e6 * row["principal_expansion_stderr"].values,
        )
        stated = ", ".join(f"{v:.2f} ± {e:.2f}" for v, e in zip(principal, stderr, strict=True))
        values.append(
            f"{name} ({row['segment'].item()}, {float(row['temperature']):.0f} °C): {stated}"
        )
    caption = (
        "Expansion indicatrix: the distance from the origin to the surface is the expansion "
        "coefficient along that "
        "direction (1e-6 /K; vermilion where the crystal expands, blue where it contracts). z "
        "along c, y along b*. "
        "Principal values with one standard error, 1e-6 /K: " + "; ".join(values) + "."
    )
    return Drawing(
        figure=figure, title="Expansion indicatrix: " + ", ".join(names), caption=caption
    )


def _draw_surface(figure: Figure, place: tuple[int, int, int], tensor: Array) -> None:
    """Draw the surface r(n) = |n . alpha . n| with the Cartesian axes in a panel of its own."""
    from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]

    polar, around = np.meshgrid(
        np.linspace(0, np.pi, 37), np.linspace(0, 2 * np.pi, 73), indexing="ij"
    )
    direction = np.stack(
        [np.sin(polar) * np.cos(around), np.sin(polar) * np.sin(around), np.cos(polar)], axis=-1
    )
    length = expansion_from_tensor(tensor, direction)
    points = np.abs(length)[..., None] * direction
    axes = figure.add_subplot(*place, projection=Axes3D.name)
    assert isinstance(axes, Axes3D)
    facing = np.where(
        length[..., None] >= 0, _convert_colour(style.VERMILION), _convert_colour(style.BLUE)
    )
    axes.plot_surface(
        *np.moveaxis(points, -1, 0),
        facecolors=facing,
        rstride=1,
        cstride=1,
        linewidth=0,
        shade=True,
        rasterized=True,
    )
    reach = 1.1 * float(np.max(np.abs(length)))
    for k, letter in enumerate("xyz"):
        end = reach * np.eye(3)[k]
        axes.plot(*np.stack([-end, end], axis=1), color=style.BLACK, linewidth=0.5)
        axes.text(*(1.12 * end), letter, fontsize=style.SMALL, ha="center", va="center")
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), zlim=(-reach, reach))
    axes.set_box_aspect((1, 1, 1))
    axes.view_init(elev=20, azim=35)
    axes.locator_params(nbins=5)
    axes.tick_params(labelsize=style.SMALL - 1, pad=-2)


def _convert_colour(colour: str) -> Array:
    from matplotlib.colors import to_rgba

    return np.array(to_rgba(colour))
