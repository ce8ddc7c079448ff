"""The page in a real browser: it draws, refreshes by itself, fetches nothing from elsewhere, and
fits a phone."""

import json
import re
import subprocess
import time
from pathlib import Path

import pytest
from live.made_live import play, simulate_frames, write_campaign
from test_report_browser import BROWSER, FLAGS

from ssbchar.live import watch
from ssbchar.live.server import Board, read_page, serve

PROBE = """
<script>
addEventListener("load", async () => {
  const wait = (ms) => new Promise((after) => setTimeout(after, ms));
  const seen = [];
  while (known < 2) {
    await wait(100);
    const text = document.querySelector(".facts b")?.textContent;
    if (text && seen.at(-1) !== text) seen.push(text);
  }
  await wait(100);
  seen.push(document.querySelector(".facts b").textContent);
  const select = document.querySelector("select");
  const before = document.querySelector("figure svg").getAttribute("aria-label");
  select.value = "c";
  select.dispatchEvent(new Event("input", { bubbles: true }));
  const after = document.querySelector("figure svg").getAttribute("aria-label");
  const all = (css, from = document) => Array.from(from.querySelectorAll(css));
  const shown = "figure:not([hidden])";
  const labels = all(`${shown} svg[role=img]`).map((e) => e.getAttribute("aria-label"));
  const marks = all(`${shown} .chart`).map((e) => all("path, image, rect", e).length);
  const fetched = performance.getEntriesByType("resource").map((r) => r.name);
  const aside = document.querySelector(".aside summary").textContent;
  const unnamed = document.querySelectorAll("select:not([id]), th:empty").length;
  document.documentElement.style.width = "400px";
  document.body.style.width = "400px";
  dispatchEvent(new Event("resize"));
  await wait(50);
  const right = Math.max(...all("body *:not(.skip)").map((e) => e.getBoundingClientRect().right));
  const note = document.createElement("pre");
  note.id = "probe";
  const status = document.getElementById("link").textContent;
  note.textContent = JSON.stringify(
    { seen, before, after, labels, marks, fetched, aside, unnamed, right, status });
  document.body.append(note);
});
</script>
</body>
"""

pytestmark = pytest.mark.skipif(
    not BROWSER, reason="no Chromium here (Debian: apt-get install chromium)"
)


BUDGETS = (20_000, 200_000, 2_000_000)
"""Times of the browser's own clock [ms], which does not wait for a server on a busy machine."""


def open_page(address: str, profile: Path, budget: int) -> "subprocess.CompletedProcess[str]":
    words = [str(BROWSER), *FLAGS, f"--virtual-time-budget={budget}"]
    words += [f"--user-data-dir={profile}", "--window-size=400,900", "--dump-dom", address]
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=True)


class Stepping(Board):
    """Shows the second state to whoever knows the first."""

    first: dict
    later: dict

    def read(self, known: int) -> bytes | None:
        if known < 0:
            self._version = 0
            self.publish(self.first)
        if known == 1:
            self.publish(self.later)
        return super().read(known)


def describe(watcher: watch.Watcher, frames: int) -> dict:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        watcher.advance(time.monotonic())
        state = json.loads(json.dumps(watcher.describe()))
        if state["measurements"][0]["history"]["frames"] == frames:
            return {"run": "beam", "ended": False, **state}
        time.sleep(0.02)
    raise AssertionError("the frames were not taken")


def test_the_page_draws_refreshes_and_fits_a_phone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ssbchar.live.arrivals.PATIENCE", 0.0)
    write_campaign(tmp_path)
    texts, _ = simulate_frames(5)
    play(tmp_path / "raw", texts[:3])
    (tmp_path / "raw/frame_009.xye").write_text("no numbers here\n")
    watcher = watch.Watcher("config.yaml", watch.WatchWords(steady=0.1))
    board = Stepping()
    board.first = describe(watcher, 3)
    play(tmp_path / "raw", texts[3:], 3)
    board.later = describe(watcher, 5)
    watcher.close()
    page = read_page("beam").replace("</body>", PROBE)
    with serve(board, page, 0) as address:
        for budget in BUDGETS:
            done = open_page(address, tmp_path / f"profile{budget}", budget)
            found = re.search(r'<pre id="probe">(.*?)</pre>', done.stdout, flags=re.S)
            if found:
                break
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert found and said == [], said
    seen = json.loads(found[1])
    assert (seen["seen"][0], seen["seen"][-1]) == ("3", "5")
    assert seen["status"] == "Refreshes by itself."
    assert seen["before"].startswith("Change of the volume in percent of each phase")
    assert seen["after"].startswith("Change of the length c") and "LFP" in seen["after"]
    # Cells, last pattern, map, phases: each says what it shows.
    assert len(seen["labels"]) == 4 and all(len(label) > 30 for label in seen["labels"])
    assert min(seen["marks"]) >= 2
    assert all(name.startswith((address, "data:")) for name in seen["fetched"])
    assert seen["aside"] == "Set aside: 1" and seen["unnamed"] == 0
    assert seen["right"] <= 400
