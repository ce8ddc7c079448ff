"""The axis of a pattern by the names in its header, in the spellings that programs write."""

import pytest

from ssbchar.hexrd.patterns.formats.axis_name import find_stderr_column, read_axis


@pytest.mark.parametrize(
    ("header", "unit"),
    [
        ("# Q(A^-1)  I", "1/angstrom"),
        ("# Q [A^-1] I", "1/angstrom"),
        ("# q (nm^-1)   I (counts)", "1/nm"),
        ("# Q [1/nm] Intensity", "1/nm"),
        ("# q [1/A]\tI", "1/angstrom"),
        ("# q / A^-1   I / a.u.", "1/angstrom"),
        ("#Q I", "1/angstrom"),
        ("# momentum transfer (1/A)", "1/angstrom"),
        ("# momentum transfer (1/A), intensity", "1/angstrom"),
        ("# 2pi/d (1/nm) I", "1/nm"),
        ("# Scattering vector q (1/nm) Intensity", "1/nm"),
        ("# wave vector [1/Å], I", "1/angstrom"),
        ("# q_nm^-1 I", "1/nm"),
        ("# q_A^-1", "1/angstrom"),
        ("#L Q(A^-1)  I", "1/angstrom"),
        ("# x-axis: Q [nm-1]", "1/nm"),
        ("# x_unit = q_nm^-1\n# made by hand", "1/nm"),
        ("a.tif\nQ-Space (Inverse Nanometres)\nIntensity\n   300", "1/nm"),
        ("a.tif\n2-Theta Angle (Degrees)\nIntensity\n   300", "degree"),
        ("a.tif\n2th_deg\n\n   300", "degree"),
        ("! 2theta, intensity", "degree"),
        ("! degrees       intensity", "degree"),
        ("# 2θ (°)\tI", "degree"),
        ("# 2Theta I(obs)", "degree"),
        ("tth  counts", "degree"),
        ("#S 1 ascan\n#L 2_theta counts", "degree"),
        ('\'Id: "x" Anode: "Cu" Scantype: "Coupled TwoTheta/Theta"', "degree"),
        ("! 2theta step (deg) =     0.001\n! 2Theta correction subtracted", "degree"),
        ("XYDATA\nINTER 1.0 1.0 2", "degree"),
        ("# columns: two_theta_degree intensity_counts", "degree"),
        ("# d_A I", "angstrom"),
        ("# d-spacing I", "angstrom"),
        ("# a title", ""),
        ("/*\n# frame-00001.tif Azm= 180.00\n*/", ""),
        ("# sample q1 in d 12", ""),
    ],
)
def test_axes(header: str, unit: str) -> None:
    found = read_axis(header + "\n", 2)
    assert found.misread is None
    assert found.unit == unit and found.factor == 1.0


@pytest.mark.parametrize(
    ("header", "unit", "factor"),
    [
        ("# two theta (mrad)   counts", "degree", 0.0572957795),
        ("# tth_rad I", "degree", 57.295779513),
        ("# 2theta (centidegree) I", "degree", 0.01),
        ("# d (nm) I", "angstrom", 10.0),
        ("# q (1/pm) I", "1/angstrom", 100.0),
    ],
)
def test_axes_that_are_converted(header: str, unit: str, factor: float) -> None:
    found = read_axis(header, 2)
    assert found.unit == unit and found.factor == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(
    "header",
    [
        "# q (furlong) I",
        "# 2theta (K) I",
        "# TOF I",
        "# r G",
        "# r(Å) G",
        "# s (1/nm) I",
        "# theta I",
        "# energy (keV) counts",
        "a.tif\nRadial Distance (mm)\nIntensity\n   300",
        "# 2theta range 1 10\n# integrated in q (1/nm)",
        "# axis: q (1/nm)\n# unit: 2th_deg",
    ],
)
def test_axes_that_are_asked_for(header: str) -> None:
    found = read_axis(header, 2)
    assert found.misread is not None and "axis_unit" in found.misread.remedy


def test_a_unit_that_is_not_stated_is_told() -> None:
    assert read_axis("#Q I", 2).assumed == "q is taken in 1/angstrom: its unit is not stated"
    assert read_axis("# q_A^-1 I", 2).assumed == ""


@pytest.mark.parametrize(
    ("header", "columns", "place"),
    [
        ("", 2, None),
        ("", 3, 2),
        ("# 2theta I sigma", 3, 2),
        ("# 2theta Iobs Icalc", 3, None),
        ("# 2theta Iobs Icalc bkg esd", 5, 4),
        ("# x y e", 3, 2),
        ("# columns: two_theta intensity stderr_counts", 3, 2),
    ],
)
def test_the_column_of_errors(header: str, columns: int, place: int | None) -> None:
    assert find_stderr_column(header, columns) == place


@pytest.mark.parametrize(
    "line", ["# wavelength 0.2413 A", "# energy 51.4 keV", "# tof 12 3", "# s 1.5e-3 x"]
)
def test_a_line_with_a_value_names_no_columns(line: str) -> None:
    axis = read_axis(f"# two_theta in degree\n{line}", 3)
    assert axis.misread is None


def test_a_key_without_an_axis_names_none() -> None:
    for header in ("# columns: sample temperature", "# labels: first second", "# columns:"):
        assert read_axis(header, 2).unit == "" and read_axis(header, 2).misread is None
    assert read_axis("# columns: r, G(r)", 2).misread is not None
