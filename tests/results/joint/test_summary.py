"""The summary table: its columns, order, rounding, and what set-aside measurements become."""

import csv
import math
from pathlib import Path

import made_report
import pytest

from ssbchar.conclusion import COLUMNS, Conclusion
from ssbchar.results.joint.summary import read_summary


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
