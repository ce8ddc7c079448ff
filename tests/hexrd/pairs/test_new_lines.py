"""Lines that one of two patterns has alone."""

import functools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_pairs import WAVELENGTH
from hexrd.made_series import PHASES, call

from ssbchar.conclusion import Conclusion
from ssbchar.hexrd.bragg import two_theta_from_d

X = np.arange(1.0, 6.0, 0.0025)
KNOWN = np.array([1.5, 2.5, 3.5])
GE = two_theta_from_d(5.6578 / np.sqrt([3, 8, 11, 16, 19, 24]), WAVELENGTH)
PRODUCTS = PHASES.with_name("products.yaml")
Measured = tuple[xr.Dataset, xr.Dataset, xr.Dataset]


def make(
    lines: np.ndarray,
    seed: int,
    *,
    x: np.ndarray = X,
    height: float = 300.0,
    counts: float = 1.0,
    wrong: float = 0.0,
    frames: int = 1,
    shift: float = 0.0,
) -> Measured:
    """Return patterns, lattice and furnace: a refinement of the known lines that leaves the others,
    and, of the known ones, a share for a wrong profile."""
    rng = np.random.default_rng(seed)

    def peaks(places: np.ndarray, height: float, fwhm: float) -> np.ndarray:
        u = (x - np.asarray(places)[:, None]) / fwhm
        return height * np.exp(-4 * np.log(2) * u**2).sum(axis=0)

    background = np.full(x.size, 1000.0 * counts)
    calculated = background + counts * peaks(KNOWN + shift, 2e4, 0.02)
    narrow, wide = peaks(KNOWN + shift, 2e4, 0.015), peaks(KNOWN + shift, 1.5e4, 0.02)
    extra = peaks(lines, height, 0.02)
    true = np.maximum(calculated + counts * (wrong * (narrow - wide) + extra), 0)
    seen = rng.poisson(np.broadcast_to(true, (frames, x.size))).astype(float)
    dims, per_frame = ("frame", "two_theta"), ("frame",)
    patterns = xr.Dataset(
        {
            "intensity": (dims, seen),
            "intensity_stderr": (dims, np.sqrt(np.maximum(seen, 1))),
            "wavelength": WAVELENGTH,
        },
        coords={"two_theta": x},
    )
    lattice = xr.Dataset(
        {
            "residual": (dims, seen - calculated),
            "calculated": (dims, np.broadcast_to(calculated, seen.shape)),
            "background": (dims, np.broadcast_to(background, seen.shape)),
            "rwp": (per_frame, np.full(frames, 3.0)),
            "zero": (per_frame, np.full(frames, 0.0)),
            "intensity": (("frame", "phase"), np.full((frames, 1), counts * 3 * 2e4 * 0.0213)),
            "present": (("frame", "phase"), np.ones((frames, 1), int)),
        },
        coords={"phase": ["LAGP"]},
    )
    return patterns, lattice, xr.Dataset({"temperature": (per_frame, np.full(frames, 25.0))})


def find(pristine: Measured, cycled: Measured) -> xr.Dataset:
    names = ("patterns", "lattice", "furnace")
    before = dict(zip((f"pristine_{name}" for name in names), pristine, strict=True))
    after = dict(zip(names, cycled, strict=True))
    return call("hexrd.pairs.find_new_lines", **before, **after)


@functools.cache
def tabulate(table: Path) -> xr.Dataset:
    return call("crystal.tabulate_library", table=table)


def name(pristine: Measured, cycled: Measured) -> list[Conclusion]:
    return call(
        "hexrd.pairs.name_new_lines",
        new_lines=find(pristine, cycled),
        library=tabulate(PHASES),
        products=tabulate(PRODUCTS),
    )


NONE = np.array([])


def test_lines_of_the_cycled_alone_are_found_at_their_places() -> None:
    found = find(make(NONE, 1), make(GE, 2))
    assert found["is_new"].values.tolist() == [1] * 6
    np.testing.assert_allclose(found["position"], GE, atol=0.002)
    # Height 300, full width 0.02: area of a Gaussian.
    np.testing.assert_allclose(found["area"], 300 * 0.02 * 1.0645, rtol=0.35)
    assert found["share"].sum() == pytest.approx(6 * 300 / 6e4, rel=0.3)


def test_lines_of_the_pristine_alone_are_lost() -> None:
    assert find(make(GE, 1), make(NONE, 2))["is_new"].values.tolist() == [0] * 6


@pytest.mark.parametrize("counts", [0.2, 1.0, 3.0])
def test_an_impurity_of_both_is_nothing_new(counts: float) -> None:
    assert find(make(GE, 1), make(GE, 2, counts=counts)).sizes["line"] == 0


def test_what_a_wrong_profile_leaves_beside_known_lines_is_nothing_new() -> None:
    found = find(make(NONE, 1, wrong=0.2), make(NONE, 2, wrong=0.2, shift=0.006))
    assert found.sizes["line"] == 0


def test_noise_makes_no_lines() -> None:
    found = [find(make(NONE, seed), make(NONE, seed + 1)) for seed in range(0, 20, 2)]
    assert sum(one.sizes["line"] for one in found) == 0


def test_another_grid_several_frames_and_the_range_that_both_share() -> None:
    coarse = np.arange(1.4, 4.4, 0.004)
    found = find(make(NONE, 1, x=coarse, frames=4), make(GE, 2))
    np.testing.assert_allclose(found["position"], GE[(GE > 1.4) & (GE < 4.4)], atol=0.002)
    assert found.attrs["low"] >= 1.4
    outside = found["two_theta"].values < 1.38
    assert np.isnan(found["detectable_area"].values[outside]).all()


def test_new_lines_are_named_after_the_product_that_explains_them() -> None:
    rows = name(make(NONE, 1), make(GE, 2))
    (new,) = [row for row in rows if row.quantity == "new_lines"]
    assert (new.verdict, new.value) == ("named", 6.0)
    assert new.reason.startswith("Ge, by ")
    (candidate,) = [row for row in rows if row.quantity == "candidate"]
    assert (candidate.subject, candidate.value) == ("Ge", 100)
    (lost,) = [row for row in rows if row.quantity == "lost_lines"]
    assert lost.verdict == "not detected"
    limits = {row.subject: row.value for row in rows if row.quantity == "detection_limit"}
    assert 0 < (limits["Ge"] or 0) < 5
    assert "LAGP" not in limits


def test_two_products_are_told_apart() -> None:
    li2o = two_theta_from_d(4.619 / np.sqrt([3, 4, 8, 11]), WAVELENGTH)
    rows = name(make(NONE, 1), make(np.append(GE, li2o), 2))
    assert {"Ge", "Li2O"} <= {row.subject for row in rows if row.quantity == "candidate"}


ODD = np.array([1.23, 1.71, 2.13, 2.77, 3.07])


@pytest.mark.parametrize(
    ("lines", "height", "verdict"),
    [(ODD, 900.0, "not_named"), (ODD, 150.0, "doubtful"), (ODD[:2], 300.0, "too_few_lines")],
)
def test_lines_of_no_product_are_not_named(lines: np.ndarray, height: float, verdict: str) -> None:
    rows = name(make(NONE, 1), make(lines, 2, height=height))
    assert [row.verdict for row in rows if row.quantity == "new_lines"] == [verdict]
