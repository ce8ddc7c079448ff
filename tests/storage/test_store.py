"""What passes between steps: each kind of result by its suffix, stamped with how it was made."""

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from ssbchar.conclusion import Conclusion
from ssbchar.storage import store

MADE_BY = {"step": "room.step", "options": {}, "version": "1"}


@pytest.fixture
def nothing_kept() -> Iterator[None]:
    """Commit and date are found anew, in this test and after it."""
    for found in (store.find_commit, store.find_software_date):
        found.cache_clear()
    yield
    for found in (store.find_commit, store.find_software_date):
        found.cache_clear()


def test_noise_is_not_compressed_and_a_constant_is(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).normal(size=5000)
    ds = xr.Dataset(
        {k: ("x", v, {"units": "1"}) for k, v in (("noise", noise), ("level", np.ones(5000)))}
    )
    store.save(ds, tmp_path / "a.nc", store.describe_provenance("t", {}, {}), {})
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as back:
        assert back["level"].encoding["zlib"] and not back["noise"].encoding["zlib"]
        xr.testing.assert_equal(back[["noise", "level"]], ds)


def test_only_more_than_a_hundred_numbers_are_compressed(tmp_path: Path) -> None:
    ds = xr.Dataset(
        {
            "few": ("x", np.ones(100), {"units": "1"}),
            "more": ("y", np.ones(101), {"units": "1"}),
            "words": ("z", np.array(["a"] * 200, object)),
        }
    )
    store.save(ds, tmp_path / "a.nc", MADE_BY, {})
    with xr.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as back:
        assert back["more"].encoding["zlib"] and back["more"].encoding["complevel"] == 1
        assert back["more"].encoding["shuffle"]
        assert not back["few"].encoding["zlib"] and not back["words"].encoding.get("zlib")


@pytest.mark.parametrize(("size", "worth_it"), [(63, True), (64, False), (65, False)])
def test_a_third_must_be_saved(size: int, worth_it: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve numbers of eight bytes: two thirds are 64."""
    monkeypatch.setattr(store.zlib, "compress", lambda *_: b"x" * size)
    assert store._is_compressible(xr.Variable("x", np.ones(12))) is worth_it


def test_the_first_values_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "COMPRESSION_SAMPLE", 500)
    noise = np.random.default_rng(0).normal(size=2000)
    level_first = np.concatenate([np.ones(500), noise])
    assert store._is_compressible(xr.Variable("x", level_first))
    assert not store._is_compressible(xr.Variable("x", level_first[::-1]))


def test_labels_are_stamped_unless_empty(tmp_path: Path) -> None:
    ds = xr.Dataset({"n": ("x", [1, 2])}, attrs={"own": "o", "sample": "old"})
    labels = {"sample": "S", "phase": "", "note": None, "synthetic": 0}
    store.save(ds, tmp_path / "a.nc", MADE_BY, labels)
    back = store.load(tmp_path / "a.nc")
    assert isinstance(back, xr.Dataset)
    assert back.attrs == {"own": "o", "sample": "S", "synthetic": 0}
    assert ds.attrs["sample"] == "old", "what was given is not changed"
    assert store.read_provenance(tmp_path / "a.nc") == MADE_BY


def test_a_file_of_others_has_no_provenance(tmp_path: Path) -> None:
    xr.Dataset({"n": ("x", [1])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert store.read_provenance(tmp_path / "a.nc") == {}


@pytest.mark.parametrize(
    ("values", "needs"), [([1.0], True), ([1j], True), ([1], False), (["a"], False)]
)
def test_real_and_complex_numbers_need_a_unit(values: list[object], needs: bool) -> None:
    ds = xr.Dataset({"v": ("x", values)})
    if needs:
        with pytest.raises(ValueError, match=r"room\.step: variable 'v' has no units"):
            store._require_units(ds, "room.step")
    else:
        store._require_units(ds, "room.step")
    store._require_units(ds.assign(v=ds["v"].assign_attrs(units="1")), "room.step")


def test_a_table_is_plain_text(tmp_path: Path) -> None:
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    store.save(table, tmp_path / "t.csv", MADE_BY, {})
    assert (tmp_path / "t.csv").read_bytes() == b"a,b\n1,x\n2,y\n"
    pd.testing.assert_frame_equal(store.load(tmp_path / "t.csv"), table)


def test_conclusions_take_the_labels_they_lack(tmp_path: Path) -> None:
    given = [Conclusion("q", sample="own"), Conclusion("r")]
    labels = {"sample": "S", "technique": "xas", "source": ""}
    store.save(given, tmp_path / "c.json", MADE_BY, labels)
    back = store.load(tmp_path / "c.json")
    assert isinstance(back, list)
    assert [(c.quantity, c.sample, c.technique) for c in back] == [
        ("q", "own", "xas"),
        ("r", "S", "xas"),
    ]
    content = store.read_json(tmp_path / "c.json")
    assert content["labels"] == labels and content["provenance"] == MADE_BY


def test_texts_are_written_as_they_are(tmp_path: Path) -> None:
    store.save("a\nb", tmp_path / "t.md", MADE_BY, {})
    assert store.load(tmp_path / "t.md") == tmp_path / "t.md"
    assert (tmp_path / "t.md").read_text() == "a\nb"
    labels = {"measurement": "m", "synthetic": 1, "phase": "p"}
    store.save({"x.txt": "1", "deep/y.txt": "2"}, tmp_path / "out", MADE_BY, labels)
    assert (tmp_path / "out/deep/y.txt").read_text() == "2"
    note = store.read_json(tmp_path / "out/provenance.json")
    assert note == {"labels": {"measurement": "m", "synthetic": 1}, "provenance": MADE_BY}


@pytest.mark.parametrize("synthetic", [0, 1])
def test_a_figure_of_synthetic_data_says_so(synthetic: int, tmp_path: Path) -> None:
    from matplotlib.figure import Figure

    drawing = store.Drawing(figure=Figure((2, 1)), title="T", caption="C", data={"n": 1})
    labels = {"sample": "S", "synthetic": synthetic}
    store.save({"one": drawing}, tmp_path / "figures", MADE_BY, labels)
    names = sorted(p.name for p in (tmp_path / "figures").iterdir())
    assert names == ["index.txt", "one.csv", "one.json", "one.png", "one.svg"]
    assert (tmp_path / "figures/index.txt").read_text() == "one\n"
    assert ("synthetic" in (tmp_path / "figures/one.svg").read_text()) == bool(synthetic)
    note = store.read_json(tmp_path / "figures/one.json")
    assert (note["title"], note["caption"], note["data"]) == ("T", "C", {"n": 1})
    assert (note["sample"], note["provenance"]) == ("S", MADE_BY)
    for mark in drawing.figure.texts:
        assert mark.get_position() == (0.995, 0.005) and mark.get_fontsize() == 9
    svg, png = store.render_figure(drawing.figure)
    assert (svg, png) == store.render_figure(drawing.figure)
    width, height = struct.unpack(">II", png[16:24])
    assert (width, height) == (300, 150), "2 x 1 inches at 150 dots per inch"


def test_provenance_names_every_input(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    for name in ("raw/1", "raw/2", "log"):
        (tmp_path / name).write_bytes(b"abc")
    found = store.describe_provenance(
        "room.step", {"a": 1}, {"source": [tmp_path / "raw"], "log": [tmp_path / "log"]}
    )
    assert (found["step"], found["options"]) == ("room.step", {"a": 1})
    assert [(i["name"], i["files"]) for i in found["inputs"]] == [("source", 2), ("log", 1)]
    assert found["inputs"][1]["sha256"].startswith("ba7816bf8f01cfea")
    assert {"version", "commit", "dirty"} <= set(found)


@pytest.mark.parametrize(("changes", "dirty"), [("", False), (" M ssbchar/a.py", True)])
def test_the_commit_and_whether_the_sources_are_changed(
    changes: str, dirty: bool, nothing_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(folder: Path, *words: str) -> str:
        return {"rev-parse": "c0ffee", "status": changes}[words[0]]

    monkeypatch.setattr(store, "_run_git", answer)
    monkeypatch.setattr(store, "_is_own_checkout", lambda folder: True)
    assert store.find_commit() == {"commit": "c0ffee", "dirty": dirty}


@pytest.mark.parametrize("kind", ["no git", "no checkout", "another's checkout"])
def test_without_a_checkout_of_its_own_there_is_no_commit(
    kind: str, nothing_kept: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(folder: Path, *words: str) -> str:
        if kind == "no git":
            raise FileNotFoundError("git")
        if kind == "no checkout":
            raise subprocess.CalledProcessError(128, "git")
        return str(tmp_path)

    monkeypatch.setattr(store, "_run_git", answer)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert store.find_commit() == {"commit": "", "dirty": False}
    assert store.find_software_date() == "1970-01-01T00:00:00+00:00"


def test_the_date_is_that_of_the_commit_or_as_asked(
    nothing_kept: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_run_git", lambda folder, *words: "86400")
    monkeypatch.setattr(store, "_is_own_checkout", lambda folder: True)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert store.find_software_date() == "1970-01-02T00:00:00+00:00"
    store.find_software_date.cache_clear()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "90061")
    assert store.find_software_date() == "1970-01-02T01:01:01+00:00"
