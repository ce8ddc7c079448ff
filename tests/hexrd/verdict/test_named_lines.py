"""Named lines over holds, by hand: change from the first to the last frame over the mean."""

import numpy as np
import pytest
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.furnace.segments import SegmentKind
from ssbchar.hexrd.verdict.comparison import Stretch
from ssbchar.hexrd.verdict.named_lines import conclude_named_lines

FRAMES = 8
FURNACE = xr.Dataset(
    {
        "time": ("frame", 60.0 * np.arange(FRAMES)),
        "temperature": ("frame", np.full(FRAMES, 400.0)),
    }
)


def peaks(verdicts: list[str] | None = None, named: int = 1) -> xr.Dataset:
    """A line that moves from 2.0 to 2.02 angstrom, shrinks from 300 to 100 and keeps its width."""
    run = np.linspace(0, 1, FRAMES)[:, None]
    values = {"d": 2 + 0.02 * run, "area": 300 - 200 * run, "fwhm": 0.05 + 0 * run}
    ds = xr.Dataset({name: (("frame", "peak"), value) for name, value in values.items()})
    for name, error in (("d", 1e-4), ("area", 2.0), ("fwhm", 1e-3)):
        ds[f"{name}_stderr"] = (("frame", "peak"), np.full((FRAMES, 1), error))
    ds["verdict"] = (("frame", "peak"), np.array(verdicts or ["ok"] * FRAMES)[:, None])
    ds["named"] = ("peak", [named])
    ds["phase"] = ("peak", ["A"])
    ds["hkl"] = ("peak", ["1 0 4"])
    return ds


def conclude(found: xr.Dataset, *stretches: Stretch) -> dict[str, Conclusion]:
    return {row.quantity: row for row in conclude_named_lines(found, FURNACE, stretches)}


def stretch(frames: list[int], kind: SegmentKind = SegmentKind.HOLD) -> Stretch:
    return Stretch(name="hold 2", kind=kind, frames=np.array(frames))


ALL = list(range(FRAMES))


def test_changes_over_the_mean_in_percent() -> None:
    rows = conclude(peaks(), stretch(ALL))
    assert rows["line_spacing_change"].value == pytest.approx(100 * 0.02 / 2.01)
    assert rows["line_area_change"].value == pytest.approx(-100.0)
    assert rows["line_width_change"].value == pytest.approx(0.0, abs=1e-9)
    u = np.linspace(0, 1, FRAMES)
    power = np.sum((u - 0.5) ** 2)
    assert rows["line_area_change"].stderr == pytest.approx(100 * 2 / np.sqrt(power) / 200)
    for row in rows.values():
        assert (row.unit, row.subject, row.condition) == ("percent", "A", "hold 2 1,0,4")


def test_a_hold_alone_and_named_lines_alone() -> None:
    assert conclude(peaks(), stretch(ALL, SegmentKind.HEATING)) == {}
    assert conclude(peaks(named=0), stretch(ALL)) == {}
    assert conclude(peaks().drop_vars("named"), stretch(ALL)) == {}


def test_frames_in_which_the_line_is_good() -> None:
    """The last half: from 300 - 200 * 4/7 to 100."""
    rows = conclude(peaks(["limit"] * 4 + ["ok"] * 4), stretch(ALL))
    first = 300 - 200 * 4 / 7
    assert rows["line_area_change"].value == pytest.approx(
        100 * (100 - first) / ((first + 100) / 2)
    )
    assert conclude(peaks(["limit"] * 7 + ["ok"]), stretch(ALL)) == {}
    assert len(conclude(peaks(["limit"] * 6 + ["ok"] * 2), stretch(ALL))) == 3


def test_values_without_an_error_are_left_out() -> None:
    ds = peaks()
    ds["area_stderr"][:6] = 0.0
    ds["d_stderr"][:7] = np.nan
    rows = conclude(ds, stretch(ALL))
    first = 300 - 200 * 6 / 7
    assert rows["line_area_change"].value == pytest.approx(
        100 * (100 - first) / ((first + 100) / 2)
    )
    assert "line_spacing_change" not in rows
    ds["area"][:] = 0.0
    assert "line_area_change" not in conclude(ds, stretch(ALL))
