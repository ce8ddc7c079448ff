"""The 17-BM series: where it is, its published table, and how it is refined here."""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar.crystal import reflections
from ssbchar.hexrd.furnace import join
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.options import Refinement

TABLE = Path(__file__).parent.parent.parent / "config/real/phases/phases.yaml"


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    found = real_data / "hexrd/aps17bm_metathesis"
    if not found.is_dir():
        pytest.skip("the 17-BM series is not there")
    return found


def published(folder: Path) -> dict[str, np.ndarray]:
    """Return the published columns by frame number (index 0 is unused); NaN where empty."""
    path = folder / "AnalysisData/SequentialRefinement_Figure1.csv"
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    out = {name: np.full(385, np.nan) for name in rows[0] if name}
    for row in rows[1:]:
        for name, text in zip(rows[0], row, strict=False):
            if name and text and row[0].strip().isdigit():
                out[name][int(row[0])] = float(text)
    return out


def refined(
    folder: Path, frames: slice, names: Iterable[str], wavelength: float, options: Refinement
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return some frames refined with the phases of these names, and their temperatures."""
    patterns = read.read_patterns(folder / "XYE", PatternReading(wavelength=wavelength)).isel(
        frame=frames
    )
    temperature = join.join_temperatures(patterns, folder / "frames.csv", Furnace())
    tables = [
        reflections.tabulate_reflections(TABLE, reflections.ReflectionListing(), {"phase": name})
        for name in names
    ]
    return refine.refine_series(patterns, temperature, tables, options), temperature
