"""Figures are vector unless heavy, and the last ones give way where the page has no room."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssbchar.results.options import Report
from ssbchar.results.report import embed_figures


def png(width: int, seed: int = 0) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (20, width, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    return out.getvalue()


def write_figure(folder: Path, name: str, svg_size: int, png_width: int = 10) -> None:
    folder.mkdir(exist_ok=True)
    svg = b'<svg xmlns="x" width="144pt">'
    (folder / f"{name}.svg").write_bytes(svg + b" " * (svg_size - len(svg)))
    (folder / f"{name}.png").write_bytes(png(png_width))
    (folder / f"{name}.json").write_text(json.dumps({"title": f"T {name}", "caption": "c"}))
    with (folder / "index.txt").open("a") as index:
        index.write(f"{name}\n")


def test_the_width_in_print_is_that_of_the_file() -> None:
    assert embed_figures.read_width(b'<svg viewBox="0" width="360pt" height="1pt">') == 5.0
    assert embed_figures.read_width(b"<svg>") == embed_figures.DEFAULT_WIDTH


def test_a_figure_keeps_its_title_and_its_size_on_the_screen(tmp_path: Path) -> None:
    write_figure(tmp_path / "f", "a", 100)
    (picture,) = embed_figures.embed_pictures([tmp_path / "f"], Report())
    assert (picture.title, picture.caption, picture.width) == ("T a", "c", round(2 * 96 * 1.3))
    assert picture.uri.startswith("data:image/svg+xml;base64,")
    assert base64.b64decode(picture.uri.partition(",")[2]).startswith(b"<svg")
    assert picture.file == (tmp_path / "f/a.svg").as_posix()


@pytest.mark.parametrize(("size", "kind"), [(2000, "svg+xml"), (2001, "png")])
def test_a_vector_file_above_the_limit_gives_way_to_a_smaller_raster(
    tmp_path: Path, size: int, kind: str
) -> None:
    write_figure(tmp_path / "f", "a", size)
    (picture,) = embed_figures.embed_pictures([tmp_path / "f"], Report(svg_limit=2))
    assert picture.uri.startswith(f"data:image/{kind};")


def test_the_last_figures_of_each_folder_are_left_out(tmp_path: Path) -> None:
    for folder in ("f", "g"):
        for name in ("a", "b", "c"):
            write_figure(tmp_path / folder, name, 400, png_width=400)
    # Two figures of 400 bytes fit into 3/4 of 1.2 kB.
    options = Report(size_limit=1.2e-3)
    pictures = embed_figures.embed_pictures([tmp_path / "f", tmp_path / "g"], options)
    assert [bool(p.uri) for p in pictures] == [True, False, False] * 2


def test_ranks_have_room_together() -> None:
    ranks, sizes = [0, 1, 0, 1, 2], [1, 2, 3, 4, 5]
    for budget, last in ((3.9, -1), (4, 0), (9.9, 0), (10, 1), (15, 2), (99, 2)):
        assert embed_figures._find_last_rank(ranks, sizes, budget) == last
    assert embed_figures._find_last_rank([], [], 1.0) == -1


def test_a_reduced_raster_is_narrow_and_keeps_its_shape() -> None:
    small = Image.open(io.BytesIO(embed_figures.reduce_png(png(1520))))
    assert small.size == (760, 10)
    assert Image.open(io.BytesIO(embed_figures.reduce_png(png(40)))).size == (40, 20)
