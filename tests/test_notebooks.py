"""The example notebooks run as they stand and show what is recorded in them."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from house import notebooks
from matplotlib.figure import Figure

import ssbchar as sb
from ssbchar.results import notebook
from ssbchar.storage.store import Drawing

ROOT = Path(__file__).parent.parent
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w.])")
REMEDY = "run `make notebooks` and look at what changed"


def read_outputs(cell: dict[str, Any]) -> tuple[str, bool]:
    """Text of a recorded cell's outputs, and whether a picture is among them."""
    text, has_picture = "", False
    for output in cell.get("outputs", ()):
        shown = output.get("text") or output["data"]["text/plain"]
        has_picture |= "image/png" in output.get("data", {})
        text += "" if has_picture else "".join(shown)
    return text, has_picture


@pytest.mark.parametrize("name", notebooks.NAMES)
def test_a_notebook_shows_what_is_recorded(name: str) -> None:
    cells = notebooks.read_cells(name)
    notebooks.run_cells(cells)
    recorded = json.loads((notebooks.FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    assert recorded["nbformat"] == 4
    kept = recorded["cells"]
    assert ["".join(cell["source"]) for cell in kept] == [cell.source for cell in cells], REMEDY
    for cell, old in zip(cells, kept, strict=True):
        text, has_picture = read_outputs(old)
        assert bool(cell.picture) == has_picture, cell.source
        now = cell.printed + cell.shown
        # Other processors give other last digits; words are the same.
        assert NUMBER.sub("#", now).split() == NUMBER.sub("#", text).split(), REMEDY
        np.testing.assert_allclose(
            [float(one) for one in NUMBER.findall(now)],
            [float(one) for one in NUMBER.findall(text)],
            rtol=0.05,
            err_msg=REMEDY,
        )
    page = (notebooks.FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert all(cell.source in page for cell in cells), REMEDY
    pictures = re.findall(rf"\(({name}_\d+\.png)\)", page)
    assert len(pictures) == sum(bool(cell.picture) for cell in cells)
    assert all((notebooks.FOLDER / one).is_file() for one in pictures)


def test_every_step_is_listed_with_what_it_needs() -> None:
    table = sb.list_steps().set_index("step")
    rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
    called = set(re.findall(r'call_step\(\s*"([\w.]+)"', rules))
    of_rooms = {
        one
        for one in called
        if one.split(".")[0] in notebook.ROOMS
        and hasattr(importlib.import_module(f"ssbchar.{one.rpartition('.')[0]}"), "STEPS")
    }
    assert len(of_rooms) > 30 and of_rooms <= set(table.index)
    fit = table.loc["nmr.lineshape.fit_lines"]
    assert fit["inputs"] == "fid, [regions]" and fit["options"] == "LineFitOptions" and fit["does"]
    assert table.loc["xas.calibration.calibrate_energy", "inputs"] == "scans, [standard]", (
        "what may be None may be left out"
    )
    assert set(sb.list_steps("hexrd.refinement")["step"]) == {"hexrd.refinement.refine_series"}


@pytest.mark.parametrize("is_synthetic", [True, False])
def test_figures_of_synthetic_tables_say_so(
    monkeypatch: pytest.MonkeyPatch, is_synthetic: bool
) -> None:
    """Through a step, as a run carries it, and from one table of several."""

    def smooth(patterns: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"lattice": 2 * patterns["intensity"]})

    def draw_series(lattice: xr.Dataset, phases: list[xr.Dataset]) -> dict[str, Drawing]:
        return {"lattice": Drawing(figure=Figure(), title="", caption="")}

    steps = {"smooth": smooth, notebook.DRAWN_BY["hexrd"]: draw_series}
    monkeypatch.setattr(notebook.step, "find_function", steps.__getitem__)
    monkeypatch.setattr(notebook.step, "read_hints", lambda _: {})
    attrs = {"synthetic": 1} if is_synthetic else {}
    patterns = xr.Dataset({"intensity": ("point", [1.0])}, attrs=attrs)
    lattice = notebook.call_step("smooth", patterns=patterns)
    for tables in ({"lattice": lattice, "phases": []}, {"lattice": 0, "phases": [patterns]}):
        figure = notebook.draw("hexrd", **tables)["lattice"]
        assert [text.get_text() for text in figure.texts] == ["synthetic"] * is_synthetic
