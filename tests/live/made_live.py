"""A small campaign for a watch: a heating series that is played into its folder."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import xarray as xr
from hexrd.refinement.test_refine import TABLE, series

from ssbchar.simulate.hexrd import crystal

FRAMES = 20
WAVELENGTH = 0.24117


def write_campaign(folder: Path, rows: str = "", **more: object) -> Path:
    """Write config and sheet of the series ``heating``, and further rows; return the config."""
    (folder / "raw").mkdir(exist_ok=True)
    columns = ("measurement", "sample", "technique", "role", "path", "log", "phases")
    columns += ("calibrant", "compare_to", "reference")
    heating = ("heating", "LFP+NCM811", "hexrd", "series", "raw", "", "LFP,NCM811", "", "", "")
    text = "".join("\t".join(line) + "\n" for line in (columns, heating))
    (folder / "samples.tsv").write_text(text + rows)
    config = {
        "run": "beam",
        "samples": "samples.tsv",
        "phases": str(TABLE),
        "hexrd": {"read": {"wavelength": WAVELENGTH}},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(config))
    return path


def simulate_frames(count: int = FRAMES) -> tuple[list[str], np.ndarray]:
    """Return the text of each frame's file, and its temperature [degC]."""
    at = np.linspace(25, 25 + 8 * (count - 1), count)
    leaving = np.clip((at[-1] - at) / 40, 0, 1) * 900
    patterns = series([crystal.LFP, crystal.NCM811], [900, leaving], at)[0]
    return [_write(patterns, i, t) for i, t in enumerate(at)], at


def _write(patterns: xr.Dataset, i: int, celsius: float) -> str:
    x, y = patterns["two_theta"].values, patterns["intensity"].values[i]
    head = f"/*\n# Temperature (K) = {celsius + 273.15:.2f}\n*/\n"
    rows = zip(x, y, np.sqrt(np.maximum(y, 1)), strict=True)
    return head + "".join(f"{a:.6f} {b:.6f} {c:.6f}\n" for a, b, c in rows)


def play(folder: Path, texts: list[str], first: int = 0, every: float = 0.0) -> None:
    """Write frames one after the other; with a time between them each in two halves, else whole."""
    for n, text in enumerate(texts, first + 1):
        path = folder / f"frame_{n:03d}.xye"
        if not every:
            path.with_suffix(".part").write_text(text)
            path.with_suffix(".part").replace(path)
            continue
        with open(path, "w") as file:
            file.write(text[: len(text) // 2])
            file.flush()
            time.sleep(every / 4)
            file.write(text[len(text) // 2 :])
        time.sleep(every)


def read_journal(folder: Path, name: str = "hexrd/heating") -> list[dict]:
    path = folder / f"results/.live/beam/{name}.jsonl"
    lines = path.read_bytes().split(b"\n") if path.is_file() else []
    # The last piece is empty, or a line that is being written.
    return [json.loads(line) for line in lines[:-1]]
