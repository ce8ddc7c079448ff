"""Real patterns: the 17-BM series with its frame table, the 11-BM CeO2 standard, a pyFAI
pattern."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ssbchar.crystal.options import ReflectionListing
from ssbchar.crystal.reflections import tabulate_reflections
from ssbchar.hexrd.bragg import two_theta_from_d
from ssbchar.hexrd.furnace import join
from ssbchar.hexrd.furnace.options import Furnace
from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.hexrd.peaks import known_lines
from ssbchar.hexrd.peaks.options import Tracking
from ssbchar.uncertain import inflation_from_residuals

ROOT = Path(__file__).parents[2]
CEO2 = 5.41165
"""Certified cell of SRM 674b [angstrom], as its CIF states; NIST certifies the cells of its powders
at 22.5 degC."""
EXPANSION = 11.6e-6
"""Linear thermal expansion of CeO2 [1/K] (293-1123 K)."""


@pytest.fixture(scope="module")
def series(real_data: Path) -> tuple[xr.Dataset, xr.Dataset]:
    folder = real_data / "hexrd/aps17bm_metathesis"
    patterns = read.read_patterns(folder / "XYE", PatternReading(wavelength=0.2413))
    return patterns, join.join_temperatures(patterns, folder / "frames.csv", Furnace())


def test_the_17bm_series_is_read_whole(series: tuple[xr.Dataset, xr.Dataset]) -> None:
    patterns, _ = series
    assert patterns.sizes == {"frame": 384, "two_theta": 2500}
    assert patterns.frame.values.tolist() == list(range(1, 385))
    assert set(patterns.status.values) == {"ok"} and "set_aside" not in patterns.attrs
    assert patterns.source_file.values[9] == "10.xye"
    assert (
        patterns.intensity.values[0, 0] == 6141.097275
        and patterns.intensity_stderr.values[0, 0] == 78.365153
    )


def test_its_wavelength_is_never_guessed(real_data: Path) -> None:
    from ssbchar.errors import BadInput

    with pytest.raises(BadInput, match="no file states its wavelength"):
        read.read_patterns(real_data / "hexrd/aps17bm_metathesis/XYE/1.xye", PatternReading())


def test_its_temperatures_come_by_file_name(
    series: tuple[xr.Dataset, xr.Dataset], real_data: Path
) -> None:
    patterns, joined = series
    table = pd.read_csv(real_data / "hexrd/aps17bm_metathesis/frames.csv").set_index("xye")
    expected = table.loc[patterns.source_file.values]
    np.testing.assert_array_equal(joined.temperature, expected["T_C_userComment4"])
    np.testing.assert_array_equal(joined.time, expected["timestamp_s"])
    assert joined.attrs["joined_by"] == "file name" and set(joined.status.values) == {"ok"}


def test_its_programme_is_one_ramp_and_a_hold(series: tuple[xr.Dataset, xr.Dataset]) -> None:
    _, joined = series
    segment = joined.segment.values
    assert set(segment) == {"heating", "hold"}
    change = int(joined.frame.values[np.flatnonzero(segment == "hold")[0]])
    assert np.all(segment[: change - 1] == "heating")
    assert 188 <= change <= 198  # the hold begins at about frame 190
    assert float(joined.rate[40:180].median()) == pytest.approx(10.0, rel=0.05)


def cubic_cell(found: xr.Dataset) -> tuple[float, float]:
    """Return the cell of a cubic phase and its esd, zero of 2theta refined.

    Errors are scaled by the scatter of the lines and by its correlation along 2theta (asymmetry is
    not modelled).
    """
    n = np.array([np.sqrt(sum(int(i) ** 2 for i in hkl.split())) for hkl in found.hkl.values])
    good = found.verdict.values[0] == "ok"
    position, stderr, n = (
        found.position.values[0, good],
        found.position_stderr.values[0, good],
        n[good],
    )
    wavelength, a, zero = 0.413671, 5.4, 0.0
    for _ in range(8):
        model = two_theta_from_d(a / n, wavelength)
        slope = (two_theta_from_d((a + 1e-6) / n, wavelength) - model) / 1e-6
        design = np.stack([slope, np.ones_like(slope)], 1) / stderr[:, None]
        misfit = (position - model - zero) / stderr
        step = np.linalg.lstsq(design, misfit, rcond=None)[0]
        a, zero = a + step[0], zero + step[1]
    scatter = np.sum(misfit**2) / (n.size - 2)
    esd = np.sqrt(
        np.linalg.inv(design.T @ design)[0, 0] * max(scatter, 1.0)
    ) * inflation_from_residuals(misfit)
    return a, float(esd)


def test_the_11bm_standard_has_its_certified_cell(real_data: Path) -> None:
    patterns = read.read_patterns(real_data / "hexrd/aps11bm_ceo2/CeO2_674b.xy", PatternReading())
    assert float(patterns.wavelength) == 0.413671 and patterns.sizes["two_theta"] == 47998
    assert float(patterns.temperature_header[0]) == pytest.approx(21.85)
    phase = tabulate_reflections(
        ROOT / "config/phases/phases.yaml", ReflectionListing(), {"phase": "CeO2"}
    )
    found = known_lines.fit_known_lines(
        patterns,
        join.join_temperatures(patterns, None, Furnace()),
        [phase],
        Tracking(peaks_per_phase=25),
    )
    assert (found.verdict == "ok").mean() > 0.9
    a, esd = cubic_cell(found)
    assert abs(a / CEO2 - 1) < 50e-6
    expected = CEO2 * (1 + EXPANSION * (float(patterns.temperature_header[0]) - 22.5))
    half_a_degree = CEO2 * EXPANSION * 0.5  # the header's 295.0 K is a nominal room temperature
    wavelength = CEO2 * float(patterns.wavelength_stderr) / float(patterns.wavelength)
    assert abs(a - expected) < 1.96 * np.sqrt(esd**2 + half_a_degree**2 + wavelength**2)
    assert esd / CEO2 < 20e-6


def test_a_pyfai_pattern(real_data: Path) -> None:
    ds = read.read_patterns(real_data / "hexrd/ceo2_pilatus1m/CeO2_Pilatus1M.xy", PatternReading())
    assert ds.sizes["two_theta"] == 1512 and float(ds.wavelength) == pytest.approx(0.4066)
    assert float(ds.wavelength_stderr) / 0.4066 == pytest.approx(71e-6, rel=0.02)
    assert ds.attrs["noise"] == "poisson"


def test_peaks_of_the_17bm_series_follow_the_published_cell(
    series: tuple[xr.Dataset, xr.Dataset], real_data: Path
) -> None:
    """Every sixth frame of the ramp, all nine phases competing; the zero of 2theta is not refined
    here."""
    rows = np.arange(0, 189, 6)
    patterns, joined = (part.isel(frame=rows) for part in series)
    names = ("Mn2O3", "Na2CO3", "YCl3", "NaCl", "YOCl", "Y3O4Cl", "Y2O3", "NaxMnO2", "Y2Mn2O7")
    table = ROOT / "config/real/phases/phases.yaml"
    phases = [tabulate_reflections(table, ReflectionListing(), {"phase": name}) for name in names]
    found = known_lines.fit_known_lines(patterns, joined, phases, Tracking())
    published = pd.read_csv(
        real_data / "hexrd/aps17bm_metathesis/AnalysisData/SequentialRefinement_Figure1.csv"
    )
    cell = published["Volume_Mn2O3"].to_numpy(float)[rows] ** (1 / 3)
    own = found.phase.values == "Mn2O3"
    n = np.array([np.sqrt(sum(int(i) ** 2 for i in hkl.split())) for hkl in found.hkl.values[own]])
    good = (found.verdict.values[:, own] == "ok") & (
        found.d_stderr.values[:, own] / found.d.values[:, own] < 2e-3
    )
    a = np.where(good, found.d.values[:, own] * n, np.nan)
    assert good.mean() > 0.6
    offset = np.nanmedian(a / cell[:, None] - 1, axis=0)
    assert np.all(np.abs(offset) < 2e-3)
    mean = np.nanmedian(a / (1 + offset), axis=1)
    assert np.mean(np.abs(mean / cell - 1) < 1e-3) > 0.95
    temperature = joined.temperature.values
    slope = np.polyfit(temperature, mean / mean[0], 1)[0]
    assert slope == pytest.approx(9.43e-6, rel=0.1)
