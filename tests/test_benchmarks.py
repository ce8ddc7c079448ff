"""The benchmark runner: keys, ratios, a module that fails, the page."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOOD = """
from benchmarks import timed, version
def cases():
    seconds, total = timed(lambda: sum(range(1000)), 2)
    yield {"case": "sum | plain", "ours_s": 2e-3, "peer": "pytest", "peer_s": 0.5,
           "peer_version": version("pytest"), "agreement": f"total {total}"}
    yield {"case": "alone", "ours_s": 3.0, "peer": "absent", "peer_s": None,
           "peer_version": version("no such package"), "agreement": ""}
"""


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the runner with two benchmarks, one of which fails."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (tmp_path / "docs").mkdir()
    for name in ("__init__.py", "__main__.py"):
        (folder / name).write_text((ROOT / "benchmarks" / name).read_text())
    (folder / "good.py").write_text(GOOD)
    (folder / "wrong.py").write_text("def cases():\n    yield {'case': 'x'}\n")
    return tmp_path


def call(folder: Path, *words: str) -> tuple[int, str, str]:
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words], cwd=folder, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def test_all_cases_are_written_with_their_ratio_and_a_failure_is_told(runner: Path) -> None:
    code, out, err = call(runner)
    assert code == 1
    assert "failed: wrong" in err
    assert "a benchmark case has the keys" in err
    found = json.loads((runner / "benchmarks/results.json").read_text())
    assert [list(case) for case in found] == [
        ["case", "ours_s", "peer", "peer_version", "peer_s", "ratio", "agreement"]
    ] * 2
    assert found[0]["ratio"] == pytest.approx(250)
    assert found[0]["agreement"] == "total 499500"
    assert (found[1]["ratio"], found[1]["peer_s"]) == (None, None)
    page = (runner / "docs/benchmarks.md").read_text()
    assert (
        f"| sum \\| plain | 2 ms | pytest {pytest.__version__} | 500 ms | 250 | total 499500 |"
        in page
    )
    assert "| alone | 3 s | absent (not installed) |  |  |  |" in page
    assert "2 cases: benchmarks/results.json" in out


def test_named_benchmarks_are_printed_and_not_written(runner: Path) -> None:
    code, out, _ = call(runner, "good")
    assert code == 0
    assert "| alone |" in out
    assert not (runner / "benchmarks/results.json").exists()
    assert call(runner, "nosuch")[0] == 1


def test_the_oracle_of_absorption_reads_every_real_spectrum(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from benchmarks import oracle_xas

    monkeypatch.setenv("SSBCHAR_REAL_DATA", str(real_data))
    found = oracle_xas.real()
    kinds = {label.partition("[")[0].rpartition(".")[2] for label in found}
    assert len(found) >= 20 and kinds == {"dat", "xdi", "prj", "nor"}
    assert all(energy[0] < e0 < energy[-1] for energy, _, e0 in found.values())
