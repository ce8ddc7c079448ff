"""The summary table: its columns, order, rounding, and what set-aside measurements become."""

import csv
import math
from pathlib import Path

import made_report
import pytest

from ssbchar.conclusion import COLUMNS, Conclusion
from ssbchar.results.joint.summary import read_summary
from ssbchar.results.number_format import format_value, round_conclusion


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    folder = tmp_path_factory.mktemp("summary")
    made_report.small(folder / "demo").write()
    with open(folder / "demo/summary.csv", newline="", encoding="utf-8") as handle:
        table = csv.DictReader(handle)
        assert tuple(table.fieldnames or ()) == COLUMNS
        return list(table)


def pick(rows: list[dict[str, str]], **wanted: str) -> dict[str, str]:
    found = [r for r in rows if all(r[k] == v for k, v in wanted.items())]
    assert len(found) == 1
    return found[0]


def test_one_row_per_conclusion_by_sample_and_technique(rows: list[dict[str, str]]) -> None:
    order = list(dict.fromkeys((r["sample"], r["technique"]) for r in rows))
    assert order == [
        ("LAGP+LFP", "hexrd"),
        ("LAGP+LFP", "xas"),
        ("LAGP+LFP", "combined"),
        ("LAGP+NCM", "hexrd"),
        ("Li1Si 100 MPa", "nmr"),
        ("Li1Si 100 MPa", "combined"),
    ]
    assert len(rows) == 4 + 2 + 1 + 1 + 2 + 1
    assert [r["quantity"] for r in rows[:4]] == [
        "a",
        "mean_linear_expansion",
        "detection_limit",
        "phase_stability",
    ]


def test_numbers_keep_four_digits_of_their_uncertainty_and_no_value_is_empty(
    rows: list[dict[str, str]],
) -> None:
    cell = pick(rows, quantity="a")
    assert (cell["value"], cell["stderr"], cell["systematic"]) == (
        "8.2565812",
        "0.0001234",
        "0.0004",
    )
    assert float(cell["upper95"]) == pytest.approx(
        8.2565812 + 1.959964 * math.hypot(1.2345e-4, 4e-4), abs=2e-7
    )
    limit = pick(rows, quantity="detection_limit")
    assert (limit["value"], limit["stderr"], limit["lower95"], limit["upper95"]) == (
        "",
        "",
        "",
        "1.234567",
    )


def test_source_is_the_manifest_and_a_lost_measurement_has_its_row(
    rows: list[dict[str, str]],
) -> None:
    assert pick(rows, quantity="a")["source"] == "results/demo/hexrd/heat/manifest.csv"
    lost = pick(rows, sample="LAGP+NCM")
    assert (lost["quantity"], lost["verdict"], lost["reason"]) == (
        "measurement",
        "set aside",
        "the file is empty",
    )


def test_the_table_reads_back_as_the_conclusions_it_holds(tmp_path: Path) -> None:
    run = made_report.Run(tmp_path / "demo")
    odd = [
        Conclusion(
            "NA", value=1e-30, stderr=3e-32, subject="null", condition="007", reason='say "yes", no'
        )
    ]
    run.add("m", "1", "nmr", odd)
    run.write()
    again = read_summary(tmp_path / "demo/summary.csv")
    assert (again[0].quantity, again[0].subject, again[0].condition, again[0].sample) == (
        "NA",
        "null",
        "007",
        "1",
    )
    assert again[0].reason == 'say "yes", no'
    assert again[0].value == pytest.approx(1e-30)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Conclusion("q", value=123456.789, stderr=1234.5678), (123457.0, 1235.0)),
        (Conclusion("q", value=8.123456789e-6, stderr=1.23456e-7), (8.1235e-6, 1.235e-7)),
        (Conclusion("q", value=2.0 / 3.0), (0.66666667, None)),
        (Conclusion("q", value=-0.00001, stderr=0.5), (0.0, 0.5)),
        (Conclusion("q", value=1.0, stderr=0.0), (1.0, 0.0)),
    ],
)
def test_rounding(given: Conclusion, kept: tuple[float, float | None]) -> None:
    made = round_conclusion(given)
    assert (made.value, made.stderr) == kept
    assert math.copysign(1, made.value or 0.0) == math.copysign(1, kept[0])


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (Conclusion("a", value=5.411582, stderr=1.04e-5, unit="angstrom"), "5.411582 ± 0.000010 Å"),
        (
            Conclusion("a", value=5.411582, stderr=1.04e-5, systematic=3.2e-4, unit="angstrom"),
            "5.41158 ± 0.00001 (stat) ± 0.00032 (syst) Å",
        ),
        (Conclusion("e", value=-8.123e-6, stderr=1.2e-7, unit="1/K"), "(−8.12 ± 0.12)×10⁻⁶ 1/K"),
        (Conclusion("p", value=93.1, stderr=0.31, unit="percent"), "(93.10 ± 0.31) %"),
        (Conclusion("p", lower95=25.5, upper95=27.0, unit="percent"), "25.50 to 27.00 % (95 %)"),
        (Conclusion("p", upper95=0.0123, unit="1"), "≤ 0.01230 (95 %)"),
        (Conclusion("v", value=1234.5678, stderr=12.0, unit="eV"), "1235 ± 12 eV"),
        (Conclusion("v", verdict="stable"), ""),
        (Conclusion("v", systematic=1.2, verdict="still_present"), ""),
        (Conclusion("v", value=0.0, stderr=0.02, unit="eV"), "0.000 ± 0.020 eV"),
    ],
)
def test_numbers_for_people_show_two_digits_of_the_largest_uncertainty(
    given: Conclusion, line: str
) -> None:
    assert format_value(given) == line
