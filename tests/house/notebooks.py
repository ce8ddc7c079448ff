"""Example notebooks: cells of ``docs/notebooks/<name>.py`` run in one process; what they show is
written as ``<name>.ipynb`` and as a page of the documentation with its pictures.

``python tests/house/notebooks.py`` writes them anew; ``tests/test_notebooks.py`` runs them.
"""

import ast
import base64
import contextlib
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent.parent / "docs/notebooks"
NAMES = ("hexrd", "xas", "nmr")
RESOLUTION = 80
"""Of pictures [1/inch]."""


@dataclass
class Cell:
    """Text or code, with what running it showed."""

    kind: str
    source: str
    printed: str = ""
    shown: str = ""
    """The value of its last line, as text."""
    picture: bytes = b""
    """PNG, where that value is a figure."""


def read_cells(name: str) -> list[Cell]:
    text = (FOLDER / f"{name}.py").read_text(encoding="utf-8")
    cells = []
    for part in re.split(r"^# %%", text, flags=re.M)[1:]:
        head, _, body = part.partition("\n")
        if "[markdown]" in head:
            lines = [line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines()]
            cells.append(Cell("markdown", "\n".join(lines)))
        else:
            cells.append(Cell("code", body.strip()))
    return cells


def run_cells(cells: list[Cell]) -> None:
    """Run the code one cell after the other; keep what each shows, as a notebook does."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for cell in cells:
        if cell.kind != "code":
            continue
        tree = ast.parse(cell.source)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
            exec(compile(tree, "<cell>", "exec"), names)
            shown = None
            if last is not None:
                shown = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)
        cell.printed = printed.getvalue()
        if hasattr(shown, "savefig"):
            drawn = io.BytesIO()
            # Without it matplotlib writes its version into the file.
            shown.savefig(drawn, format="png", dpi=RESOLUTION, metadata={"Software": None})
            cell.picture = drawn.getvalue()
        elif hasattr(shown, "to_string"):
            cell.shown = shown.to_string(index=False)
        elif shown is not None:
            cell.shown = repr(shown)


def format_notebook(cells: list[Cell]) -> str:
    """Return the notebook as JSON (nbformat 4.5)."""
    found = []
    count = 0
    for number, cell in enumerate(cells):
        about: dict[str, Any] = {
            "cell_type": cell.kind,
            "id": f"cell-{number}",
            "metadata": {},
            "source": cell.source.splitlines(keepends=True),
        }
        if cell.kind == "code":
            count += 1
            about |= {"execution_count": count, "outputs": list_outputs(cell, count)}
        found.append(about)
    language = {"name": "python"}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": found,
        "metadata": {"kernelspec": kernel, "language_info": language},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, indent=1, ensure_ascii=False) + "\n"


def list_outputs(cell: Cell, count: int) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = []
    if cell.printed:
        text = cell.printed.splitlines(keepends=True)
        outputs.append({"name": "stdout", "output_type": "stream", "text": text})
    result = {"execution_count": count, "metadata": {}, "output_type": "execute_result"}
    if cell.picture:
        content = {
            "image/png": base64.b64encode(cell.picture).decode() + "\n",
            "text/plain": ["<Figure>"],
        }
        outputs.append({**result, "data": content})
    elif cell.shown:
        text = cell.shown.splitlines(keepends=True)
        outputs.append({**result, "data": {"text/plain": text}})
    return outputs


def format_page(name: str, cells: list[Cell]) -> str:
    """Return the notebook as a page of the documentation."""
    parts = []
    count = 0
    for cell in cells:
        if cell.kind == "markdown":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if cell.printed or cell.shown:
            parts.append(f"```text\n{(cell.printed + cell.shown).rstrip()}\n```")
        if cell.picture:
            count += 1
            last = cell.source.splitlines()[-1]
            parts.append(f"![Synthetic data: the figure that `{last}` shows]({name}_{count}.png)")
    source = f"[Notebook]({name}.ipynb) · [as a script]({name}.py). Made by `make notebooks`."
    first, *rest = parts
    return "\n\n".join([first, source, *rest]) + "\n"


def write_notebook(name: str) -> None:
    cells = read_cells(name)
    run_cells(cells)
    (FOLDER / f"{name}.ipynb").write_text(format_notebook(cells), encoding="utf-8")
    (FOLDER / f"{name}.md").write_text(format_page(name, cells), encoding="utf-8")
    pictures = [cell.picture for cell in cells if cell.picture]
    for number, picture in enumerate(pictures, start=1):
        (FOLDER / f"{name}_{number}.png").write_bytes(picture)


if __name__ == "__main__":
    for each in NAMES:
        write_notebook(each)
