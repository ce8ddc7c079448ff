"""A series played into a folder: every frame taken once, as it would be in one go; killed and
started again nothing is lost; what cannot be read is set aside and told."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from live.made_live import FRAMES, play, read_journal, simulate_frames, write_campaign

from ssbchar import cli
from ssbchar.errors import BadInput
from ssbchar.live import watch
from ssbchar.results.figures import style

ROOT = Path(__file__).parent.parent.parent
TEXTS, AT = simulate_frames()
WORDS = watch.WatchWords(port=0, steady=0.15, every=0.03, until=FRAMES)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_campaign(tmp_path)
    return tmp_path


def frames_of(folder: Path) -> list[dict]:
    return [
        {"file": Path(entry["file"]).name, "place": entry["place"], **frame}
        for entry in read_journal(folder)
        for frame in entry.get("frames", [])
    ]


def follow(watcher: watch.Watcher, until, seconds: float = 120) -> dict:
    """Advance until something is true of the series; return what the page shows of it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        watcher.advance(time.monotonic())
        (state,) = watcher.describe()["measurements"]
        if until(state):
            return state
        time.sleep(0.02)
    raise AssertionError(json.dumps(watcher.describe())[:3000])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[dict]:
    """The frames of a watch that found them all in the folder."""
    folder = tmp_path_factory.mktemp("whole")
    before = Path.cwd()
    os.chdir(folder)
    try:
        write_campaign(folder)
        play(folder / "raw", TEXTS)
        watch.watch("config.yaml", WORDS, lambda line: None)
    finally:
        os.chdir(before)
    return frames_of(folder)


def same(found: list[dict], whole: list[dict]) -> None:
    """All but names of folders and times is the same, to the last digit."""
    keys = ("temperature", "map", "scale", "present", "cell", "cell_stderr", "rwp", "place")
    assert [e["file"] for e in found] == [e["file"] for e in whole]
    for one, other in zip(found, whole, strict=True):
        assert json.dumps([one[k] for k in keys]) == json.dumps([other[k] for k in keys])


def test_a_played_series_is_taken_frame_by_frame(here: Path, undisturbed: list[dict]) -> None:
    play(here / "raw", TEXTS[:1])
    player = threading.Thread(target=play, args=(here / "raw", TEXTS[1:], 1, 0.05))
    said: list[str] = []
    player.start()
    watch.watch("config.yaml", dataclasses.replace(WORDS, steady=0.4), said.append)
    player.join()
    every = frames_of(here)
    # A writer that was held up between two halves is read too early, and again.
    found = list({entry["file"]: entry for entry in every}.values())
    assert len(found) == FRAMES
    if len(every) == FRAMES:
        same(found, undisturbed)
    assert [round(e["temperature"], 2) for e in found] == np.round(AT, 2).tolist()
    seconds = sorted(e["latency"] for e in found if e["latency"] is not None)
    print(f"shown after {seconds[len(seconds) // 2]:.2f} s, at most {seconds[-1]:.2f} s")
    assert seconds
    assert "1 measurement followed" in said[0] and said[1].startswith("page: http://127.0.0.1:")
    assert f"{FRAMES} frames" in said[-1]
    # Nothing of it is in the place of a run's results.
    assert [path.name for path in (here / "results").iterdir()] == [".live"]


def test_what_is_shown_is_what_is_true(here: Path) -> None:
    play(here / "raw", TEXTS)
    watcher = watch.Watcher("config.yaml", WORDS)
    state = follow(watcher, lambda s: s["history"]["frames"] == FRAMES)
    watcher.close()
    history = state["history"]
    # As in the figures of the run.
    assert history["colours"] == list(style.assign_colours(["LFP", "NCM811"]).values())
    lfp, ncm = history["so_far"]
    assert (lfp["phase"], lfp["verdict"], lfp["seen_in"]) == ("LFP", "detected", FRAMES)
    # NCM811 fades away: in the last frame its amount is none.
    assert ncm["verdict"] == "not detected" and ncm["first"]["frame"] == 1
    assert ncm["last"]["frame"] < FRAMES
    # LFP of the simulation expands; its volume is that of the frames' cells.
    assert lfp["volume_change"] > 10 * lfp["volume_change_stderr"] > 0
    assert history["map"]["rows"] == FRAMES == len(history["temperature"])
    assert len(state["last"]["observed"]) == len(state["last"]["calculated"])
    assert state["last"]["name"] == f"frame_{FRAMES:03d}.xye" and state["last"]["gof"] < 1.3
    json.dumps(watcher.describe(), allow_nan=False)


def start(folder: Path) -> "subprocess.Popen[str]":
    words = ["watch", "config.yaml", "--port", "0", "--until", str(FRAMES), "--steady", "0.15"]
    return subprocess.Popen(
        [sys.executable, "-m", "ssbchar", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_killed_midway_and_started_again_nothing_is_lost(
    here: Path, undisturbed: list[dict]
) -> None:
    half = FRAMES // 2
    play(here / "raw", TEXTS[:half])
    with start(here) as killed:
        end = time.monotonic() + 120
        while len(frames_of(here)) < half - 3 and time.monotonic() < end:
            time.sleep(0.02)
        os.kill(killed.pid, signal.SIGKILL)
    assert half - 3 <= len(frames_of(here)) <= half
    with open(here / "results/.live/beam/hexrd/heating.jsonl", "ab") as torn:
        torn.write(b'{"file": "raw/frame_0')
    play(here / "raw", TEXTS[half:], half)
    with start(here) as again:
        said = again.communicate(timeout=300)[0]
    assert again.returncode == 0, said
    assert "ssbchar run config.yaml reads all anew" in said
    same(frames_of(here), undisturbed)


def test_a_watch_that_goes_on_shows_what_was_there(here: Path) -> None:
    play(here / "raw", TEXTS[:4])
    first = watch.Watcher("config.yaml", WORDS)
    before = follow(first, lambda s: s["history"]["frames"] == 4)
    first.close()
    again = watch.Watcher("config.yaml", WORDS)
    state = follow(again, lambda s: bool(s["last"]))
    again.close()
    assert state["history"] == before["history"]
    assert state["last"]["name"] == before["last"]["name"]
    assert np.allclose(state["last"]["observed"], before["last"]["observed"])
    assert state["last"]["gof"] == pytest.approx(before["last"]["gof"], rel=1e-3)


def test_a_file_that_is_no_pattern_is_set_aside_and_the_others_go_on(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssbchar.live.arrivals.PATIENCE", 0.3)
    monkeypatch.setattr("ssbchar.live.arrivals.SECONDS_BETWEEN_TRIES", 0.05)
    play(here / "raw", TEXTS[:3])
    (here / "raw/frame_002.xye").write_text("no numbers here\n")
    watcher = watch.Watcher("config.yaml", WORDS)
    state = follow(watcher, lambda s: s["set_aside"]["count"] == 1)
    assert "frame_002.xye" in state["set_aside"]["last"][0]["where"]
    state = follow(watcher, lambda s: s["history"]["frames"] == 2)
    # Written anew it is taken after all.
    play(here / "raw", TEXTS[1:2], 1)
    state = follow(watcher, lambda s: s["history"]["frames"] == 3)
    watcher.close()
    assert state["set_aside"]["count"] == 0 and watcher.count == 3


def test_a_row_that_comes_later_is_followed_and_a_changed_option_begins_anew(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SECONDS_BETWEEN_CONFIGS", 0.0)
    watcher = watch.Watcher("config.yaml", WORDS)
    # The folder is empty: the row waits, and is told.
    assert not watcher.measurements and "without files" in watcher.faults[0]
    play(here / "raw", TEXTS[:2])
    watcher.advance(time.monotonic())
    assert list(watcher.measurements) == ["heating"] and not watcher.faults
    follow(watcher, lambda s: s["history"]["frames"] == 2)
    write_campaign(here, hexrd={"read": {"wavelength": 0.24117}, "refine": {"search": 0.011}})
    watcher.advance(time.monotonic())
    follow(watcher, lambda s: s["history"]["frames"] == 2)
    assert len(frames_of(here)) == 2
    assert (here / "results/.live/beam/hexrd/heating.jsonl.old").is_file()
    (here / "config.yaml").write_text("run: [\n")
    watcher.advance(time.monotonic())
    assert watcher.faults and list(watcher.measurements) == ["heating"]
    watcher.close()


def test_a_second_watch_is_refused(here: Path) -> None:
    play(here / "raw", TEXTS[:1])
    first = watch.Watcher("config.yaml", WORDS)
    with pytest.raises(BadInput, match="another `ssbchar watch`"):
        watch.Watcher("config.yaml", WORDS)
    first.close()


def test_the_end_is_the_run(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(here / "raw", TEXTS[:2])
    asked = []

    def run(config: str, words: object, **_: object) -> int:
        asked.append((config, words.cores, words.only))  # type: ignore[attr-defined]
        return 0

    monkeypatch.setattr("ssbchar.pipeline.run.run_workflow", run)
    words = ["watch", "config.yaml", "--port", "0", "--until", "2", "--cores", "2"]
    assert cli.main(words) == 0 and asked == []
    assert cli.main([*words, "--finish"]) == 0
    assert asked == [("config.yaml", "2", ())]


@pytest.mark.parametrize("words", [("--port", "70000"), ("--until", "0"), ("--steady", "-1")])
def test_numbers_out_of_range_are_refused(
    words: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["watch", "config.yaml", *words]) == 1
    assert words[0] in capsys.readouterr().err


def test_ctrl_c_ends_well(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(here / "raw", TEXTS[:1])
    said: list[str] = []

    def interrupt(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(watch.Watcher, "advance", interrupt)
    watch.watch("config.yaml", WORDS, said.append)
    assert "what was taken is kept" in said[-1]


def test_a_file_that_grows_goes_on_at_its_end(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HDF5 of many frames, written again with more: the first ones are not refined anew."""
    monkeypatch.setattr("ssbchar.live.diffraction.FRAMES_AT_ONCE", 2)
    intensity = np.array(
        [[float(line.split()[1]) for line in text.splitlines()[3:]] for text in TEXTS[:7]]
    )
    axis = np.array([float(line.split()[0]) for line in TEXTS[0].splitlines()[3:]])

    def write(count: int) -> None:
        path = here / "raw/all.h5"
        with h5py.File(path.with_suffix(".part"), "w") as file:
            data = file.create_group("entry/data")
            data.attrs.update(
                {"NX_class": "NXdata", "signal": "intensity", "axes": [".", "two_theta"]}
            )
            data["intensity"], data["two_theta"] = intensity[:count], axis
            data["two_theta"].attrs["units"] = "degree"
        path.with_suffix(".part").replace(path)

    write(5)
    watcher = watch.Watcher("config.yaml", WORDS)
    follow(watcher, lambda s: s["history"]["frames"] == 5)
    write(7)
    follow(watcher, lambda s: s["history"]["frames"] == 7)
    watcher.close()
    pieces = [[f["index"] for f in e["frames"]] for e in read_journal(here) if "frames" in e]
    assert pieces == [[0, 1], [2, 3], [4], [5, 6]]
