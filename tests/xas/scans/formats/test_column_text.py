"""One scan in the clothes of many programs: the same numbers each time."""

from pathlib import Path

import numpy as np
import pytest
from xas import made_spectra

from ssbchar.errors import BadInput
from ssbchar.xas.scans import read
from ssbchar.xas.scans.formats import column_names, column_text
from ssbchar.xas.scans.formats.column_text import parse_column_text
from ssbchar.xas.scans.options import ScanReading

ENERGY = made_spectra.grid()
I0 = 5000.0 + 50 * np.sin(np.arange(ENERGY.size) / 30)
I1 = I0 * np.exp(-made_spectra.mu(ENERGY, made_spectra.Truth()))
I2 = I1 * np.exp(-made_spectra.foil(ENERGY))
TABLE = np.column_stack([ENERGY, I0, I1, I2]).round(5)
LABELS = {"measurement": "one", "role": "pristine"}


def write(
    head: str = "# energy i0 itrans iref\n",
    separator: str = " ",
    number: str = "{:.5f}",
    end: str = "",
    foot: str = "",
    scale: float = 1.0,
) -> str:
    table = TABLE * np.array([scale, 1, 1, 1])
    rows = (separator.join(number.format(value) for value in row) + end for row in table)
    return head + "\n".join(rows) + "\n" + foot


def fortran(text: str) -> str:
    return text.replace("e+", "D+").replace("e-", "D-")


SENTENCE = "# Scan of four columns\n# energy i0 itrans iref\n# they read in turn\n"
TEXTS = {
    "plain": write(),
    "comma": write("energy,i0,itrans,iref\n", ","),
    "tab": write("energy\ti0\titrans\tiref\n", "\t"),
    "semicolon": write("energy;i0;itrans;iref\n", ";"),
    "semicolon comments": write("; made here\n; energy i0 itrans iref\n"),
    "percent comments": write("% energy i0 itrans iref\n"),
    "units in names": write("# Energy (eV)\tI0 (A)\tIt (A)\tIref (A)\n"),
    "units behind blanks": write("# Energy [eV] I0 [A] It [A] Iref [A]\n"),
    "keV behind a slash": write("# energy/keV i0 itrans iref\n", number="{:.8f}", scale=1e-3),
    "keV spaced slash": write("# Energy / keV\tI0\tIt\tIref\n", number="{:.8f}", scale=1e-3),
    "quoted": write('"Energy (eV)","I0","It","Iref"\n', ","),
    "sentences": write(SENTENCE),
    "decimal commas": write("energy;i0;itrans;iref\n", ";").replace(".", ","),
    "decimal commas and tabs": write("energy\ti0\titrans\tiref\n", "\t").replace(".", ","),
    "decimal commas in a list": "energy, i0, itrans, iref\n"
    + write("", "; ").replace(".", ",").replace(";", ","),
    "fortran": fortran(write(number="{:.9e}")),
    "words behind": write(end=" ok 12:30:05"),
    "comment behind": write(end="  # good"),
    "foot": write(foot="End of scan, 12:30\n"),
    "crlf": write().replace("\n", "\r\n"),
}


def read_text(folder: Path, content: bytes, **options: object):
    path = folder / "scan.dat"
    path.write_bytes(content)
    return read.read_scans(path, ScanReading(**options), LABELS)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory):
    return read_text(tmp_path_factory.mktemp("plain"), TEXTS["plain"].encode())


@pytest.mark.parametrize("name", list(TEXTS))
def test_the_same_numbers_in_any_clothes(tmp_path: Path, name: str, plain) -> None:
    found = read_text(tmp_path, TEXTS[name].encode())
    for quantity in ("energy", "mu", "mu_foil", "i0"):
        np.testing.assert_allclose(found[quantity], plain[quantity], rtol=1e-8)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "latin-1"])
def test_the_same_numbers_in_any_encoding(tmp_path: Path, encoding: str, plain) -> None:
    content = ("# Größe in µm\n" + TEXTS["plain"]).encode(encoding)
    np.testing.assert_allclose(read_text(tmp_path, content)["mu"], plain["mu"], rtol=1e-12)


def test_names_that_run_together() -> None:
    """Fields of 12: the second name is as long as its field, which hides where the third begins."""
    line = "Energy *    Preset timesI0-32       It-32       "
    for head in (["a sentence of four", line], [line, "a sentence of four"]):
        names = column_names.find_column_names({}, head, 4)
        assert names == ["Energy", "Preset times", "I0-32", "It-32"]
    simple = [column_names.simplify_name(name) for name in names]
    assert simple == ["energy", "preset times", "i0", "it"]


def test_what_follows_the_rows_is_told() -> None:
    found = column_text.parse_column_text(Path("a.dat"), "# e mu\n1 2\n3 4\nend\nof scan\n")
    assert found.columns["mu"].tolist() == [2, 4]
    assert found.remarks == ("line 4 'end' and what follows it is no data: left out",)


@pytest.mark.parametrize("unit", ["deg", "A", "mm"])
def test_an_energy_that_is_none_is_refused(tmp_path: Path, unit: str) -> None:
    with pytest.raises(BadInput, match=rf"is in '{unit}', which is no energy"):
        read_text(tmp_path, write(f"# Energy ({unit})\tI0\tIt\tIref\n").encode())


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("e mu\n1,5 2,5\n3,5 4,5\n", [[1.5, 3.5], [2.5, 4.5]]),
        ("e mu\n1,2\n3,4\n", [[1, 3], [2, 4]]),
        ("e mu\n1, 2\n3, 4\n", [[1, 3], [2, 4]]),
        ("e mu\n1.0D+3 nan\n2.0d-3 1\n", [[1000, 0.002], [np.nan, 1]]),
    ],
)
def test_commas_and_exponents(text: str, columns: list[list[float]]) -> None:
    found = column_text.parse_column_text(Path("a.dat"), text)
    np.testing.assert_array_equal(list(found.columns.values()), columns)


@pytest.mark.parametrize("name", ["bom.dat", "csv.csv", "units.txt"])
def test_the_cases(cases_folder: Path, name: str) -> None:
    found = read.read_scans(cases_folder / "xas" / name, ScanReading(), LABELS)
    assert found.sizes == {"scan": 1, "point": 462}
    assert float(found["mu"].values[0, 0]) == pytest.approx(np.log(5004.0 / 726.375))
    assert float(found["mu_foil"].values[0, 0]) == pytest.approx(np.log(726.375 / 1401.875))


def test_a_number_that_is_cut_is_refused() -> None:
    whole = "# energy i0\n" + "".join(f"{7000 + n}.25 {n}.1250\n" for n in range(6))
    for text in (whole, whole.rstrip(), whole + "7006.25 6.1250"):
        assert len(column_text.parse_column_text(Path("a.dat"), text).columns["i0"]) >= 6
    for left in ("6.125", "6.", "6"):
        with pytest.raises(BadInput, match=rf"a\.dat: ends within a number \('{left}'\); copy it"):
            column_text.parse_column_text(Path("a.dat"), f"{whole}7006.25 {left}")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("AlKa_sum_cps_c3", ("Al", "K")),
        ("Fe Ka", ("Fe", "K")),
        ("Pt_La1", ("Pt", "L")),
        ("GeKalpha", ("Ge", "K")),
        ("KKa", ("K", "K")),
        ("XMAP4:AsKa_Sum", ("As", "K")),
        ("fx_det0_FeKa", ("Fe", "K")),
        ("FeKa_dead_time", None),
        ("FeKa_gain", None),
        ("Kalpha", None),
        ("XyKa", None),
        ("FeKabc", None),
        ("Ka", None),
    ],
)
def test_columns_named_after_emission_lines(name: str, line: tuple[str, str] | None) -> None:
    assert column_names.parse_emission_line(name) == line


@pytest.mark.parametrize("head", ["", "energy, i0, itrans, iref, a, b, c, d\n"])
def test_commas_that_part_numbers_are_not_decimal_without_headings(tmp_path: Path, head) -> None:
    """``7100,5, 1,2`` is two numbers or four: only headings tell."""
    text = head + write("", "; ").replace(".", ",").replace(";", ",")
    assert len(parse_column_text(tmp_path / "a.dat", text).columns) == 8
