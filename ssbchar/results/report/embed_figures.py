"""Figures as they go into the page: each one a data URI, vector where it is light, raster where it
is heavy."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssbchar.results.options import Report
from ssbchar.storage import store

ZOOM = 1.3
"""Size on the screen over size in print: 8 pt labels become 14 pixels."""
NARROW = 760
"""Width of a reduced PNG [pixel]."""


@dataclass(frozen=True)
class Picture:
    """A figure in the page."""

    name: str
    title: str
    caption: str
    uri: str
    """The picture; empty where the page had no room for it."""
    file: str
    """Where its vector file is."""
    width: int
    """Width on the screen [pixel]."""
    labels: Mapping[str, Any]


@dataclass(frozen=True)
class _FigureFiles:
    folder: Path
    name: str
    rank: int

    def path(self, suffix: str) -> Path:
        return self.folder / f"{self.name}{suffix}"

    def bytes(self, suffix: str) -> bytes:
        return self.path(suffix).read_bytes()

    def size(self, suffix: str) -> int:
        return self.path(suffix).stat().st_size


def embed_pictures(folders: Sequence[Path], options: Report) -> list[Picture]:
    """Return the figures of some folders, in the order of their ``index.txt``, within the page's
    limit of size.

    Each is vector unless heavy. Where all together are too large, first the smaller file of each is
    taken, then PNGs are reduced, then the last figures of each folder are left to their files.

    Parameters
    ----------
    folders : sequence of Path
        Each with ``index.txt`` and ``<name>.svg``, ``.png``, ``.json``.
    options : Report
        Limits of size.
    """
    found = [
        _FigureFiles(folder, name, rank)
        for folder in folders
        for rank, name in enumerate(
            folder.joinpath("index.txt").read_text(encoding="utf-8").split()
        )
    ]
    budget = options.size_limit * 1e6 * 3 / 4
    limit = options.svg_limit * 1000
    kinds = [".png" if f.size(".svg") > max(limit, f.size(".png")) else ".svg" for f in found]
    if _sum_sizes(found, kinds) > budget:
        kinds = [min((".svg", ".png"), key=f.size) for f in found]
    data = [f.bytes(kind) for f, kind in zip(found, kinds, strict=True)]
    if sum(map(len, data)) > budget:
        data = [
            min(d, reduce_png(f.bytes(".png")), key=len) for f, d in zip(found, data, strict=True)
        ]
    kept = _find_last_rank([f.rank for f in found], [len(d) for d in data], budget)
    return [
        _embed_picture(f, d if f.rank <= kept else b"") for f, d in zip(found, data, strict=True)
    ]


def _sum_sizes(found: Sequence[_FigureFiles], kinds: Sequence[str]) -> int:
    return sum(f.size(kind) for f, kind in zip(found, kinds, strict=True))


def _find_last_rank(ranks: Sequence[int], sizes: Sequence[int], budget: float) -> int:
    """Return the place in its folder up to which every figure has room in the page."""
    total = 0
    for rank in range(max(ranks, default=-1) + 1):
        total += sum(size for r, size in zip(ranks, sizes, strict=True) if r == rank)
        if total > budget:
            return rank - 1
    return max(ranks, default=-1)


def _embed_picture(files: _FigureFiles, data: bytes) -> Picture:
    mime = "image/png" if data.startswith(b"\x89PNG") else "image/svg+xml"
    uri = f"data:{mime};base64,{base64.b64encode(data).decode()}" if data else ""
    width = round(read_width(files.bytes(".svg")) * 96 * ZOOM)
    note = store.read_json(files.path(".json"))
    title, caption = str(note.get("title", files.name)), str(note.get("caption", ""))
    return Picture(files.name, title, caption, uri, files.path(".svg").as_posix(), width, note)


def read_width(svg: bytes) -> float:
    """Return the width of a vector figure in print [inch], as its file says it."""
    found = re.search(rb'<svg[^>]* width="([\d.]+)pt"', svg)
    return float(found[1]) / 72 if found else 7.0


def reduce_png(png: bytes) -> bytes:
    """Return a PNG of at most `NARROW` pixels in width and 64 colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    width = min(image.width, NARROW)
    small = image.resize(
        (width, round(image.height * width / image.width)), Image.Resampling.LANCZOS
    )
    out = io.BytesIO()
    small.quantize(64, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()
