"""A step is run from files to a file; wrong raw data is set aside, passed on and never used."""

import builtins
import errno
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from ssbchar import cli
from ssbchar.conclusion import Conclusion
from ssbchar.errors import BadInput
from ssbchar.pipeline import profile, step
from ssbchar.results.provenance import verify
from ssbchar.storage import raw_files, reading, store
from ssbchar.storage.raw_files import list_raw_files  # noqa: F401 (a step of this file)


@dataclass(frozen=True)
class Scale:
    factor: float = 2.0


def read(source: Path, options: Scale) -> xr.Dataset:
    text = source.read_text()
    if not text.strip():
        raise BadInput(source, "the file is empty", "measure it again")
    values = np.array(text.split(), float) * options.factor
    return xr.Dataset({"y": ("x", values, {"units": "1"})}, attrs={"synthetic": int("7" in text)})


@dataclass(frozen=True)
class Offset:
    by: float = 0.0


def move(source: Path, options: Scale, *, offset: Offset = Offset()) -> xr.Dataset:
    values = np.array(source.read_text().split(), float) * options.factor + offset.by
    return xr.Dataset({"y": ("x", values, {"units": "1"})})


def conclude(parts: list[xr.Dataset], first: xr.Dataset) -> list[Conclusion]:
    return [Conclusion("total", value=float(sum(p.y.sum() for p in parts)), stderr=0.5, unit="1")]


def texts(source: Path) -> dict[str, str]:
    return {"a.txt": source.read_text()}


def unlabelled(source: Path) -> xr.Dataset:
    return xr.Dataset({"y": ("x", np.ones(3))})


def read_while_it_grows(source: list[Path]) -> xr.Dataset:
    source[-1].write_text("1 2 3")
    return xr.Dataset({"y": ("x", np.ones(3), {"units": "1"})})


@pytest.fixture(autouse=True)
def steps_of_this_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step, "find_function", lambda name: globals()[name])


def test_a_section_that_stages_share_reaches_its_argument(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw.txt", tmp_path / "a.nc"
    raw.write_text("1 2")
    step.run_step("move", {"source": [raw]}, out, {"factor": 3, "offset": {"by": 10}})
    np.testing.assert_allclose(store.load(out)["y"], [13, 16])
    step.run_step("move", {"source": [raw]}, out, {"factor": 3})
    np.testing.assert_allclose(store.load(out)["y"], [3, 6])
    with pytest.raises(ValueError, match=r"move\.offset\.bye: unknown option"):
        step.run_step("move", {"source": [raw]}, out, {"offset": {"bye": 10}})


def test_a_step_reads_stamps_and_stores(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1 2 7")
    out = tmp_path / "a.nc"
    assert (
        step.run_step(
            "read", {"source": [raw]}, out, {"factor": 3}, {"measurement": "m", "sample": "S"}
        ).message
        == ""
    )
    ds = store.load(out)
    assert isinstance(ds, xr.Dataset)
    np.testing.assert_array_equal(ds.y, [3, 6, 21])
    assert (ds.attrs["measurement"], ds.attrs["synthetic"]) == ("m", 1)
    made_by = json.loads(str(ds.provenance.values))
    assert made_by["options"] == {"factor": 3}
    assert (
        made_by["inputs"][0]["sha256"]
        == "a2ec2b83bee101885a646d7613239525eff0734383e08c481cb72214bbc0710d"
    )


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1 2 3")
    for name in ("a.nc", "b.nc"):
        step.run_step("read", {"source": [raw]}, tmp_path / name)
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_wrong_raw_data_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text("1 2")
    bad.write_text("")
    said = step.run_step("read", {"source": [bad]}, tmp_path / "bad.nc").message
    assert said == f"set aside: {bad}: the file is empty; measure it again"
    step.run_step("read", {"source": [good]}, tmp_path / "good.nc")
    both = {"parts": [tmp_path / "good.nc", tmp_path / "bad.nc"], "first": [tmp_path / "good.nc"]}
    step.run_step("conclude", both, tmp_path / "c.json", labels={"sample": "S"})
    content = json.loads((tmp_path / "c.json").read_text())
    assert content["conclusions"][0]["value"] == 6
    assert content["conclusions"][0]["sample"] == "S"
    assert json.loads(content["labels"]["set_aside"])[0]["problem"] == "the file is empty"
    step.run_step(
        "conclude",
        {**both, "first": [tmp_path / "bad.nc"]},
        tmp_path / "d.json",
        labels={"measurement": "m"},
    )
    lost = store.load(tmp_path / "d.json")
    assert isinstance(lost, list)
    assert lost[0].verdict == "set aside"
    assert "measure it again" in lost[0].reason


def test_a_variable_without_unit_is_refused(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1")
    with pytest.raises(ValueError, match="no units"):
        step.run_step("unlabelled", {"source": [raw]}, tmp_path / "u.nc")
    assert not list(tmp_path.glob("*.part"))


def test_wrong_arguments_and_options_are_refused(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1")
    with pytest.raises(TypeError, match="no argument sauce"):
        step.run_step("read", {"source": [raw], "sauce": [raw]}, tmp_path / "a.nc")
    with pytest.raises(ValueError, match="did you mean 'factor'"):
        step.run_step("read", {"source": [raw]}, tmp_path / "a.nc", {"factr": 1})


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), store.replace_atomically(target) as part:
        part.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_limits_hold_statistical_and_systematic_parts() -> None:
    limited = Conclusion("q", value=10.0, stderr=3.0, systematic=4.0).with_limits()
    assert limited.upper95 == pytest.approx(10 + 1.959964 * 5)
    assert limited.lower95 == pytest.approx(10 - 1.959964 * 5)


def test_a_folder_of_texts_says_what_made_it(tmp_path: Path) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1 2 3")
    out = tmp_path / "export"
    step.run_step("texts", {"source": [raw]}, out, labels={"measurement": "m", "phase": "p"})
    assert (out / "a.txt").read_text() == "1 2 3"
    note = json.loads((out / "provenance.json").read_text())
    assert note["labels"] == {"measurement": "m"}
    assert note["provenance"]["step"] == "texts"
    assert note["provenance"]["inputs"][0]["sha256"] == raw_files.hash_file(raw)
    found = verify.verify_run(tmp_path)
    assert not found.changes
    raw.write_text("1 2 4")
    assert [c.path for c in verify.verify_run(tmp_path).changes] == [raw.as_posix()]


def slow_import(source: Path) -> xr.Dataset:
    import takes_a_while  # type: ignore[import-not-found]

    return xr.Dataset({"y": ("x", np.ones(3), {"units": takes_a_while.UNIT})})


def test_importing_inside_a_step_is_no_computing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "takes_a_while.py").write_text("import time\ntime.sleep(0.3)\nUNIT = '1'\n")
    monkeypatch.syspath_prepend(tmp_path)
    raw = tmp_path / "raw.txt"
    raw.write_text("1")
    plain_import = builtins.__import__
    with profile.profile_step() as profiled:
        step.run_step("slow_import", {"source": [raw]}, tmp_path / "a.nc")
    assert 0 <= profiled.computing.wall < 0.2
    assert profiled.spent[profile.Part.IMPORTS].wall >= 0.3
    assert builtins.__import__ is plain_import


def both(source: Path) -> tuple[str, list[Conclusion]]:
    if not source.read_text():
        raise BadInput(source, "the file is empty", "measure it again")
    return source.read_text(), [Conclusion("size", value=1.0, stderr=0.5, unit="1")]


def test_a_step_may_have_several_outputs(tmp_path: Path) -> None:
    raw, outputs = tmp_path / "raw.txt", [tmp_path / "table.csv", tmp_path / "found.json"]
    raw.write_text("a,b\n")
    step.run_step("both", {"source": [raw]}, outputs)
    assert outputs[0].read_text() == "a,b\n"
    assert [c.quantity for c in store.load(outputs[1])] == ["size"]
    raw.write_text("")
    assert step.run_step("both", {"source": [raw]}, outputs).message.startswith("set aside")
    assert "the file is empty" in outputs[0].read_text()
    assert store.load(outputs[1])[0].verdict == "set aside"


def divide(source: Path) -> xr.Dataset:
    raise ZeroDivisionError("division by zero")


def fit(ds: xr.Dataset) -> list[Conclusion]:
    return [Conclusion("slope", value=float(np.linalg.inv(np.zeros((2, 2)))[0, 0]), unit="1")]


def go_on(ds: xr.Dataset, more: xr.Dataset | None) -> list[Conclusion]:
    return [Conclusion("mean", value=float(ds.y.mean()), stderr=1.0, unit="1")]


def fill_disk(source: Path) -> xr.Dataset:
    try:
        raise OSError(errno.ENOSPC, "full", "out.nc")
    except OSError as error:
        raise KeyError("what came of it") from error


def use_up_memory(source: Path) -> xr.Dataset:
    raise MemoryError


def draw(ds: xr.Dataset) -> dict[str, store.Drawing]:
    raise IndexError("list index out of range")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    raw = tmp_path / "raw.txt"
    raw.write_text("1 2")
    made = tmp_path / "good.nc"
    step.run_step("read", {"source": [raw]}, made, labels={"measurement": "good"})
    return made


def test_an_exception_that_nobody_foresaw_is_a_failure_of_its_measurement(tmp_path: Path) -> None:
    raw, made, end = tmp_path / "raw.txt", tmp_path / "a.nc", tmp_path / "a.json"
    raw.write_text("1 2")
    labels = {"measurement": "a", "sample": "S"}
    with reading.collect_tracebacks() as tracebacks:
        said = step.run_step("divide", {"source": [raw]}, made, labels=labels).message
    assert said.startswith(f"failed: {raw}: divide failed (ZeroDivisionError: division by zero); ")
    assert "Traceback" in tracebacks[0] and "ZeroDivisionError" in tracebacks[0]
    # The next step passes it on, and does not run.
    assert step.run_step("fit", {"ds": [made]}, end, labels=labels).message == ""
    (row,) = store.load(end)
    assert (row.verdict, row.subject, row.sample) == ("failed", "a", "S")
    assert "ZeroDivisionError" in row.reason and str(raw) in row.reason


def test_a_failing_fit_is_a_failure_of_its_measurement(good: Path) -> None:
    end = good.with_suffix(".json")
    said = step.run_step("fit", {"ds": [good]}, end, labels={"measurement": "good"}).message
    assert said.startswith("failed: good: fit failed (LinAlgError: Singular matrix); ")
    assert store.load(end)[0].verdict == "failed"


def test_what_needs_another_measurement_that_failed_is_skipped(tmp_path: Path, good: Path) -> None:
    raw, lost = tmp_path / "raw.txt", tmp_path / "lost.nc"
    step.run_step("divide", {"source": [raw]}, lost, labels={"measurement": "reference"})
    inputs = {"parts": [good], "first": [lost]}
    step.run_step("conclude", inputs, tmp_path / "c.json", labels={"measurement": "m"})
    (row,) = store.load(tmp_path / "c.json")
    assert (row.verdict, row.subject) == ("skipped", "m")
    assert row.reason.startswith("needs reference, which failed: ")


def test_what_goes_on_without_a_failed_part_says_so_in_a_row(tmp_path: Path, good: Path) -> None:
    raw, lost, end = tmp_path / "raw.txt", tmp_path / "lost.nc", tmp_path / "c.json"
    step.run_step("divide", {"source": [raw]}, lost, labels={"measurement": "good"})
    for _ in range(2):
        step.run_step("go_on", {"ds": [good], "more": [lost]}, end, labels={"measurement": "good"})
        mean, failed = store.load(end)
        assert (mean.quantity, mean.value) == ("mean", 1.5 * 2)
        assert failed.verdict == "failed"


@pytest.mark.parametrize(
    ("name", "fault"), [("fill_disk", OSError), ("use_up_memory", MemoryError)]
)
def test_a_fault_of_the_machine_ends_the_step(
    tmp_path: Path, name: str, fault: type[Exception]
) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1")
    with pytest.raises(fault):
        step.run_step(name, {"source": [raw]}, tmp_path / "a.nc")
    assert not (tmp_path / "a.nc").exists()


def test_a_failed_figure_leaves_its_reason_in_its_folder(good: Path) -> None:
    folder = good.with_name("figures")
    step.run_step("draw", {"ds": [good]}, folder, labels={"measurement": "good"})
    assert (folder / "index.txt").read_text() == ""
    note = json.loads((folder / "provenance.json").read_text())
    assert "IndexError" in json.loads(note["labels"]["lost"])["problem"]


def test_a_damaged_intermediate_is_a_failure_of_its_measurement(good: Path) -> None:
    good.write_bytes(good.read_bytes()[:200])
    end = good.with_suffix(".json")
    said = step.run_step("fit", {"ds": [good]}, end, labels={"measurement": "good"}).message
    assert said.startswith(f"failed: {good}: loading it failed (")
    assert "remove it and run again" in said
    assert store.load(end)[0].verdict == "failed"


def test_a_step_of_the_run_may_not_fail_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw.txt"
    raw.write_text("1")
    monkeypatch.setattr(step, "find_function", lambda _: divide)
    with pytest.raises(ZeroDivisionError):
        step.run_step("results.joint.summarise", {"source": [raw]}, tmp_path / "a.csv")


def test_a_missing_raw_file_is_set_aside(tmp_path: Path) -> None:
    gone, end = tmp_path / "gone.txt", tmp_path / "a.csv"
    labels = {"measurement": "a"}
    step.run_step("list_raw_files", {"source": [gone], "log": []}, end, labels=labels)
    assert "gone.txt" in end.read_text()


def test_a_raw_file_that_changes_during_a_step_is_told(tmp_path: Path) -> None:
    still, grows = tmp_path / "still.txt", tmp_path / "grows.txt"
    still.write_text("1")
    grows.write_text("1 2")
    inputs, out = {"source": [still, grows]}, tmp_path / "a.nc"
    said = step.run_step("read_while_it_grows", inputs, out, labels={"measurement": "m"})
    assert said.message == f"set aside: {grows}: the file changed while it was read\n"
    assert [f["where"] for f in json.loads(str(store.load(out).attrs["set_aside"]))] == [str(grows)]
    said = step.run_step("read_while_it_grows", {"source": [still]}, out, labels={})
    assert str(still) in said.message


def test_a_step_by_hand_may_not_fail_in_silence(tmp_path: Path) -> None:
    raw, made = tmp_path / "raw.txt", tmp_path / "a.csv"
    raw.write_text("1")
    with pytest.raises(ZeroDivisionError):
        step.run_step("divide", {"source": [raw]}, made)
    with pytest.raises(BadInput):
        step.run_step("list_raw_files", {"source": [tmp_path / "gone.txt"], "log": []}, made)
    assert not made.exists()


def test_a_crash_of_a_library_is_written_afterwards(tmp_path: Path) -> None:
    raw, made, log = tmp_path / "raw.txt", tmp_path / "a.json", tmp_path / "a.log"
    raw.write_text("1")
    words = ["step", "conclude", f"parts={raw}", "--output", str(made), "--log", str(log)]
    assert cli.main([*words, "--ended", "3"]) == 3
    assert cli.main([*words, "--ended", "137"]) == 137  # killed, by the user or for its memory
    assert not made.exists() and not log.exists()
    raw_words = ["step", "read", f"source={raw}", "--output", str(made), "--log", str(log)]
    assert cli.main([*raw_words, "--ended", "139"]) == 0
    (row,) = store.load(made)
    assert row.verdict == "failed" and "SIGSEGV" in row.reason and str(raw) in row.reason
    assert "SIGSEGV" in log.read_text()


def test_a_refused_row_reads_nothing_and_says_why_once(tmp_path: Path) -> None:
    fault = {"where": "s.tsv:3", "problem": "compare_to names itself", "remedy": "name another"}
    labels = {"measurement": "m", "sample": "S", "refused": [fault]}
    out, later = tmp_path / "a.nc", tmp_path / "b.json"
    inputs = {"source": [tmp_path / "not there"]}
    report = step.run_step("read", inputs, out, {}, labels)
    assert report.message == "set aside: s.tsv:3: compare_to names itself; name another\n"
    with xr.open_dataset(out, engine="h5netcdf") as ds:
        assert json.loads(ds.attrs["lost"]) == fault
        assert json.loads(ds.attrs["set_aside"]) == [fault]
        assert "refused" not in ds.attrs and ds.attrs["measurement"] == "m"
    report = step.run_step("conclude", {"parts": [out], "first": [out]}, later, {}, labels)
    assert report.message == ""
    (row,) = store.load(later)
    assert (row.verdict, row.subject) == ("set aside", "m")
    assert "compare_to names itself" in row.reason
    listed = step.run_step("list_raw_files", inputs, tmp_path / "m.csv", {}, labels)
    assert "compare_to names itself" in (tmp_path / "m.csv").read_text()
    assert listed.message.count("set aside") <= 1


def test_the_logged_command_means_the_same_words_in_a_shell() -> None:
    labels = json.dumps({"sample": "Li's $(touch x) `id`; \n*"})
    raw = Path("data raw/a;b 'c' {x} $HOME.xye")
    command = step.format_command(
        "hexrd.patterns.read_patterns", {"source": [raw]}, [Path("out put.nc")], labels=labels
    )
    said = subprocess.run(
        ["/bin/sh", "-c", f"printf '%s\\0' {command}"], capture_output=True, text=True, check=True
    )
    assert said.stdout.split("\0")[:-1] == [
        sys.executable,
        *("-m", "ssbchar", "step", "hexrd.patterns.read_patterns", f"source={raw}"),
        *("--options", "{}", "--labels", labels, "--output", "out put.nc"),
    ]
