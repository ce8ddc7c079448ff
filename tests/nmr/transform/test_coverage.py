"""Regions beyond the spectral width: no share, one line; regions beyond the display: no loss."""

from pathlib import Path

import numpy as np
import pytest
from nmr import signals

from ssbchar.errors import BadInput
from ssbchar.nmr.bruker.options import Reading
from ssbchar.nmr.bruker.read import read_fid
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.lineshape.window_integrals import integrate_windows
from ssbchar.nmr.quantification.options import QuantificationOptions
from ssbchar.nmr.quantification.quantify import quantify_fractions
from ssbchar.nmr.regions import DEFAULT_REGIONS, Regions
from ssbchar.nmr.transform.coverage import explain_unmeasured, find_width
from ssbchar.verdict import Verdict


def fid(sw: float, **lines: tuple[float, ...]):
    points = round(8e-3 * sw)
    y = signals.signal(
        lines["areas"], lines["shifts"], (600.0,) * len(lines["areas"]), points=points, sw=sw
    )
    return signals.dataset(signals.noisy(y, 1e-4, 1), sw=sw)


def test_the_width_by_hand() -> None:
    """62.22 kHz at 311.1 MHz are 200 ppm, the carrier at 100 ppm."""
    low, high = find_width(fid(62.22e3, areas=(1.0,), shifts=(10.0,)))
    assert (low, high) == pytest.approx((0.0, 200.0), abs=0.05)
    del_sw = fid(62.22e3, areas=(1.0,), shifts=(10.0,)).drop_attrs()
    assert find_width(del_sw) is None
    assert explain_unmeasured(del_sw, DEFAULT_REGIONS) is None


def test_a_region_outside_gives_one_line_and_a_spectrum() -> None:
    data = fid(80e3, areas=(1.0,), shifts=(50.0,))  # -29 to 229 ppm
    fit = fit_lines(data, LineFitOptions())
    spectrum = integrate_windows(data, SpectrumOptions(), fit)
    assert np.isfinite(spectrum["real"].values).all()
    rows = quantify_fractions(fit, spectrum, QuantificationOptions())
    shares = [row for row in rows if row.unit == "percent" and "fraction" in row.quantity]
    assert len(shares) == 4
    for row in shares:
        assert row.verdict == Verdict.NOT_APPLICABLE
        assert row.value is row.lower95 is row.upper95 is None
        assert row.reason.startswith("li_metal (240 to 280 ppm) lies outside the spectral width")
    assert not any(row.quantity == "alloyed_share" and row.value is not None for row in rows)


def test_regions_inside_a_narrow_width_are_quantified() -> None:
    """-61 to 261 ppm holds a metal line at 250 ppm, whose window is its own."""
    regions = Regions(li_metal=(235.0, 255.0), li_si=(-50.0, 60.0))
    data = fid(100e3, areas=(0.3, 0.7), shifts=(245.0, 10.0))
    fit = fit_lines(data, LineFitOptions(), regions=regions)
    spectrum = integrate_windows(data, SpectrumOptions(), fit, regions=regions)
    rows = quantify_fractions(fit, spectrum, QuantificationOptions(), regions=regions)
    raw = next(r for r in rows if (r.quantity, r.condition) == ("li_metal_fraction", "raw"))
    assert raw.value == pytest.approx(30.0, abs=0.5)
    assert raw.verdict == Verdict.OK


def test_a_display_does_not_cut_the_regions() -> None:
    data = fid(500e3, areas=(0.3, 0.7), shifts=(262.0, 10.0))
    fit = fit_lines(data, LineFitOptions())
    options = {"baseline_order": -1}
    whole = integrate_windows(data, SpectrumOptions(**options), fit)
    cut = integrate_windows(data, SpectrumOptions(display=(-20.0, 60.0), **options), fit)
    np.testing.assert_allclose(cut["window_area"], whole["window_area"], rtol=1e-9)


def test_a_spectrum_without_any_region_is_refused() -> None:
    data = fid(62.22e3, areas=(1.0,), shifts=(50.0,))
    away = Regions(li_metal=(900.0, 940.0), li_si=(700.0, 800.0))
    with pytest.raises(BadInput, match="no region lies there"):
        integrate_windows(data, SpectrumOptions(display=(700, 900)), None, regions=away)


def test_the_case(cases_folder: Path) -> None:
    data = read_fid(cases_folder / "nmr/narrow_sw50k", Reading(), {"role": "spectrum"})
    fit = fit_lines(data, LineFitOptions())
    seen = fit["line_status"].values == "line"
    assert fit["shift"].values[seen] == pytest.approx([-1.0], abs=0.01)
    spectrum = integrate_windows(data, SpectrumOptions(), fit)
    rows = quantify_fractions(fit, spectrum, QuantificationOptions())
    assert {r.verdict for r in rows if "fraction" in r.quantity} == {Verdict.NOT_APPLICABLE}


def test_the_slice_with_nan(cases_folder: Path) -> None:
    data = read_fid(cases_folder / "nmr/nan_slice", Reading(), {"role": "decay"})
    assert (data["status"].values == "ok").sum() == 11
    assert data["status"].values[4] == "not_finite"
    fit = fit_lines(data, LineFitOptions())
    assert fit["slice"].values.tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert np.isfinite(fit["region_area"].values).all()
