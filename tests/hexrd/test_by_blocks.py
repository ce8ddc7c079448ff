"""A series too large for memory gives what it gives in memory: every step, its arrays on disk and
read by blocks."""

import os
import re
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hexrd import made_series

from ssbchar.hexrd.patterns import read
from ssbchar.hexrd.patterns.options import PatternReading
from ssbchar.pipeline import step
from ssbchar.runtime import processes
from ssbchar.simulate.effects import Effects
from ssbchar.simulate.hexrd import heating
from ssbchar.simulate.hexrd.programme import FrameCounts
from ssbchar.storage import lazy_rows, row_file, store

NAMES = ("patterns", "furnace", "peaks", "lattice", "tracks", "export", "figures")


def run(raw: Path, out: Path, drawn: bool) -> dict[str, bytes | xr.Dataset]:
    """Run the steps that read or write patterns, from files to files; return what they wrote."""
    name = heating.STABLE.measurement
    where = {n: out / f"{n}.nc" for n in ("LAGP", "LFP", *NAMES[:-2], "expansion")}
    where |= {n: out / n for n in NAMES[-2:]}
    phases = {"phases": [where["LAGP"], where["LFP"]]}
    series = {n: [where[n]] for n in NAMES[:2]}
    given = {"table": [made_series.PHASES]}
    refined = {n: [where[n]] for n in ("peaks", "lattice")}
    expansion = {n: [where[n]] for n in ("furnace", "lattice")}
    steps = [
        ("LAGP", "crystal.tabulate_reflections", given),
        ("LFP", "crystal.tabulate_reflections", given),
        ("patterns", "hexrd.patterns.read_patterns", {"source": [raw / name]}),
        (
            "furnace",
            "hexrd.furnace.join_temperatures",
            {"patterns": [where["patterns"]], "log": [raw / f"{name}_furnace.csv"]},
        ),
        ("peaks", "hexrd.peaks.fit_known_lines", series | phases),
        ("lattice", "hexrd.refinement.refine_series", series | phases),
        ("tracks", "hexrd.unindexed.follow_lines", series | {"lattice": [where["lattice"]]}),
        ("expansion", "hexrd.expansion.fit_expansion", expansion),
        ("export", "hexrd.export.export_series", series | refined | given),
        (
            "figures",
            "results.figures.hexrd.draw_series",
            series | refined | phases | {"expansion": [where["expansion"]]},
        ),
    ]
    for output, called, inputs in steps if drawn else steps[:-1]:
        options = {"chunk": 4} if called.startswith("hexrd.refine") else None
        labels = {"measurement": "m", "sample": "s", "phase": output}
        step.run_step(called, inputs, where[output], options, labels)
    found: dict[str, bytes | xr.Dataset] = {n: xr.load_dataset(where[n]) for n in NAMES[:-2]}
    for path in sorted(p for n in NAMES[-2:] for p in where[n].rglob("*") if p.is_file()):
        found[path.relative_to(out).as_posix()] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    frames = FrameCounts(heating=4, hold=1, cooling=2, rest=1)
    heating.write_series(heating.STABLE, folder, Effects(), np.random.default_rng(3), frames)
    return folder


@pytest.mark.parametrize("drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_every_step_gives_the_same_from_disk(
    drawn: bool, raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(processes.CORES_VARIABLE, "2")
    whole = run(raw, Path("out"), drawn)
    Path("out").rename("whole")
    monkeypatch.setattr(row_file, "LARGE_BYTES", 0)
    monkeypatch.setattr(row_file, "BLOCK_BYTES", 5e4)
    parts = run(raw, Path("out"), drawn)
    assert lazy_rows.is_on_disk(store.load(Path("out/lattice.nc"))["residual"])
    assert set(parts) == set(whole)
    for name, expected in whole.items():
        if isinstance(expected, xr.Dataset):
            found = parts[name]
            expected, found = (ds.drop_vars("provenance") for ds in (expected, found))
            xr.testing.assert_identical(found, expected)
        elif name.endswith(
            "provenance.json"
        ):  # digests of netCDF inputs, which are stored in other pieces
            assert re.sub(rb"[0-9a-f]{64}", b"", parts[name]) == re.sub(
                rb"[0-9a-f]{64}", b"", expected
            )
        elif name.endswith((".svg", ".png")) or name.startswith("export"):
            assert parts[name] == expected, name


def test_a_disk_that_fills_stops_the_writing_and_leaves_nothing(tmp_path: Path) -> None:
    """The limit on a file's size stands for a full disk: HDF5 must not see it, for it would
    crash."""
    rows = row_file.RowFile((400, 2000), float)
    for n in range(400):
        rows[n] = np.random.default_rng(n).random(2000)
    ds = xr.Dataset(
        coords={
            "frame": np.arange(400),
            "two_theta": ("two_theta", np.arange(2000.0), {"units": "degree"}),
        }
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_file, "LARGE_BYTES", 1e6)
        ds["intensity"] = lazy_rows.make_variable(("frame", "two_theta"), rows, {"units": "counts"})
        child = os.fork()
        if child == 0:
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
            code = 1
            try:
                store.save(ds, tmp_path / "a.nc", {"step": "s", "options": {}, "version": "1"}, {})
            except OSError as error:
                code = 0 if error.errno else 2
            finally:
                sys.stderr.flush()
                os._exit(code)
        assert os.waitpid(child, 0)[1] == 0
    assert not list(tmp_path.iterdir())


def test_a_stack_reads_what_was_put(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((50, 7))
    with row_file.keep_rows_beside(tmp_path):
        rows = row_file.RowFile((0, 7), float)
    for begin in (0, 20, 30):
        rows.append(values[begin : begin + (20 if begin == 0 else 10)])
    rows.append(values[40:])
    np.testing.assert_array_equal(rows[:], values)
    np.testing.assert_array_equal(rows[np.array([1, 40])], values[[1, 40]])
    np.testing.assert_array_equal(rows[-1], values[-1])
    np.testing.assert_array_equal(rows[3:20:4], values[3:20:4])
    np.testing.assert_array_equal(list(rows), values)
    rows[5] = 1.0
    assert (rows[4:7] == [[*values[4]], [1.0] * 7, [*values[6]]]).all()
    with pytest.raises(IndexError):
        rows[50]
    assert not list(tmp_path.iterdir())


def test_files_beyond_memory_are_put_away(raw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = raw / heating.STABLE.measurement
    whole = read.read_patterns(source, PatternReading(by_monitor=True))
    monkeypatch.setattr(row_file, "LARGE_BYTES", 2e5)
    xr.testing.assert_identical(
        read.read_patterns(source, PatternReading(by_monitor=True)).load(), whole
    )
