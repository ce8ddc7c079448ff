"""The 17-BM series with structures held (Rietveld): misfit, parameters and phases against the
published refinement.

Published: a sequential refinement in nine segments with a model made by hand for each (INP files).
Here: one configuration for all frames (``config/real/samples.tsv``).
"""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import yaml
from real import series_17bm
from real.series_17bm import TABLE, folder, published

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.onset import find
from ssbchar.hexrd.onset.options import Onset
from ssbchar.hexrd.refinement.options import Refinement

__all__ = ["folder"]  # a fixture

CONFIG = Path(__file__).parent.parent.parent / "config/real"
INPUTS = (
    "1_65",
    "65_89",
    "90_129",
    "130_141",
    "142_163",
    "164_179",
    "180_200",
    "201_259",
    "260_384",
)
PARAMETERS = dict(zip(INPUTS, (27, 38, 37, 41, 47, 28, 37, 39, 39), strict=True))
"""Refined parameters of a frame in each segment's INP, counted by hand."""


def count_refined(text: str) -> int:
    """Return the number of refined parameters of a TOPAS input: `@`, or a name of its own before
    the value."""
    text = text.split('out "')[0]  # what follows only prints
    background = re.search(r"bkg @((?:\s+-?[\d.`_e-]+)+)", text)
    assert background
    rest = text[: background.start()] + text[background.end() :]
    named = re.findall(
        r"^\s*(?:scale|a|b|c|be)\s+[A-Za-z]\w*\s+-?\d|\bbeq\s+[A-Za-z]\w*\s+-?\d",
        rest,
        re.MULTILINE,
    )
    return len(background.group(1).split()) + rest.count("@") + len(named)


def refined(folder: Path, frames: slice) -> tuple[xr.Dataset, xr.Dataset]:
    """Return the series refined as the sample sheet says, and its temperatures."""
    lines = [
        row for row in (CONFIG / "samples.tsv").read_text().splitlines() if not row.startswith("#")
    ]
    row = next(
        r for r in csv.DictReader(lines, delimiter="\t") if r["measurement"] == "heating_17bm"
    )
    names = row["phases"].split(",")
    assert set(yaml.safe_load(TABLE.read_text())) - set(names) == {"P2_NaxMnO2"}  # one with P3
    options = Refinement(
        mode=row["refine.mode"], background_terms=int(row["refine.background_terms"])
    )
    assert options.mode == "rietveld"
    return series_17bm.refined(folder, frames, names, float(row["read.wavelength"]), options)


def segment_of(frame: np.ndarray) -> np.ndarray:
    first = np.array([int(name.split("_")[0]) for name in INPUTS])
    return np.array(INPUTS)[np.searchsorted(first, frame, side="right") - 1]


def compare(ds: xr.Dataset, theirs: dict[str, np.ndarray]) -> np.ndarray:
    """Print misfit and parameters of each segment; return ours over theirs, frame by frame."""
    frame = ds["frame"].values
    segment, rwp = segment_of(frame), theirs["Rwp"][frame]
    for name in INPUTS:
        here = (segment == name) & np.isfinite(rwp)
        if here.any():
            most = int(ds["parameters"].values[here].max())
            ours = ds["rwp"].values[here]
            line = {
                "segment": name,
                "ours": np.median(ours).round(2),
                "published": np.median(rwp[here]).round(2),
                "below": np.mean(ours < rwp[here]).round(2),
                "gof": np.median(ds["gof"].values[here]).round(1),
                "parameters": most,
                "published parameters": PARAMETERS[name],
            }
            print(
                json.dumps(
                    {k: float(v) if isinstance(v, np.floating) else v for k, v in line.items()}
                )
            )
            assert most <= PARAMETERS[name]
    known = np.isfinite(rwp)
    return np.asarray(ds["rwp"].values[known] / rwp[known])


def test_refined_parameters_of_the_published_inputs(folder: Path) -> None:
    for name in INPUTS:
        text = (folder / f"INP/SequentialRefinement/{name}.INP").read_text(
            encoding="utf-8", errors="replace"
        )
        assert count_refined(text) == PARAMETERS[name], name


def test_the_intermediate_y3o4cl_is_found_and_the_misfit_is_below_the_published(
    folder: Path,
) -> None:
    ds, _ = refined(folder, slice(128, 164, 5))
    ratio = compare(ds, published(folder))
    assert np.all(ratio < 1)
    there = ds["frame"].values[ds["present"].sel(phase="Y3O4Cl").values == 1]
    assert {144, 149, 154, 159} <= set(there)  # published: in the model from 130 to 163
    cell = ds["cell"].sel(phase="Y3O4Cl", frame=149).values[:3]
    # the INP of 142-163; weak and broad lines: the INPs of 130-141 and of 180-200 differ by up to 4
    # %
    np.testing.assert_allclose(cell, [4.0045, 11.8197, 11.6596], rtol=0.01)


def told(found: list[Conclusion], quantity: str, subject: str) -> Conclusion:
    return next(
        c for c in found if (c.quantity, c.subject, c.condition) == (quantity, subject, "heating")
    )


@pytest.fixture(scope="module")
def whole(folder: Path) -> tuple[xr.Dataset, xr.Dataset]:
    return refined(folder, slice(None))


def crossing(share: np.ndarray, after: bool) -> int:
    """Return the index nearest to the maximum, after it or before, at which a curve is still above
    5 %."""
    top, low = int(np.nanargmax(share)), np.flatnonzero(~(share > 0.05))
    return int(low[low > top].min()) - 1 if after else int(low[low < top].max()) + 1


def falls_below(share: np.ndarray, level: float) -> float:
    """Return the frame (from 1, between two of them) at which a curve falls below a level after its
    maximum."""
    share = np.nan_to_num(share)
    after = int(np.argmax(share))
    n = after + int(np.argmax(share[after:] < level))
    return n + float((share[n - 1] - level) / (share[n - 1] - share[n]))


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.2, 0.15, 0.1, 0.08, 0.07, 0.06])
def test_ycl3_falls_below_each_level_where_the_published_curve_does(
    folder: Path, whole: tuple[xr.Dataset, xr.Dataset], level: float
) -> None:
    """At 5 % the published curve is cut to zero; above, both cross by themselves."""
    theirs, ours = (
        published(folder)["YCl$_3$"][1:384],
        whole[0]["intensity"].sel(phase="YCl3").values,
    )
    frames = [falls_below(curve / np.nanmax(curve), level) for curve in (ours, theirs)]
    print(
        f"YCl3 falls below {100 * level:.0f} % at frame {frames[0]:.1f}, published {frames[1]:.1f}"
    )
    assert abs(frames[0] - frames[1]) <= 1.5


@pytest.mark.slow
@pytest.mark.xfail(
    strict=True,
    reason="ours stays flat at 5.1 to 6 % +- 9 % after frame 73, where theirs is cut to zero",
)
def test_ycl3_crosses_five_percent_where_the_published_curve_does(
    folder: Path, whole: tuple[xr.Dataset, xr.Dataset]
) -> None:
    column = published(folder)["YCl$_3$"]
    own = whole[0]["intensity"].sel(phase="YCl3").values
    mine = int(whole[0]["frame"][crossing(own / own.max(), after=True)])
    assert abs(mine - crossing(column / np.nanmax(column), after=True)) <= 3


@pytest.mark.slow
def test_whole_series(folder: Path, whole: tuple[xr.Dataset, xr.Dataset]) -> None:
    ds, temperature = whole
    theirs = published(folder)
    ratio = compare(ds, theirs)
    print("below the published in", np.mean(ratio < 1), "largest ratio", ratio.max())
    assert np.mean(ratio < 1) >= 0.9 and ratio.max() < 1.1
    for phase, amount, least in (("Mn2O3", "Mn$_2$O$_3$", 0.0), ("NaCl", "NaCl", 0.1)):
        frame = ds["frame"].values
        used = (frame <= 189) & (theirs[amount][frame] > least * np.nanmax(theirs[amount]))
        apart = (
            ds["volume"].sel(phase=phase).values[used] / theirs[f"Volume_{phase}"][frame][used] - 1
        )
        print(phase, np.mean(np.abs(np.nan_to_num(apart, nan=1)) < 0.003), np.nanmedian(apart))
        assert (
            np.mean(np.abs(np.nan_to_num(apart, nan=1)) < 0.003) >= 0.95
            and abs(np.nanmedian(apart)) < 0.001
        )
    check_edges(ds, temperature, theirs)


def check_edges(ds: xr.Dataset, temperature: xr.Dataset, theirs: dict[str, np.ndarray]) -> None:
    """Assert the two edges inside model segments; print them beside the published ones."""
    found = find.find_onsets(ds, temperature, Onset())
    frame, degrees = ds["frame"].values[:185], temperature["temperature"].values[:185]
    for phase, column, quantity, edge in (
        ("YCl3", "YCl$_3$", "end_temperature", -1),
        ("YOCl", "YOCl", "onset_temperature", 0),
    ):
        their_edge = int(np.flatnonzero(theirs[column] > 0.05 * np.nanmax(theirs[column]))[edge])
        ours = told(found, quantity, phase)
        at = {
            k: None if v is None else float(np.interp(v, degrees, frame))
            for k, v in (
                ("value", ours.value),
                ("lower95", ours.lower95),
                ("upper95", ours.upper95),
            )
        }
        strength = float(ds["significance"].sel(phase=phase, frame=their_edge))
        print(
            phase,
            quantity,
            "published frame",
            their_edge,
            "ours",
            at,
            "sigma at theirs",
            strength,
            ours.reason,
        )
        share = ds["intensity"].sel(phase=phase).values / float(
            ds["intensity"].sel(phase=phase).max()
        )
        same = np.arange(their_edge - 6, their_edge + 1)
        published_share = theirs[column] / np.nanmax(theirs[column])
        print(
            f"our curve, theirs [percent] in frames {same[0]}-{same[-1]}",
            (100 * share[same - 1]).round(1),
            (100 * published_share[same]).round(1),
        )
        if edge:
            assert np.all(np.abs(share[same - 1] - published_share[same]) < 0.025)
        else:
            mine = int(ds["frame"][crossing(share, after=False)])
            print("our curve crosses 5 % at frame", mine)
            assert abs(mine - their_edge) <= 3
        low, high = at["lower95"], at["upper95"]
        assert low is None or low - 3 <= their_edge
        assert high is None or their_edge <= high + 3
