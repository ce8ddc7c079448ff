"""Scans are merged anew with each one that comes, experiments processed when their last file is
whole; what is compared with another follows it."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import made_raw
import pytest
from live.made_live import read_journal, write_campaign

from ssbchar.campaign.config import read_config
from ssbchar.live import process_spectra, watch
from ssbchar.live.spectra import SpectraProcess

WORDS = watch.WatchWords(port=0, steady=0.1, every=0.02)
ROWS = (
    "before\tA\txas\tpristine\traw_xas/before\t\t\t\t\t\n"
    "after\tA\txas\tcycled\traw_xas/after\t\t\t\tbefore\t\n"
    "echo\tLi\tnmr\tspectrum\traw_nmr/10\t\t\t\t\t\n"
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(watch, "STEADY_SPECTRA", 0.1)
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_CONFIGS", 0.1)
    write_campaign(tmp_path, ROWS)
    shutil.rmtree(tmp_path / "raw")
    yield tmp_path


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    before = SpectraProcess.__init__

    def begin(self: SpectraProcess) -> None:
        before(self)
        self._pool = ThreadPoolExecutor(1)  # type: ignore[assignment]
        self._pool._processes = {}  # type: ignore[union-attr]

    monkeypatch.setattr(SpectraProcess, "__init__", begin)


def follow(watcher: watch.Watcher, name: str, until, seconds: float = 120) -> dict:
    """Advance until something is true of a measurement; return what the page shows of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watcher.advance(time.monotonic())
        for state in watcher.describe()["measurements"]:
            if state["measurement"] == name and until(state):
                return state
        time.sleep(0.02)
    raise AssertionError(str(watcher.describe())[:3000])


def test_scans_are_merged_anew_and_compared_when_both_are_there(
    here: Path, in_this_process: None
) -> None:
    made_raw.write_scans(here / "raw_xas/after", "a.001", seed=2)
    watcher = watch.Watcher("config.yaml", WORDS)
    alone = follow(watcher, "after", lambda s: s["taken"] == 1)
    assert "before is not there yet: this is without it" in alone["notes"]
    assert "structure" not in [row["quantity"] for row in alone["rows"]]
    made_raw.write_scans(here / "raw_xas/after", "a.002", seed=3)
    follow(watcher, "after", lambda s: s["taken"] == 2)
    made_raw.write_scans(here / "raw_xas/before", "b.001", "b.002", seed=1)
    after = follow(watcher, "after", lambda s: not s["notes"])
    assert [curve["name"] for curve in after["spectrum"]["curves"]] == ["a.002", "merged"]
    assert "structure" in [row["quantity"] for row in after["rows"]]
    # What is shown is what the steps make of all files at once.
    run = read_config("config.yaml", look=True)
    files = [Path(f"raw_xas/before/b.00{n}") for n in (1, 2)]
    whole = process_spectra.process(run, run.row("before"), files, {})
    shown = follow(watcher, "before", lambda s: s["taken"] == 2)
    assert [r["value"] for r in shown["rows"]] == [r["value"] for r in whole.rows]
    watcher.close()
    taken = [entry["files"] for entry in read_journal(here, "xas/after") if "files" in entry]
    assert taken == [["raw_xas/after/a.001"], ["raw_xas/after/a.002"], []]


def test_an_experiment_waits_for_its_last_file(here: Path, in_this_process: None) -> None:
    made_raw.write_echoes(here / "made/10", series=False)
    shutil.copytree(here / "made/10", here / "raw_nmr/10", ignore=shutil.ignore_patterns("fid"))
    content = (here / "made/10/fid").read_bytes()
    (here / "raw_nmr/10/fid").write_bytes(b"")
    watcher = watch.Watcher("config.yaml", WORDS)
    follow(watcher, "echo", lambda s: s["waiting"] > 0)
    for _ in range(30):
        watcher.advance(time.monotonic())
        time.sleep(0.02)
    assert watcher.count == 0
    (here / "raw_nmr/10/fid").write_bytes(content)
    state = follow(watcher, "echo", lambda s: s["taken"] == 1)
    watcher.close()
    assert [curve["name"] for curve in state["spectrum"]["curves"]] == ["measured", "model"]
    assert "li_metal_fraction" in [row["quantity"] for row in state["rows"]]


def test_what_cannot_be_used_is_told_and_the_process_beside_does_the_work(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own, as in a watch."""
    monkeypatch.setattr("ssbchar.live.arrivals.PATIENCE", 0.2)
    monkeypatch.setattr("ssbchar.live.arrivals.SECONDS_BETWEEN_TRIES", 0.05)
    (here / "raw_xas/before").mkdir(parents=True)
    (here / "raw_xas/before/b.001").write_text("no scan\n")
    watcher = watch.Watcher("config.yaml", WORDS)
    state = follow(watcher, "before", lambda s: s["set_aside"]["count"] == 1)
    assert "b.001" in state["set_aside"]["last"][0]["where"]
    made_raw.write_scans(here / "raw_xas/before", "b.002")
    state = follow(watcher, "before", lambda s: bool(s["spectrum"]))
    assert state["set_aside"]["count"] == 1 and state["waits_for"] == ""
    watcher.close()


def test_nobody_waits_for_each_other(here: Path) -> None:
    run = read_config("config.yaml")
    need = {row.measurement: process_spectra.list_needed(run, row) for row in run.rows}
    assert need["after"] == ["before"] and need["before"] == []
    rows = [
        ("spectrum", "one", ["two", "three"]),
        ("decay", "two", []),
        ("repeat", "three", []),
    ]
    made = [
        process_spectra.Row(measurement=name, sample="Li", technique="nmr", role=role, path="raw")
        for role, name, _ in rows
    ]
    run = replace(run, rows=made)
    assert [process_spectra.list_needed(run, row) for row in made] == [r[2] for r in rows]
