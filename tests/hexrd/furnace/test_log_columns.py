"""The measured temperature among a log's columns, and its unit."""

from pathlib import Path

import numpy as np
import pytest

from ssbchar.errors import BadInput
from ssbchar.hexrd.furnace.log import FurnaceLog, read_log
from ssbchar.hexrd.furnace.options import Furnace

WHEN = "2011-04-25T12:35:00Z"


def read(folder: Path, text: str, **options: object) -> FurnaceLog:
    (folder / "log.csv").write_text(text)
    return read_log(folder / "log.csv", Furnace(**options))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("column", "celsius"),
    [
        ("T_K", 26.85),
        ("Temperature/K", 26.85),
        ("Temp (Kelvin)", 26.85),
        ("temperature kelvin", 26.85),
        ("temperature_k", 26.85),
        ("T(K)", 26.85),
        ("TempK", 26.85),
        ("Sample T (K)", 26.85),
        ("T [degF]", 148.888889),
        ("Temp (F)", 148.888889),
        ("T [°C]", 300.0),
        ("Temperature (deg. C)", 300.0),
        ("PV (C)", 300.0),
        ("thermocouple_degC", 300.0),
        ("Temperatur", 300.0),
        ("Channel 1 (C)", 300.0),
        ("°C", 300.0),
    ],
)
def test_column_heads(column: str, celsius: float, tmp_path: Path) -> None:
    found = read(tmp_path, f"time,{column},power (%)\n{WHEN},300,5\n")
    np.testing.assert_allclose(found.temperature, [celsius], rtol=1e-7)
    assert found.temperature_column == column


@pytest.mark.parametrize(
    ("head", "row", "celsius"),
    [
        ("Temperature (C),Setpoint (C)", "25,30", 25.0),
        ("SP (C),PV (C),OP (%)", "30,25,5", 25.0),
        ("setpoint_degC,thermocouple_degC", "30,25", 25.0),
        ("Soll-Temperatur [°C],Ist-Temperatur [°C]", "30,25", 25.0),
        ("Furnace temp (C),Sample temp (C)", "30,25", 25.0),
        ("Temp (C),Target Temp (C),Ramp rate (C/min)", "25,30,5", 25.0),
        ("Temp (C),Cold junction (C)", "25,30", 25.0),
    ],
)
def test_a_set_point_beside_the_reading(
    head: str, row: str, celsius: float, tmp_path: Path
) -> None:
    found = read(tmp_path, f"time,{head}\n{WHEN},{row}\n")
    assert found.temperature.tolist() == [celsius]


def test_the_choice_is_told(tmp_path: Path) -> None:
    found = read(tmp_path, f"time,PV (C),SP (C)\n{WHEN},25,30\n")
    assert found.notes == ("temperature from column 'PV (C)'; 'SP (C)' no measurement",)


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("TC1 (C),TC2 (C)", r"several columns could be the temperature \(TC1 \(C\), TC2 \(C\)\)"),
        ("Setpoint (C),power", "no column looks like a measured temperature"),
        ("a,b", "no column looks like a temperature"),
        ("T (furlong),b", "in 'furlong': no one unit of temperature"),
        ("T (K),unit", "'K and degC'|'C and K'|no one unit"),
    ],
)
def test_what_is_asked_for(head: str, message: str, tmp_path: Path) -> None:
    row = "25,C" if head.endswith("unit") else "25,26"
    with pytest.raises(BadInput, match=message):
        read(tmp_path, f"time,{head}\n{WHEN},{row}\n")


def test_one_of_several_by_the_option(tmp_path: Path) -> None:
    text = f"time,TC1 (C),TC2 (K)\n{WHEN},25,300\n"
    assert read(tmp_path, text, temperature_column="TC2 (K)").temperature[0] == pytest.approx(26.85)


def test_units_in_cells_rows_and_columns(tmp_path: Path) -> None:
    for text in (
        f"time,T\n{WHEN},300 K\n{WHEN},310 K\n",
        f"time,T\n,K\n{WHEN},300\n{WHEN},310\n",
        f"time,T,unit\n{WHEN},300,K\n{WHEN},310,K\n",
    ):
        np.testing.assert_allclose(read(tmp_path, text).temperature, [26.85, 36.85])


def test_a_unit_that_is_not_stated_is_told(tmp_path: Path) -> None:
    text = f"time,T\n{WHEN},295\n{WHEN},400\n"
    assert "states no unit: taken in degC" in read(tmp_path, text).notes[0]
    assert "295, would be room temperature in K" in read(tmp_path, text).notes[0]
    assert "taken in K" in read(tmp_path, text, temperature_unit="K").notes[0]
    assert read(tmp_path, text, temperature_unit="degF").temperature[1] == pytest.approx(204.444444)


def test_an_option_against_the_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is in degC, the option says K"):
        read(tmp_path, f"time,T (C)\n{WHEN},25\n", temperature_unit="K")


def test_one_reading_in_two_units(tmp_path: Path) -> None:
    text = f"time,T (C),T (K)\n{WHEN},25.0,298.15\n{WHEN},26.0,299.2\n"
    assert read(tmp_path, text).temperature.tolist() == [25.0, 26.0]
    with pytest.raises(BadInput, match="several columns"):
        read(tmp_path, text.replace("299.2", "300.2"))


@pytest.mark.parametrize(
    ("head", "celsius"),
    [
        ("Loop1.PV,Loop1.SP", 25.0),
        ("Process value,Set value", 25.0),
        ("Messwert,Sollwert", 25.0),
        ("Loop.1.Main.PV,Loop.1.Main.WorkingSP", 25.0),
    ],
)
def test_names_of_controllers(head: str, celsius: float, tmp_path: Path) -> None:
    assert read(tmp_path, f"time,{head}\n{WHEN},25,30\n").temperature.tolist() == [celsius]
