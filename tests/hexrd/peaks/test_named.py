"""Reflections that are followed by name: read, found in the phase's table, fitted however weak."""

import numpy as np
import pytest
import xarray as xr
from hexrd.made_peaks import D, phase, series

from ssbchar.errors import BadInput
from ssbchar.hexrd.export.lines_csv import format_lines
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.peaks.known_lines import fit_known_lines
from ssbchar.hexrd.peaks.named import find_named_spacings, parse_reflection
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.hexrd.verdict.comparison import Stretch
from ssbchar.hexrd.verdict.named_lines import conclude_named_lines

CELL = [3.2, 5.0, 5.0, 90.0, 90.0, 90.0]


@pytest.mark.parametrize(
    ("text", "name", "hkl"),
    [
        ("LAGP 012", "LAGP", (0, 1, 2)),
        ("LAGP: 0 1 2", "LAGP", (0, 1, 2)),
        ("LFP 2,-1,0", "LFP", (2, -1, 0)),
        ("NCM811 10-8", "NCM811", (1, 0, -8)),
        ("Mn2O3  10 2 2", "Mn2O3", (10, 2, 2)),
    ],
)
def test_reflections_as_they_are_written(text: str, name: str, hkl: tuple[int, ...]) -> None:
    found = parse_reflection(text)
    assert (found.phase, found.hkl) == (name, hkl)


@pytest.mark.parametrize("text", ["LAGP", "012", "LAGP 01", "LAGP 0 1", "LAGP a b c", "LAGP 0123"])
def test_what_is_no_reflection_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no reflection; write the phase and three indices"):
        Tracking(reflections=(text,))


def with_cell(d: np.ndarray = D) -> xr.Dataset:
    return phase(d=d).assign_attrs(cell=CELL)


def test_a_reflection_is_found_by_its_spacing_and_one_that_is_not_there_is_told() -> None:
    """d of 100 is a; what other phases are asked for is left to them."""
    (found,) = find_named_spacings(["A 100", "B 111"], [with_cell()])
    assert found == pytest.approx([3.2])
    with pytest.raises(BadInput, match="A has no reflection 0 0 1"):
        find_named_spacings(["A 001"], [with_cell()])


def test_a_weak_line_is_fitted_listed_and_told_where_it_is_named() -> None:
    """At a fiftieth of the strongest it is fitted for its name alone; it grows over the hold."""
    frames = 12
    grown = np.linspace(1.0, 1.2, frames)
    area = np.stack([60 * grown, np.full(frames, 400.0), np.full(frames, 300.0)], axis=1)
    patterns, furnace, _ = series(frames, area, np.zeros(frames))
    furnace = furnace.assign(
        temperature=("frame", np.full(frames, 400.0)),
        time=("frame", 60.0 * np.arange(frames)),
        segment=("frame", np.full(frames, "hold", object)),
    )
    one = with_cell()
    weak = one["structure_factor_squared"].values.copy()
    weak[0] = 1.0
    one = one.assign(structure_factor_squared=("reflection", weak, {"units": "electron^2"}))
    plain = fit_known_lines(patterns, furnace, [one], Tracking())
    assert plain.sizes["peak"] == 2 and not plain["named"].values.any()
    assert format_lines(furnace, plain) == ""
    found = fit_known_lines(patterns, furnace, [one], Tracking(reflections=("A 100",)))
    assert found["named"].values.tolist() == [1, 0, 0]
    np.testing.assert_allclose(found["d"][:, 0], D[0], rtol=1e-3)
    lines = format_lines(furnace, found).splitlines()
    assert len(lines) == 1 + frames
    assert lines[0].startswith("frame,time_utc,temperature_degC,segment,phase,hkl,two_theta_degree")
    hold = Stretch(name="hold", kind=SegmentKind.HOLD, frames=np.arange(frames))
    rows = {row.quantity: row for row in conclude_named_lines(found, furnace, [hold])}
    area_row = rows["line_area_change"]
    assert (area_row.subject, area_row.condition) == ("A", "hold 1,0,0")
    error = 3 * (area_row.stderr or 0)
    assert area_row.value == pytest.approx(100 * 0.2 / 1.1, abs=error)
    assert 0.5 < error < 30
    assert rows["line_spacing_change"].value == pytest.approx(0, abs=0.05)
    assert conclude_named_lines(plain, furnace, [hold]) == []
