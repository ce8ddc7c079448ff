"""Two runs are compared by what their rows are about, in units of the total uncertainty."""

from dataclasses import replace
from pathlib import Path

import made_report
import pytest

from ssbchar import cli
from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.results.provenance.compare_runs import compare_conclusions, report_differences


def rows() -> list[Conclusion]:
    source = "results/demo/hexrd/heat/manifest.csv"
    return [replace(c, sample="S", technique="hexrd", source=source) for c in made_report.hexrd()]


def test_the_same_run_under_another_name_is_the_same() -> None:
    other = [replace(c, source=c.source.replace("demo", "other")) for c in rows()]
    assert compare_conclusions(rows(), other) == (4, [])


def test_shifts_are_in_units_of_the_larger_total_uncertainty() -> None:
    a = Conclusion("a", value=1.0, stderr=0.3, systematic=0.4, unit="eV")
    same, (found,) = compare_conclusions([a], [replace(a, value=2.0, stderr=0.1)])
    assert same == 0
    assert found.shift == pytest.approx(2.0)
    _, (found,) = compare_conclusions([a], [replace(a, value=0.0, stderr=None, systematic=1.0)])
    assert found.shift == pytest.approx(-1.0)


def test_order_added_and_lost_rows_and_repeats() -> None:
    base = Conclusion("a", value=1.0, stderr=0.1, unit="eV", subject="x")
    near, far = replace(base, subject="near"), replace(base, subject="far")
    first = [base, base, near, far, replace(base, subject="gone")]
    second = [base, replace(base, value=9.0), replace(near, value=1.05), replace(far, value=3.0)]
    same, found = compare_conclusions(first, second)
    assert same == 1
    assert [round(d.shift, 6) for d in found[1:]] == [80.0, 20.0, 0.5]
    assert found[0].second is None
    assert found[1].key.repeat == 2


def test_a_changed_verdict_or_limit_is_a_difference() -> None:
    changed = [replace(rows()[2], upper95=2.0), replace(rows()[3], verdict="reacts")]
    _, found = compare_conclusions(rows()[2:], changed)
    assert len(found) == 2


def test_on_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_report.small(tmp_path / "one").write()
    run = made_report.Run(tmp_path / "two")
    run.add(
        "heat",
        "LAGP+LFP",
        "hexrd",
        [replace(made_report.hexrd()[0], value=8.257), *made_report.hexrd("reacts")[1:]],
    )
    run.write()
    assert cli.main(["diff", str(tmp_path / "one"), str(tmp_path / "one")]) == 0
    assert capsys.readouterr().out == "11 conclusions the same, 0 not\n"
    assert cli.main(["diff", str(tmp_path / "one"), str(tmp_path / "two")]) == 1
    said = capsys.readouterr().out
    assert "before heating a: 8.25658 ± 0.00012 (stat) ± 0.00040 (syst) Å -> 8.25700" in said
    assert "(+1 u)" in said
    assert "verdict reversible -> reacts" in said
    assert "only in the first" in said
    with pytest.raises(BadInput, match=r"holds no summary\.csv"):
        report_differences(tmp_path / "one", tmp_path)
