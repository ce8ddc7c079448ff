"""NMR figures are drawn from what the steps store, for spectra, series, refused decays and groups
of samples."""

import numpy as np
import pytest
import xarray as xr
from nmr import signals

from ssbchar.conclusion import Conclusion
from ssbchar.nmr.decay import t2_star
from ssbchar.nmr.decay.options import DecayOptions
from ssbchar.nmr.lineshape import dataset, window_integrals
from ssbchar.nmr.lineshape import fit as lines
from ssbchar.nmr.lineshape.options import LineFitOptions, SpectrumOptions
from ssbchar.nmr.relaxation import amplitudes
from ssbchar.nmr.relaxation import fit as relaxation
from ssbchar.nmr.relaxation.options import RelaxationOptions
from ssbchar.nmr.time_course import follow
from ssbchar.nmr.time_course.options import TimeCourseOptions
from ssbchar.results.figures.nmr import all as nmr
from ssbchar.results.figures.nmr import compare

TIMES = np.array([10, 30, 60, 100, 200, 400]) * 1e-6


def drawn(weights: np.ndarray):
    rows = [
        signals.signal((0.1, 0.9 * w), (265.0, 10.0), (900.0, 3500.0), points=1024) for w in weights
    ]
    fid = signals.dataset(signals.noisy(np.array(rows), 0.003, 1), TIMES[: len(weights)])
    fit = lines.fit_lines(fid, LineFitOptions())
    series = t2_star.fit_decay(fit, DecayOptions()) if len(weights) > 1 else None
    return nmr.draw_measurement(
        fit, window_integrals.integrate_windows(fid, SpectrumOptions(), fit), series
    )


def texts(drawing) -> str:
    words = []
    for axes in drawing.figure.axes:
        words += [axes.get_xlabel(), axes.get_ylabel(), *(t.get_text() for t in axes.texts)]
        words += [
            t.get_text() for t in (axes.get_legend().get_texts() if axes.get_legend() else [])
        ]
    words += [t.get_text() for legend in drawing.figure.legends for t in legend.get_texts()]
    return " ".join(words)


def test_one_spectrum() -> None:
    found = drawn(np.ones(1))
    assert list(found) == ["spectra", "fit"]
    words = texts(found["fit"])
    assert "ppm" in words and "residual" in words
    # The table: shift, width, share and assignment of both lines.
    assert "Li metal" in words and "265.0" in words and "90." in words and "share (%)" in words
    # The metal's line is high enough to be seen without an inset; the noise has its band.
    top, below, _ = found["fit"].figure.axes
    assert not top.child_axes and below.patches
    spectrum = texts(found["spectra"])
    assert "baseline" in spectrum and "90.3 ± 0.3 %" in spectrum
    assert all(d.title and d.caption for d in found.values())


def test_a_weak_metal_line_has_an_inset_and_satellites_their_coupling() -> None:
    y = signals.signal((0.02, 0.98), (265.0, 10.0), (900.0, 3500.0), points=2048)
    fid = signals.dataset(signals.noisy(y, 0.002, 1))
    fit = lines.fit_lines(fid, LineFitOptions())
    fit["coupling"].values[int(np.argmax(fit["area"].values[0]))] = 43.2e3
    drawing = nmr.draw_measurement(
        fit, window_integrals.integrate_windows(fid, SpectrumOptions(), fit)
    )["fit"]
    (inset,) = drawing.figure.axes[0].child_axes
    low, high = sorted(inset.get_xlim())
    assert 240 < low < 265 < high < 290
    assert "43.2" in texts(drawing)
    assert "Inset" in drawing.caption


def test_the_band_is_the_noise_of_the_spectrum() -> None:
    y = signals.signal((0.1, 0.9), (265.0, 10.0), (900.0, 3500.0), points=2048)
    fid = signals.dataset(signals.noisy(y, 0.003, 1))
    fit = lines.fit_lines(fid, LineFitOptions())
    left = (fit["measured"] - fit["model"]).values[0]
    assert float(dataset.noise_of_spectra(fit)[0]) == pytest.approx(left.std(), rel=0.15)


def test_series_with_its_decay() -> None:
    found = drawn(np.exp(-TIMES / 7e-5))
    assert "T2*" in texts(found["decay"])
    assert len(found["spectra"].figure.axes[0].lines) == TIMES.size


def test_series_of_another_measurement_is_stacked() -> None:
    rows = [
        signals.signal((0.1, 0.9 * w), (265.0, 10.0), (900.0, 3500.0), points=1024)
        for w in (1.0, 0.6, 0.3, 0.1)
    ]
    fid = signals.dataset(signals.noisy(np.array(rows), 0.003, 1), TIMES[:4])
    one = signals.dataset(signals.noisy(rows[0], 0.003, 2))
    fit, windows = (
        lines.fit_lines(one, LineFitOptions()),
        window_integrals.integrate_windows(one, SpectrumOptions()),
    )
    series = window_integrals.integrate_windows(fid, SpectrumOptions())
    found = nmr.draw_measurement(fit, windows, None, series)
    assert list(found) == ["spectra", "fit", "series"]
    assert len(found["series"].figure.axes[0].lines) == 4
    named = [windows.assign_attrs(sample=n) for n in "ab"]
    stack = compare.draw_comparison([], named)["stack"]
    assert {"a", "b", "Li metal", "Li-Si"} <= {t.get_text() for t in stack.figure.axes[0].texts}


def test_wide_decays_are_drawn_over_the_logarithm_of_time() -> None:
    times = np.geomspace(1e-5, 1e-2, 6)
    rows = [
        signals.signal((0.1, 0.9 * np.exp(-t / 3e-4)), (265.0, 10.0), (900.0, 3500.0), points=1024)
        for t in times
    ]
    fid = signals.dataset(signals.noisy(np.array(rows), 0.003, 1), times)
    fit = lines.fit_lines(fid, LineFitOptions())
    found = nmr.draw_measurement(
        fit,
        window_integrals.integrate_windows(fid, SpectrumOptions(), fit),
        t2_star.fit_decay(fit, DecayOptions()),
    )
    assert found["decay"].figure.axes[0].get_xscale() == "log"


def test_refused_decay_has_its_verdict_in_the_legend() -> None:
    assert "not_decaying" in texts(drawn(np.array([1, 0.4, 0.9, 0.5, 0.8, 0.2]))["decay"])


@pytest.mark.parametrize("bounded", [True, False])
def test_samples_side_by_side(bounded: bool) -> None:
    def rows(sample: str, value: float) -> list[Conclusion]:
        about = {"subject": "li_metal", "sample": sample, "unit": "percent"}
        corrected = Conclusion(
            "li_metal_fraction",
            value=0.9 * value,
            stderr=0.1,
            systematic=0.2,
            condition="corrected",
            **about,
        )
        if bounded:
            corrected = Conclusion(
                "li_metal_fraction",
                lower95=60.0,
                upper95=80.0,
                condition="corrected",
                verdict="N/A",
                **about,
            )
        return [
            Conclusion(
                "li_metal_fraction",
                value=value,
                stderr=0.1,
                systematic=0.1,
                condition="raw",
                **about,
            ),
            corrected,
            Conclusion(
                "drift", value=0.4, stderr=0.05, subject="li_si", sample=sample, verdict="evolving"
            ),
        ]

    found = compare.draw_comparison([rows("a", 7.0), rows("b", 70.0)])
    assert list(found) == ["fractions", "drift"]
    axes = found["fractions"].figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["a", "b"]
    assert ("N/A" in texts(found["fractions"])) == bounded


@pytest.mark.parametrize(("values", "scale"), [((7.0, 70.0), "log"), ((7.0, 9.0), "linear")])
def test_all_shares_have_one_scale(values: tuple[float, float], scale: str) -> None:
    """It was linear up to 10 % and logarithmic above, so that no two distances were alike."""
    rows = [
        [
            Conclusion(
                "li_metal_fraction",
                value=value,
                stderr=0.1,
                condition="raw",
                subject="li_metal",
                sample=f"{value:g}",
            )
        ]
        for value in values
    ]
    found = compare.draw_comparison(rows)["fractions"]
    axes = found.figure.axes[0]
    assert axes.get_xscale() == scale
    assert ("logarithmic" in found.caption) == (scale == "log")
    low, high = axes.get_xlim()
    assert low < min(values) and high > max(values)
    assert (low == 0.0) == (scale == "linear")


def test_a_slice_that_is_set_aside_is_crossed_out() -> None:
    times = np.array([20, 40, 60, 80, 110, 140, 180, 230, 300, 400]) * 1e-6
    area = np.stack([0.2 * np.exp(-times / 4e-4), 0.8 * np.exp(-times / 1e-4)], axis=1)
    area[4] *= 0.4
    series = xr.Dataset(
        {
            "decay_time": ("slice", times),
            "window_area": (("slice", "region"), area),
            "window_area_stderr": (("slice", "region"), np.full((10, 2), 1e-3)),
        },
        coords={"slice": np.arange(1, 11), "region": ["li_metal", "li_si"]},
        attrs={"decay_axis": "2*vd+p2"},
    )
    drawing = nmr._draw_decay(t2_star.fit_decay(series, DecayOptions()))
    assert "Crosses: set aside (slice 5)" in drawing.caption
    top, below = drawing.figure.axes
    assert top.get_yscale() == "log"
    assert "2*vd+p2" in below.get_xlabel()
    crossed = [line for line in top.get_lines() if line.get_marker() == "x"]
    assert [len(line.get_xdata()) for line in crossed] == [1, 1]


def test_a_series_in_time_has_hours_and_its_law() -> None:
    shares = 0.2 + 0.02 * np.arange(8)
    shares[3] = 0.7
    rows = [signals.signal((1 - f, f), (265.0, 10.0), (900.0, 3500.0), points=1024) for f in shares]
    fid = signals.dataset(signals.noisy(np.array(rows), 0.004, 1))
    fid["acquired"] = ("slice", 1.7e9 + 1800.0 * np.arange(8))
    fid.attrs["experiments"] = '["1", "2", "3", "4", "5", "6", "7", "8"]'
    fit = lines.fit_lines(fid, LineFitOptions())
    windows = window_integrals.integrate_windows(fid, SpectrumOptions(), fit)
    course = follow.follow_shares(fid, fit, windows, TimeCourseOptions())
    found = nmr.draw_measurement(fit, windows, time_course=course)
    assert "3.5 h" in texts(found["spectra"])
    axes = found["time_course"].figure.axes[0]
    # The spectrum that is left out stands at the edge and does not set the scale.
    assert axes.get_ylim()[1] < 40
    assert "left out" in texts(found["time_course"])
    assert "spectrum 4 (4): it lies off all others" in found["time_course"].caption
    assert "linear" in found["time_course"].caption


@pytest.mark.parametrize("kind", ["recovery", "spin_lock"])
def test_relaxations(kind: str) -> None:
    delays = np.geomspace(1e-3, 1.0, 12)
    left = np.exp(-delays[:, None] / np.array([0.02, 0.1]))
    weights = 1 - 2 * left if kind == "recovery" else left
    rows = [
        signals.signal(tuple(pair), (265.0, 10.0), (900.0, 3500.0), points=1024)
        for pair in weights * np.array([0.3, 0.7])
    ]
    fid = signals.dataset(
        signals.noisy(np.array(rows), 0.004, 1), delays, relaxation=kind, decay_axis="vd"
    )
    strong = amplitudes.select_strong_slices(fid)
    fit = lines.fit_lines(strong, LineFitOptions())
    windows = window_integrals.integrate_windows(strong, SpectrumOptions(), fit)
    relaxed = relaxation.fit_relaxation(fid, fit, RelaxationOptions())
    found = nmr.draw_measurement(fit, windows, relaxation=relaxed)["relaxation"]
    words = [text.get_text() for text in found.figure.legends[0].get_texts()]
    symbol = "T1 = " if kind == "recovery" else "T1ρ = "
    assert [symbol in word and " ms" in word for word in words] == [True, True]
    assert found.figure.axes[0].get_xscale() == "log"
    assert "vd" in found.figure.axes[1].get_xlabel()


def test_shares_against_pressure_and_time_of_pressing() -> None:
    def rows(name: str, share: float | None, pressure: float, time: float) -> list[Conclusion]:
        about = {"subject": "sample", "sample": name}
        limits = {} if share is not None else {"lower95": 20.0, "upper95": 40.0}
        return [
            Conclusion("alloyed_share", value=share, stderr=0.2, unit="percent", **limits, **about),
            Conclusion("pressing_pressure", value=pressure, unit="MPa", **about),
            Conclusion("pressing_time", value=time, unit="s", **about),
            Conclusion("x_nominal", value=1.0, unit="1", **about),
        ]

    pressed = [
        rows("a", 93.0, 100.0, 30.0),
        rows("b", 97.0, 400.0, 30.0),
        rows("c", None, 0.0, 30.0),
        rows("d", 98.0, 400.0, 180.0),
    ]
    found = compare.draw_comparison(pressed)
    assert {"pressing_pressure", "pressing_time"} <= set(found)
    words = texts(found["pressing_pressure"])
    assert "pressure (MPa)" in words and "30 s, x = 1" in words and "180" not in words
    axes = found["pressing_pressure"].figure.axes[0]
    assert any(list(line.get_ydata()) == [20.0, 40.0] for line in axes.lines)
    assert "pressing_pressure" not in compare.draw_comparison(pressed[:1])
