"""What files leave open: settled by an option, or refused or told in one line."""

from pathlib import Path

import numpy as np
import pytest
from hexrd.made_patterns import LAMBDA, X, counts, one, told, xye

from ssbchar.errors import BadInput
from ssbchar.hexrd.bragg import q_from_two_theta
from ssbchar.hexrd.patterns import settle
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.runtime import options


def q_file(folder: Path, head: str, scale: float = 1.0) -> Path:
    rows = zip(scale * q_from_two_theta(X, LAMBDA), counts(), strict=True)
    (folder / "a.dat").write_text(head + "".join(f"{a:.9f} {b}\n" for a, b in rows))
    return folder / "a.dat"


@pytest.mark.parametrize(
    ("head", "scale"),
    [
        ("# Q(A^-1)  I\n", 1.0),
        ("# Q [A^-1] I\n", 1.0),
        ("# q (nm^-1) I\n", 10.0),
        ("# Q [1/nm] I\n", 10.0),
        ("# q [1/A] I\n", 1.0),
        ("# q / A^-1 I\n", 1.0),
        ("#Q I\n", 1.0),
        ("# momentum transfer (1/A)\n", 1.0),
    ],
)
def test_q_in_every_spelling_is_the_same_pattern(head: str, scale: float, tmp_path: Path) -> None:
    ds = one(q_file(tmp_path, head, scale))
    np.testing.assert_allclose(ds.two_theta, X, atol=1e-6)
    np.testing.assert_array_equal(ds.intensity[0], counts())
    assert "q" in ds.attrs["axis_source"].lower() or "momentum" in ds.attrs["axis_source"]


def test_q_without_a_unit_is_told_and_an_option_decides(tmp_path: Path) -> None:
    ds = one(q_file(tmp_path, "#Q I\n"))
    assert "q is taken in 1/angstrom" in ds.attrs["assumed"]
    path = q_file(tmp_path, "#Q I\n", 10.0)
    with pytest.raises(BadInput, match=r"its q reaches 40\.\d+ and states no unit"):
        one(path)
    np.testing.assert_allclose(one(path, axis_unit="1/nm").two_theta, X, atol=1e-6)


def test_q_beyond_backscattering_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"beyond backscattering .*check the wavelength"):
        one(q_file(tmp_path, "# q (1/A) I\n", 20.0))


def test_two_theta_beyond_180_is_refused_and_an_option_decides(tmp_path: Path) -> None:
    path = xye(tmp_path / "a.xy", x=100 * X)
    with pytest.raises(BadInput, match="its axis reaches 898: 2theta beyond 180 degree"):
        one(path)
    np.testing.assert_allclose(one(path, axis_unit="centidegree").two_theta, X, atol=1e-6)
    radians = xye(tmp_path / "b.xy", x=np.radians(X))
    np.testing.assert_allclose(one(radians, axis_unit="radian").two_theta, X, atol=1e-4)


def test_an_axis_that_is_not_understood_is_refused_and_an_option_decides(tmp_path: Path) -> None:
    head = "# q (furlong) I sigma\n"
    with pytest.raises(BadInput, match=r"no unit of inverse length .*hexrd\.read\.axis_unit"):
        one(xye(tmp_path / "a.xye", head=head))
    np.testing.assert_array_equal(
        one(xye(tmp_path / "b.xye", head=head), axis_unit="degree").two_theta, X
    )


def test_an_option_against_the_file_is_told(tmp_path: Path) -> None:
    ds = one(q_file(tmp_path, "# q (1/A) I\n"), axis_unit="degree")
    np.testing.assert_allclose(ds.two_theta, X, atol=1e-6)
    assert "not in degree, as hexrd.read.axis_unit says" in told(ds)[0]["problem"]


def test_an_axis_without_a_name_is_noted(tmp_path: Path) -> None:
    assert "taken as 2theta in degree" in one(xye(tmp_path / "a.xye")).attrs["assumed"]
    assert one(xye(tmp_path / "b.xye"), axis_unit="degree").attrs["assumed"] == ""


# Temperature


def series(folder: Path, head: str, count: int = 3) -> Path:
    for n in range(1, count + 1):
        xye(folder / f"{n}.xye", n, head=head.format(n))
    return folder


def test_a_temperature_without_a_unit_is_asked_once(tmp_path: Path) -> None:
    series(tmp_path, "# T = 25{}\n")
    ds = one(tmp_path)
    assert np.isnan(ds.temperature_header).all()
    assert [(e["problem"], e["remedy"]) for e in told(ds)] == [
        (
            "a temperature without a unit ('251') (3 of 3 files)",
            "set hexrd.read.temperature_unit (K, degC or degF)",
        )
    ]
    assert one(tmp_path, temperature_unit="degC").temperature_header.values.tolist() == [
        251,
        252,
        253,
    ]
    np.testing.assert_allclose(
        one(tmp_path, temperature_unit="K").temperature_header, [-22.15, -21.15, -20.15]
    )


@pytest.mark.parametrize(
    ("name", "pattern", "unit", "celsius"),
    [
        ("LFP_650C_001.xye", r"_(?P<temperature>\d+)C", "degC", 650.0),
        ("LFP_300K_001.xye", r"_(?P<temperature>\d+)K", "K", 26.85),
        ("LFP_T25p5.xye", r"T(?P<temperature>[\dp]+)", "degC", 25.5),
        ("LFP_m20C.xye", r"_(?P<temperature>m?\d+)C", "degC", -20.0),
        ("LFP_-20C.xye", r"_(?P<temperature>-?\d+)C", "degC", -20.0),
        ("LFP_300K.xye", r"_(?P<temperature>\d+)(?P<unit>[CK])", "", 26.85),
        ("LFP_30C.xye", r"_(?P<temperature>\d+)(?P<unit>[CK])", "", 30.0),
    ],
)
def test_a_temperature_in_the_name(
    name: str, pattern: str, unit: str, celsius: float, tmp_path: Path
) -> None:
    xye(tmp_path / name)
    ds = one(tmp_path / name, temperature_pattern=pattern, temperature_unit=unit)
    np.testing.assert_allclose(ds.temperature_header, [celsius])
    assert ds.attrs["temperature_source"] == "file names" and not told(ds)


def test_names_without_a_temperature_and_headers_that_differ_are_told(tmp_path: Path) -> None:
    xye(tmp_path / "a_30C_1.xye", head="# Temperature (C) = 80\n")
    xye(tmp_path / "a_2.xye")
    found = {"temperature_pattern": r"_(?P<temperature>\d+)C", "temperature_unit": "degC"}
    ds = one(tmp_path, **found)
    assert ds.temperature_header.values.tolist() == pytest.approx([np.nan, 30.0], nan_ok=True)
    problems = " ".join(entry["problem"] for entry in told(ds))
    assert "no temperature in the name 'a_2.xye'" in problems
    assert "in name and header differ ('a_30C_1.xye')" in problems


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        (r"_(\d+)C", "has no group"),
        (r"_(?P<temperature>\d+", "is no regular expression"),
        (r"_(?P<temperature>\d+)", "needs temperature_unit"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_at_once(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        options.build_options(PatternReading, {"temperature_pattern": pattern}, "hexrd.read")


def test_what_to_write_where_names_seem_to_hold_temperatures() -> None:
    text = settle.suggest_temperature_pattern(["LFP_25C_1.xye", "LFP_650C_2.xye"])
    assert "'25C'" in text and "temperature_unit to degC" in text
    assert settle.suggest_temperature_pattern(["1.xye", "2.xye"]) == ""
    assert settle.suggest_temperature_pattern(["a_300K.xye"]).endswith("temperature_unit to K")


# Time


def test_a_time_without_a_zone_is_asked(tmp_path: Path) -> None:
    series(tmp_path, "# Scan time = APR 25, 2011 12:35:4{}.5\n")
    ds = one(tmp_path)
    assert np.isnan(ds.time).all()
    assert "a time without its zone ('2011-04-25 12:35:41.500000')" in told(ds)[0]["problem"]
    utc = one(tmp_path, timezone="UTC")
    np.testing.assert_allclose(utc.time, 1303734941.5 + np.arange(3))
    np.testing.assert_allclose(one(tmp_path, timezone="America/Chicago").time - utc.time, 18000)


def test_day_and_month_as_numbers_are_asked(tmp_path: Path) -> None:
    series(tmp_path, "# date = 04/05/2011 12:35:0{}\n")
    assert "day and month as numbers ('04/05/2011 12:35:01')" in told(one(tmp_path))[0]["problem"]
    ds = one(tmp_path, timezone="UTC", date_order="month first")
    np.testing.assert_allclose(ds.time, 1302006901 + np.arange(3))


def test_exposures_that_differ_are_told_unless_a_monitor_scales_them(tmp_path: Path) -> None:
    series(tmp_path, "# exposure: {} s\n# monitor: {}\n".replace("{}\n", "1\n"))
    ds = one(tmp_path)
    assert ds.exposure.values.tolist() == [1, 2, 3] and ds.exposure.attrs["units"] == "s"
    assert "exposures range from 1 to 3 s" in told(ds)[0]["problem"]
    assert not told(one(tmp_path, by_monitor=True))


def test_a_wavelength_that_is_not_understood_is_refused(tmp_path: Path) -> None:
    from ssbchar.hexrd.patterns import read

    path = xye(tmp_path / "a.xye", head="# wavelength = 0.41 furlong\n")
    with pytest.raises(BadInput, match=r"'furlong' is no unit .*set hexrd\.read\.wavelength"):
        read.read_patterns(path, PatternReading())
    assert float(one(path).wavelength) == LAMBDA


def test_more_rows_than_announced_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.chi").write_text(
        f"a.tif\n2-Theta Angle (Degrees)\nIntensity\n  {X.size - 1}\n"
        + "".join(f"{a} {b}\n" for a, b in zip(X, counts(), strict=True))
    )
    assert "announces 399 points and holds 400; all are used" in told(one(tmp_path))[0]["problem"]


def test_one_temperature_below_absolute_zero_costs_no_other_frame(tmp_path: Path) -> None:
    import h5py
    from hexrd.made_patterns import write_nexus

    path = write_nexus(tmp_path / "a.nxs", np.stack([counts(n) for n in range(4)]))
    with h5py.File(path, "a") as file:
        file["entry/sample/temperature"][2] = -5.0
    ds = one(path)
    assert np.isnan(ds.temperature_header.values).tolist() == [False, False, True, False]
    assert "below absolute zero ('-278.15 degC')" in told(ds)[0]["problem"]
