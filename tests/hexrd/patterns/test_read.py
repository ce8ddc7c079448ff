"""Patterns from files: every format gives the same numbers, and each kind of bad input is said, not
swallowed."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd.made_patterns import LAMBDA, X, counts, folder, one, told, write_as, xye
from hypothesis import given, settings
from hypothesis import strategies as st

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import d_from_two_theta
from ssbchar.hexrd.patterns import frame_status, read, rebin
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.storage import store


def test_schema_and_saving(tmp_path: Path) -> None:
    ds = one(
        folder(tmp_path / "s" if (tmp_path / "s").mkdir() is None else tmp_path),
        common_wavelength=0.1173,
    )
    assert {n: v.dims for n, v in ds.variables.items()} == {
        "intensity": ("frame", "two_theta"),
        "intensity_stderr": ("frame", "two_theta"),
        "wavelength": (),
        "wavelength_stderr": (),
        "common_wavelength": (),
        "source_file": ("frame",),
        "time": ("frame",),
        "temperature_header": ("frame",),
        "monitor": ("frame",),
        "status": ("frame",),
        "rebinned": ("frame",),
        "frame": ("frame",),
        "two_theta": ("two_theta",),
        "q": ("two_theta",),
        "two_theta_common": ("two_theta",),
    }
    np.testing.assert_allclose(
        d_from_two_theta(ds.two_theta_common, 0.1173), d_from_two_theta(X, LAMBDA), rtol=1e-12
    )
    store.save(
        ds,
        tmp_path / "patterns.nc",
        store.describe_provenance("hexrd.patterns.read_patterns", {}, {}),
        {},
    )
    back = store.load(tmp_path / "patterns.nc")
    assert isinstance(back, xr.Dataset)
    np.testing.assert_array_equal(back.intensity, ds.intensity)
    assert back.status.values.tolist() == ["ok"] * 12


def test_frames_follow_the_numbers_in_their_names(tmp_path: Path) -> None:
    ds = one(folder(tmp_path))
    assert ds.frame.values.tolist() == list(range(1, 13))
    np.testing.assert_allclose(ds.intensity.values[9], counts(10), rtol=1e-6)


@given(st.lists(st.integers(0, 10**6), min_size=2, max_size=30, unique=True))
def test_number_frames_are_the_varying_number(numbers: list[int]) -> None:
    names = [f"LFP2_650C_{n:07d}_1.xye" for n in sorted(numbers)]
    assert read.number_frames(names).tolist() == sorted(numbers)


def test_a_missing_tenth_is_listed(tmp_path: Path) -> None:
    folder(tmp_path, 20)
    for n in (7, 13):
        (tmp_path / f"{n}.xye").unlink()
    ds = one(tmp_path)
    assert ds.sizes["frame"] == 18 and 7 not in ds.frame.values
    assert "2 of 20 frames are missing (numbers 7, 13)" in told(ds)[0]["problem"]


def test_synthetic_mark(tmp_path: Path) -> None:
    assert "synthetic" not in one(xye(tmp_path / "1.xye")).attrs
    assert one(xye(tmp_path / "2.xye", head="# synthetic data\n")).attrs["synthetic"] == 1


def bad(tmp_path: Path, frame: int, **changes: object) -> xr.Dataset:
    folder(tmp_path)
    xye(tmp_path / f"{frame}.xye", frame, **changes)  # type: ignore[arg-type]
    return one(tmp_path)


@pytest.mark.parametrize(
    ("status", "change"),
    [
        ("zeros", {"y": np.zeros(X.size)}),
        ("beam_dump", {"y": 0.1 * counts(5)}),
        ("nan", {"y": np.where(np.arange(X.size) == 60, np.nan, counts(5))}),
        ("negative", {"y": np.where(np.arange(X.size) == 60, -50.0, counts(5))}),
        ("saturated", {"y": np.minimum(counts(5), 2000.0)}),
        ("unsorted", {"x": X[np.r_[200 : X.size, 0:200]]}),
        ("duplicated", {"x": np.where(np.arange(X.size) == 60, X[59], X)}),
        ("not_finite", {"x": np.where(np.arange(X.size) == 60, np.nan, X)}),
        ("truncated", {"x": X[:250], "y": counts(5)[:250]}),
        ("too_short", {"x": X[:5], "y": counts(5)[:5]}),
    ],
)
def test_a_bad_frame_is_set_aside_and_the_rest_goes_on(
    status: str, change: dict[str, object], tmp_path: Path
) -> None:
    ds = bad(tmp_path, 5, **change)
    assert ds.status.values.tolist() == ["ok"] * 4 + [status] + ["ok"] * 7
    assert [e["where"] for e in told(ds)] == ["5.xye"]
    assert told(ds)[0]["problem"] and told(ds)[0]["remedy"]
    assert np.isfinite(ds.intensity.values[ds.status.values == "ok"]).all()


@pytest.mark.parametrize(
    "content", ["", "no numbers here\n", "1.0 2.0 1.0\n1.1 abc 1.0\n", "1.0 2.0 1.0\n1.1 2.0\n"]
)
def test_an_unreadable_file_is_left_out_and_said(content: str, tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "5.xye").write_text(content)
    ds = one(tmp_path)
    assert ds.frame.values.tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12]
    assert any("5.xye" in e["where"] for e in told(ds))
    with pytest.raises(BadInput):
        one(tmp_path / "5.xye")


def test_a_wrong_row_is_named_by_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.xye").write_text("/*\n# a\n*/\n1.0 2.0 1.0\n1.1 abc 1.0\n")
    with pytest.raises(BadInput, match=r"a\.xye:5: '1\.1 abc 1\.0'"):
        one(tmp_path / "a.xye")


def test_a_silent_wavelength_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        BadInput, match=r"no file states its wavelength; set hexrd\.read\.wavelength"
    ):
        read.read_patterns(folder(tmp_path), PatternReading())


def test_a_wavelength_unlike_the_header_is_said(tmp_path: Path) -> None:
    ds = one(write_as("xydata", tmp_path), wavelength=0.2437)
    assert float(ds.wavelength) == 0.2437
    assert "the files state 0.2413 (-9848 ppm)" in ds.attrs["wavelength_source"]


def test_no_usable_frame(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no usable frame"):
        one(xye(tmp_path / "1.xye", y=np.zeros(X.size)))


def test_several_kinds_of_files(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "frames.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match=r"several kinds of files \(1 \.csv, 12 \.xye\)"):
        one(tmp_path)
    assert one(tmp_path, suffix=".xye").sizes["frame"] == 12


def test_no_hdf5(tmp_path: Path) -> None:
    (tmp_path / "a.nxs").write_bytes(b"\x89HDF\r\n\x1a\n truncated")
    with pytest.raises(BadInput, match="no readable HDF5"):
        one(tmp_path / "a.nxs")


def test_mixed_wavelengths_meet_through_d(tmp_path: Path) -> None:
    """A line of one d, measured at two wavelengths, lies at one place on the series' axis."""
    d = 3.4
    for n, length in enumerate((0.2413, 0.2413, 0.1173), 1):
        x = np.arange(0.5, 9.0, 0.004)
        centre = 2 * np.degrees(np.arcsin(length / (2 * d)))
        y = 100 + 5000 * np.exp(-(((x - centre) / 0.03) ** 2))
        xye(tmp_path / f"{n}.xye", x=x, y=y, head=f"# wavelength = {length}\n")
    ds = read.read_patterns(tmp_path, PatternReading())
    assert float(ds.wavelength) == 0.2413
    assert ds.status.values.tolist()[:2] == ["ok", "ok"]
    assert ds.rebinned.values.tolist() == [0, 0, 1]
    for row in ds.intensity.values:
        use = np.isfinite(row) & (np.abs(ds.two_theta - 4.067) < 0.3)
        centre = float(np.sum((row[use] - 100) * ds.two_theta[use]) / np.sum(row[use] - 100))
        assert d_from_two_theta(centre, 0.2413) == pytest.approx(d, rel=2e-4)
    with pytest.raises(BadInput, match="several wavelengths"):
        one(tmp_path)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.4, 2.5), st.floats(-0.5, 0.5))
def test_rebinning_keeps_counts(seed: int, ratio: float, shift: float) -> None:
    """Laws of rebinning: onto itself nothing changes; a constant stays; the integral inside
    stays."""
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.5, 1.5, 60))
    y, var = rng.uniform(0, 100, 60), rng.uniform(1, 5, 60)
    same, variance = rebin.rebin(x, y, var, x)
    np.testing.assert_allclose(same, y, rtol=1e-9)
    np.testing.assert_allclose(variance, var, rtol=1e-9)
    onto = np.arange(x[0] - 5 + shift, x[-1] + 5, ratio)
    flat, _ = rebin.rebin(x, np.full(60, 7.0), var, onto)
    np.testing.assert_allclose(flat[np.isfinite(flat)], 7.0, rtol=1e-6)
    peak = np.where((x > x[25]) & (x < x[35]), y, 0.0)
    moved, _ = rebin.rebin(x, peak, var, onto)
    widths = np.diff(
        np.concatenate(
            [[x[0] - (x[1] - x[0]) / 2], (x[1:] + x[:-1]) / 2, [x[-1] + (x[-1] - x[-2]) / 2]]
        )
    )
    assert np.nansum(moved) * ratio == pytest.approx(np.sum(peak * widths), rel=1e-6, abs=1e-9)


def test_beam_dumps_are_sudden_and_come_back() -> None:
    totals = 1000 * np.exp(-np.arange(200) / 150.0)  # a decaying ring current is none
    assert not frame_status.find_beam_dumps(totals, 0.5).any()
    dumped = totals.copy()
    dumped[60:75] *= 0.05
    dumped[199] *= 0.3
    dumped[0] = 10
    assert np.flatnonzero(frame_status.find_beam_dumps(dumped, 0.5)).tolist() == [
        0,
        *range(60, 75),
        199,
    ]
    attenuated = np.where(np.arange(200) < 100, 1000.0, 300.0)  # a filter put in half way is none
    assert not frame_status.find_beam_dumps(attenuated, 0.5).any()


def test_points_without_pixels_are_left_out(tmp_path: Path) -> None:
    """Bins that no pixel reaches (NaN everywhere, zero at the ends) are no fault of the frames."""
    for n in range(1, 6):
        y = counts(n)
        y[:7], y[50], y[-3:] = 0.0, np.nan, 0.0
        xye(tmp_path / f"{n}.xye", n, y=y)
    ds = one(tmp_path)
    assert set(ds.status.values) == {"ok"}
    np.testing.assert_array_equal(ds.two_theta, np.delete(X, [*range(7), 50, *range(397, 400)]))
    assert np.isfinite(ds.intensity.values).all()


def gaps(*numbers: int) -> list[str]:
    return [fault.problem for fault in read._describe_gaps(Path("s"), np.array(numbers))]


def test_gaps_in_the_numbers() -> None:
    assert gaps(1, 2, 3, 4) == []
    assert gaps(1, 2, 4) == [], "two steps show no rule"
    assert gaps(1, 2, 4, 5) == ["1 of 5 frames are missing (numbers 3)"]
    assert gaps(5, 10, 15, 30, 35) == ["2 of 7 frames are missing (numbers 20, 25)"]
    assert gaps(5, 10, 15, 28, 33) == [], "no multiple of the step"
    assert gaps(1, 2, 3, 4, 9) == ["4 of 9 frames are missing (numbers 5, 6, 7, 8)"]
    assert gaps(1, 2, 3, 4, 10) == ["5 of 10 frames are missing (numbers 5, 6, 7, 8, 9)"]
    assert gaps(1, 2, 3, 4, 11) == [], "more are missing than there are"
    (many,) = gaps(*range(1, 20), 33)
    assert many.endswith("(numbers 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31 ...)")
    (twelve,) = gaps(*range(1, 20), 32)
    assert twelve.endswith("30, 31)")


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["a_2_x7", "a_3_x7"], [2, 3]),
        (["a_1_3", "a_1_5"], [3, 5]),
        (["a_1_3", "a_2_4"], [3, 4]),
        (["a_2", "a_2"], [1, 2]),
        (["a_2", "b"], [1, 2]),
        (["a_9007199254740991", "a_9007199254740993"], [1, 2]),
        (["a_7"], [1]),
        (["b", "c"], [1, 2]),
    ],
)
def test_numbers_of_frames(names: list[str], numbers: list[int]) -> None:
    found = read.number_frames([f"{name}.xye" for name in names])
    assert found.tolist() == numbers and found.dtype == np.int64


def chosen(*stated: tuple[float, float] | None, **options: object):
    from ssbchar.hexrd.patterns.formats.extracted import PatternFile

    contents = [
        PatternFile(x=X, unit="degree", intensity=np.ones((1, X.size)), wavelength=one)
        for one in stated
    ]
    return read._choose_wavelength(Path("s"), contents, PatternReading(**options))  # type: ignore[arg-type]


def test_the_wavelength_of_most_files() -> None:
    found = chosen((0.25, 1e-5), (0.24, 2e-5), (0.24, 2e-5), None)
    assert (found.value, found.stderr, found.source) == (0.24, 2e-5, "header of 2 files")
    assert chosen((0.24, 2e-5), wavelength_stderr=3e-5).stderr == 3e-5


def test_a_wavelength_of_many_digits_is_not_better_than_its_calibration() -> None:
    assert chosen((0.24, 1e-7)).stderr == pytest.approx(30e-6 * 0.24)
    assert chosen((0.24, 1e-5)).stderr == 1e-5, "41 ppm of rounding"
    assert chosen(wavelength=0.2411700001).stderr == pytest.approx(30e-6 * 0.2411700001)
    assert chosen((0.24, 1e-7), wavelength_stderr=1e-6).stderr == 1e-6, "stated by the user"


def test_the_wavelength_of_the_config() -> None:
    found = chosen((0.24, 1e-5), wavelength=0.24)
    assert (found.value, found.source) == (0.24, "config")
    assert found.stderr == pytest.approx(0.01 / np.sqrt(12))
    assert chosen((0.2400023, 1e-5), wavelength=0.24).source == "config"
    assert chosen((0.24, 0.0), wavelength=0.24, wavelength_stderr=1e-6).stderr == 1e-6
    off = chosen((0.240024, 1e-5), wavelength=0.24)
    assert off.source == "config; the files state 0.240024 (+100 ppm)"
    close = chosen((0.24, 0.0), (0.240023, 0.0), wavelength=0.24)
    assert close.source == "config"
    with pytest.raises(BadInput, match=r"several wavelengths \(104 ppm apart\)"):
        chosen((0.24, 0.0), (0.240025, 0.0), wavelength=0.24)


@pytest.mark.parametrize("value", [0.01, 5.0, 1e-9])
def test_a_wavelength_unlike_x_rays(value: float) -> None:
    with pytest.raises(BadInput, match="not that of an X-ray experiment"):
        chosen((value, 0.0))
