"""Figures as data URIs of the page: vector where the file is small, raster where it is large."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ssbchar.results.options import Report
from ssbchar.results.report import closer_look
from ssbchar.storage import store

ZOOM = 1.3
"""Size on the screen over size in print: 8 pt labels become 14 pixels."""
PIXELS_PER_INCH = 96
"""Of a web page at a zoom of 1."""
NARROW = 760
"""Width of a reduced PNG [pixel]."""
COLOURS = 64
"""Colours of a reduced PNG."""
DEFAULT_WIDTH = 7.0
"""Width of a figure whose file does not state one [inch]."""
SVG, PNG = ".svg", ".png"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A figure in the page."""

    name: str
    title: str
    caption: str
    alt: str
    """What is seen, for those who do not see it."""
    uri: str
    """The picture; empty if the page had no room for it."""
    file: str
    """Its vector file."""
    width: int
    """Width on the screen [pixel]."""
    labels: Mapping[str, Any]
    curves: str = ""
    """Its curves as JSON (`closer_look.read_curves`); empty if there are none, or no room."""
    place: int = 0
    """Among all figures of the page."""


@dataclass(frozen=True, kw_only=True)
class _FigureFiles:
    """The files of one figure: vector, raster and notes."""

    folder: Path
    name: str
    rank: int
    """Place in the order of its folder, from 0."""

    def find_path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}{suffix}"

    def read(self, suffix: str) -> bytes:
        return self.find_path(suffix).read_bytes()

    def measure_size(self, suffix: str) -> int:
        return self.find_path(suffix).stat().st_size


def embed_pictures(folders: Sequence[Path], options: Report) -> list[Picture]:
    """Return the figures of some folders, in the order of their ``index.txt``, within a size limit.

    Each is vector unless its file is large. If all together are too large, first the smaller file
    of each is taken, then PNGs are reduced, then the last figures of each folder are left out.

    Parameters
    ----------
    folders : sequence of Path
        Each with ``index.txt`` and ``<name>.svg``, ``.png``, ``.json``.
    options : Report
        Limits of size [kB, MB], also of the curves that can be zoomed.
    """
    figures = [figure for folder in folders for figure in _list_figures(folder)]
    # Base64 makes four bytes of three.
    budget = options.size_limit * 1e6 * 3 / 4
    # Quality is given up step by step, so that a small run keeps all of it.
    kinds = [_choose_kind(figure, options.svg_limit * 1000) for figure in figures]
    if sum(figure.measure_size(k) for figure, k in zip(figures, kinds, strict=True)) > budget:
        kinds = [min((SVG, PNG), key=figure.measure_size) for figure in figures]
    data = [figure.read(kind) for figure, kind in zip(figures, kinds, strict=True)]
    if sum(map(len, data)) > budget:
        data = [
            min(content, reduce_png(figure.read(PNG)), key=len)
            for figure, content in zip(figures, data, strict=True)
        ]
    last = _find_last_rank([f.rank for f in figures], [len(d) for d in data], budget)
    pictures = [
        _embed_picture(figure, content if figure.rank <= last else b"")
        for figure, content in zip(figures, data, strict=True)
    ]
    curves = [_read_curves(f, p) for f, p in zip(figures, pictures, strict=True)]
    left = options.size_limit * 1e6 - sum(len(picture.uri) for picture in pictures)
    has_room = closer_look.choose_within(
        [len(text) for text in curves],
        [f.rank for f in figures],
        min(options.closer_limit * 1e6, left),
    )
    return [
        replace(picture, place=n, curves=curves[n] if has_room[n] else "")
        for n, picture in enumerate(pictures)
    ]


def _read_curves(figure: _FigureFiles, picture: Picture) -> str:
    """Return the curves and maps of a figure that is shown."""
    if not picture.uri:
        return ""
    axes, found = picture.labels.get("axes", {}), []
    if figure.find_path(".csv").is_file():
        table = figure.find_path(".csv").read_text(encoding="utf-8")
        found += closer_look.read_curves(table, axes)
    for number, panel in enumerate(picture.labels.get("map_panels", ()), 1):
        table = figure.find_path(f".map{number}.csv").read_text(encoding="utf-8")
        found.append(closer_look.read_map(table, panel, axes.get(panel, ("", ""))))
    return closer_look.write_panels(found)


def _list_figures(folder: Path) -> list[_FigureFiles]:
    names = folder.joinpath("index.txt").read_text(encoding="utf-8").split()
    return [_FigureFiles(folder=folder, name=name, rank=i) for i, name in enumerate(names)]


def _choose_kind(figure: _FigureFiles, limit: int) -> str:
    """Return the vector file's suffix unless it is above the limit [byte] and the PNG smaller."""
    heavy = figure.measure_size(SVG) > max(limit, figure.measure_size(PNG))
    return PNG if heavy else SVG


def _find_last_rank(ranks: Sequence[int], sizes: Sequence[int], budget: float) -> int:
    """Return the place in its folder up to which every figure has room in the page."""
    total = 0
    # Rank by rank, so that every measurement keeps its first figures.
    for rank in range(max(ranks, default=-1) + 1):
        total += sum(size for r, size in zip(ranks, sizes, strict=True) if r == rank)
        if total > budget:
            return rank - 1
    return max(ranks, default=-1)


def _embed_picture(figure: _FigureFiles, data: bytes) -> Picture:
    mime = "image/png" if data.startswith(b"\x89PNG") else "image/svg+xml"
    note = store.read_json(figure.find_path(".json"))
    return Picture(
        name=figure.name,
        title=str(note.get("title", figure.name)),
        caption=str(note.get("caption", "")),
        alt=f"{note.get('title', figure.name)}. {note.get('alt', '')}".strip(),
        uri=f"data:{mime};base64,{base64.b64encode(data).decode()}" if data else "",
        file=figure.find_path(SVG).as_posix(),
        width=round(read_width(figure.read(SVG)) * PIXELS_PER_INCH * ZOOM),
        labels=note,
    )


def read_width(svg: bytes) -> float:
    """Return the width of a vector figure in print [inch], as its file states it.

    Parameters
    ----------
    svg : bytes
        Content of the file.
    """
    found = re.search(rb'<svg[^>]* width="([\d.]+)pt"', svg)
    return float(found[1]) / 72 if found else DEFAULT_WIDTH


def reduce_png(png: bytes) -> bytes:
    """Return a PNG of at most `NARROW` pixels in width and `COLOURS` colours.

    Parameters
    ----------
    png : bytes
        Content of the file.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    width = min(image.width, NARROW)
    height = round(image.height * width / image.width)
    small = image.resize((width, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    # Without dithering: its noise would not compress.
    small.quantize(COLOURS, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()
