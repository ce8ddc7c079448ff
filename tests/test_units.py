"""Units in every spelling that files have, and labels taken apart into name and unit."""

import numpy as np
import pytest

from ssbchar.units import Dimension, UnknownUnit, find_unit, get_unit, split_label


@pytest.mark.parametrize(
    ("text", "dimension", "value", "converted"),
    [
        ("deg", Dimension.ANGLE, 3.0, 3.0),
        ("Degrees", Dimension.ANGLE, 3.0, 3.0),
        ("°", Dimension.ANGLE, 3.0, 3.0),
        ("°2Th.", Dimension.ANGLE, 3.0, 3.0),
        ("rad", Dimension.ANGLE, np.pi, 180.0),
        ("mrad", Dimension.ANGLE, 1000 * np.pi, 180.0),
        ("centidegree", Dimension.ANGLE, 300.0, 3.0),
        ("deg/100", Dimension.ANGLE, 300.0, 3.0),
        ("Å", Dimension.LENGTH, 2.0, 2.0),
        ("A", Dimension.LENGTH, 2.0, 2.0),
        ("Angstroms", Dimension.LENGTH, 2.0, 2.0),
        ("nm", Dimension.LENGTH, 2.0, 20.0),
        ("pm", Dimension.LENGTH, 200.0, 2.0),
        ("um", Dimension.LENGTH, 2e-4, 2.0),
        ("µm", Dimension.LENGTH, 2e-4, 2.0),
        ("mm", Dimension.LENGTH, 2e-7, 2.0),
        ("m", Dimension.LENGTH, 2e-10, 2.0),
        ("1/A", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        ("A^-1", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        ("Å⁻¹", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        (r"$\mathrm{\AA}^{-1}$", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        ("A**-1", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        ("inv. angstrom", Dimension.INVERSE_LENGTH, 2.0, 2.0),
        ("nm^(-1)", Dimension.INVERSE_LENGTH, 20.0, 2.0),
        ("Inverse Nanometres", Dimension.INVERSE_LENGTH, 20.0, 2.0),
        ("per nm", Dimension.INVERSE_LENGTH, 20.0, 2.0),
        ("1/m", Dimension.INVERSE_LENGTH, 2e10, 2.0),
        ("K", Dimension.TEMPERATURE, 300.0, 26.85),
        ("Kelvin", Dimension.TEMPERATURE, 300.0, 26.85),
        ("mK", Dimension.TEMPERATURE, 300e3, 26.85),
        ("deg C", Dimension.TEMPERATURE, 25.0, 25.0),
        ("°C", Dimension.TEMPERATURE, 25.0, 25.0),
        ("Celsius", Dimension.TEMPERATURE, 25.0, 25.0),
        ("degF", Dimension.TEMPERATURE, 212.0, 100.0),
        ("Fahrenheit", Dimension.TEMPERATURE, 32.0, 0.0),
        ("ms", Dimension.TIME, 1500.0, 1.5),
        ("min", Dimension.TIME, 2.0, 120.0),
        ("Hours", Dimension.TIME, 2.0, 7200.0),
        ("keV", Dimension.ENERGY, 51.4, 51400.0),
        ("eV", Dimension.ENERGY, 51.4, 51.4),
        ("meV", Dimension.ENERGY, 1000.0, 1.0),
    ],
)
def test_units(text: str, dimension: Dimension, value: float, converted: float) -> None:
    assert float(get_unit(text, dimension).convert(value)) == pytest.approx(converted, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("furlong", Dimension.LENGTH),
        ("grad", Dimension.ANGLE),
        ("nm", Dimension.INVERSE_LENGTH),
        ("1/s", Dimension.INVERSE_LENGTH),
        ("deg", Dimension.TEMPERATURE),
        ("", Dimension.TIME),
        ("R", Dimension.TEMPERATURE),
    ],
)
def test_what_is_no_unit_is_refused_with_the_choices(text: str, dimension: Dimension) -> None:
    assert find_unit(text, dimension) is None
    with pytest.raises(UnknownUnit, match=r"no unit of .* \(use .* or .*\)"):
        get_unit(text, dimension)


ANY = tuple(Dimension)


@pytest.mark.parametrize(
    ("text", "name", "unit"),
    [
        ("Q(A^-1)", "Q", "A^-1"),
        ("q [1/nm]", "q", "1/nm"),
        ("Q (A^(-1))", "Q", "A^(-1)"),
        ("q / A^-1", "q", "A^-1"),
        ("Temperature/K", "Temperature", "K"),
        ("2Theta, deg", "2Theta", "deg"),
        ("q_nm^-1", "q", "nm^-1"),
        ("temperature kelvin", "temperature", "kelvin"),
        ("T_deg_C", "T", "deg_C"),
        ("TempK", "Temp", "K"),
        ("2θ (°)", "2theta", "°"),
        (r"$2\theta$ ($^{o}$)", "2theta", "°"),
        ("Monitor I0 [0]", "Monitor I0", ""),
        ("q [furlong]", "q", "furlong"),
        ("I/I0", "I/I0", ""),
        ("TC", "TC", ""),
        ("°C", "°C", ""),
    ],
)
def test_labels(text: str, name: str, unit: str) -> None:
    found = split_label(text, *ANY)
    assert (found.name, found.unit) == (name, unit)


def test_a_slash_is_a_unit_s_only_where_the_unit_is_known() -> None:
    assert split_label("2pi/d", Dimension.INVERSE_LENGTH).unit == ""
    assert split_label("time/d", Dimension.TIME).unit == "d"


def test_words_of_a_name() -> None:
    assert split_label("SampleTemp_2 (K)", *ANY).words == ("sample", "temp", "2")
