"""Terms of the profile: asked for by patterns made with them, not by patterns made without; values
and cells as they were made."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_profiles import Lines, make_series

from ssbchar.crystal import reflections
from ssbchar.hexrd.refinement import refine
from ssbchar.hexrd.refinement.laboratory import transmission_of_capillary
from ssbchar.hexrd.refinement.options import Refinement

TABLE = Path(__file__).parent.parent.parent.parent / "config/phases/phases.yaml"
PLAIN = Lines()
TUBE = Lines(
    wavelength=1.5405929,
    axis=(15.0, 90.0, 0.03),
    caglioti=(0.0, 0.0, 0.006),
    size=0.02,
    microstrain=0.1,
)


def read_table(name: str = "LFP", d_min: float = 1.15) -> xr.Dataset:
    options = reflections.ReflectionListing(d_min=d_min)
    return reflections.tabulate_reflections(TABLE, options, {"phase": name})


def refine_made(
    lines: Lines, options: Refinement, name: str = "LFP", frames: int = 1
) -> tuple[dict, np.ndarray, xr.Dataset]:
    """Return the terms asked for, the pulls of a, b, c, and the result."""
    table = read_table(name)
    cell = np.array(table.attrs["cell"], float)
    cell[:3] *= [1.001, 0.9992, 1.0005] if name == "LFP" else [1.001] * 3
    patterns, furnace = make_series(table, [cell] * frames, lines)
    found = refine.refine_series(patterns, furnace, [table], options)
    pulls = (found["cell"].values[0, 0, :3] - cell[:3]) / found["cell_stderr"].values[0, 0, :3]
    return json.loads(found.attrs["profile_terms"]), pulls, found


AUTO = Refinement(background_terms=8)
QUARTIC = (0.4, 0.6, 3.0)


def test_plain_lines_ask_for_nothing() -> None:
    terms, pulls, _ = refine_made(PLAIN, AUTO)
    assert terms == {}
    assert np.all(np.abs(pulls) < 3.5)


def test_strain_along_the_axes_is_found_as_it_was_made() -> None:
    lines = replace(PLAIN, quartic=QUARTIC, microstrain=0.15)
    terms, pulls, found = refine_made(lines, AUTO, frames=2)
    assert list(terms) == ["anisotropic_strain"]
    ratio = terms["anisotropic_strain"]["LFP"]
    made = np.sqrt(QUARTIC)
    along = np.array([ratio["a*"], ratio["b*"], ratio["c*"]])
    np.testing.assert_allclose(along / along[2], made / made[2], rtol=0.2)
    width = found["strain_width"].values[0, 0] * along
    np.testing.assert_allclose(width, 0.15 * made, rtol=0.2)
    assert np.all(np.abs(pulls) < 3.5)
    _, _, plain = refine_made(lines, replace(AUTO, anisotropic_strain="off"), frames=2)
    assert plain["rwp"].values[0] > 1.1 * found["rwp"].values[0]


def test_a_doublet_is_found_where_it_is_and_not_where_it_is_not() -> None:
    lines = replace(TUBE, second=1.5444274)
    terms, pulls, _ = refine_made(lines, AUTO)
    assert terms == {"doublet": 0.5}
    assert np.all(np.abs(pulls) < 3.5)
    terms, pulls, _ = refine_made(TUBE, AUTO)
    assert terms == {}
    assert np.all(np.abs(pulls) < 3.5)


def test_widths_that_change_with_the_angle_are_found() -> None:
    lines = replace(
        TUBE,
        caglioti=(0.06, -0.03, 0.012),
        wavelength=1.2,
        axis=(12.0, 75.0, 0.03),
        size=0.005,
        microstrain=0.02,
    )
    terms, pulls, _ = refine_made(lines, AUTO)
    assert set(terms) == {"caglioti_v", "caglioti_u"}
    # the Lorentzian part shares in them: what is made is the width, at both ends and between
    for tangent in (0.3, 0.6):
        u, v, w = lines.caglioti
        made = u * tangent**2 + v * tangent
        found = terms["caglioti_u"] * tangent**2 + terms["caglioti_v"] * tangent
        assert found == pytest.approx(made, abs=0.1 * w)
    assert np.all(np.abs(pulls) < 3.5)


def test_axial_divergence_is_found_and_cells_are_not_moved_by_it() -> None:
    lines = replace(
        TUBE, wavelength=1.2, axis=(8.0, 60.0, 0.02), axial=0.03, caglioti=(0, 0, 0.004)
    )
    terms, pulls, _ = refine_made(lines, AUTO)
    assert list(terms) == ["axial_divergence"]
    assert terms["axial_divergence"] == pytest.approx(0.03, rel=0.1)
    assert np.all(np.abs(pulls) < 3.5)


def test_preferred_orientation_where_intensities_follow_the_structure() -> None:
    lines = replace(PLAIN, texture=((0, 1, 0), 0.8))
    options = replace(AUTO, mode="rietveld", texture_axes={"LFP": (0, 1, 0)})
    table = read_table()
    if not table.attrs["refinable"]:
        table.attrs["refinable"] = 1
    terms, pulls, _ = refine_made(lines, options)
    assert list(terms) == ["preferred_orientation"]
    assert terms["preferred_orientation"]["LFP"] == pytest.approx(0.8, abs=0.01)
    assert np.all(np.abs(pulls) < 3.5)
    straight, _, _ = refine_made(PLAIN, options)
    assert straight == {}


def test_a_displaced_sample_held_or_refined() -> None:
    lines = replace(PLAIN, displacement=5e-4)
    held = replace(AUTO, displacement=0.5, displacement_distance=1000.0, zero="fixed")
    _, pulls, _ = refine_made(lines, held)
    assert np.all(np.abs(pulls) < 3.5)
    _, off, _ = refine_made(lines, replace(AUTO, zero="fixed"))
    assert np.all(np.abs(off) > 10)
    free = replace(held, displacement=0.3, displacement_stderr=0.2)
    _, pulls, found = refine_made(lines, free)
    assert np.all(np.abs(pulls) < 3.5)
    # what is not known of it is in the errors: 0.2 mm of 1000 is 2e-4 of a length
    relative = (found["cell_stderr"] / found["cell"]).values[0, 0, 0]
    assert 0.5e-4 < relative < 3e-4


def test_absorption_of_a_capillary_is_taken_out_of_calculated_intensities() -> None:
    """Left in, it is a displacement factor; taken out, there is none."""
    sine = np.array([0.0, 0.2])
    change = np.log(transmission_of_capillary(1.0, sine))
    lines = replace(PLAIN, transmission=float((change[1] - change[0]) / 0.04))
    given = replace(AUTO, mode="rietveld", capillary_absorption=1.0)
    _, pulls, found = refine_made(lines, given)
    assert np.all(np.abs(pulls) < 3.5) and found["gof"].values[0] < 1.15
