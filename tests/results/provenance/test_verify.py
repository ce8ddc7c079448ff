"""Verification finds each change of a raw file, an intermediate and an output, and nothing else."""

import contextlib
import hashlib
import json
import random
import shutil
from pathlib import Path

import made_report
import numpy as np
import pytest
import xarray as xr

from ssbchar import cli
from ssbchar.errors import BadInput
from ssbchar.results.provenance.verify import (
    CRATE,
    NO_DIGEST,
    NO_SIZE,
    RECORD,
    format_checksums,
    hash_outputs,
    list_intermediates,
    seal_records,
    verify_run,
)
from ssbchar.storage import raw_files, store


@pytest.fixture
def run(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run as the working directory."""
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return Path("results/demo")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run: raw file -> a.nc -> b.nc, conclusions, figures, page, checksums."""
    here = tmp_path_factory.mktemp("made")
    with contextlib.chdir(here):
        write()
    return here


def write() -> None:
    folder = Path("results/demo")
    made = made_report.small(folder)
    raw = Path("data_raw/raw.dat")
    raw.parent.mkdir()
    raw.write_text("1 2 3")
    ds = xr.Dataset({"y": ("x", np.ones(3), {"units": "1"})})
    store.save(ds, folder / "a.nc", store.describe_provenance("t", {}, {"source": [raw]}), {})
    store.save(
        ds, folder / "b.nc", store.describe_provenance("t", {}, {"a": [folder / "a.nc"]}), {}
    )
    outputs = [
        made.write(),
        folder / "summary.csv",
        folder / "b.nc",
        *made.conclusions,
        *made.figures,
        *made.manifests,
    ]
    record(outputs, folder)


def record(outputs: list[Path], folder: Path) -> None:
    (folder / "checksums.csv").write_text(format_checksums(hash_outputs(outputs)), encoding="utf-8")


def test_an_untouched_run_has_no_change(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_run(run).changes == []
    assert cli.main(["verify", str(run)]) == 0
    assert "0 not as recorded" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("data_raw/raw.dat", "results/demo/a.nc"),
        ("results/demo/a.nc", "results/demo/b.nc"),
        ("results/demo/b.nc", "results/demo/checksums.csv"),
        ("results/demo/summary.csv", "results/demo/checksums.csv"),
        ("results/demo/report.html", "results/demo/checksums.csv"),
        ("results/demo/raw/heat.dat", "results/demo/hexrd/heat/manifest.csv"),
    ],
)
def test_each_changed_or_missing_file_is_found(
    run: Path, path: str, by: str, capsys: pytest.CaptureFixture[str]
) -> None:
    content = Path(path).read_bytes()
    Path(path).unlink()
    (gone,) = verify_run(run).changes
    assert (gone.path, gone.what, gone.recorded_by) == (path, "missing", by)
    Path(path).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    if path.endswith(".nc"):
        Path(path).write_bytes(content + b"\0")
    (changed,) = verify_run(run).changes
    assert (changed.path, changed.what) == (path, "changed")
    assert cli.main(["verify", str(run)]) == 1
    assert f"{path}: changed since {by} was written" in capsys.readouterr().out
    Path(path).write_bytes(content)
    assert verify_run(run).changes == []


def test_a_figure_in_a_folder_counts(run: Path) -> None:
    figure = run / "hexrd/heat/figures/cells.svg"
    figure.write_text(figure.read_text() + " ")
    assert [c.path for c in verify_run(run).changes] == [figure.as_posix()]


def test_a_copy_elsewhere_is_verified_itself(run: Path) -> None:
    shutil.copytree(run, "archive/of_demo")
    (run / "summary.csv").write_text("")
    assert verify_run(Path("archive/of_demo")).changes == []


def test_what_an_earlier_config_left_behind_is_no_part_of_the_run(run: Path) -> None:
    raw = Path("data_raw/old.dat")
    raw.write_text("old")
    ds = xr.Dataset({"y": ("x", np.ones(3), {"units": "1"})})
    store.save(ds, run / "orphan.nc", store.describe_provenance("t", {}, {"source": [raw]}), {})
    raw.unlink()
    assert verify_run(run).changes == []


def test_without_its_record_a_run_is_compared_with_all_that_is_there(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "checksums.csv").unlink()
    assert [(c.path, c.what) for c in verify_run(run).changes] == [
        ("results/demo/checksums.csv", "missing")
    ]
    Path("data_raw/raw.dat").unlink()
    assert cli.main(["verify", str(run)]) == 1
    said = capsys.readouterr().out
    assert "data_raw/raw.dat: missing since results/demo/a.nc was written" in said


def test_what_only_a_figure_was_made_from_counts(run: Path) -> None:
    drawing = {"map": made_report.drawing(1)}
    store.save(
        drawing, run / "f/figures", store.describe_provenance("t", {}, {"a": [run / "a.nc"]}), {}
    )
    record([run / "f/figures", run / "summary.csv"], run)
    (run / "a.nc").unlink()
    assert [c.path for c in verify_run(run).changes] == ["results/demo/a.nc"]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="holds no outputs of a run"):
        verify_run(tmp_path)


@pytest.fixture
def sealed(run: Path) -> Path:
    """The run with record and crate as the last step writes them."""
    (run / "checksums.csv").unlink()
    outputs = [path for path in run.iterdir() if path.name not in ("a.nc", "raw", "logs")]
    rows = [*hash_outputs(outputs), *list_intermediates(outputs, run)]
    text = json.dumps({"@graph": [{"@id": RECORD, "sha256": NO_DIGEST, "contentSize": NO_SIZE}]})
    for name, content in zip((RECORD, CRATE), seal_records(rows, text, run), strict=True):
        (run / name).write_text(content, encoding="utf-8")
    return run


def test_record_and_crate_hold_the_hash_of_each_other(sealed: Path) -> None:
    (entity,) = json.loads((sealed / CRATE).read_text())["@graph"]
    content = (sealed / RECORD).read_bytes()
    assert entity["sha256"] == hashlib.sha256(content).hexdigest()
    assert entity["contentSize"] == str(len(content))
    rows = raw_files.read_rows(sealed / RECORD)
    sizes = {row["path"]: int(row["bytes"]) for row in rows}
    assert sizes["results/demo/ro-crate-metadata.json"] == (sealed / CRATE).stat().st_size
    assert "results/demo/a.nc" in sizes  # made b.nc, and is no output of the run


def test_what_the_record_of_a_whole_run_does_not_know_is_named(
    sealed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify_run(sealed).changes == []
    for name in ("orphan.nc", "hexrd/heat/figures/.note", "logs/fit.log"):
        (sealed / name).parent.mkdir(exist_ok=True)
        (sealed / name).write_text("x")
    found = [(c.path, c.what) for c in verify_run(sealed).changes]
    added = ["results/demo/hexrd/heat/figures/.note", "results/demo/orphan.nc"]
    assert found == [(path, "added") for path in added]
    assert cli.main(["verify", str(sealed)]) == 1
    assert "results/demo/orphan.nc: added: results/demo/checksums.csv does not know it" in (
        capsys.readouterr().out
    )


def test_every_flipped_bit_is_named_and_nothing_else(sealed: Path) -> None:
    files = [p for p in sorted(sealed.rglob("*")) if p.is_file() and p.stat().st_size]
    assert {RECORD, CRATE, "a.nc", "b.nc", "manifest.csv"} <= {p.name for p in files}
    chance = random.Random(1)
    for path in (*files, *[sealed / RECORD, sealed / CRATE] * 20):
        content = path.read_bytes()
        place = chance.randrange(len(content))
        flipped = content[place] ^ (1 << chance.randrange(8))
        path.write_bytes(content[:place] + bytes([flipped]) + content[place + 1 :])
        named = {c.path for c in verify_run(sealed).changes}
        # The raw files of this run lie in its folder; only their manifest knows them.
        named = {p for p in named if "/raw/" not in p} or named
        assert named == {path.as_posix()}, place
        path.write_bytes(content)


@pytest.mark.parametrize("name", [RECORD, CRATE, "a.nc", "b.nc"])
@pytest.mark.parametrize("left", [b"", b"\xff\x00", b"{", b"path,bytes,sha256\n", b"[1]"])
def test_a_file_with_other_content_is_named(sealed: Path, name: str, left: bytes) -> None:
    (sealed / name).write_bytes(left)
    assert f"results/demo/{name}" in {c.path for c in verify_run(sealed).changes}
