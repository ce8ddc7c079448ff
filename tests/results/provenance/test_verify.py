"""Verification finds each change of a raw file, an intermediate and an output, and nothing else."""

import contextlib
import shutil
from pathlib import Path

import made_report
import numpy as np
import pytest
import xarray as xr

from ssbchar import cli
from ssbchar.errors import BadInput
from ssbchar.results.provenance.verify import format_checksums, hash_outputs, verify_run
from ssbchar.storage import store


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
    assert [c.path for c in verify_run(run).changes] == ["results/demo/hexrd/heat/figures"]


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
    (run / "checksums.csv").unlink()
    assert [c.path for c in verify_run(run).changes] == ["data_raw/old.dat"]


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
