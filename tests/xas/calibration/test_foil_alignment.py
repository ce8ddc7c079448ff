"""The shift of one edge onto another: known shifts come back, whatever scale, line and grid; the
standard is the mean of its foils."""

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import CubicSpline
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.xas.calibration import foil_alignment
from ssbchar.xas.calibration.options import Calibration
from ssbchar.xas.slopes import remove_spikes

GRID = np.arange(7060.0, 7180.0, 0.3)
TARGET = made_spectra.foil(GRID)
WINDOW = (7092.0, 7142.0)


def shift_of(energy: np.ndarray, mu: np.ndarray, **more: float) -> float:
    return foil_alignment.align_edges(GRID, TARGET, energy, mu, window=WINDOW, **more).shift


@pytest.mark.parametrize("shift", [-7.3, -0.11, 0.0, 0.1, 0.25, 5.0])
def test_a_known_shift_comes_back(shift: float) -> None:
    """A scan whose axis reads `shift` too low must be moved up by it."""
    energy = GRID + 0.13
    assert shift_of(energy - shift, made_spectra.foil(energy)) == pytest.approx(shift, abs=1e-3)


def test_the_shift_is_antisymmetric() -> None:
    energy = GRID + 0.07
    other = made_spectra.foil(energy)
    back = foil_alignment.align_edges(energy - 1.0, other, GRID, TARGET, window=(7091.0, 7141.0))
    assert shift_of(energy - 1.0, other) == pytest.approx(-back.shift, abs=3e-3)


def test_scale_and_line_change_nothing() -> None:
    energy = GRID + 0.13
    mu = made_spectra.foil(energy)
    plain = shift_of(energy - 1.0, mu)
    assert shift_of(energy - 1.0, 3 * mu + 2) == pytest.approx(plain, abs=1e-7)
    tilted = 0.5 * mu - 1e-3 * (energy - 7112)
    assert shift_of(energy - 1.0, tilted) == pytest.approx(plain, abs=1e-3)


def test_shifts_beyond_the_limit_are_refused() -> None:
    mu = made_spectra.foil(GRID)
    assert shift_of(GRID - 5.0, mu, limit=5.01) == pytest.approx(5.0, abs=1e-3)
    assert np.isnan(shift_of(GRID - 5.0, mu, limit=4.99))
    assert np.isnan(shift_of(GRID - 20.5, mu))
    assert shift_of(GRID - 19.5, mu) == pytest.approx(19.5, abs=1e-2)


def test_too_few_points_on_the_edge_are_refused() -> None:
    """Twelve points in the window are enough, eleven are not."""
    coarse = np.arange(7060.0, 7180.0, 2.0)
    mu = made_spectra.foil(coarse)
    for end, enough in ((7117.0, True), (7115.0, False)):
        found = foil_alignment.align_edges(
            GRID, TARGET, coarse, mu, window=(7093.0, end), limit=30.0
        )
        assert np.isfinite(found.shift) is np.bool_(enough)


def test_the_window_alone_is_compared() -> None:
    """A bump outside the window moves nothing, one inside does."""
    mu = made_spectra.foil(GRID)
    outside = mu + 0.3 * np.exp(-0.5 * ((GRID - 7165.0) / 2.0) ** 2)
    inside = mu + 0.3 * np.exp(-0.5 * ((GRID - 7118.0) / 2.0) ** 2)
    assert shift_of(GRID, outside) == pytest.approx(0.0, abs=1e-4)
    assert abs(shift_of(GRID, inside)) > 0.02


def test_the_formal_error_is_that_of_the_misfit() -> None:
    random = np.random.default_rng(0)
    errors = []
    for size in (1e-3, 1e-2):
        mu = made_spectra.foil(GRID) + size * random.standard_normal(GRID.size)
        found = foil_alignment.align_edges(GRID, TARGET, GRID, mu, window=WINDOW)
        errors.append(found.formal_stderr)
    assert errors[1] / errors[0] == pytest.approx(10, rel=0.4)
    assert 2e-4 < errors[0] < 5e-3


def test_smoothing_gives_a_parabola_back_anywhere() -> None:
    x = GRID - 7100.0
    at = np.array([7090.05, 7111.11, 7150.2])
    found = foil_alignment.smooth_locally(
        GRID, 1 + 0.2 * x - 3e-3 * x**2, at, np.array([0.5, 1.0, 3.0])
    )
    assert found == pytest.approx(1 + 0.2 * (at - 7100) - 3e-3 * (at - 7100) ** 2, rel=1e-9)


def test_smoothing_weighs_like_a_gaussian() -> None:
    """The weight of the middle point of a quadratic regression: (m4 - 0)/(m0 m4 - m2^2) of its
    moments."""
    x = np.arange(-20.0, 21.0)
    spike = (x == 0).astype(float)
    w = np.exp(-0.5 * (x / 2.0) ** 2)
    m0, m2, m4 = (float((w * x**p).sum()) for p in (0, 2, 4))
    found = foil_alignment.smooth_locally(x, spike, np.zeros(1), np.full(1, 2.0))
    assert found[0] == pytest.approx(m4 / (m0 * m4 - m2**2), rel=1e-9)


def test_the_spacing_is_the_widest_of_three() -> None:
    energy = np.array([0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0, 9.0])
    middles = (energy[1:] + energy[:-1]) / 2
    assert foil_alignment._find_spacing(energy, middles).tolist() == [1, 1, 2, 2, 2, 1, 1, 1]


def scans(drifts: list[float], foils: list[bool]) -> xr.Dataset:
    """Return scans whose axes read too low by `drifts`."""
    energy = np.stack([GRID - drift for drift in drifts])
    mu = np.stack([TARGET if foil else np.full(GRID.size, np.nan) for foil in foils])
    return xr.Dataset(
        {
            "energy": (("scan", "point"), energy),
            "mu_foil": (("scan", "point"), mu),
            "source_file": ("scan", [f"{i}.dat" for i in range(len(drifts))]),
        },
        attrs={"element": "Fe", "edge": "K", "measurement": "m"},
    )


def test_foils_of_more_than_twenty_readings_count() -> None:
    ds = scans([0.0, 0.0, 0.0], [True, True, False])
    ds["mu_foil"][0, 20:] = np.nan
    ds["mu_foil"][1, 21:] = np.nan
    assert foil_alignment.find_foils(ds).tolist() == [False, True, False]
    assert foil_alignment.read_foil(ds, 1)[0].size == 21


def test_the_standard_is_the_mean_of_its_foils_on_the_first_axis() -> None:
    ds = scans([0.5, 0.9, 0.0], [True, True, False])
    ds["mu_foil"][1] = 2 * ds["mu_foil"][1]
    foil = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert np.array_equal(foil.energy, GRID - 0.5)
    inside = slice(5, -5)
    assert np.allclose(foil.mu[inside], 1.5 * TARGET[inside], rtol=2e-3)
    own = foil_alignment.find_metal_inflection(GRID, TARGET) - 0.5
    assert foil.inflection == pytest.approx(own, abs=2e-3)
    assert foil.window == pytest.approx((foil.inflection - 20, foil.inflection + 30))
    assert foil.tabulated == 7112.0


def test_points_that_a_foil_does_not_reach_are_the_others() -> None:
    ds = scans([0.0, 3.0], [True, True])
    ds["mu_foil"][1] = 2 * ds["mu_foil"][1]
    foil = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert foil.mu[-1] == pytest.approx(1.5 * TARGET[-1], rel=1e-3)
    ds["energy"][1] = ds["energy"][1] + 6.0
    foil = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert foil.mu[0] == pytest.approx(1.5 * TARGET[0], rel=1e-2)


def test_ends_of_the_axis_that_no_foil_reaches_are_left_out() -> None:
    """The middle one, whose axis is taken, is unlike the others, which begin later."""
    ds = scans([0.0, 0.4, 0.8], [True, True, True])
    ds["mu_foil"][1] *= 1.5
    ds["mu_foil"][[0, 2], :9] = np.nan
    foil = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert np.isfinite(foil.mu).all() and 6 <= GRID.size - foil.energy.size <= 12
    own = foil_alignment.find_metal_inflection(GRID, TARGET)
    assert foil.inflection == pytest.approx(own - 0.4, abs=2e-2)


def test_another_elements_foil_is_refused() -> None:
    """Its edge may lie max_shift from where it is tabulated, no further."""
    ds = scans([0.0], [True])
    at = foil_alignment.find_metal_inflection(GRID, TARGET)
    foil_alignment.build_standard_foil(ds, at + 19.9, Calibration())
    with pytest.raises(BadInput, match=r"edge is at 7112.0 eV \(Fe K .*\), 7132\.1 eV expected"):
        foil_alignment.build_standard_foil(ds, round(at + 20.1, 1), Calibration())
    with pytest.raises(BadInput):
        foil_alignment.build_standard_foil(ds, at - 20.1, Calibration())


def test_the_energy_of_the_foil_by_option_or_convention() -> None:
    look_up = foil_alignment.look_up_foil_energy
    assert look_up(Calibration(), "Fe", "K") == 7112.0
    assert look_up(Calibration(convention="kraft"), "Fe", "K") == 7110.75
    assert look_up(Calibration(foil_element="Cu"), "Fe", "K") == 8978.9
    assert look_up(Calibration(foil_element="Au", foil_edge="L3"), "Ge", "K") == 11918.7
    assert look_up(Calibration(foil_energy=7111.3), "Fe", "K") == 7111.3
    assert look_up(Calibration(), "U", "L3") == 17166.0, "by XrayDB"
    with pytest.raises(BadInput, match="no edge energy by the convention 'kraft'"):
        look_up(Calibration(convention="kraft"), "U", "L3")


class Fitted:
    """What `align_edges` lays before the fit: points compared, spline moved, widths smoothed by."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widths: list[np.ndarray] = []
        smooth = foil_alignment.smooth_locally

        def fit(x, y, spline, start, limit):
            self.x, self.spline, self.start = x, spline, start
            return foil_alignment.Alignment(shift=start, formal_stderr=0.0)

        def watch(energy, mu, at, width):
            self.widths.append(width)
            return smooth(energy, mu, at, width)

        monkeypatch.setattr(foil_alignment, "_fit_shift", fit)
        monkeypatch.setattr(foil_alignment, "smooth_locally", watch)


def test_edges_are_compared_every_03_ev_smoothed_by_12_spacings(monkeypatch) -> None:
    seen = Fitted(monkeypatch)
    shift_of(GRID, TARGET)
    assert seen.x[0] == 7092.0 and np.allclose(np.diff(seen.x), 0.3)
    assert 7142.0 - 0.3 <= seen.x[-1] < 7142.0
    fine = seen.spline.x
    assert np.allclose(np.diff(fine), 0.1)
    assert fine[0] == pytest.approx(7090.0)
    assert fine[-1] == pytest.approx(7144.0, abs=0.1)
    for width in seen.widths:
        assert np.allclose(width, 1.2 * 0.3)


def test_the_coarser_of_two_scans_sets_the_smoothing(monkeypatch) -> None:
    seen = Fitted(monkeypatch)
    coarse = np.arange(7060.0, 7180.0, 0.5)
    shift_of(coarse, made_spectra.foil(coarse))
    assert np.allclose(seen.widths[0], 0.6) and np.allclose(seen.widths[1], 0.6)


def test_one_ev_at_either_end_of_the_moved_scan_is_not_compared(monkeypatch) -> None:
    """A scan from 7100 to 7140 eV that must go up by 2 eV is compared from 7103 to 7141."""
    seen = Fitted(monkeypatch)
    part = (GRID >= 7099.9) & (GRID <= 7140.1)
    shift_of(GRID[part] - 2.0, TARGET[part])
    first, last = GRID[part][[0, -1]] - 2.0
    assert seen.start == pytest.approx(2.0, abs=0.05)
    assert seen.x[0] == pytest.approx(first + seen.start + 1.0)
    assert last + seen.start - 1.3 <= seen.x[-1] < last + seen.start - 1.0


def test_the_standard_ends_what_is_compared(monkeypatch) -> None:
    seen = Fitted(monkeypatch)
    part = (GRID >= 7098.0) & (GRID <= 7136.0)
    grid = GRID[part]
    foil_alignment.align_edges(grid, TARGET[part], GRID, TARGET, window=WINDOW)
    assert seen.x[0] == pytest.approx(grid[0])
    assert grid[-1] - 0.31 < seen.x[-1] < grid[-1] + 0.01


def wave(shift: float, noise: float = 0.0):
    """Points of a moved wave, and the spline of the one that does not move."""
    x = np.arange(0.0, 12.0, 0.3)
    at = np.arange(-5.0, 17.0, 0.1)
    y = 2.0 * np.tanh(x - 6.0 - shift) + 0.5 + 0.01 * x + noise * (-1.0) ** np.arange(x.size)
    return x, y, CubicSpline(at, np.tanh(at - 6.0))


def test_the_formal_error_is_that_of_four_parameters() -> None:
    x, y, spline = wave(0.4, 0.01)
    found = foil_alignment._fit_shift(x, y, spline, 0.0, 20.0)
    assert found.shift == pytest.approx(0.4, abs=0.01)
    line = np.linspace(-0.5, 0.5, x.size)
    design = np.column_stack([spline(x - found.shift), np.ones_like(x), line])
    a, rest = np.linalg.lstsq(design, y, rcond=None)[:2]
    full = np.column_stack([design, -a[0] * spline.derivative()(x - found.shift)])
    covariance = np.linalg.inv(full.T @ full) * rest[0] / (x.size - 4)
    assert found.formal_stderr == pytest.approx(np.sqrt(covariance[3, 3]), rel=1e-6)


@pytest.mark.parametrize(("limit", "found"), [(1.01, True), (0.99, False)])
def test_a_fit_that_ends_beyond_the_limit_is_none(limit: float, found: bool) -> None:
    for sign in (1.0, -1.0):
        x, y, spline = wave(sign)
        shift = foil_alignment._fit_shift(x, y, spline, 0.8 * sign, limit).shift
        assert np.isfinite(shift) == found


@pytest.mark.parametrize("is_scan_coarse", [True, False])
@pytest.mark.parametrize(
    ("window", "enough"),
    [((7100.0, 7126.0), True), ((7100.0, 7124.0), False), ((7102.0, 7126.0), False)],
)
def test_points_on_the_ends_of_the_window_do_not_count(
    monkeypatch, is_scan_coarse: bool, window: tuple[float, float], enough: bool
) -> None:
    """Every 2 eV there are 12 points between 7100 and 7126, and 11 up to 7124 or from 7102."""
    monkeypatch.setattr(foil_alignment, "find_metal_inflection", lambda energy, mu: 7112.0)
    fine, coarse = (
        (energy, made_spectra.foil(energy))
        for energy in (np.arange(7060.05, 7180.0, 0.3), np.arange(7060.0, 7180.0, 2.0))
    )
    standard, scan = (fine, coarse) if is_scan_coarse else (coarse, fine)
    found = foil_alignment.align_edges(*standard, *scan, window=window)
    assert np.isfinite(found.shift) == enough


def test_a_single_wild_reading_of_a_foil_is_not_believed() -> None:
    """Times 0.1 to 10 in any one point: the inflection stays."""
    plain = foil_alignment.find_metal_inflection(GRID, TARGET)
    for factor in (0.1, 0.7, 1.3, 10.0):
        for point in range(2, GRID.size - 2, 17):
            wild = TARGET.copy()
            wild[point] *= factor
            cleaned = remove_spikes(wild)
            found = foil_alignment.find_metal_inflection(GRID, cleaned)
            assert found == pytest.approx(plain, abs=0.3), (factor, point)


def test_an_edge_is_no_spike() -> None:
    assert remove_spikes(TARGET) == pytest.approx(TARGET, abs=0.02)
    rising = np.linspace(0, 1, 40)
    assert remove_spikes(rising).tolist() == rising.tolist()
    short = np.array([1.0, 9.0, 1.0])
    assert remove_spikes(short) is short


def check(mu: np.ndarray, at: float = 7112.0, tabulated: float = 7112.0, **more: float) -> None:
    foil_alignment.check_foil_edge(GRID, mu, at, tabulated, Calibration(**more), where="scan.dat")


def test_a_foil_without_an_edge_is_refused() -> None:
    noise = np.random.default_rng(2).standard_normal(GRID.size)
    check(TARGET)
    with pytest.raises(BadInput, match="the foil shows no edge"):
        check(noise)
    with pytest.raises(BadInput, match="the foil shows no edge"):
        check(2.0 - TARGET)


def test_a_foil_of_another_element_is_refused_and_named() -> None:
    """Gold's L3 lies 52 eV above the K edge of arsenic, which a foil of arsenic would have."""
    check(TARGET, at=7112.0, tabulated=7131.9)
    with pytest.raises(BadInput, match=r"7112.0 eV \(Fe K is tabulated there\), 7132.1 eV exp"):
        check(TARGET, at=7112.0, tabulated=7132.1)
    check(TARGET, at=7112.0, tabulated=7132.1, max_shift=21.0)
    with pytest.raises(BadInput, match=r"11916.2 eV \(Au L3 is tabulated there\)"):
        foil_alignment.check_foil_edge(
            GRID + 4804.2, TARGET, 11916.2, 11866.7, Calibration(), where="scan.dat"
        )


def gold(offset: float = 0.0) -> xr.Dataset:
    """A scan of arsenic whose foil has its edge where gold's L3 is."""
    ds = foils(TARGET)
    ds["energy"] = ds["energy"][:1] + 4806.7 + offset
    return ds


def test_a_foil_of_another_element_is_found_by_its_energy() -> None:
    identify = foil_alignment.identify_foil
    assert identify(gold(), Calibration(), "As", "K") == ("Au", "L3")
    assert identify(gold(-15.0), Calibration(), "As", "K") == ("Au", "L3")
    assert identify(gold(), Calibration(foil_element="As"), "As", "K") == ("As", "K")
    assert identify(gold(-45.0), Calibration(), "As", "K") == ("As", "K"), "within max_shift"
    assert identify(gold(200.0), Calibration(), "As", "K") == ("As", "K"), "no edge is near"
    with pytest.raises(BadInput, match=r"As K or Au L3|Au L3 or As K"):
        identify(gold(-26.0), Calibration(max_shift=30.0), "Se", "K")


def test_a_foil_much_nearer_to_another_metal_s_edge_is_asked_for() -> None:
    """Vanadium (5465.1 eV) lies within the greatest shift of the L3 edge of lanthanum (5483 eV)."""
    ds = foils(TARGET)
    ds["energy"] = ds["energy"] + 5465.1 - 7112.0
    identify = foil_alignment.identify_foil
    with pytest.raises(BadInput, match=r"foil's edge is at 5465.1 eV: V K or La L3; set calibrate"):
        identify(ds, Calibration(), "La", "L3")
    assert identify(ds, Calibration(foil_element="V", foil_edge="K"), "La", "L3") == ("V", "K")
    assert identify(ds, Calibration(foil_edge="L3"), "La", "L3") == ("La", "L3")
    assert identify(ds, Calibration(), "V", "K") == ("V", "K")


def test_an_axis_on_gold_s_foil() -> None:
    foil = foil_alignment.build_standard_foil(gold(-2.5), 11918.7, Calibration())
    assert foil.tabulated - foil.inflection == pytest.approx(2.5, abs=0.1)


def foils(*spectra: np.ndarray, offsets: tuple[float, ...] = (0.0, 0.0)) -> xr.Dataset:
    """Scans whose axis reads an offset too low."""
    energy = np.array([GRID - offset for offset in offsets])
    return xr.Dataset(
        {
            "energy": (("scan", "point"), energy[: len(spectra)]),
            "mu_foil": (("scan", "point"), np.array(spectra)),
            "source_file": ("scan", ["a.dat"] * len(spectra)),
        }
    )


def test_foils_that_lie_on_each_other_are_aligned_as_a_whole() -> None:
    scans = foils(TARGET, TARGET, offsets=(0.0, 0.5))
    standard = foil_alignment.build_standard_foil(scans.isel(scan=[0]), 7112.0, Calibration())
    found = foil_alignment.align_foils(scans, standard, Calibration())
    assert found.shift == pytest.approx([0.0, 0.5], abs=2e-3)
    assert not found.narrow
    assert found.error == pytest.approx(0.003, abs=2e-3)
    stated = foil_alignment.align_foils(scans, standard, Calibration(alignment_error=0.1))
    assert stated.error == 0.1


def test_a_bent_top_moves_the_whole_edge_and_not_what_is_taken() -> None:
    """Absorption of 2.5 behind a tenth of leaked light: ln of the sum saturates above the edge."""
    thick = 2.5 * TARGET
    bent = -np.log((np.exp(-thick) + 0.1) / 1.1)
    scans = foils(thick, bent)
    standard = foil_alignment.build_standard_foil(scans.isel(scan=[0]), 7112.0, Calibration())
    whole = foil_alignment.align_edges(GRID, thick, GRID, bent, window=standard.window).shift
    found = foil_alignment.align_foils(scans, standard, Calibration())
    assert abs(whole) > 0.1
    assert found.narrow
    assert abs(found.shift[1]) < 0.6 * abs(whole)
    # What the windows about the inflection differ by is common to all scans.
    assert found.common_error > 0.3 * abs(found.shift[1])


def test_noise_of_the_foil_is_in_the_error() -> None:
    random = np.random.default_rng(7)
    standard = foil_alignment.build_standard_foil(foils(TARGET, TARGET), 7112.0, Calibration())
    errors, shifts = [], []
    for _ in range(30):
        noisy = TARGET + 0.01 * random.standard_normal(GRID.size)
        found = foil_alignment.align_foils(foils(noisy, noisy), standard, Calibration())
        errors.append(found.error)
        shifts.append(found.shift[0])
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(np.std(shifts), rel=0.6)


def test_halves_of_a_foil_that_cannot_be_aligned_leave_no_error() -> None:
    random = np.random.default_rng(1)
    noisy = TARGET + 0.25 * random.standard_normal(GRID.size)
    standard = foil_alignment.build_standard_foil(foils(TARGET, TARGET), 7112.0, Calibration())
    found = foil_alignment.align_foils(foils(noisy), standard, Calibration(max_shift=3.0))
    assert found.error > foil_alignment.LARGEST_ERROR


@pytest.mark.parametrize("noise", [0.002, 0.01, 0.03])
def test_the_error_of_the_origin_is_that_of_the_inflection(noise: float) -> None:
    random = np.random.default_rng(5)
    stated, off = [], []
    for _ in range(30):
        noisy = TARGET + noise * random.standard_normal(GRID.size)
        foil = foil_alignment.build_standard_foil(foils(noisy), 7112.0, Calibration())
        stated.append(foil.inflection_stderr)
        off.append(foil.inflection - 7112.0)
    assert 0.6 < np.sqrt(np.mean(np.square(stated))) / np.std(off) < 2.5


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_standard_has_a_value_at_each_of_its_points(count: int) -> None:
    random = np.random.default_rng(count)
    ds = scans([0.3 * i for i in range(count)], [True] * count)
    ds["mu_foil"][:] += 1e-3 * random.standard_normal(ds["mu_foil"].shape)
    foil = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert np.isfinite(foil.mu).all()


def test_a_foil_that_differs_from_the_others_is_left_out_of_the_standard() -> None:
    ds = scans([0.0, 0.1, 0.2, 0.3], [True] * 4)
    whole = foil_alignment.build_standard_foil(ds.isel(scan=[0, 1, 3]), 7112.0, Calibration())
    ds["mu_foil"][2] = 0.3 * ds["mu_foil"][2] + 2.0 * (GRID > 7140.0)
    found = foil_alignment.build_standard_foil(ds, 7112.0, Calibration())
    assert found.inflection == pytest.approx(whole.inflection, abs=0.15)
    assert np.ptp(found.mu) == pytest.approx(np.ptp(whole.mu), rel=0.02)


def test_a_foil_whose_windows_disagree_alone_has_no_shift() -> None:
    """Of four foils one saturates: the other three keep the whole edge and their small error."""
    thick = 2.5 * TARGET
    bent = -np.log((np.exp(-thick) + 0.2) / 1.2)
    offsets = (0.0, 0.1, 0.2, 0.3)
    scans = foils(thick, thick, bent, thick, offsets=offsets)
    standard = foil_alignment.build_standard_foil(scans.isel(scan=[0, 1]), 7112.0, Calibration())
    found = foil_alignment.align_foils(scans, standard, Calibration())
    assert found.is_unlike.tolist() == [False, False, True, False]
    assert np.isnan(found.shift[2])
    assert not found.narrow
    assert found.error < 0.01
    two = foil_alignment.align_foils(scans.isel(scan=[1, 2]), standard, Calibration())
    assert not two.is_unlike.any(), "of two none can be told"
