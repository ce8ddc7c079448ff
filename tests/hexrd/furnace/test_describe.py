"""One line on what was understood of a furnace log."""

from pathlib import Path

from ssbchar.hexrd.furnace.describe import describe_log
from ssbchar.hexrd.furnace.log import read_log
from ssbchar.hexrd.furnace.options import Furnace


def test_a_log_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("epoch,PV (K),SP (K)\n2e9,300,1\n2000000060,310,1\n")
    assert describe_log(read_log(path, Furnace())) == (
        "2 rows, T from column 'PV (K)' in K, 26.85 to 36.85 degC, over 1 min; temperature from "
        "column 'PV (K)'; 'SP (K)' no measurement"
    )
    path.write_text("file,time,T_C\na,1,20\n")
    text = describe_log(read_log(path, Furnace(), needs_time=False))
    assert text.startswith("1 rows, T from column 'T_C' in degC, 20 to 20 degC, times not underst")
