"""What stands in ``lines.nc``."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from nmr import signals
from nmr.lineshape.lines import problem, shapes

from ssbchar.nmr.lineshape.dataset import _count_spectrum_points, build_dataset
from ssbchar.nmr.lineshape.fit import fit_lines
from ssbchar.nmr.lineshape.hidden_signal import find_hidden_signal
from ssbchar.nmr.lineshape.options import LineFitOptions
from ssbchar.nmr.lineshape.problem import LineshapeProblem
from ssbchar.nmr.lineshape.shapes import evaluate_shapes
from ssbchar.nmr.lineshape.site_selection import Selection
from ssbchar.nmr.lineshape.varpro import LineFit, fit_shapes


@pytest.fixture(scope="module")
def fit():
    clean = signals.signal((0.1, 0.9), (265, 10), (900, 3000))
    return fit_lines(signals.dataset(signals.noisy(clean, 0.01, 0)), LineFitOptions())


def test_coordinates_are_as_xarray_makes_them(fit) -> None:
    plain = {k: (c.dims, c.values, c.attrs) for k, c in fit.coords.items()}
    assert fit.identical(fit.drop_vars(list(fit.coords)).assign_coords(plain))
    assert fit.sel(region="li_si")["region_area"].shape == (1,)


def test_areas_of_regions_are_sums_of_their_lines(fit) -> None:
    for r, region in enumerate(("li_metal", "li_si")):
        mine = fit["region_of"].values == region
        assert float(fit["region_area"][0, r]) == pytest.approx(float(fit["area"][0, mine].sum()))
    variance = np.einsum("srsr->sr", fit["region_covariance"].values)
    assert fit["region_area_stderr"].values == pytest.approx(np.sqrt(variance))
    assert fit["region_area"].values[0] == pytest.approx([0.1, 0.9], rel=0.05)
    assert fit["region_area_free"].values == pytest.approx(fit["region_area"].values)


def test_errors_of_single_lines_and_regions_agree(fit) -> None:
    assert fit["area_stderr"].values[0] == pytest.approx(fit["region_area_stderr"].values[0])
    assert (fit["shift_stderr"].values > 0).all()
    assert (fit["fwhm_gauss_stderr"].values == 0).all()
    assert fit["seen"].values.tolist() == [1, 1]


def test_the_model_is_the_sum_of_its_components_and_near_the_data(fit) -> None:
    summed = fit["component_spectrum"].values.sum(axis=0)
    np.testing.assert_allclose(fit["model"].values[0], summed, atol=1e-4 * summed.max())
    left = fit["measured"].values[0] - fit["model"].values[0]
    assert np.abs(left).max() < 0.1 * summed.max()
    assert float(fit["chi2"][0]) == pytest.approx(1.0, abs=0.1)
    step = abs(float(fit["ppm"][1] - fit["ppm"][0])) * signals.SF
    # The integral of a signal that begins at zero is half its first point.
    assert summed.sum() * step == pytest.approx(0.5, abs=0.02)


def test_errors_grow_with_what_the_model_leaves_over() -> None:
    """Two lines where one is allowed: the misfit is said, and widens the errors."""
    clean = signals.signal((0.1, 0.6, 0.4), (265, 15, 5), (900, 900, 900))
    fid = signals.dataset(signals.noisy(clean, 0.002, 0))
    poor = fit_lines(fid, LineFitOptions(max_components=1, shapes=("lorentz",)))
    good = fit_lines(fid, LineFitOptions())
    assert poor["verdict"].values.tolist() == ["misfit"]
    assert good["verdict"].values.tolist() == ["ok"]
    assert float(poor["chi2"][0]) > 1.3
    assert float(poor["region_area_stderr"][0, 0]) > 2 * float(good["region_area_stderr"][0, 0])
    assert poor["region_area_stderr"].values[0, 0] == pytest.approx(
        poor["area_stderr"].values[0, 0]
    )


def test_a_voigt_line_has_an_error_of_its_gaussian_width() -> None:
    clean = signals.signal((0.2,), (265,), (900,)) + signals.signal(
        (0.8,), (10,), (3000,), gauss=True
    )
    fit = fit_lines(signals.dataset(signals.noisy(clean, 0.003, 0)), LineFitOptions())
    gauss, stderr = fit["fwhm_gauss"].values[1], fit["fwhm_gauss_stderr"].values[1]
    assert abs(gauss - 3000.0) < 4 * stderr
    assert 0 < stderr < 100.0


def test_the_filter_transient_is_left_out_and_drawn_from_the_model() -> None:
    clean = signals.signal((0.2, 0.8), (265, 10), (900, 3000), points=4096)
    fid = signals.dataset(signals.noisy(clean, 0.003, 0), group_delay=70.0)
    skipped = fit_lines(fid, LineFitOptions())
    assert skipped["region_area"].values[0] == pytest.approx([0.2, 0.8], rel=0.03)
    more = fit_lines(fid, LineFitOptions(skip=10.0))
    assert skipped.attrs["points"] - more.attrs["points"] in (0, 6)
    assert more["measured"].values[0].max() == pytest.approx(
        skipped["measured"].values[0].max(), rel=0.02
    )


def select(fit: LineFit) -> Selection:
    """A selection without alternatives."""
    return Selection(fit=fit, alternatives=[], hidden=find_hidden_signal(fit, 1))


def test_errors_are_scaled_by_the_reduced_chi_square() -> None:
    """chi-square over the degrees of freedom, points less parameters."""
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.3, 50e3, 900.0))
    short = replace(given, y=given.y[:, :400], time=given.time[:400], power=np.empty(0)).prepare()
    fit = fit_shapes(short, shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1)))
    reduced = fit.chi2 / (800 - fit.parameters)
    fid = signals.dataset(given.y)
    made = build_dataset(fid, np.array([0]), select(fit), LineFitOptions())
    stderr = np.sqrt(np.diag(fit.covariance) * reduced)
    assert made["area_stderr"].values[0] == pytest.approx(stderr[-2:])
    assert made["shift_stderr"].values == pytest.approx(stderr[:2] / signals.SF)
    assert made["fwhm_lorentz_stderr"].values == pytest.approx(stderr[2:4])
    assert float(made["time_origin_stderr"]) == pytest.approx(stderr[4])
    assert made["region_area_stderr"].values[0] == pytest.approx(stderr[-2:])
    assert float(made["chi2"][0]) == pytest.approx(float(fit.state.chi2_slice[0]) / 800)
    assert made.attrs["points"] == 400 and made.attrs["bic"] == fit.bic
    assert made["shift"].values == pytest.approx(100.0 + fit.shapes.nu / signals.SF, abs=1e-6)


@pytest.mark.parametrize(("excess", "verdict"), [(1.29, "ok"), (1.31, "misfit")])
def test_a_misfit_has_a_chi_square_above_1_3(excess: float, verdict: str) -> None:
    given = problem(1e-2, (1.0, -20e3, 2500.0), (0.3, 50e3, 900.0))
    fit = fit_shapes(given, shapes((50e3, 900.0, 0), (-20e3, 2500.0, 1)))
    state = replace(fit.state, chi2_slice=np.array([excess * 8192]))
    made = build_dataset(
        signals.dataset(given.y), np.array([0]), select(replace(fit, state=state)), LineFitOptions()
    )
    assert made["verdict"].values.tolist() == [verdict]


@pytest.mark.parametrize("skip", [1.0, 10.0])
def test_points_left_out_at_the_start_are_the_models_in_every_spectrum(skip: float) -> None:
    """Without them the spectra would roll; with them they are those of the whole decay."""
    clean = signals.signal((0.2, 0.8), (265, 10), (900, 3000), points=4096)
    fid = signals.dataset(signals.noisy(clean, 1e-4, 0))
    whole, cut = (fit_lines(fid, LineFitOptions(skip=s)) for s in (0.0, skip))
    top = float(whole["model"].max())
    for name in ("measured", "model"):
        spectra = [
            np.interp(np.arange(-300.0, 400.0), fit["ppm"].values[::-1], fit[name].values[0][::-1])
            for fit in (whole, cut)
        ]
        np.testing.assert_allclose(spectra[1], spectra[0], atol=2e-3 * top)


@pytest.mark.parametrize(("points", "size"), [(4096, 8192), (4097, 16384), (3000, 8192)])
def test_spectra_have_twice_the_next_power_of_two(points: int, size: int) -> None:
    fit = SimpleNamespace(problem=SimpleNamespace(time=np.empty(points)))
    assert _count_spectrum_points(fit) == size


def test_the_spectra_are_of_decays_that_fall_by_three_over_their_length() -> None:
    """The sums of a component, written out at a few points of the axis; the first point counts
    half."""
    given = problem(1e-3, (1.0, -20e3, 900.0))
    late = replace(given, time=given.time, y=given.y[:, :2048], power=np.empty(0))
    late = replace(late, time=given.time[:2048]).prepare()
    fit = fit_shapes(late, shapes((-20e3, 900.0, 1)))
    made = build_dataset(signals.dataset(given.y), np.array([0]), select(fit), LineFitOptions())
    time = late.time
    weight = np.exp(-3.0 * time / time[-1]) * 1e-6
    weight[0] /= 2
    f = evaluate_shapes(fit.shapes, time)[0]
    for place in (10, 500, int(made["component_spectrum"].values[0].argmax())):
        nu = (float(made["ppm"][place]) - 100.0) * signals.SF
        turn = np.exp(-2j * np.pi * nu * (time + fit.shapes.origin))
        expected = float(fit.area[0, 0] * np.sum(weight * f * turn).real)
        top = float(made["component_spectrum"].max())
        assert float(made["component_spectrum"][0, place]) == pytest.approx(
            expected, abs=1e-4 * top
        )


def test_the_error_of_a_gaussian_width_follows_from_that_of_its_square() -> None:
    time = np.arange(4096) * 1e-6
    y = np.exp((2j * np.pi * -20e3 - np.pi * 300.0) * time - (np.pi * 2000.0 * time) ** 2 / 2.77)
    given = LineshapeProblem(y=signals.noisy(y, 1e-2, 1)[None], time=time, sigma=np.array([1e-2]))
    start = replace(shapes((-20e3, 300.0, 1)), voigt=np.array([True]), gauss2=np.array([4e6]))
    fit = fit_shapes(given, start)
    made = build_dataset(signals.dataset(y), np.array([0]), select(fit), LineFitOptions())
    reduced = fit.chi2 / (fit.points - fit.parameters)
    gauss2, gauss = np.sqrt(fit.covariance[2, 2] * reduced), np.sqrt(fit.shapes.gauss2[0])
    assert fit.free.tolist()[:3] == [0, 1, 2]
    assert made["fwhm_gauss_stderr"].values == pytest.approx([gauss2 / (2 * gauss)])


def test_spectra_are_phased_at_the_time_origin_and_by_the_strongest_line() -> None:
    """Taken 3 us late, with two phases: the strongest line stands upright all the same."""
    clean = signals.signal((0.2, 0.8), (265, 10), (900, 900), late=3e-6, phase=1.1)
    fit = fit_lines(signals.dataset(signals.noisy(clean, 1e-3, 0)), LineFitOptions())
    assert float(fit["time_origin"]) == pytest.approx(3e-6, rel=0.05)
    for name in ("measured", "model", "component_spectrum"):
        upright = fit[name].values.max(axis=-1)
        assert (fit[name].values.min(axis=-1) > -0.02 * upright).all()
    first = signals.signal((0.2,), (265,), (900,), phase=0.2)
    second = signals.signal((0.8,), (10,), (900,), phase=0.9)
    rows = np.stack([first + second, first * np.exp(1j) + second, first + second * np.exp(-1j)])
    fid = signals.dataset(signals.noisy(rows, 1e-3, 1), 1e-5 * np.arange(1, 4))
    apart = fit_lines(fid, LineFitOptions())
    assert apart.attrs["phases"] == "region"
    li_si = np.abs(apart["ppm"].values - 10.0) < 20.0
    for name in ("measured", "model"):
        part = apart[name].values[:, li_si]
        assert (part.min(axis=1) > -0.02 * part.max(axis=1)).all()
