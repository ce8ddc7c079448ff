"""Regions: set once, apart from each other, in either order of their edges."""

import pytest

from ssbchar.campaign import config
from ssbchar.nmr.options import Nmr
from ssbchar.nmr.regions import Regions
from ssbchar.runtime import options


def test_edges_are_sorted_whichever_comes_first() -> None:
    assert Regions(li_metal=(280.0, 240.0)).edges() == ((240.0, 280.0), (-200.0, 200.0))


@pytest.mark.parametrize(
    ("windows", "problem"),
    [
        ({"li_metal": (260.0, 260.0)}, "li_metal has no width"),
        ({"li_si": (0.0, 0.0)}, "li_si has no width"),
        ({"li_metal": (199.0, 280.0)}, "overlap"),
        ({"li_metal": (-300.0, -199.0)}, "overlap"),
    ],
)
def test_windows_without_width_or_over_each_other_are_refused(windows, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Regions(**windows)


def test_windows_that_touch_are_two() -> None:
    assert Regions(li_metal=(200.0, 280.0)).edges()[0] == (200.0, 280.0)


@pytest.mark.parametrize("stage", ["lines", "spectrum", "processed", "quantify"])
def test_the_old_place_of_the_regions_is_refused_with_a_hint(stage: str) -> None:
    old = {stage: {"regions": {"li_metal": [240, 290]}}}
    with pytest.raises(ValueError) as refusal:
        options.build_options(Nmr, old, "nmr")
    assert str(refusal.value) == f"nmr.{stage}.regions: moved; set it once, as nmr.regions"


def test_stages_receive_the_regions_of_the_config_and_of_the_row(monkeypatch) -> None:
    built = options.build_options(Nmr, {"regions": {"li_metal": [240, 290]}}, "nmr")
    raw = {"nmr": {"regions": {"li_metal": [240, 290]}}}
    run = config.ConfiguredRun(
        config=config.Config(run="a", samples="b", nmr=built), rows=[], raw=raw
    )
    assert run.options("nmr.lines", shared="nmr.regions") == {
        "regions": {"li_metal": (240.0, 290.0)}
    }
    assert run.options("nmr.lines") == {}
