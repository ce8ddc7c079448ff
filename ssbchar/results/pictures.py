"""Figures as they go into the page: each one a data URI, vector where it is light, raster where it is heavy."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssbchar import store
from ssbchar.results.options import Report

ZOOM = 1.3
"""Size on the screen over size in print: 8 pt labels become 14 pixels."""
SMALLEST = 600
"""Width below which no PNG is reduced [pixel]."""


@dataclass(frozen=True)
class Picture:
    """A figure in the page."""

    name: str
    title: str
    caption: str
    uri: str
    width: int
    """Width on the screen [pixel]."""
    labels: Mapping[str, Any]


@dataclass(frozen=True)
class _Files:
    folder: Path
    name: str
    note: Mapping[str, Any]

    def bytes(self, suffix: str) -> bytes:
        return self.folder.joinpath(self.name + suffix).read_bytes()

    def size(self, suffix: str) -> int:
        return self.folder.joinpath(self.name + suffix).stat().st_size


def pictures(folders: Sequence[Path], options: Report) -> list[Picture]:
    """Return the figures of some folders, in the order of their ``index.txt``.

    Parameters
    ----------
    folders : sequence of Path
        Each with ``index.txt`` and ``<name>.svg``, ``.png``, ``.json``.
    options : Report
        Limits of size.
    """
    found = [
        _Files(folder, name, store.content(folder / f"{name}.json"))
        for folder in folders
        for name in folder.joinpath("index.txt").read_text(encoding="utf-8").split()
    ]
    budget = options.size_limit * 1e6 / (4 / 3)
    kinds = [_kind(files, options.svg_limit * 1000) for files in found]
    if sum(f.size(k) for f, k in zip(found, kinds, strict=True)) > budget:
        kinds = [min((".svg", ".png"), key=files.size) for files in found]
    total = sum(f.size(k) for f, k in zip(found, kinds, strict=True))
    scale = min(1.0, (budget / total) ** 0.5) if total else 1.0
    return [_picture(files, kind, scale) for files, kind in zip(found, kinds, strict=True)]


def _kind(files: _Files, limit: float) -> str:
    return ".png" if files.size(".svg") > limit and files.size(".png") < files.size(".svg") else ".svg"


def _picture(files: _Files, kind: str, scale: float) -> Picture:
    if scale < 1.0:
        data, mime = reduced(files.bytes(".png"), scale), "image/png"
        if kind == ".svg" and files.size(".svg") <= len(data):
            data, mime = files.bytes(".svg"), "image/svg+xml"
    else:
        data, mime = files.bytes(kind), "image/svg+xml" if kind == ".svg" else "image/png"
    uri = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    note = files.note
    width = round(inches(files.bytes(".svg")) * 96 * ZOOM)
    return Picture(files.name, str(note.get("title", files.name)), str(note.get("caption", "")), uri, width, note)


def inches(svg: bytes) -> float:
    """Return the width of a vector figure in print [inch], as its file says it."""
    found = re.search(rb'<svg[^>]* width="([\d.]+)pt"', svg)
    return float(found[1]) / 72 if found else 7.0


def reduced(png: bytes, scale: float) -> bytes:
    """Return a PNG of 256 colours with its width scaled, but not below `SMALLEST` pixels."""
    from PIL import Image

    image = Image.open(io.BytesIO(png)).convert("RGB")
    width = min(image.width, max(round(image.width * scale), SMALLEST))
    small = image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    small.quantize(256, dither=Image.Dither.NONE).save(out, format="PNG", optimize=True)
    return out.getvalue()
