"""The report in a real browser: every figure loads, nothing is complained of, nothing is
fetched."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import made_report
import pytest

from ssbchar.results.report import closer_look

BROWSER = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=20000",
)
PROBE = """
<script>
addEventListener("load", async () => {
  const images = Array.from(document.images, (i) => i.naturalWidth);
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  const select = document.getElementById("by-technique");
  const count = () => document.querySelectorAll(".entry:not([hidden])").length;
  const all = count();
  select.value = "nmr";
  select.dispatchEvent(new Event("input", { bubbles: true }));
  const left = count();
  document.getElementById("filter").reset();
  location.hash = "#alone-s1";
  await new Promise((after) => setTimeout(after, 50));
  const alone = Array.from(document.querySelectorAll("section.sample:not([hidden])"), (e) => e.id);
  location.hash = "#s2";
  await new Promise((after) => setTimeout(after, 50));
  const again = document.querySelectorAll("section.sample:not([hidden])").length;
  const fetched = performance.getEntriesByType("resource").map((r) => r.name)
    .filter((n) => !n.startsWith("data:"));
  const note = document.createElement("pre");
  note.id = "probe";
  note.textContent = JSON.stringify({ images, wide, all, left, alone, again, fetched });
  document.body.append(note);
});
</script>
</body>
"""

pytestmark = pytest.mark.skipif(
    not BROWSER, reason="no Chromium here (Debian: apt-get install chromium)"
)


def opened(page: Path, profile: Path, *more: str) -> tuple[str, list[str]]:
    """Return the page's document after its scripts ran, and what the console said."""
    words = [
        str(BROWSER),
        *FLAGS,
        *more,
        f"--user-data-dir={profile}",
        "--dump-dom",
        page.resolve().as_uri(),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def probed(report: Path, profile: Path, *more: str) -> tuple[dict[str, list[float]], list[str]]:
    """Return what a script added to a copy of the report sees in it, and what the console said."""
    copy = profile.with_suffix(".html")
    copy.write_text(report.read_text(encoding="utf-8").replace("</body>", PROBE), encoding="utf-8")
    document, console = opened(copy, profile, *more)
    found = re.search(r'<pre id="probe">(.*?)</pre>', document, flags=re.S)
    assert found, f"the page's scripts did not run: {console}"
    return json.loads(found[1]), console


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = made_report.small(tmp_path_factory.mktemp("run") / "demo")
    run.add("dense", "LAGP+LFP", "hexrd", [], drawings={"many": made_report.drawing(5, 30_000)})
    return run.write({"svg_limit": 50})


def test_figures_load_scripts_run_and_nothing_is_fetched(report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    assert "data:image/png" in text
    assert "data:image/svg+xml" in text
    seen, console = probed(report, tmp_path / "profile")
    assert len(seen["images"]) == 5
    assert all(width > 0 for width in seen["images"])
    assert console == []
    assert seen["fetched"] == []
    assert 0 < seen["left"] < seen["all"]
    assert seen["alone"] == ["s1"]
    assert seen["again"] == 3


def test_the_page_itself_never_scrolls_sideways_on_a_narrow_screen(
    report: Path, tmp_path: Path
) -> None:
    seen, _ = probed(report, tmp_path / "narrow", "--window-size=500,900")
    assert seen["wide"] == 0


SEARCH = """
  const words = document.getElementById("by-text");
  const found = {};
  for (const word of ["lattice", "CTE", "Rwp", "nonsense"]) {
    words.value = word;
    words.dispatchEvent(new Event("input", { bubbles: true }));
    found[word] = count();
  }
  const labels = document.querySelectorAll("td[data-label]").length;
  // A headless window is no narrower than 500 pixels: the page itself is made so.
  document.documentElement.style.width = "400px";
  const right = Math.max(...Array.from(document.querySelectorAll("body *"),
    (e) => e.getBoundingClientRect().right));
"""


def test_a_phone_stacks_the_tables_and_words_find_what_they_mean(
    report: Path, tmp_path: Path
) -> None:
    """400 pixels: nothing scrolls sideways, neither the page nor a table in it."""
    text = report.read_text(encoding="utf-8")
    probe = (
        PROBE.replace("  const left = count();", f"  const left = count();{SEARCH}")
        .replace(
            "{ images, wide,",
            "{ inner: Array.from(document.querySelectorAll('.scroll'), "
            "(e) => e.scrollWidth - e.clientWidth), found, labels, right, images, wide,",
        )
        .replace('select.value = "nmr"', 'select.value = ""')
    )
    copy = tmp_path / "phone.html"
    copy.write_text(text.replace("</body>", probe), encoding="utf-8")
    document, console = opened(copy, tmp_path / "profile", "--window-size=400,900")
    found = re.search(r'<pre id="probe">(.*?)</pre>', document, flags=re.S)
    assert found, f"the page's scripts did not run: {console}"
    seen = json.loads(found[1])
    assert seen["right"] <= 400
    assert seen["wide"] == 0 and max(seen["inner"]) <= 0
    assert seen["labels"] > 20
    # The row of a cell, which does not say so, and five figures, which do.
    assert seen["found"]["lattice"] == 6
    assert seen["found"]["CTE"] == 1
    assert seen["found"]["nonsense"] == 0


CLOSER = """
  const closer = document.querySelector("details.closer"), hiddenAtFirst = closer.hidden;
  closer.open = true;
  await new Promise((after) => setTimeout(after, 200));
  const canvases = closer.querySelectorAll("canvas").length;
  const names = Array.from(closer.querySelectorAll(".u-legend th"), (e) => e.textContent);
  const over = closer.querySelector(".u-over"), box = over.getBoundingClientRect();
  const at = (type, x) => over.dispatchEvent(new MouseEvent(type, { bubbles: true,
    clientX: box.left + x * box.width, clientY: box.top + 0.5 * box.height }));
  at("mouseenter", 0.5);
  at("mousemove", 0.5);
  await new Promise((after) => setTimeout(after, 100));
  const read = Array.from(closer.querySelectorAll(".u-legend td"), (e) => e.textContent);
  const labels = () => Array.from(closer.querySelectorAll("button"), (e) => e.textContent);
  closer.querySelector("button").click();
  const buttons = labels();
  const press = (key) => over.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  const status = () => closer.querySelector(".read").textContent;
  const keys = ["Home", "ArrowRight", "End"].map((key) => { press(key); return status(); });
  const reachable = over.tabIndex;
"""


def test_curves_open_under_their_figure_and_are_read_off(report: Path, tmp_path: Path) -> None:
    text = report.read_text(encoding="utf-8")
    made = "closers: document.querySelectorAll('details.closer').length, hiddenAtFirst, canvases"
    probe = PROBE.replace("  const images =", f"{CLOSER}  const images =").replace(
        "{ images, wide,", f"{{ {made}, names, read, buttons, keys, reachable, images, wide,"
    )
    copy = tmp_path / "closer.html"
    copy.write_text(text.replace("</body>", probe), encoding="utf-8")
    document, console = opened(copy, tmp_path / "profile")
    found = re.search(r'<pre id="probe">(.*?)</pre>', document, flags=re.S)
    assert found, f"the page's scripts did not run: {console}"
    seen = json.loads(found[1])
    assert console == [] and seen["fetched"] == []
    assert seen["closers"] >= 1 and not seen["hiddenAtFirst"] and seen["canvases"] >= 1
    assert "temperature (°C)" in seen["names"][0]
    # In the middle of 0 to 10: the value there, to a step of the curve.
    assert float(seen["read"][0]) == pytest.approx(5, abs=0.1)
    assert seen["buttons"] == ["Nearer", "Farther", "Left", "Right", "All"]
    # By keyboard: what is shown from its first point on.
    assert seen["reachable"] == 0
    places = [float(re.search(r"\) (-?[\d.e-]+), \w", said)[1]) for said in seen["keys"]]  # type: ignore[index]
    assert places[0] < places[1] < places[2]
    assert places[1] - places[0] < 0.5 < places[2] - places[0]
    assert seen["wide"] == 0


MAP_PAGE = """<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">
<details class="closer" data-curves="curves" hidden><summary>look</summary></details>
<script type="application/json" id="curves">{panels}</script>
<script>{script}</script>
<script>
addEventListener("load", async () => {{
  const closer = document.querySelector("details.closer");
  closer.open = true;
  await new Promise((after) => setTimeout(after, 300));
  const canvas = closer.querySelector("canvas");
  const said = () => closer.querySelector(".read").textContent;
  const press = (key, shiftKey) => {{
    canvas.dispatchEvent(new KeyboardEvent("keydown", {{ key, shiftKey, bubbles: true }}));
    return said();
  }};
  const box = canvas.getBoundingClientRect();
  const at = (type, x, y) => canvas.dispatchEvent(new MouseEvent(type, {{ bubbles: true,
    clientX: box.left + 70 + x * (box.width - 78),
    clientY: box.top + 8 + y * (box.height - 52) }}));
  const keys = [press("ArrowUp"), press("ArrowRight"), press("ArrowLeft", true)];
  at("mousemove", 0.001, 0.999);
  const corner = said();
  at("mousedown", 0.5, 0.5);
  at("mouseup", 0.999, 0.001);
  at("mousemove", 0.001, 0.999);
  const inside = said();
  canvas.dispatchEvent(new MouseEvent("dblclick", {{ bubbles: true }}));
  at("mousemove", 0.001, 0.999);
  const all = said();
  const pixel = canvas.getContext("2d").getImageData(canvas.width - 40, 20, 1, 1).data;
  const note = document.createElement("pre");
  note.id = "probe";
  note.textContent = JSON.stringify({{ keys, corner, inside, all, pixel: Array.from(pixel) }});
  document.body.append(note);
}});
</script></body>
"""


def test_maps_are_zoomed_and_read_off(tmp_path: Path) -> None:
    # The value is the place: 100 times y, and x.
    x, y = range(40), range(20)
    lines = [",".join(["y", *map(str, x)])]
    lines += [",".join([str(b), *(str(100 * b + a) for a in x)]) for b in y]
    panel = closer_look.read_map("\n".join(lines) + "\n", "a", ["angle", "time (h)"])
    page = tmp_path / "map.html"
    text = MAP_PAGE.format(
        panels=closer_look.write_panels([panel]), script=closer_look.read_library()[0]
    )
    page.write_text(text, encoding="utf-8")
    document, console = opened(page, tmp_path / "profile")
    found = re.search(r'<pre id="probe">(.*?)</pre>', document, flags=re.S)
    assert found and console == [], console
    seen = json.loads(found[1])
    # From the middle up, right, and ten to the left.
    assert seen["keys"] == [
        "angle 20, time (h) 11: 1120",
        "angle 21, time (h) 11: 1121",
        "angle 11, time (h) 11: 1111",
    ]
    assert seen["corner"] == seen["all"] == "angle 0, time (h) 0: 0"
    angle, time = map(int, re.findall(r"(\d+)[,:]", seen["inside"]))
    assert 18 <= angle <= 21 and 8 <= time <= 11
    # Top right stands the largest value, in the palette's last colour.
    assert seen["pixel"][0] > 230 and seen["pixel"][2] < 60


@pytest.mark.slow
def test_a_hundred_samples_open(tmp_path: Path) -> None:
    seen, console = probed(made_report.large(tmp_path / "many").write(), tmp_path / "profile")
    assert len(seen["images"]) == 600
    assert all(width > 0 for width in seen["images"])
    assert (seen["again"], console) == (100, [])


def test_the_check_sees_faults(tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    figure = "<img src='data:image/png;base64,AAAA' onerror='this.alt=0' alt='fine'>"
    broken.write_text(f"<!doctype html><body>{figure}<script>nothere()</script></body>")
    document, console = opened(broken, tmp_path / "profile")
    assert 'alt="0"' in document
    assert any("nothere is not defined" in line for line in console)


def test_the_report_of_the_last_demonstration_run(tmp_path: Path) -> None:
    page = Path(__file__).parent.parent / "results/demo/report.html"
    if not page.is_file():
        pytest.skip("results/demo/report.html is not there (make run)")
    seen, console = probed(page, tmp_path / "profile")
    assert len(seen["images"]) == page.read_text(encoding="utf-8").count("<figure") > 0
    assert all(width > 0 for width in seen["images"])
    assert console == []
